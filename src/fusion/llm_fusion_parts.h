/* llm_fusion_parts.h - what a fitted llm_fusion holds, for llm_fusion*.c alone. */
#ifndef FUSION_LLM_FUSION_PARTS_H
#define FUSION_LLM_FUSION_PARTS_H
#include "fusion/collaborative.h"
#include "fusion/cross_feature.h"
#include "fusion/llm_fusion.h"
#include "models/user_texts.h"

struct llm_fusion_params {
    struct item_vectors_options vectors;
    HISTORY_FIELDS;
    struct user_texts_options texts;
    struct cross_options cross;
    struct param_list features, collaborative;
    const struct node *collaborative_params;
    int folds, n_negatives, negatives, samples;
    double validation, learning_rate, beta1, beta2, epsilon, regularization;
    int epochs, batch_size, patience;
};

struct llm_fusion {
    const struct backend *backend;
    struct csr history;        /* [n_users x n_items] */
    struct item_vectors items; /* [n_items x d] */
    struct user_texts texts;
    const float *VT; /* [d x n_items] */
    struct collaborative collaborative;
    const float *product, *difference; /* [d] weights; NULL: no such feature */
    float cosine;
    const float *signal; /* [collaborative.n] weights */
    struct cross_feature asked;
    float cross, cross_mean; /* weight of what the decoder says, and its mean: nothing is added at the mean */
    float bias;              /* b, the mean's part in it */
    float prior;             /* to add to b where a probability is wanted */
    const float *item_bias;  /* [n_items] b + weight * popularity */
};

/* Text part and bias of the scores of users [n] into rows of the tile; room: 2 n d floats and n flags. */
enum status llm_fusion_text_scores(const struct llm_fusion *m, const uint32_t *users, size_t n,
                                   const struct tile *out, float *room, unsigned char *known);
/* Scores of users [n] without what the decoder says. */
enum status llm_fusion_score_unasked(const struct llm_fusion *m, const uint32_t *users, size_t n,
                                     const struct tile *out);
/* The hook `trace` of the model (models/trace.h). */
enum status llm_fusion_trace(const void *state, const void *params, struct trace *t);

#endif
