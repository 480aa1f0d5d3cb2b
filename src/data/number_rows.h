/*
 * number_rows.h - lines of plain decimal numbers (`user item [rating [time]]`) to arrays, at the speed of memory.
 *
 * A line is plain when a row of it is exactly what it looks like: ids of digits alone, without a zero in front, below
 * 2^32; a finite rating; a time in whole seconds, not negative; the separators that were asked for, nothing else, a line
 * end (LF or CRLF).  Anything else stops the parser before that line, and says nothing: whoever called reads the line in
 * the general way, which knows ids of any text and says what is wrong with a line where something is.
 */
#ifndef DATA_NUMBER_ROWS_H
#define DATA_NUMBER_ROWS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* How a line looks. */
struct number_form {
    char separator;    /* '\t', ',' or ':' (which stands twice) */
    unsigned n_fields; /* 2: user item; 3: and a rating; 4: and a time */
};
/* Where rows go: [n] each, as many as there are line ends in what is parsed. */
struct number_rows {
    uint32_t *user, *item;
    float *value;  /* 1 without a rating */
    int64_t *time; /* 0 without a time */
};

/* Bytes that the parser may read before the first and behind the last byte of the text (and pays no heed to). */
enum { NUMBER_ROWS_PAD = 64 };

/* Parses the plain lines at the beginning of text[0 .. n), which ends with a line end.  Returns the number of rows, and
 * in *used their bytes; *used == n when every line was plain. */
uint64_t number_rows_parse(struct number_form form, const char *text, size_t n, struct number_rows rows,
                           size_t *used);
/* The same by the instructions of that set, which the processor must have: all give the same rows. */
enum number_set { NUMBER_PORTABLE, NUMBER_AVX2, NUMBER_AVX512 };
enum number_set number_rows_best(void);
uint64_t number_rows_parse_by(enum number_set set, struct number_form form, const char *text, size_t n,
                              struct number_rows rows, size_t *used);

/* Line ends in text[0 .. n). */
uint64_t number_rows_count(const char *text, size_t n);

/* An id of digits alone, without a zero in front, below 2^32?  Then *out is its number. */
bool number_id(const char *text, size_t length, uint32_t *out);

#endif
