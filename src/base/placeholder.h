/* placeholder.h - paths of files that there are several of: one a dataset, a fold, a seed. */
#ifndef BASE_PLACEHOLDER_H
#define BASE_PLACEHOLDER_H
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* The text with {dataset}, {fold} and {seed} replaced, in the arena; other braces stay.  NULL when memory is out. */
char *placeholder_path(const char *text, const char *dataset, size_t fold, uint64_t seed,
                       struct arena *arena);

#endif
