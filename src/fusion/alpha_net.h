/*
 * alpha_net.h - AlphaRec's network (Sheng, Zhang, Zhang, Chen, Wang, Chua, "Language representations can be what recommenders need",
 * ICLR 2025): frozen vectors of items, a small map, graph propagation, a contrastive loss.  Symbols:
 *
 *     v_i            the item's vector, z_u = mean of v_i over the user's train items
 *     e = map(v)     linear: v W;  MLP: LeakyReLU(v W1 + b1) W2 + b2 (slope 0.01)
 *     F = mean over l = 0 .. layers of A^l E,  A = D^-1/2 (0 R; R' 0) D^-1/2,  E = (e_u; e_i)         (LightGCN: He et al. 2020)
 *     s_ui = cosine(F_u, F_i)
 *     loss = mean over a batch of -log( exp(s_ui / t) / (exp(s_ui / t) + sum_j exp(s_uj / t)) )
 *
 * What users wrote (user_texts.h) is read as the paper reads queries (its user intention capture: the trained network is fed another vector of the
 * user, nothing is fitted to it): z_u becomes |z_u| q_u, q_u the direction of (1 - weight) z_u / |z_u| + weight t_u, and t_u where u has no row.  So
 * no pair that is trained on is asked with a text.  |z_u| stays, as what a user counts for in the graph and in the MLP, which is not homogeneous.
 *
 * without text ("ids"): e_i is free, e_u the mean of e_i.  A linear map commutes with propagation: A acts once on the vectors, never again.
 */
#ifndef FUSION_ALPHA_NET_H
#define FUSION_ALPHA_NET_H
#include "backend/backend.h"
#include "base/arena.h"
#include "models/user_texts.h"

struct alpha_options {
    uint32_t d, hidden,
        factors; /* of the vectors (0: ids), of the hidden layer (0: linear), of the map's result */
    uint32_t layers;
    double temperature;
};

/* Positive pairs and the items that all of them are told from; items that a user has are no negatives of that user. */
struct alpha_batch {
    uint32_t n, n_negatives;
    const uint32_t *user, *item; /* [n] */
    const uint32_t *negative;    /* [n_negatives] each once */
};

struct alpha_net {
    const struct backend *backend;
    struct alpha_options o;
    uint32_t n_users, n_items;
    struct csr history;              /* [n_users x n_items] */
    struct csr users, items;         /* R and R' of A, with values */
    struct csr mean, mean_transpose; /* history / |I_u|, and its transpose */
    float *X;                        /* [users, items][d], propagated where the map is linear; NULL: ids */
    float *told;                     /* the same, users' rows with what they wrote; NULL: X */
    size_t n_weights;
    float *weights,
        *gradient; /* [n_weights]: W [d x factors]; W1 [d x hidden], b1, W2 [hidden x factors], b2; or e_i [n_items x factors] */
    float *H, *dH;       /* [users, items][hidden] after LeakyReLU, and the gradient before it */
    float *F;            /* [users, items][factors] */
    float *E, *G, *room; /* [users, items][factors] each; not where the map is linear */
    float *inputs;       /* linear: [block][d] */
    float *block,
        *of_block; /* [block][factors]: the batch's users, positives, negatives at norm 1; the loss's gradient by them */
    float *norm;                   /* [users, items] or [block] */
    float *score;                  /* [batch x ld] */
    float *positive, *loss;        /* [batch] */
    double *sums;                  /* room for one row */
    uint32_t *slot;                /* [n_items] 1 + place among the batch's negatives; 0: none */
    uint32_t most, most_negatives; /* a batch has at most so many */
};

/* V [n_items x d] (read here only), by_user [n_users x n_items]; weights drawn from the seed (uniform within 1 / sqrt(inputs) as torch.nn.Linear's;
 * ids: normal(0, 0.1)).  All memory of the arena. */
enum status alpha_net_new(const struct backend *backend, const struct alpha_options *options,
                          const struct csr *by_user, const struct csr *by_item, const float *V, uint32_t most,
                          uint32_t most_negatives, uint64_t seed, struct arena *arena, struct alpha_net *net);
/* What users wrote, to be read by alpha_net_forward() and never in training; V as before.  Nothing changes where texts->d is 0. */
enum status alpha_net_tell(struct alpha_net *net, const float *V, const struct user_texts *texts,
                           struct arena *arena);
/* F by the weights as they stand; alpha_net_unit() then divides its rows by their norms. */
enum status alpha_net_forward(struct alpha_net *net);
void alpha_net_unit(struct alpha_net *net);
/* The mean loss of a batch and its gradient, into net->gradient. */
enum status alpha_net_loss(struct alpha_net *net, const struct alpha_batch *batch, double *loss);

#endif
