/*
 * present.h - what a model of a run recommends to users, with a description and a title written for each of them: `recfuse present`.
 */
#ifndef EXPERIMENT_PRESENT_H
#define EXPERIMENT_PRESENT_H
#include <stdio.h>

#include "base/param.h"
#include "experiment/chosen.h"
#include "llm/sample.h"

struct present_run {
    struct chosen_options chosen; /* user NULL: `users` test users, drawn by lots */
    const char *decoder;          /* as the parameter of llm_rerank */
    const char *prompt;           /* NULL: present-en or present-zh, by the writing of what the user had */
    struct param_list facts;      /* columns that the model is told; none: the usual ones */
    unsigned users, top, history; /* history: liked items that are told */
    unsigned tries, tokens;
    struct sample_options sample;
    bool measure; /* also how much likelier a text is with this user's history than with a stranger's */
    bool save;    /* also RUN_DIR/present.csv, which the report's page shows */
};

/* A JSON line an item {"user", "place", "item", "facts", "title", "description", ...} and a last one {"summary"} (docs/present.md).
 * Statuses of chosen_open(), decoder_open(), presenter_open(). */
enum status present_print(const struct present_run *options, FILE *out);

#endif
