/*
 * llm_ease.c - linear item-item weights (EASE: Steck 2019) from what users did and from items' text vectors, in closed form (Jeunen, Van
 * Balen, Goethals, "Closed-form models for collaborative filtering with side-information", RecSys 2020, with text vectors for tags).
 *
 *     collective (their CEASE)   G = X'X + text_weight V V' + l2 I,  P = G^-1,  B_ij = -P_ij / P_jj,  B_jj = 0:  the vectors' columns are
 *                                so many more users, each of weight text_weight
 *     additive (their Add-EASE)  B = (1 - text_share) B(X'X + l2 I) + text_share B(V V' + text_l2 I)
 *
 * V [n_items x d]: unit vectors of the items with train rows.  For an item j without any, X says nothing, rather than that nobody wants it: its
 * column of B is the regression of its vector on the others' alone, V (V'V + ridge)^-1 v_j, ridge = l2 / text_weight (additive: text_l2).
 * Memory and time: ease's, twice for additive.
 */
#include "fusion/linear_map.h"
#include "fusion/text_factors.h"
#include "models/ease.h"

enum { COLLECTIVE, ADDITIVE };

struct llm_ease_params {
    struct item_vectors_options vectors;
    int method;
    double l2, text_weight, text_share, text_l2;
    bool binary;
};
#define P struct llm_ease_params
static const struct param llm_ease_params[] = {
    TEXT_FACTORS_PARAMS(P),
    PARAM_CHOICE(P, method, "collective", "collective|additive",
                 "one Gram matrix of rows and text, or two models' weights added"),
    PARAM_REAL(P, l2, 500, 0, 1e12, "L2 weight, added to the diagonal of the Gram matrix"),
    PARAM_REAL(P, text_weight, 100, 0, 1e12, "collective: what the text's Gram matrix counts in train rows"),
    PARAM_REAL(P, text_share, 0.1, 0, 1, "additive: share of the weights learned from text alone"),
    PARAM_REAL(P, text_l2, 1, 1e-4, 1e12, "additive: L2 weight of those"),
    PARAM_BOOL(P, binary, 1, "every interaction counts 1, whatever its value"),
    PARAM_END};
#undef P

/* Vectors of the items that B has columns of, one below the other. */
static enum status pack_vectors(const struct ease_state *s, const struct item_vectors *items,
                                struct arena *scratch, float **out)
{
    float *V = NULL;
    const size_t d = items->d;
    ARENA_NEW(V, scratch, s->n_columns * d);
    for (size_t c = 0; c < s->n_columns; c++)
        for (size_t k = 0; k < d; k++)
            V[c * d + k] = items->v[s->active[c] * d + k];
    *out = V;
    return STATUS_OK;
}

static enum status begin(struct ease_state *s, const struct llm_ease_params *p, const struct view *train,
                         struct run *run, float **V, uint32_t *d)
{
    struct item_vectors items;
    uint8_t *has = NULL;
    struct run inner = *run;
    inner.arena = run->scratch; /* vectors are not kept */
    TRY(item_vectors_build(&p->vectors, train, &inner, &items));
    ARENA_NEW(has, run->scratch, train->n_items);
    for (size_t e = 0; e < (size_t)train->n_items * items.d; e++)
        has[e / items.d] |= items.v[e] != 0.0F;
    TRY(ease_begin(s, train, p->binary, has, run));
    *d = items.d;
    return pack_vectors(s, &items, run->scratch, V);
}

/* The columns of B of items without train rows. */
static enum status new_items(const struct ease_state *s, const struct llm_ease_params *p, const float *V,
                             uint32_t d, struct run *run, float *B)
{
    const struct backend *b = run->backend;
    const size_t n = s->n_active, n_new = s->n_columns - n;
    const double ridge = p->method == ADDITIVE ? p->text_l2 : p->text_weight > 0 ? p->l2 / p->text_weight : 0;
    float *inverse = NULL, *half = NULL;
    if (n == 0 || n_new == 0 || ridge <= 0)
        return STATUS_OK;
    ARENA_NEW(half, run->scratch, n_new * d);
    TRY(linear_map_inverse(b, "llm_ease", V, (uint32_t)n, d, NULL, ridge, run->scratch, run->scratch,
                           &inverse));
    TRY(backend_sgemm(b, false, false, n_new, d, d, 1, V + n * d, d, inverse, d, 0, half, d));
    return backend_sgemm(b, false, true, n, n_new, d, 1, V, d, half, d, 0, B + n, s->ld);
}

/* B = (1 - share) B + share T in place. */
static void blend(uint32_t n, size_t ld, float share, const float *T, float *B)
{
#pragma omp parallel for schedule(static)
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            B[i * ld + j] = (1 - share) * B[i * ld + j] + share * T[i * ld + j];
}

static enum status llm_ease_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct ease_state *s = state;
    const struct llm_ease_params *p = params;
    const struct backend *b = run->backend;
    const bool additive = p->method == ADDITIVE;
    float *V = NULL, *B = NULL, *T = NULL;
    uint32_t d = 0;
    TRY(begin(s, p, train, run, &V, &d));
    const size_t n = s->n_active, ld = s->ld;
    ARENA_NEW(B, run->arena, n * ld);
    s->B = B;
    TRY(ease_gram(s, train->by_item, p->l2, run, B));
    if (!additive && d > 0)
        TRY(backend_sgemm(b, false, true, n, n, d, (float)p->text_weight, V, d, V, d, 1, B, ld));
    TRY(ease_weights(s, "llm_ease", p->l2, run, B));
    if (additive && d > 0 && p->text_share > 0) {
        ARENA_NEW(T, run->scratch, n * ld);
        TRY(backend_sgemm(b, false, true, n, n, d, 1, V, d, V, d, 0, T, ld));
        for (size_t i = 0; i < n; i++)
            T[i * ld + i] += (float)p->text_l2;
        TRY(ease_weights(s, "llm_ease (text_l2)", p->text_l2, run, T));
        blend(s->n_active, ld, (float)p->text_share, T, B);
    }
    return new_items(s, p, V, d, run, B);
}

static enum status llm_ease_set_history(void *state, const void *params, const struct view *history,
                                        struct run *run)
{
    const struct llm_ease_params *p = params;
    return ease_set_history(state, p->binary, history, run);
}

static void llm_ease_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                          double *flops)
{
    const struct llm_ease_params *p = params;
    const double n = n_items, row = (double)nnz / (n_users > 0 ? n_users : 1),
                 models = p->method == ADDITIVE ? 2 : 1;
    *bytes = models * 4.0 * n * n + 2.0 * 128 * 4 * n;
    *flops = models * 2.0 * n * n * n + 2.0 * (double)nnz * row;
}

extern const struct model_type model_llm_ease;
const struct model_type model_llm_ease = {
    .name = "llm_ease",
    .family = "fusion",
    .source = "Jeunen, Van Balen, Goethals 2020; Steck 2019",
    .help = "linear item-item weights in closed form from train rows and text vectors",
    .version = 1,
    .params = llm_ease_params,
    .params_size = sizeof(struct llm_ease_params),
    .needs = NEEDS_TEXT | NEEDS_ENCODER,
    .state_size = sizeof(struct ease_state),
    .cost = llm_ease_cost,
    .fit = llm_ease_fit,
    .set_history = llm_ease_set_history,
    .score_users = ease_score_users,
    .save = ease_save,
    .load = ease_load};
