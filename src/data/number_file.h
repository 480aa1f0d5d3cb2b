/*
 * number_file.h - a whole file of plain number rows (number_rows.h) into arrays, by all threads, at the speed of memory.
 */
#ifndef DATA_NUMBER_FILE_H
#define DATA_NUMBER_FILE_H
#include <sodium.h>

#include "data/number_rows.h"

struct number_file {
    int fd; /* a regular file */
    struct number_form form;
    uint64_t at;   /* where the next row begins, a byte of the file */
    uint64_t size; /* of the file */
    /* Every byte read is added in order, from `hashed` on; NULL: none are. */
    crypto_hash_sha256_state *hash;
    uint64_t hashed; /* bytes of the file that are in it */
    uint64_t piece;  /* bytes that a thread takes at a time; 0: as many as its cache holds (tests take few) */
};
enum number_stop {
    NUMBER_END,  /* no whole line is left (a last one without a line end may be) */
    NUMBER_LINE, /* the line at `at` isn't plain */
    NUMBER_ROOM, /* `room` rows don't hold what is left: make room and go on */
    NUMBER_READ, /* the system can't read: errno is in *reason */
    NUMBER_MEMORY
};
/* Rows from f->at on to rows[0 .. *n); moves f->at and f->hashed.  `room`: rows that fit.  Each piece of the file is read
 * (pread), counted, parsed and hashed while it is in a core's own cache; rows lie in the order of the file whatever the
 * number of threads. */
enum number_stop number_file_read(struct number_file *f, struct number_rows rows, uint64_t room, uint64_t *n,
                                  int *reason);

#endif
