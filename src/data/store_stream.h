/*
 * store_stream.h - a dataset file that is written a range of rows at a time, so that it may be larger than memory.
 */
#ifndef DATA_STORE_STREAM_H
#define DATA_STORE_STREAM_H
#include "data/dataset.h"

struct store_stream;

/* Begins PATH (atomically, as store_write()): everything of `head` but rows and texts is written; head->interactions.n says how
 * many rows will come.  Rows and texts must have times.  `head` is used till the end.  STATUS_DATA: the head is no dataset;
 * STATUS_SYSTEM. */
enum status store_stream_open(const char *path, const struct dataset *head, struct store_stream **out);
/* The next rows, and the next texts, in the order of the file: users after those of the rows before.  They are checked as
 * store_write() checks. */
enum status store_stream_add(struct store_stream *s, const struct interactions *rows,
                             const struct texts *texts);
/* `status`: how it went so far; not STATUS_OK: removes what was written and returns it.  Else ends the arrays, reads all of them
 * back, compares, computes content_sha256 and puts the file in its place.  STATUS_SYSTEM: disk full, or what lies there is not
 * what was written; STATUS_DATA: fewer or more rows than said.  `s` is gone in any case. */
enum status store_stream_close(struct store_stream *s, enum status status, char content_sha256[SHA256_HEX]);

#endif
