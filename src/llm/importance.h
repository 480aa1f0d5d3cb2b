/*
 * importance.h - which inputs of a model's matrices matter: the mean square of each over a text.
 *
 * An error in a weight counts as much as what it is multiplied with (llama.cpp's importance matrix; Sun et al. 2024 for pruning).
 */
#ifndef LLM_IMPORTANCE_H
#define LLM_IMPORTANCE_H
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

struct importance;

/* Room for at most n matrices. */
enum status importance_new(size_t n, struct arena *arena, struct importance **out);
/* A matrix of k inputs, which `key` (an address) tells from others. */
enum status importance_add(struct importance *m, const void *key, int k, struct arena *arena);
/* n inputs [n x k], ldx apart; of a matrix that was not added: nothing happens. */
void importance_take(struct importance *m, const void *key, const float *x, long ldx, uint32_t n);
/* [k] means of the squares; NULL: `m` is NULL, or nothing was taken. */
const float *importance_of(const struct importance *m, const void *key);

#endif
