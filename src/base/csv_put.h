/*
 * csv_put.h - fields of a csv file as they are written (RFC 4180; libcsv's csv_fwrite() puts the quotes).
 */
#ifndef BASE_CSV_PUT_H
#define BASE_CSV_PUT_H
#include <stddef.h>
#include <stdio.h>

/* The text as a field: in quotes where it holds a comma, a quote or a line end. */
void csv_put(FILE *out, const char *text);
/* The same of n bytes. */
void csv_put_bytes(FILE *out, const char *bytes, size_t n);
/* In quotes always, and the comma behind it. */
void csv_put_quoted(FILE *out, const char *text);

#endif
