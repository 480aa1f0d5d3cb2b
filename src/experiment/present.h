/*
 * present.h - what a model of a run recommends to users, with a description and a title written for each of them: `recfuse present`.
 */
#ifndef EXPERIMENT_PRESENT_H
#define EXPERIMENT_PRESENT_H
#include <jansson.h>
#include <stdio.h>

#include "experiment/chosen.h"
#include "experiment/present_settings.h"

struct present_run {
    struct chosen_options chosen; /* user NULL: the test users of the settings */
    struct present_settings settings;
    bool
        save; /* also present.csv and present-summary.csv of the run's folder, which the report's page shows */
    const char
        *key; /* users are kept under it as they are done (kept.h), and taken up again; NULL: they are not */
};

/* A JSON line an item {"user", "place", "item", "facts", "title", "description", ...} and a last one {"summary"} (docs/present.md); out NULL:
 * none.  Statuses of chosen_open(), decoder_open(), presenter_open(). */
enum status present_print(const struct present_run *options, FILE *out);
/* What the texts are made with beside the settings: SHA-256 of decoder and prompts, into `out`.  STATUS_UNAVAILABLE: a file isn't there. */
enum status present_part(const struct present_settings *settings, const char *models, json_t *out);

#endif
