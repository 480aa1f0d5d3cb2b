/*
 * search.h - a model's hyper-parameter search: what the file says of it, and settings as parameters and as JSON.
 *
 * A search is part of its cell (trials.h): settings are tried on a fold's train rows, judged on its validation rows, and the best one is
 * fitted and measured as the cell's model.
 */
#ifndef EXPERIMENT_SEARCH_H
#define EXPERIMENT_SEARCH_H
#include <jansson.h>

#include "eval/metrics.h"
#include "models/model.h"
#include "search/propose.h"

struct search_parameter {
    const struct param *param;
    const struct node *const *choice; /* of a choice: its values; else NULL */
};
struct search_config {
    const struct node *where;
    struct search_options options;
    struct search_space space;
    struct search_parameter *parameter; /* [space.n] */
    const struct param *resource;       /* halving; else NULL */
    const struct metric_type *metric;   /* ranking, or rmse, mae */
    uint32_t k;                         /* 0: the metric has none */
    uint32_t negatives;                 /* validation rows are ranked among so many drawn items; 0: all */
    bool test_too;                      /* trials are measured on the test rows too, for the record */
};

/* Choice c of a parameter as JSON: a number, a truth value, a string or a list. */
json_t *search_choice_json(const struct search_parameter *p, size_t c);
/* The searched parameters (and the resource) of a trial: {"factors": 64, ...}. */
json_t *search_setting_json(const struct search_config *s, const struct search_trial *trial);
/* A value of a setting as a node of YAML, so that the parameter's table checks it; its text is the arena's. */
enum status search_value_node(const json_t *value, struct arena *arena, struct node *out);
/* Copies `params` (of the type's struct) and sets what `chosen` (search_setting_json(), or more) names: of the arena. */
enum status search_apply(const struct model_type *type, const void *params, const json_t *chosen,
                         struct arena *arena, void **out);

#endif
