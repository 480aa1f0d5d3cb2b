/*
 * attention_content.c - how alike an item is to what the user had, the likest counting most:
 *
 *   score(u, i) = sum_j w_ij cos(v_i, v_j) / (sum_j w_ij)^beta,   w_ij = weight_j exp(cos(v_i, v_j) / temperature), j over the user's train items
 *
 * So the user's vector is another for each candidate (He et al. 2018, NAIS, equation 4, and Zhou et al. 2018, DIN, with the cosine of given vectors
 * in place of a learned attention): one who had westerns and musicals is not one who wants the mean of the two.  beta below 1 lets it count
 * how much of the history is like the item (NAIS, equation 9); with 1, a softmax, one near item is as good as ten, and items that are near to
 * something in any history come first.  temperature to infinity: llm_content without its norm.  weight_j: 1, the rating, recency
 * (history.h).  With `user_text` the user's own texts (user_texts.h) stand beside the items, each with its own vector v_j: they share
 * `user_text_weight` of the sum of all weights, the items the rest; where there are none of one kind the other has all.  Scores are exp(-(1 - beta) / temperature) times that, so that they can't overflow; below a temperature of .01 those of unlike
 * items may become 0.
 */
#include <stdlib.h>
#include <string.h>

#include "fusion.h"
#include "models/history.h"
#include "models/item_vectors.h"
#include "models/model_io.h"
#include "models/user_texts.h"

struct attention_content_params {
    struct item_vectors_options vectors;
    HISTORY_FIELDS;
    struct user_texts_options texts;
    double temperature, beta;
};
#define P struct attention_content_params
static const struct param attention_content_params[] = {
    ITEM_VECTORS_PARAMS(P, vectors., "minilm", "title|genres|tags", 0, 0, 4096, 1),
    HISTORY_PARAMS(P),
    USER_TEXTS_PARAMS(P, texts),
    PARAM_REAL(P, temperature, 0.2, 1e-4, 1e6, "low: the likest items of the history alone; high: all alike"),
    PARAM_REAL(P, beta, 0.5, 0, 1,
               "1: a mean over the history (softmax); 0: a sum; between: NAIS's smoothing"),
    PARAM_END};
#undef P

enum { ITEM_BLOCK = 1024 };

struct attention_content {
    const struct backend *backend;
    struct item_vectors items; /* v goes on with the vectors of users' texts */
    struct csr history;        /* [n_users x (n_items + texts)] */
    float sharpness, beta;
};

static double weight_of(const struct csr *of, int64_t e)
{
    return of->val != NULL ? (double)of->val[e] : 1;
}

static double weights_of(const struct csr *of, uint32_t user)
{
    double sum = 0;
    for (int64_t e = of->ptr[user]; e < of->ptr[user + 1]; e++)
        sum += weight_of(of, e);
    return sum;
}

/* What each text counts, one without a known word nothing. */
static enum status weigh_texts(const struct user_texts *texts, struct arena *scratch, struct csr *out)
{
    const uint32_t d = texts->d;
    float *val;
    ARENA_NEW(val, scratch, (size_t)texts->of.nnz);
    *out = texts->of;
    out->val = val;
    for (int64_t e = 0; e < out->nnz; e++)
        for (uint32_t k = 0; k < d && val[e] == 0; k++)
            val[e] = texts->each[(size_t)out->idx[e] * d + k] != 0 ? (float)weight_of(&texts->of, e) : 0;
    return STATUS_OK;
}

/* The history with the distinct texts as further columns; of a text that the user wrote often the last entry is kept, and has their sum. */
static enum status put_beside(const struct csr *had, const struct csr *own, double share, struct run *run,
                              struct csr *out)
{
    const size_t most = (size_t)(had->nnz + own->nnz);
    const uint32_t n_items = had->n_cols;
    uint32_t *row, *column;
    float *value, *sum;
    uint64_t n = 0;
    ARENA_NEW(row, run->scratch, most);
    ARENA_NEW(sum, run->scratch, own->n_cols);
    ARENA_NEW(column, run->arena, most);
    ARENA_NEW(value, run->arena, most);
    for (uint32_t u = 0; u < had->n_rows; u++) {
        const double of_items = weights_of(had, u), of_texts = weights_of(own, u);
        const bool both = of_items > 0 && of_texts > 0;
        const double item = both ? 1 - share : 1, text = both ? share * of_items / of_texts : 1;
        for (int64_t e = had->ptr[u]; e < had->ptr[u + 1] && item > 0; e++) {
            row[n] = u, column[n] = had->idx[e];
            value[n++] = (float)(item * weight_of(had, e));
        }
        for (int64_t e = own->ptr[u]; e < own->ptr[u + 1]; e++) {
            const float counts = (float)(text * weight_of(own, e));
            sum[own->idx[e]] += counts;
            row[n] = u, column[n] = n_items + own->idx[e];
            value[n] = sum[own->idx[e]];
            n += counts > 0;
        }
        for (int64_t e = own->ptr[u]; e < own->ptr[u + 1]; e++)
            sum[own->idx[e]] = 0;
    }
    return csr_from_grouped(had->n_rows, n_items + own->n_cols, n, row, column, value, run->arena, out, NULL);
}

/* Users' texts as further columns of the history and further rows of the vectors. */
static enum status add_texts(struct attention_content *m, const struct user_texts *texts, struct run *run)
{
    const uint32_t n_items = m->items.n_items, d = m->items.d;
    const size_t n_rows = (size_t)n_items + texts->of.n_cols;
    const struct csr had = m->history;
    struct csr own;
    float *v;
    if (n_rows >= UINT32_MAX)
        return status_fail(STATUS_SYSTEM, "user_text: more than 2^32 - 1 items and texts");
    ARENA_NEW(v, run->arena, n_rows * d);
    memcpy(v, m->items.v, (size_t)n_items * d * sizeof *v);
    memcpy(v + (size_t)n_items * d, texts->each, (size_t)texts->of.n_cols * d * sizeof *v);
    m->items.v = v;
    TRY(weigh_texts(texts, run->scratch, &own));
    return put_beside(&had, &own, (double)texts->weight, run, &m->history);
}

static enum status attention_content_fit(void *state, const void *params, const struct view *train,
                                         struct run *run)
{
    struct attention_content *m = state;
    const struct attention_content_params *p = params;
    struct user_texts texts;
    m->backend = run->backend;
    m->sharpness = (float)(1 / p->temperature);
    m->beta = (float)p->beta;
    TRY(history_profiles(train, (enum history_weights)p->weights, &HISTORY_FADING(p), run->arena,
                         run->scratch, &m->history));
    TRY(user_texts_build(&p->texts, &p->vectors, &HISTORY_FADING(p), train, run, &m->items, &texts));
    return texts.d > 0 ? add_texts(m, &texts, run) : STATUS_OK;
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
        weight[j] = (float)weight_of(&m->history, from + j);
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

/* A user without history and texts, or whose every item weighs nothing, scores 0 everywhere. */
static bool knows(const struct attention_content *m, uint32_t user)
{
    return weights_of(&m->history, user) > 0 && m->items.d > 0;
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
    return model_put(w, "items", ARRAY_F32, m->history.n_cols, m->items.d, m->items.v);
}

static enum status attention_content_load(void *state, const void *params, struct model_reader *r,
                                          struct run *run)
{
    struct attention_content *m = state;
    const struct attention_content_params *p = params;
    const void *shape, *items;
    uint64_t two = 2, one = 1, n_rows, d = 0;
    m->backend = run->backend;
    m->sharpness = (float)(1 / p->temperature);
    m->beta = (float)p->beta;
    TRY(model_get(r, "shape", ARRAY_U32, &two, &one, &shape));
    const uint32_t *s = shape;
    n_rows = p->texts.kinds.n > 0 ? 0 : s[0];
    TRY(model_get(r, "items", ARRAY_F32, &n_rows, &d, &items));
    if (n_rows < s[0] || n_rows >= UINT32_MAX)
        return status_fail(
            STATUS_DATA,
            "the model file has %llu vectors of items and texts, and %u items: the file is damaged",
            (unsigned long long)n_rows, s[0]);
    TRY(csr_get(r, "history", (uint32_t)n_rows, s[1] != 0, &m->history));
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
