/*
 * mapped.h - a model file on disk, mapped for as long as it is used.
 */
#ifndef LLM_MAPPED_H
#define LLM_MAPPED_H
#include <stddef.h>

#include "base/status.h"

struct mapped {
    const char *bytes; /* NULL: empty, or closed */
    size_t n;
};

/* Maps the file and guards the map: should the file shrink while it is in use, the program ends with a sentence and status 3 in
 * place of a bus error.  STATUS_DATA: missing; STATUS_SYSTEM: can't be mapped. */
enum status mapped_open(const char *path, struct mapped *out);
/* Takes a zeroed or closed one. */
void mapped_close(struct mapped *file);

#endif
