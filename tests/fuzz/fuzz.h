/*
 * fuzz.h - targets of libFuzzer: `make fuzz` grows their corpora under clang with its sanitizers, `make test` runs what was found so
 * far through replay.c, which needs no clang.
 *
 * A target takes any bytes; it ends by itself, or the sanitizers end it.  What it reads is a file: fuzz_file() puts the bytes
 * behind a path.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A path under which the bytes can be read until the next call; the ending is for readers that look at
 * it. */
const char *fuzz_file(const uint8_t *bytes, size_t n, const char *ending);
/* No sentence of status_fail() is printed. */
void fuzz_quiet(void);

#endif
