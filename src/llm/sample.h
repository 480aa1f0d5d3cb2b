/*
 * sample.h - the next token, drawn from logits.
 */
#ifndef LLM_SAMPLE_H
#define LLM_SAMPLE_H
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct sample_options {
    double temperature; /* 0: the best token each time */
    uint32_t top_k;     /* only the k best are drawn from; 0: all */
    double top_p,
        min_p; /* the fewest whose probability reaches top_p (Holtzman et al. 2020; 1: all); those of min_p of the best's */
    double
        repetition_penalty; /* of tokens already there: logits divided (negative ones times) by it (Keskar et al. 2019; 1: none) */
    uint64_t seed;
};

/* One of n tokens (ids [n], or NULL: 0 .. n - 1, rising) by their logits [n], which the penalty changes.  before [n_before]: the tokens
 * already there.  stream and step name the draw: the same seed, stream and step draw the same.  Of equal logits the lower id is better. */
enum status sample_token(const struct sample_options *options, const uint32_t *ids, float *logits, uint32_t n,
                         const uint32_t *before, size_t n_before, uint32_t stream, uint64_t step,
                         uint32_t *out);

#endif
