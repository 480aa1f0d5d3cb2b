/*
 * inside.h - models inside a model that are searched: `base: {name: ease, search: {space: {l2: {low: 10, high: 1000}}}}`.
 *
 * Such a model is searched by itself, as if it stood alone in the experiment: what is around it plays no part in the trials, so all rows with
 * the same model inside share them (trials.h), with the row of the model alone among them.  Then what is around it is fitted on the best one.
 */
#ifndef EXPERIMENT_INSIDE_H
#define EXPERIMENT_INSIDE_H
#include "experiment/experiment.h"

struct inside_search {
    const struct node *where;  /* {name, params, search}, as the file has it */
    const char *path;          /* where it stands in the row: "base", "base.params.base", "models.1" */
    struct model_config model; /* with its search; the label names row and path */
};
/* A model inside with what its search chose in place of its search. */
struct inside_choice {
    const struct node *from, *to;
};

/* The model of `s` with a recorded setting (search_setting_json()) and, where the best trial stopped early, its number of epochs (else 0: inside
 * another nothing judges a model, so it can't stop by itself); `earlier` [n]: choices inside it.  Of the arena. */
enum status inside_choose(const struct inside_search *s, const json_t *setting, uint32_t epochs,
                          const struct inside_choice *earlier, size_t n, struct arena *arena,
                          struct inside_choice *out);
/* A copy of the parameters of a type with the choices [n] in their places. */
enum status inside_params(const struct model_type *type, const void *params,
                          const struct inside_choice *choices, size_t n, struct arena *arena, void **out);

#endif
