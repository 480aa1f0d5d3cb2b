/*
 * nested.h - a model inside a model, as the experiment file names one: `{name: ease, params: {l2: 300}}`, or the name alone.
 */
#ifndef MODELS_NESTED_H
#define MODELS_NESTED_H
#include "models/model_io.h"

/* Every model there is, NULL-ended; registry.c defines it, which alone knows them all. */
extern const struct model_type *const model_types[];

struct nested {
    const struct model_type *type;
    const void *params; /* checked, defaults filled in */
    void *state;        /* NULL until fitted or loaded; in run->arena */
    /* As the file names it, and its block `search`; NULL: a name alone, none.  The experiment searches before it fits what is around. */
    const struct node *where, *search;
};

/* `what` names the parameter in messages ("base of strategy").  STATUS_USAGE with file:line:column: unknown model or parameter,
 * or no model named.  A block `search` is noted, not read. */
enum status nested_parse(const struct node *node, const char *what, struct arena *arena, struct nested *out);
/* Statuses: those of the model's fit; STATUS_USAGE: its search was not done. */
enum status nested_fit(struct nested *m, const struct view *train, struct run *run);
/* In a folder `name` of the model file. */
enum status nested_save(const struct nested *m, const char *name, struct model_writer *w);
enum status nested_load(struct nested *m, const char *name, struct model_reader *r, struct run *run);
void nested_free(struct nested *m); /* takes an unfitted one */

#endif
