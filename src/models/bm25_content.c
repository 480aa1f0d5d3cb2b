/*
 * bm25_content.c - content-based filtering by BM25: the texts of the items a user had are a query, an item is a document,
 * a score is the sum over the query's terms of what BM25 says the term is worth in that document (Robertson et al. 1994;
 * variants: text/bm25.c).
 *
 * A term counts in the query as often as it stands in the train items (the limit k3 -> infinity of BM25's query part), or
 * with query: presence once a train item, so that one long text can't speak for all.  Scores are divided by the query's
 * norm, which no ranking sees, so that users can be compared.  Unlike tfidf_content a long item is not divided by its norm
 * but by b, and a word said ten times counts little more than one said twice.
 */
#include "models/item_texts.h"
#include "models/words_content.h"
#include "text/bm25.h"

struct bm25_content_params {
    struct param_list text;
    HISTORY_FIELDS;
    int query, max_reviews;
    struct text_options words;
    struct bm25_options bm25;
    struct corruption corruption;
};
enum { QUERY_COUNTS, QUERY_PRESENCE };
#define P struct bm25_content_params
static const struct param bm25_content_params[] = {
    PARAM_LIST(P, text, "title|genres|tags", NULL,
               "fields of the item's text: title, genres, tags, reviews, a column"),
    HISTORY_PARAMS(P),
    PARAM_CHOICE(P, query, "counts", "counts|presence",
                 "a term of a train item counts as often as it stands there, or once"),
    PARAM_INT(P, max_reviews, 50, 0, 1e9, "at most so many reviews an item, when reviews are asked for"),
    CORRUPTION_PARAMS(P, corruption.),
    BM25_PARAMS(P, bm25),
    TEXT_PARAMS(P, words),
    PARAM_END};
#undef P

static enum status bm25_content_check(const void *params, const struct node *where)
{
    const struct bm25_content_params *p = params;
    return text_options_check(&p->words, where);
}

static enum status bm25_content_fit(void *state, const void *params, const struct view *train,
                                    struct run *run)
{
    struct words_content *m = state;
    const struct bm25_content_params *p = params;
    struct strings texts;
    struct bag bag = {0};
    float *query = NULL;
    TRY(item_texts_read(train, &p->text, p->max_reviews, &p->corruption, run->scratch, &texts));
    TRY(bag_build(&texts, &p->words, run->arena, run->scratch, &bag));
    if (bag.words.n == 0)
        log_warn("bm25_content: no term occurs in %d item texts, so every score is 0", p->words.min_df);
    *m = (struct words_content){
        .backend = run->backend, .profiles = bag.counts, .n_words = (uint32_t)bag.words.n, .cosine = true};
    TRY(bm25_weigh(&bag, &p->bm25, run->arena, &m->items));
    if (p->query == QUERY_PRESENCE) {
        ARENA_NEW(query, run->arena, (size_t)bag.counts.nnz);
        for (int64_t e = 0; e < bag.counts.nnz; e++)
            query[e] = 1;
        m->profiles.val = query;
    }
    return history_profiles(train, (enum history_weights)p->weights, &HISTORY_FADING(p), run->arena,
                            run->scratch, &m->history);
}

extern const struct model_type model_bm25_content;
const struct model_type model_bm25_content = {
    .name = "bm25_content",
    .family = "content",
    .source = "Robertson et al. 1994; Lv, Zhai 2011; Kamphuis et al. 2020",
    .help = "BM25 of an item's text for the words of the items a user had",
    .version = 1,
    .params = bm25_content_params,
    .params_size = sizeof(struct bm25_content_params),
    .needs = NEEDS_TEXT,
    .state_size = sizeof(struct words_content),
    .check = bm25_content_check,
    .fit = bm25_content_fit,
    .score_users = words_content_score,
    .save = words_content_save,
    .load = words_content_load};
