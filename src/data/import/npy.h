/*
 * npy.h - numpy's .npy files, version 1 or 2, of float16, float32 or float64, C order, [rows x width], plain or .gz, in pieces.
 */
#ifndef IMPORT_NPY_H
#define IMPORT_NPY_H
#include "data/import/reader.h"

/* Bytes of a file in pieces of any length.  Zeroed before npy_open(); reader_close(&p.reader) ends it. */
struct npy_pull {
    struct reader reader;
    const char *bytes;
    size_t n;
};
struct npy {
    char kind;            /* '2', '4', '8': bytes of a float */
    uint64_t rows, width; /* from 1; width at most FEATURE_WIDTH_MAX */
};

/* Opens the file and reads its header.  STATUS_DATA: no such file, another type, order or shape.  log: may be NULL. */
enum status npy_open(struct npy_pull *p, const char *path, struct source_log *log, struct npy *out);
/* n bytes to `to`; *got fewer only at the end of the file. */
enum status npy_pull(struct npy_pull *p, void *to, size_t n, size_t *got);
/* Values of that kind as float32. */
void npy_floats(const unsigned char *raw, char kind, uint32_t width, float *out);

#endif
