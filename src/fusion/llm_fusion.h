/*
 * llm_fusion.h - the mission's model: a language model's vectors and a recommender's scores in one
 * preference.
 */
#ifndef FUSION_LLM_FUSION_H
#define FUSION_LLM_FUSION_H
#include "models/model.h"

extern const struct model_type model_llm_fusion;

/* probability [n]: p_ui = sigmoid(q_ui . W + b) of n pairs, with b corrected for the sampling of negatives (King and
 * Zeng 2001): the probability that u has taken i among all pairs, where the model's scores (the logits before correction)
 * only rank.  The correction is one number, exact for `negatives: uniform`; under `negatives: popularity` popular items
 * come out too improbable.  Statuses: those of scoring. */
enum status llm_fusion_probability(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                                   float *probability);

#endif
