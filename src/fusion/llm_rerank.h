/*
 * llm_rerank.h - a fitted llm_rerank: the first stage, and what its candidates are asked about.
 */
#ifndef FUSION_LLM_RERANK_H
#define FUSION_LLM_RERANK_H
#include "fusion/cross_encoder.h"
#include "models/nested.h"

struct llm_rerank {
    const struct backend *backend;
    struct nested base;
    struct cross_encoder cross;
    uint32_t candidates;
    struct csr train;        /* [n_users x n_items] what users have */
    const struct csr *given; /* [n_users x n_items] candidates from a file; NULL: the base model's best */
};

#endif
