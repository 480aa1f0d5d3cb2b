/*
 * rocchio.c - content-based filtering by relevance feedback (Rocchio 1971; Manning, Raghavan, Schuetze 2008, equation 9.3).
 *
 *     profile(u) = alpha q_u + beta mean of liked items' vectors - gamma mean of the other items' vectors
 *     score(u, i) = cosine of profile and vector,   vectors: TF-IDF (text/tfidf.c) of norm 1
 * liked: train items with a value of liked_from or more.  others: `rest`, all items that are not liked; `rated`, the train items
 * with a smaller value.  q_u: the TF-IDF of what the user wrote (`query`: tags, reviews, queries, posts; held-out texts are not
 * there); empty by default.  Negative weights of words become 0 (keep_negative: off), as is usual.
 *
 * A profile is one sum of sparse rows: those of items, then one of the mean of all items (for `rest`), then a query a user.
 */
#include <math.h>
#include <string.h>

#include "models/item_texts.h"
#include "models/user_texts.h"
#include "models/words_content.h"
#include "text/tfidf.h"

enum { OTHERS_REST, OTHERS_RATED };

struct rocchio_params {
    struct param_list text, query;
    double alpha, beta, gamma, liked_from;
    int others, max_reviews;
    bool keep_negative;
    struct tfidf_options words;
    struct corruption corruption;
};
#define P struct rocchio_params
static const struct param rocchio_params[] = {
    PARAM_LIST(P, text, "title|genres|tags", NULL,
               "fields of the item's text: title, genres, tags, reviews, a column"),
    PARAM_LIST(P, query, "", USER_TEXTS_KINDS, "the user's own texts that are the first query"),
    PARAM_REAL(P, alpha, 1, 0, 1e6, "weight of the query"),
    PARAM_REAL(P, beta, 0.75, 0, 1e6, "weight of what the user liked"),
    PARAM_REAL(P, gamma, 0.15, 0, 1e6, "weight of what the user did not like, taken away"),
    PARAM_REAL(P, liked_from, 0, -1e9, 1e9, "a train item of this value or more is liked"),
    PARAM_CHOICE(P, others, "rest", "rest|rated",
                 "not liked: all other items, or train items of a smaller value"),
    PARAM_BOOL(P, keep_negative, 0, "words of negative weight stay in the profile"),
    PARAM_INT(P, max_reviews, 50, 0, 1e9, "at most so many reviews an item, when reviews are asked for"),
    CORRUPTION_PARAMS(P, corruption.),
    TFIDF_PARAMS(P, words),
    PARAM_END};
#undef P

static enum status rocchio_check(const void *params, const struct node *where)
{
    const struct rocchio_params *p = params;
    return text_options_check(&p->words.text, where);
}

/* What each user wrote, as a vector of the items' words; no rows where nothing is asked for. */
static enum status queries(const struct view *train, const struct rocchio_params *p,
                           const struct tfidf *items, struct run *run, struct csr *out)
{
    const struct texts *t = &train->texts;
    uint64_t *first, *order;
    struct string_builder b = {0};
    struct strings texts;
    enum status status = STATUS_OK;
    *out = (struct csr){0};
    if (p->query.n == 0)
        return STATUS_OK;
    ARENA_NEW(first, run->scratch, (size_t)train->n_users + 2);
    ARENA_NEW(order, run->scratch, t->n + 1);
    for (uint64_t j = 0; j < t->n; j++)
        first[t->user[j] + 2]++;
    for (uint32_t u = 0; u < train->n_users; u++)
        first[u + 2] += first[u + 1];
    for (uint64_t j = 0; j < t->n; j++)
        order[first[t->user[j] + 1]++] = j;
    for (uint32_t u = 0; u < train->n_users && status == STATUS_OK; u++) {
        for (uint64_t k = first[u]; k < first[u + 1] && status == STATUS_OK; k++)
            if (user_texts_asked_for(&p->query, t->kind[order[k]]) && view_user_text(train, order[k])) {
                status = string_builder_append(&b, strings_at(&t->text, order[k]),
                                               strings_length(&t->text, order[k]));
                if (status == STATUS_OK)
                    status = string_builder_append(&b, ". ", 2);
            }
        if (status == STATUS_OK)
            status = string_builder_end(&b);
    }
    if (status == STATUS_OK)
        status = string_builder_finish(&b, run->scratch, &texts);
    string_builder_free(&b);
    TRY(status);
    return tfidf_transform(items, &texts, &p->words, run->scratch, run->scratch, out);
}

/* Items, then the mean of all items, then the queries. */
static enum status stack(const struct csr *items, const struct csr *query, struct arena *arena,
                         struct csr *out)
{
    const uint32_t n_words = items->n_cols;
    double *sum;
    int64_t *ptr, n = items->nnz;
    uint32_t *idx, row = items->n_rows;
    float *val;
    ARENA_NEW(sum, arena, n_words);
    ARENA_NEW(ptr, arena, (size_t)items->n_rows + query->n_rows + 2);
    ARENA_NEW(idx, arena, (size_t)(items->nnz + query->nnz) + n_words);
    ARENA_NEW(val, arena, (size_t)(items->nnz + query->nnz) + n_words);
    memcpy(ptr, items->ptr, ((size_t)items->n_rows + 1) * sizeof *ptr);
    for (int64_t e = 0; e < items->nnz; e++) {
        idx[e] = items->idx[e], val[e] = items->val[e];
        sum[idx[e]] += (double)val[e];
    }
    for (uint32_t w = 0; w < n_words; w++)
        if (sum[w] != 0)
            idx[n] = w, val[n++] = (float)(sum[w] / items->n_rows);
    ptr[++row] = n;
    for (uint32_t u = 0; u < query->n_rows; u++) {
        for (int64_t e = query->ptr[u]; e < query->ptr[u + 1]; e++)
            idx[n] = query->idx[e], val[n++] = query->val[e];
        ptr[++row] = n;
    }
    *out = (struct csr){row, n_words, n, ptr, idx, val};
    return STATUS_OK;
}

/* The weights of the stacked rows in user u's profile. */
static int64_t weigh_user(const struct csr *a, uint32_t u, const struct rocchio_params *p, bool has_query,
                          uint32_t *idx, float *val)
{
    const double n_items = a->n_cols;
    double liked = 0;
    int64_t n = 0;
    for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
        liked += a->val == NULL || (double)a->val[e] >= p->liked_from;
    const double rated = (double)(a->ptr[u + 1] - a->ptr[u]);
    const double others = p->others == OTHERS_REST ? n_items - liked : rated - liked;
    const double away = others > 0 ? p->gamma / others : 0;
    for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++) {
        const bool is_liked = a->val == NULL || (double)a->val[e] >= p->liked_from;
        const double weight = is_liked ? p->beta / liked + (p->others == OTHERS_REST ? away : 0)
                                       : (p->others == OTHERS_REST ? 0 : -away);
        if (weight != 0)
            idx[n] = a->idx[e], val[n++] = (float)weight;
    }
    if (p->others == OTHERS_REST && away > 0 &&
        rated > 0) /* all items; the liked ones have theirs back above */
        idx[n] = a->n_cols, val[n++] = (float)(-away * n_items);
    if (has_query && p->alpha > 0)
        idx[n] = a->n_cols + 1 + u, val[n++] = (float)p->alpha;
    return n;
}

static enum status weigh(const struct csr *a, const struct rocchio_params *p, const struct csr *query,
                         struct arena *arena, struct csr *out)
{
    int64_t *ptr;
    uint32_t *idx;
    float *val;
    const size_t most = (size_t)a->nnz + 2 * (size_t)a->n_rows;
    ARENA_NEW(ptr, arena, (size_t)a->n_rows + 1);
    ARENA_NEW(idx, arena, most);
    ARENA_NEW(val, arena, most);
    for (uint32_t u = 0; u < a->n_rows; u++)
        ptr[u + 1] = ptr[u] + weigh_user(a, u, p, query->n_rows > 0, idx + ptr[u], val + ptr[u]);
    *out = (struct csr){a->n_rows, a->n_cols + 1 + query->n_rows, ptr[a->n_rows], ptr, idx, val};
    return STATUS_OK;
}

static enum status rocchio_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct words_content *m = state;
    const struct rocchio_params *p = params;
    struct strings texts;
    struct tfidf words;
    struct csr query;
    TRY(item_texts_read(train, &p->text, p->max_reviews, &p->corruption, run->scratch, &texts));
    TRY(tfidf_fit(&texts, &p->words, run->arena, run->scratch, &words));
    if (words.words.n == 0)
        log_warn("rocchio: no term occurs in %d item texts, so every score is 0", p->words.text.min_df);
    TRY(queries(train, p, &words, run, &query));
    *m = (struct words_content){.backend = run->backend,
                                .items = words.weights,
                                .n_words = (uint32_t)words.words.n,
                                .cosine = true,
                                .positive = !p->keep_negative};
    TRY(stack(&words.weights, &query, run->arena, &m->profiles));
    return weigh(train->by_user, p, &query, run->arena, &m->history);
}

extern const struct model_type model_rocchio;
const struct model_type model_rocchio = {
    .name = "rocchio",
    .family = "content",
    .source = "Rocchio 1971; Manning, Raghavan, Schuetze 2008, section 9.1",
    .help = "words of liked items, less those of the others, plus the user's own (relevance feedback)",
    .version = 1,
    .params = rocchio_params,
    .params_size = sizeof(struct rocchio_params),
    .needs = NEEDS_TEXT,
    .state_size = sizeof(struct words_content),
    .check = rocchio_check,
    .fit = rocchio_fit,
    .score_users = words_content_score,
    .save = words_content_save,
    .load = words_content_load};
