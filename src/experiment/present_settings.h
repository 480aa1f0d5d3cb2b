/*
 * present_settings.h - how texts for what is recommended are made: one table for the options of `recfuse present` and the block `present` of
 * an experiment.
 */
#ifndef EXPERIMENT_PRESENT_SETTINGS_H
#define EXPERIMENT_PRESENT_SETTINGS_H
#include <stdbool.h>

#include "base/param.h"

struct present_settings {
    int users, top; /* so many test users, drawn by lots, and items of each */
    const char *decoder,
        *prompt; /* as the parameters of llm_rerank; prompt NULL: present-en or present-zh, by what the user had */
    struct param_list facts; /* columns that the model is told; none: the usual ones */
    int history;             /* liked items that are told */
    int tries, tokens;       /* of each text */
    double temperature;
    int seed;     /* of draws */
    bool measure; /* also how much likelier a text is with this user's history than with a stranger's */
};
extern const struct param present_params[]; /* present.c */

struct dataset_config;
struct model_config;
/* The block `present`: what a run writes for users once its cells are done. */
struct present_config {
    const struct dataset_config *dataset;
    const struct model_config *model;
    struct present_settings settings;
    const char *json; /* every setting, defaults included */
};

#endif
