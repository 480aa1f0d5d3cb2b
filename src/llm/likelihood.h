/*
 * likelihood.h - how likely a decoder finds texts behind one prompt, which is computed once for all of them.
 */
#ifndef LLM_LIKELIHOOD_H
#define LLM_LIKELIHOOD_H
#include "llm/decoder.h"

/* Tokens behind the prompt.  The first `from` are only read; the log-probabilities of the others count. */
struct likelihood_text {
    const uint32_t *ids; /* [n] */
    size_t n, from;
};

/* logprob[i] = sum over tokens k >= from of log P(token k | prompt, tokens before k), natural logarithm; 0 where nothing counts.  prompt
 * [n_prompt], at least one token.  The texts see the prompt and themselves, never each other; what stands beside one moves its value by
 * rounding alone (1e-5), and the same call gives the same bits for any number of threads.  cache_int8: keys and values in 8 bits.
 * Statuses: those of decoder_forward(); STATUS_USAGE: no prompt token. */
enum status likelihood(const struct decoder *decoder, const uint32_t *prompt, size_t n_prompt,
                       const struct likelihood_text *texts, size_t n, bool cache_int8, double *logprob);

#endif
