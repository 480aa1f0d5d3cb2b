/*
 * tfidf.c - bags of weighted words (Salton, Buckley 1988), with the formulas of scikit-learn's TfidfVectorizer, so that
 * results can be compared: idf = ln((1 + n) / (1 + df)) + 1 (smooth) or ln(n / df) + 1, weight = tf * idf or
 * (1 + ln tf) * idf, each text divided by its L2 or L1 norm.
 */
#include "text/tfidf.h"

#include <math.h>

static double inverse_frequency(enum tfidf_idf kind, double n, double df)
{
    switch (kind) {
    case TFIDF_SMOOTH:
        return log((1 + n) / (1 + df)) + 1;
    case TFIDF_PLAIN:
        return log(n / df) + 1;
    case TFIDF_NO_IDF:
        break;
    }
    return 1;
}

/* The weights of one text from its n counts. */
static void weigh_text(const struct tfidf_options *o, const float *idf, const uint32_t *idx,
                       const float *counts, int64_t n, float *val)
{
    double squares = 0, sum = 0;
    for (int64_t e = 0; e < n; e++) {
        const double tf = o->binary ? 1 : (double)counts[e];
        const double weight = (o->sublinear ? 1 + log(tf) : tf) * (double)idf[idx[e]];
        val[e] = (float)weight;
        squares += weight * weight;
        sum += fabs(weight);
    }
    const double norm = o->norm == TFIDF_L2 ? sqrt(squares) : o->norm == TFIDF_L1 ? sum : 1;
    for (int64_t e = 0; e < n; e++)
        val[e] = (float)((double)val[e] / norm);
}

enum status tfidf_fit(const struct strings *texts, const struct tfidf_options *options, struct arena *arena,
                      struct arena *scratch, struct tfidf *out)
{
    struct bag bag = {0};
    float *idf = NULL, *val = NULL;
    TRY(bag_build(texts, &options->text, arena, scratch, &bag));
    ARENA_NEW(idf, arena, bag.words.n);
    for (uint64_t j = 0; j < bag.words.n; j++)
        idf[j] = (float)inverse_frequency((enum tfidf_idf)options->idf, (double)texts->n, bag.df[j]);
    const struct csr *c = &bag.counts;
    ARENA_NEW(val, arena, (size_t)c->nnz);
    for (uint32_t i = 0; i < c->n_rows; i++)
        weigh_text(options, idf, c->idx + c->ptr[i], c->val + c->ptr[i], c->ptr[i + 1] - c->ptr[i],
                   val + c->ptr[i]);
    *out = (struct tfidf){bag.words, idf, bag.counts};
    out->weights.val = val;
    return STATUS_OK;
}

/* column[j]: where word j of `words` stands among the fitted ones; UINT32_MAX: nowhere.  Both are sorted by bytes, so the columns rise. */
static enum status match_words(const struct strings *fitted, const struct strings *words,
                               struct arena *scratch, uint32_t **out)
{
    struct string_map *map = string_map_new();
    bool fine = map != NULL;
    for (uint64_t j = 0; fine && j < fitted->n; j++)
        fine = string_map_add(map, strings_at(fitted, j), strings_length(fitted, j)) != UINT32_MAX;
    uint32_t *column = fine ? arena_alloc(scratch, words->n + 1, sizeof *column) : NULL;
    for (uint64_t j = 0; column != NULL && j < words->n; j++)
        column[j] = string_map_find(map, strings_at(words, j), strings_length(words, j));
    string_map_free(map);
    *out = column;
    return column != NULL ? STATUS_OK : STATUS_SYSTEM;
}

enum status tfidf_transform(const struct tfidf *fitted, const struct strings *texts,
                            const struct tfidf_options *options, struct arena *arena, struct arena *scratch,
                            struct csr *out)
{
    struct text_options all = options->text;
    struct bag bag = {0};
    uint32_t *column, *idx;
    int64_t *ptr;
    float *val;
    all.min_df = 1, all.max_df = 0, all.max_features = 0;
    TRY(bag_build(texts, &all, scratch, scratch, &bag));
    TRY(match_words(&fitted->words, &bag.words, scratch, &column));
    const struct csr *c = &bag.counts;
    ARENA_NEW(ptr, arena, (size_t)c->n_rows + 1);
    ARENA_NEW(idx, arena, (size_t)c->nnz);
    ARENA_NEW(val, arena, (size_t)c->nnz);
    for (uint32_t i = 0; i < c->n_rows; i++) {
        int64_t n = ptr[i];
        for (int64_t e = c->ptr[i]; e < c->ptr[i + 1]; e++)
            if (column[c->idx[e]] != UINT32_MAX) {
                idx[n] = column[c->idx[e]];
                val[n++] = c->val[e];
            }
        weigh_text(options, fitted->idf, idx + ptr[i], val + ptr[i], n - ptr[i], val + ptr[i]);
        ptr[i + 1] = n;
    }
    *out = (struct csr){c->n_rows, (uint32_t)fitted->words.n, ptr[c->n_rows], ptr, idx, val};
    return STATUS_OK;
}
