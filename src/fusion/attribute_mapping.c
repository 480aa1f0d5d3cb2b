/*
 * attribute_mapping.c - items nobody has met yet get what a map from text vectors to collaborative knowledge gives them (Gantner,
 * Drumond, Freudenthaler, Rendle, Schmidt-Thieme, "Learning attribute-to-feature mappings for cold-start recommendations", ICDM 2010;
 * the linear map, in closed form).
 *
 * target factors: the factors y_i and the bias of each item that a factor model (`base`) fitted are regressed on the item's vector v_i,
 *     y_i = v_i W + b,  minimising over items with train rows |y_i - v_i W - b|^2 + regularization |W|^2;
 * an item without train rows gets v_i W + b; with `warm: mapped` every item does.
 *
 * target interactions: the train rows themselves are regressed, a map w_u for each user,
 *     r_ui = (v_i - mean) . w_u + b_u,   over the items with train rows, r 1 where u has i and else 0.
 * b_u is the same for all items of a user and left out of the scores.  With C = V'V + regularization (V centred), w_u = C^-1 sum over the
 * user's items of (v_i - mean): no user's row is ever dense.
 */
#include <string.h>

#include "fusion/linear_map.h"
#include "fusion/text_factors.h"
#include "models/nested.h"
#include "spmm.h"

enum { TARGET_INTERACTIONS, TARGET_FACTORS };
enum { WARM_BASE, WARM_MAPPED };

struct attribute_mapping_params {
    struct item_vectors_options vectors;
    int target, warm;
    const struct node *base;
    double regularization;
};
#define P struct attribute_mapping_params
static const struct param attribute_mapping_params[] = {
    TEXT_FACTORS_PARAMS(P),
    PARAM_CHOICE(P, target, "interactions", "interactions|factors",
                 "what is regressed on the vectors: each user's train rows, or the item factors of `base`"),
    PARAM_NODE(P, base,
               "factors: the model that fits them, {name: ials, params: {factors: 64}}; ials where it is not "
               "set"),
    PARAM_CHOICE(P, warm, "base", "base|mapped",
                 "factors: items with train rows keep the base's, or have mapped ones too"),
    PARAM_REAL(P, regularization, 1, 1e-6, 1e9, "weight of the map's squared norm"),
    PARAM_END};
#undef P

static enum status read_base(const struct attribute_mapping_params *p, struct arena *arena,
                             struct nested *base)
{
    static const struct node ials = {.kind = NODE_SCALAR, .file = "", .text = "ials"};
    const struct node *node = p->base != NULL ? p->base : &ials;
    TRY(nested_parse(node, "base of attribute_mapping", arena, base));
    if (base->type->factors == NULL)
        return node_fail(node, "base of attribute_mapping: %s has no factors; ials, bpr_mf or pure_svd have",
                         base->type->name);
    return STATUS_OK;
}

static enum status attribute_mapping_inside(const void *params, struct arena *arena,
                                            const struct nested **models, size_t *n)
{
    struct nested *base;
    ARENA_NEW(base, arena, 1);
    TRY(read_base(params, arena, base));
    *models = base, *n = 1;
    return STATUS_OK;
}

static enum status attribute_mapping_check(const void *params, const struct node *where)
{
    const struct attribute_mapping_params *p = params;
    struct nested base;
    struct arena *arena = arena_new();
    (void)where;
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = read_base(p, arena, &base);
    arena_free(arena);
    return status;
}

/* Factors of items with train rows as the base has them, or mapped; of the others mapped. */
static enum status map_factors(const struct attribute_mapping_params *p, const struct factors *f,
                               const struct item_vectors *items, const float *weight, struct run *run,
                               struct text_factors *m)
{
    const uint32_t n = f->n_items, k = f->factors;
    struct linear_map map;
    float *known = NULL, *mapped = NULL; /* [n x k + 1]: factors, bias */
    ARENA_NEW(known, run->scratch, (size_t)n * (k + 1));
    ARENA_NEW(mapped, run->scratch, (size_t)n * (k + 1));
    for (size_t i = 0; i < n; i++) {
        memcpy(known + i * (k + 1), f->item + i * f->ld_item, k * sizeof *known);
        known[i * (k + 1) + k] = f->item_bias != NULL ? f->item_bias[i] : 0;
    }
    TRY(linear_map_fit(run->backend, "attribute_mapping", items->v, n, items->d, known, k + 1, k + 1, weight,
                       p->regularization, true, run->scratch, run->scratch, &map));
    TRY(linear_map_apply(run->backend, &map, items->v, n, mapped, k + 1));
    TRY(text_factors_new(f->n_users, n, k, run->arena, m));
    for (size_t i = 0; i < n; i++) {
        const float *row = (weight[i] > 0 && p->warm == WARM_BASE ? known : mapped) + i * (k + 1);
        memcpy(m->item + i * k, row, k * sizeof *row);
        m->item_bias[i] = row[k];
    }
    for (size_t u = 0; u < f->n_users; u++)
        memcpy(m->user + u * k, f->user + u * f->ld_user, k * sizeof *m->user);
    return STATUS_OK;
}

static enum status fit_factors(const struct attribute_mapping_params *p, const struct view *train,
                               const struct item_vectors *items, const float *weight, struct run *run,
                               struct text_factors *m)
{
    struct nested base;
    struct factors f;
    struct run inner = *run;
    inner.arena = run->scratch; /* only copies are kept */
    TRY(read_base(p, run->scratch, &base));
    enum status status = nested_fit(&base, train, &inner);
    if (status == STATUS_OK)
        status = base.type->factors(base.state, &f);
    if (status == STATUS_OK)
        status = map_factors(p, &f, items, weight, run, m);
    nested_free(&base);
    return status;
}

/* w_u is the sum of the rows of V C^-1 of the user's items. */
static enum status fit_interactions(const struct attribute_mapping_params *p, const struct view *train,
                                    const struct item_vectors *items, const float *weight, struct run *run,
                                    struct text_factors *m)
{
    const uint32_t n = items->n_items, d = items->d;
    double n_warm = 0;
    float *half = NULL, *inverse = NULL;
    TRY(text_factors_new(train->n_users, n, d, run->arena, m));
    ARENA_NEW(half, run->scratch, (size_t)n * d);
    for (uint32_t i = 0; i < n; i++)
        n_warm += (double)weight[i];
    for (uint32_t k = 0; k < d; k++) { /* centred over the items with train rows */
        double mean = 0;
        for (uint32_t i = 0; i < n; i++)
            mean += (double)weight[i] * (double)items->v[(size_t)i * d + k] / (n_warm > 0 ? n_warm : 1);
        for (uint32_t i = 0; i < n; i++)
            m->item[(size_t)i * d + k] = items->v[(size_t)i * d + k] - (float)mean;
    }
    if (d == 0)
        return STATUS_OK;
    TRY(linear_map_inverse(run->backend, "attribute_mapping", m->item, n, d, weight, p->regularization,
                           run->scratch, run->scratch, &inverse));
    TRY(backend_sgemm(run->backend, false, false, n, d, d, 1, m->item, d, inverse, d, 0, half, d));
    const struct csr *a = train->by_user;
    const struct spmm_csr_dense sum = {a->ptr, a->idx, NULL, NULL, half, m->user, d, d, (int)d};
    return backend_launch(run->backend, &kernel_spmm_csr_dense, &sum, (long)a->n_rows, 0);
}

static enum status attribute_mapping_fit(void *state, const void *params, const struct view *train,
                                         struct run *run)
{
    struct text_factors *m = state;
    const struct attribute_mapping_params *p = params;
    struct item_vectors items;
    float *weight = NULL;
    struct run inner = *run;
    inner.arena = run->scratch;
    TRY(item_vectors_build(&p->vectors, train, &inner, &items));
    TRY(linear_map_warm(train->by_item, run->scratch, &weight));
    return p->target == TARGET_FACTORS ? fit_factors(p, train, &items, weight, run, m)
                                       : fit_interactions(p, train, &items, weight, run, m);
}

extern const struct model_type model_attribute_mapping;
const struct model_type model_attribute_mapping = {
    .name = "attribute_mapping",
    .family = "fusion",
    .source = "Gantner, Drumond, Freudenthaler, Rendle, Schmidt-Thieme 2010",
    .help = "a linear map from text vectors to factors, or to each user's train rows, so that new items have "
            "scores",
    .version = 1,
    .params = attribute_mapping_params,
    .params_size = sizeof(struct attribute_mapping_params),
    .needs = NEEDS_TEXT | NEEDS_ENCODER,
    .state_size = sizeof(struct text_factors),
    .inside = attribute_mapping_inside,
    .check = attribute_mapping_check,
    .fit = attribute_mapping_fit,
    .factors = text_factors_factors,
    .save = text_factors_save,
    .load = text_factors_load};
