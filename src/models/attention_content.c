/*
 * attention_content.c - how alike an item is to what the user had, the likest counting most:
 *
 *   score(u, i) = sum_j w_ij cos(v_i, v_j) / (sum_j w_ij)^beta,   w_ij = weight_j exp(cos(v_i, v_j) / temperature), j over the user's train items
 *
 * So the user's vector is another for each candidate (He et al. 2018, NAIS, equation 4, and Zhou et al. 2018, DIN, with the cosine of given vectors
 * in place of a learned attention): one who had westerns and musicals is not one who wants the mean of the two.  beta below 1 lets it count
 * how much of the history is like the item (NAIS, equation 9); with 1, a softmax, one near item is as good as ten, and items that are near to
 * something in any history come first.  temperature to infinity: llm_content without its norm.  weight_j: 1, the rating, recency
 * (history.h).  Scores are exp(-(1 - beta) / temperature) times that, so that they can't overflow; below a temperature of .01 those of unlike
 * items may become 0.
 */
#include <stdlib.h>
#include <string.h>

#include "fusion.h"
#include "models/history.h"
#include "models/item_vectors.h"
#include "models/model_io.h"

struct attention_content_params {
    struct item_vectors_options vectors;
    HISTORY_FIELDS;
    double temperature, beta;
};
#define P struct attention_content_params
static const struct param attention_content_params[] = {
    ITEM_VECTORS_PARAMS(P, vectors., "minilm", "title|genres|tags", 0, 0, 4096, 1), HISTORY_PARAMS(P),
    PARAM_REAL(P, temperature, 0.2, 1e-4, 1e6, "low: the likest items of the history alone; high: all alike"),
    PARAM_REAL(P, beta, 0.5, 0, 1,
               "1: a mean over the history (softmax); 0: a sum; between: NAIS's smoothing"),
    PARAM_END};
#undef P

enum { ITEM_BLOCK = 1024 };

struct attention_content {
    const struct backend *backend;
    struct item_vectors items;
    struct csr history; /* [n_users x n_items] */
    float sharpness, beta;
};

static enum status attention_content_fit(void *state, const void *params, const struct view *train,
                                         struct run *run)
{
    struct attention_content *m = state;
    const struct attention_content_params *p = params;
    m->backend = run->backend;
    m->sharpness = (float)(1 / p->temperature);
    m->beta = (float)p->beta;
    TRY(history_profiles(train, (enum history_weights)p->weights, &HISTORY_FADING(p), run->arena,
                         run->scratch, &m->history));
    return item_vectors_build(&p->vectors, train, run, &m->items);
}

/* Room to score one user: H [lds x d] the history's vectors, weight [lds], S [ITEM_BLOCK x lds]. */
static size_t room_of(const struct attention_content *m, size_t lds)
{
    return lds * m->items.d + lds + ITEM_BLOCK * lds;
}

static enum status score_user(const struct attention_content *m, uint32_t user, float *room, size_t lds,
                              float *scores)
{
    const uint32_t d = m->items.d, n_items = m->items.n_items;
    const int64_t from = m->history.ptr[user];
    const int n = (int)(m->history.ptr[user + 1] - from);
    float *H = room, *weight = H + lds * d, *S = weight + lds;
    memset(room, 0, room_of(m, lds) * sizeof *room);
    for (int j = 0; j < n; j++) {
        memcpy(H + (size_t)j * d, m->items.v + (size_t)m->history.idx[from + j] * d, d * sizeof *H);
        weight[j] = m->history.val != NULL ? m->history.val[from + j] : 1;
    }
    for (uint32_t first = 0; first < n_items; first += ITEM_BLOCK) {
        const uint32_t size = n_items - first < ITEM_BLOCK ? n_items - first : ITEM_BLOCK;
        const struct fusion_attend args = {S, weight, scores + first, lds, m->sharpness, m->beta, n};
        TRY(backend_sgemm(m->backend, false, true, size, (size_t)n, d, 1, m->items.v + (size_t)first * d, d,
                          H, d, 0, S, lds));
        TRY(backend_launch(m->backend, &kernel_fusion_attend, &args, (long)size, 0));
    }
    return STATUS_OK;
}

/* A user without history, or whose every item weighs nothing, scores 0 everywhere. */
static bool knows(const struct attention_content *m, uint32_t user)
{
    double sum = 0;
    for (int64_t e = m->history.ptr[user]; e < m->history.ptr[user + 1]; e++)
        sum += m->history.val != NULL ? (double)m->history.val[e] : 1;
    return sum > 0 && m->items.d > 0;
}

static enum status attention_content_score_users(const void *state, const uint32_t *users, size_t n,
                                                 const struct tile *out)
{
    const struct attention_content *m = state;
    enum status status = STATUS_OK;
    size_t longest = 1;
    for (size_t r = 0; r < n; r++) {
        const size_t length = (size_t)(m->history.ptr[users[r] + 1] - m->history.ptr[users[r]]);
        longest = length > longest ? length : longest;
    }
    longest = (longest + FUSION_ATTEND_PAD - 1) / FUSION_ATTEND_PAD * FUSION_ATTEND_PAD;
    float *room = malloc(room_of(m, longest) * sizeof *room);
    if (room == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory to score a user of %zu items", longest);
    for (size_t r = 0; r < n && status == STATUS_OK; r++) {
        const size_t length = (size_t)(m->history.ptr[users[r] + 1] - m->history.ptr[users[r]]),
                     lds = (length + FUSION_ATTEND_PAD - 1) / FUSION_ATTEND_PAD * FUSION_ATTEND_PAD;
        if (knows(m, users[r]))
            status = score_user(m, users[r], room, lds, out->scores + r * out->ld);
        else
            memset(out->scores + r * out->ld, 0, out->n_items * sizeof *out->scores);
    }
    free(room);
    return status;
}

static enum status attention_content_save(const void *state, struct model_writer *w)
{
    const struct attention_content *m = state;
    const uint32_t shape[2] = {m->items.n_items, m->history.val != NULL};
    TRY(model_put(w, "shape", ARRAY_U32, 2, 1, shape));
    TRY(csr_put(w, "history", &m->history));
    return model_put(w, "items", ARRAY_F32, m->items.n_items, m->items.d, m->items.v);
}

static enum status attention_content_load(void *state, const void *params, struct model_reader *r,
                                          struct run *run)
{
    struct attention_content *m = state;
    const struct attention_content_params *p = params;
    const void *shape, *items;
    uint64_t two = 2, one = 1, n_items, d = 0;
    m->backend = run->backend;
    m->sharpness = (float)(1 / p->temperature);
    m->beta = (float)p->beta;
    TRY(model_get(r, "shape", ARRAY_U32, &two, &one, &shape));
    const uint32_t *s = shape;
    n_items = s[0];
    TRY(csr_get(r, "history", s[0], s[1] != 0, &m->history));
    TRY(model_get(r, "items", ARRAY_F32, &n_items, &d, &items));
    m->items = (struct item_vectors){s[0], (uint32_t)d, (float *)(uintptr_t)items};
    return STATUS_OK;
}

extern const struct model_type model_attention_content;
const struct model_type model_attention_content = {
    .name = "attention_content",
    .family = "content",
    .source = "He et al. 2018 (NAIS); Zhou et al. 2018 (DIN)",
    .help = "likeness of an item's vector to those of the user's items, the likest counting most",
    .version = 1,
    .params = attention_content_params,
    .params_size = sizeof(struct attention_content_params),
    .needs = NEEDS_TEXT | NEEDS_ENCODER,
    .state_size = sizeof(struct attention_content),
    .fit = attention_content_fit,
    .score_users = attention_content_score_users,
    .save = attention_content_save,
    .load = attention_content_load};
