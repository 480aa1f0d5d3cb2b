/*
 * naive_bayes_content.c - content-based filtering by naive Bayes: the log odds that an item is one that the user likes, by the
 * words of its text (Pazzani, Billsus 1997; McCallum, Nigam 1998; Rennie, Shih, Teevan, Karger 2003).
 *
 * Each user has two classes of items: liked, the train items with a value of liked_from or more, and others: `rest`, all
 * items that are not liked; `rated`, the train items with a smaller value.  Formulas: kernels/content.h; variants, smoothing and
 * priors are those of scikit-learn's MultinomialNB, BernoulliNB and ComplementNB, to which it is equal (tests/golden/models.csv):
 * a score is the difference of their joint log likelihoods.
 *
 * Kept are the counts of words; the weights of a user, dense, are made when users are scored.
 */
#include <stdlib.h>

#include "content.h"
#include "models/history.h"
#include "models/item_texts.h"
#include "models/model_io.h"
#include "spmm.h"
#include "text/bag.h"

enum { OTHERS_REST, OTHERS_RATED };

struct naive_bayes_params {
    struct param_list text;
    int variant, others, max_reviews;
    double alpha, liked_from;
    bool fit_prior, norm;
    struct text_options words;
    struct corruption corruption;
};
#define P struct naive_bayes_params
static const struct param naive_bayes_params[] = {
    PARAM_LIST(P, text, "title|genres|tags", NULL,
               "fields of the item's text: title, genres, tags, reviews, a column"),
    PARAM_CHOICE(P, variant, "multinomial", "multinomial|bernoulli|complement",
                 "what a text is: see kernels/content.h"),
    PARAM_REAL(P, alpha, 1, 1e-10, 1e6, "Laplace smoothing: added to every count"),
    PARAM_BOOL(P, fit_prior, 1, "multinomial, bernoulli: the share of liked items counts"),
    PARAM_BOOL(P, norm, 0, "complement: weights of a class are divided by their sum"),
    PARAM_REAL(P, liked_from, 0, -1e9, 1e9, "a train item of this value or more is liked"),
    PARAM_CHOICE(P, others, "rest", "rest|rated",
                 "not liked: all other items, or train items of a smaller value"),
    PARAM_INT(P, max_reviews, 50, 0, 1e9, "at most so many reviews an item, when reviews are asked for"),
    CORRUPTION_PARAMS(P, corruption.),
    TEXT_PARAMS(P, words),
    PARAM_END};
#undef P

struct naive_bayes {
    const struct backend *backend;
    struct csr liked, other; /* [n_users x n_items]; other: rows only where others are `rated` */
    struct csr items;        /* [n_items x n_words] counts; 1 for bernoulli */
    const float *all;        /* [n_words] their sums */
    int kind;
    float alpha;
    bool rated, prior, norm;
};

static enum status naive_bayes_check(const void *params, const struct node *where)
{
    const struct naive_bayes_params *p = params;
    return text_options_check(&p->words, where);
}

/* The pairs of `a` that are liked, or those that are not. */
static enum status select_pairs(const struct csr *a, double liked_from, bool liked, struct arena *arena,
                                struct csr *out)
{
    int64_t *ptr;
    uint32_t *idx;
    ARENA_NEW(ptr, arena, (size_t)a->n_rows + 1);
    ARENA_NEW(idx, arena, (size_t)a->nnz);
    for (uint32_t u = 0; u < a->n_rows; u++) {
        ptr[u + 1] = ptr[u];
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            if ((a->val == NULL || (double)a->val[e] >= liked_from) == liked)
                idx[ptr[u + 1]++] = a->idx[e];
    }
    *out = (struct csr){a->n_rows, a->n_cols, ptr[a->n_rows], ptr, idx, NULL};
    return STATUS_OK;
}

static void take_params(struct naive_bayes *m, const struct naive_bayes_params *p)
{
    m->kind = p->variant == 0 ? BAYES_MULTINOMIAL : p->variant == 1 ? BAYES_BERNOULLI : BAYES_COMPLEMENT;
    m->alpha = (float)p->alpha;
    m->rated = p->others == OTHERS_RATED;
    m->prior = p->fit_prior && m->kind != BAYES_COMPLEMENT; /* with two classes the complement has none */
    m->norm = p->norm;
}

static enum status sum_words(struct naive_bayes *m, struct arena *arena)
{
    float *all;
    ARENA_NEW(all, arena, m->items.n_cols);
    for (int64_t e = 0; e < m->items.nnz; e++)
        all[m->items.idx[e]] += m->items.val[e];
    m->all = all;
    return STATUS_OK;
}

static enum status naive_bayes_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct naive_bayes *m = state;
    const struct naive_bayes_params *p = params;
    struct strings texts;
    struct bag bag = {0};
    TRY(item_texts_read(train, &p->text, p->max_reviews, &p->corruption, run->scratch, &texts));
    TRY(bag_build(&texts, &p->words, run->arena, run->scratch, &bag));
    if (bag.words.n == 0)
        log_warn("naive_bayes_content: no term occurs in %d item texts, so no word tells items apart",
                 p->words.min_df);
    *m = (struct naive_bayes){.backend = run->backend, .items = bag.counts};
    take_params(m, p);
    if (m->kind == BAYES_BERNOULLI) {
        float *one;
        ARENA_NEW(one, run->arena, (size_t)bag.counts.nnz);
        for (int64_t e = 0; e < bag.counts.nnz; e++)
            one[e] = 1.0f;
        m->items.val = one;
    }
    TRY(sum_words(m, run->arena));
    TRY(select_pairs(train->by_user, p->liked_from, true, run->arena, &m->liked));
    return m->rated ? select_pairs(train->by_user, p->liked_from, false, run->arena, &m->other) : STATUS_OK;
}

/* Sums of the counts of the users' items: [n x ld]. */
static enum status count_words(const struct naive_bayes *m, const struct csr *pairs, const uint32_t *users,
                               size_t n, size_t ld, float *out)
{
    const struct spmm_csr_csr sum = {pairs->ptr,   pairs->idx,   NULL, users, m->items.ptr,
                                     m->items.idx, m->items.val, out,  ld,    (int)m->items.n_cols};
    return backend_launch(m->backend, &kernel_spmm_csr_csr, &sum, (long)n, 0);
}

static float size_of(const struct csr *pairs, uint32_t u)
{
    return (float)(pairs->ptr[u + 1] - pairs->ptr[u]);
}

static enum status score(const struct naive_bayes *m, const uint32_t *users, size_t n, const struct tile *out,
                         size_t ld, float *room)
{
    float *x = room, *z = room + n * ld, *liked = z + (m->rated ? n * ld : 0), *other = liked + n,
          *constant = other + n;
    TRY(count_words(m, &m->liked, users, n, ld, x));
    if (m->rated)
        TRY(count_words(m, &m->other, users, n, ld, z));
    for (size_t r = 0; r < n; r++) {
        liked[r] = size_of(&m->liked, users[r]);
        other[r] = m->rated ? size_of(&m->other, users[r]) : (float)m->items.n_rows - liked[r];
    }
    const struct content_bayes bayes = {.X = x,
                                        .Z = m->rated ? z : NULL,
                                        .all = m->all,
                                        .n_liked = liked,
                                        .n_other = other,
                                        .constant = constant,
                                        .ld = ld,
                                        .smoothing = m->alpha,
                                        .kind = m->kind,
                                        .normalize = m->norm,
                                        .prior = m->prior,
                                        .cols = (int)m->items.n_cols};
    const struct spmm_dense_csr product = {x,           ld,      m->items.ptr,     m->items.idx, m->items.val,
                                           out->scores, out->ld, (int)out->n_items};
    TRY(backend_launch(m->backend, &kernel_content_bayes, &bayes, (long)n, 0));
    TRY(backend_launch(m->backend, &kernel_spmm_dense_csr, &product, (long)n, 0));
    for (size_t r = 0; r < n; r++)
        for (uint32_t i = 0; i < out->n_items; i++)
            out->scores[r * out->ld + i] += constant[r];
    return STATUS_OK;
}

static enum status naive_bayes_score(const void *state, const uint32_t *users, size_t n,
                                     const struct tile *out)
{
    const struct naive_bayes *m = state;
    const size_t ld = m->items.n_cols == 0 ? 1 : m->items.n_cols;
    float *room = malloc(((m->rated ? 2 : 1) * ld + 3) * (n + 1) * sizeof *room);
    if (room == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for the weights of %zu users over %zu words", n, ld);
    const enum status status = score(m, users, n, out, ld, room);
    free(room);
    return status;
}

static enum status naive_bayes_save(const void *state, struct model_writer *w)
{
    const struct naive_bayes *m = state;
    const uint32_t shape[2] = {m->items.n_rows, m->items.n_cols};
    TRY(model_put(w, "shape", ARRAY_U32, 2, 1, shape));
    TRY(csr_put(w, "liked", &m->liked));
    if (m->rated)
        TRY(csr_put(w, "other", &m->other));
    return csr_put(w, "items", &m->items);
}

static enum status naive_bayes_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct naive_bayes *m = state;
    const void *found;
    uint64_t two = 2, one = 1;
    TRY(model_get(r, "shape", ARRAY_U32, &two, &one, &found));
    const uint32_t *shape = found;
    *m = (struct naive_bayes){.backend = run->backend};
    take_params(m, params);
    TRY(csr_get(r, "liked", shape[0], false, &m->liked));
    if (m->rated)
        TRY(csr_get(r, "other", shape[0], false, &m->other));
    TRY(csr_get(r, "items", shape[1], true, &m->items));
    if (m->items.n_rows != shape[0] || (m->rated && m->other.n_rows != m->liked.n_rows))
        return status_fail(STATUS_DATA,
                           "the arrays of naive_bayes_content's model file don't fit together; fit again");
    return sum_words(m, run->arena);
}

extern const struct model_type model_naive_bayes_content;
const struct model_type model_naive_bayes_content = {
    .name = "naive_bayes_content",
    .family = "content",
    .source = "Pazzani, Billsus 1997; McCallum, Nigam 1998; Rennie et al. 2003",
    .help = "the log odds that the user likes an item, by the words of its text",
    .version = 1,
    .params = naive_bayes_params,
    .params_size = sizeof(struct naive_bayes_params),
    .needs = NEEDS_TEXT,
    .state_size = sizeof(struct naive_bayes),
    .check = naive_bayes_check,
    .fit = naive_bayes_fit,
    .score_users = naive_bayes_score,
    .save = naive_bayes_save,
    .load = naive_bayes_load};
