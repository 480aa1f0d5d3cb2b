/*
 * tfidf_content.c - content-based filtering on words: an item is the TF-IDF vector of its text, a user
 * the mean of the vectors of the train items, a score the cosine of the two (Pazzani, Billsus 2007;
 * Lops et al. 2011).
 *
 * Item vectors are sparse [n_items x n_words] with rows of norm 1; profiles are made when users are
 * scored, dense [users of the tile x n_words], since a user of a few hundred items has most words
 * anyway. A user without history, and every item without a word, scores 0.
 */
#include <stdlib.h>

#include "models/history.h"
#include "models/model_io.h"
#include "spmm.h"
#include "text/tfidf.h"

struct tfidf_content_params {
    struct param_list text;
    int weights;
    bool sublinear;
    int stop_words;
    int min_df, max_features, max_reviews;
};
#define P struct tfidf_content_params
static const struct param tfidf_content_params[] = {
    PARAM_LIST(P, text, "title|genres|tags", NULL,
               "fields of the item's text: title, genres, tags, reviews, a column"),
    PARAM_CHOICE(P, weights, "equal", HISTORY_WEIGHTS, "what a train item counts in the user's profile"),
    PARAM_BOOL(P, sublinear, 1, "1 + ln(count) of a word in place of the count"),
    PARAM_CHOICE(P, stop_words, "english", "none|english", "words left out"),
    PARAM_INT(P, min_df, 2, 1, 1e9, "a word of fewer items is left out"),
    PARAM_INT(P, max_features, 20000, 1, 10000000, "at most so many words, the most frequent"),
    PARAM_INT(P, max_reviews, 50, 0, 1e9, "at most so many reviews an item, when reviews are asked for"),
    PARAM_END};
#undef P

struct tfidf_content {
    const struct backend *backend;
    struct csr history; /* [n_users x n_items] */
    struct csr items;   /* [n_items x n_words], rows of norm 1 or empty */
    uint32_t n_words;
};

static enum status tfidf_content_fit(void *state, const void *params, const struct view *train,
                                     struct run *run)
{
    struct tfidf_content *m = state;
    const struct tfidf_content_params *p = params;
    const struct tfidf_options options = {.sublinear = p->sublinear,
                                          .stops = p->stop_words == 1 ? WORDS_ENGLISH : WORDS_ALL,
                                          .min_df = (uint32_t)p->min_df,
                                          .max_features = (uint32_t)p->max_features};
    struct strings texts;
    struct tfidf words;
    TRY(view_item_texts(train, &p->text, (uint32_t)p->max_reviews, run->scratch, &texts));
    TRY(tfidf_fit(&texts, &options, run->arena, run->scratch, &words));
    if (words.words.n == 0)
        log_warn("tfidf_content: no word occurs in %d item texts, so every score is 0", p->min_df);
    m->backend = run->backend;
    m->items = words.weights;
    m->n_words = (uint32_t)words.words.n;
    return history_copy(train->by_user, (enum history_weights)p->weights, run->arena, &m->history);
}

static enum status tfidf_content_score_users(const void *state, const uint32_t *users, size_t n,
                                             const struct tile *out)
{
    const struct tfidf_content *m = state;
    const size_t ld = m->n_words == 0 ? 1 : m->n_words;
    float *profiles = malloc((n == 0 ? 1 : n) * ld * sizeof *profiles);
    if (profiles == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for the profiles of %zu users over %zu words", n,
                           ld);
    const struct spmm_csr_csr sum = {m->history.ptr, m->history.idx, m->history.val, users, m->items.ptr,
                                     m->items.idx,   m->items.val,   profiles,       ld,    (int)m->n_words};
    const struct spmm_normalize normalize = {profiles, ld, (int)m->n_words};
    const struct spmm_dense_csr score = {profiles,     ld,          m->items.ptr, m->items.idx,
                                         m->items.val, out->scores, out->ld,      (int)out->n_items};
    enum status status = backend_launch(m->backend, &kernel_spmm_csr_csr, &sum, (long)n, 0);
    if (status == STATUS_OK)
        status = backend_launch(m->backend, &kernel_spmm_normalize, &normalize, (long)n, 0);
    if (status == STATUS_OK)
        status = backend_launch(m->backend, &kernel_spmm_dense_csr, &score, (long)n, 0);
    free(profiles);
    return status;
}

static enum status tfidf_content_save(const void *state, struct model_writer *w)
{
    const struct tfidf_content *m = state;
    const uint32_t shape[3] = {m->history.n_cols, m->n_words, m->history.val != NULL};
    TRY(model_put(w, "shape", ARRAY_U32, 3, 1, shape));
    TRY(csr_put(w, "history", &m->history));
    return csr_put(w, "items", &m->items);
}

static enum status tfidf_content_load(void *state, const void *params, struct model_reader *r,
                                      struct run *run)
{
    struct tfidf_content *m = state;
    const void *found = NULL;
    uint64_t three = 3, one = 1;
    (void)params;
    TRY(model_get(r, "shape", ARRAY_U32, &three, &one, &found));
    const uint32_t *shape = found;
    m->backend = run->backend;
    m->n_words = shape[1];
    TRY(csr_get(r, "history", shape[0], shape[2] != 0, &m->history));
    TRY(csr_get(r, "items", shape[1], true, &m->items));
    if (m->items.n_rows != shape[0])
        return status_fail(STATUS_DATA, "the model file has vectors of %u items where the history has %u",
                           m->items.n_rows, shape[0]);
    return STATUS_OK;
}

extern const struct model_type model_tfidf_content;
const struct model_type model_tfidf_content = {
    .name = "tfidf_content",
    .family = "content",
    .source = "Salton, Buckley 1988; Pazzani, Billsus 2007",
    .help = "cosine of the words of an item to the words of the items a user had",
    .version = 1,
    .params = tfidf_content_params,
    .params_size = sizeof(struct tfidf_content_params),
    .needs = NEEDS_TEXT,
    .state_size = sizeof(struct tfidf_content),
    .fit = tfidf_content_fit,
    .score_users = tfidf_content_score_users,
    .save = tfidf_content_save,
    .load = tfidf_content_load};
