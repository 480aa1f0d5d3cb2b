/*
 * kept.h - work that is kept a line at a time: FOLDER/SUB/KEY.jsonl, each line appended and fsync'ed as soon as it is done.  Who was stopped
 * reads the lines back and goes on; a torn last line is cut off; when all is done the file goes, and its folder when that is empty.
 */
#ifndef EXPERIMENT_KEPT_H
#define EXPERIMENT_KEPT_H
#include <jansson.h>

#include "base/status.h"

struct kept {
    char path[4096];
    int file;
    json_t *lines; /* array: those that hold, then those that were added */
};

/* Reads the file where there is one; kept_close() whatever the status. */
enum status kept_open(const char *folder, const char *sub, const char *key, struct kept *out);
/* Only the first n lines hold (a caller that knows what comes next checks them). */
enum status kept_cut(struct kept *k, size_t n);
/* Adds a line, the caller's; numbers have 17 digits, so they read back as they were. */
enum status kept_add(struct kept *k, json_t *line);
void kept_close(struct kept *k); /* takes a zeroed one */
/* Removes the file; nothing where there is none. */
void kept_forget(const char *folder, const char *sub, const char *key);

#endif
