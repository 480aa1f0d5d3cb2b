/*
 * journal.h - what is done: results/NAME/journal.jsonl, one JSON object a line, appended and fsync'ed.
 *
 * A line with "journal" heads a plan: {"journal": 1, "config": {...}, "config_sha256", "plan_sha256",
 * "n_cells", "started"}; one with "after" tells of a step that comes after the cells.  Every other line is a cell that was tried: {"key", "status", ...} (record.h); the last line
 * of a key counts.  Where the plan changes (a dataset came that was missing, a model has a new version) a new head stands,
 * and the lines that still hold are repeated below it, with their places in the new plan.  A kill leaves at most one torn last line, which is dropped.
 */
#ifndef EXPERIMENT_JOURNAL_H
#define EXPERIMENT_JOURNAL_H
#include <jansson.h>

#include "base/status.h"

struct journal {
    char path[4096];
    int file;        /* -1: read only */
    json_t *first;   /* the first head line; NULL: none */
    json_t *head;    /* the last one */
    json_t *entries; /* object: key -> line */
    json_t *current; /* the same, of the lines below the last head alone */
    json_t *after;   /* object: name -> last line of a step that comes after the cells (after.h) */
};

/* Opens FOLDER/journal.jsonl for appending, made when missing; a torn last line is cut off.
 * STATUS_DATA: a damaged line before the last, with its number. */
enum status journal_open(const char *folder, struct journal *journal);
/* The same without a change to the file; STATUS_DATA when there is none. */
enum status journal_read(const char *folder, struct journal *journal);
/* Appends a line and takes it into the journal (a head or an entry).  STATUS_SYSTEM: disk full; the file is as before. */
enum status journal_append(struct journal *journal, json_t *line);
/* The last line of that key, or NULL. */
json_t *journal_find(const struct journal *journal, const char *key);
void journal_close(struct journal *journal); /* takes a zeroed one */

#endif
