/*
 * recommend.h - what a model of a run recommends to one user, beside what that user liked before.
 */
#ifndef EXPERIMENT_RECOMMEND_H
#define EXPERIMENT_RECOMMEND_H
#include <stdio.h>

#include "experiment/chosen.h"

struct recommend_options {
    struct chosen_options chosen; /* a dataset, a model and a user are named */
    unsigned top;                 /* how many */
    bool explain;                 /* every change that the rules of a model `strategy` made to the list */
};

/* Prints titles and scores, items of the user's test rows marked "held out", and the best rated of the train rows.  Statuses: those of
 * chosen_open(); STATUS_USAGE: explain of another model than `strategy`. */
enum status recommend_print(const struct recommend_options *options, FILE *out);

#endif
