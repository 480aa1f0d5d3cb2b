/*
 * tfidf_content.c - content-based filtering on words: an item is the TF-IDF vector of its text, a user
 * the mean of the vectors of the train items, a score the cosine of the two (Pazzani, Billsus 2007;
 * Lops et al. 2011).
 *
 * With norm: l1 or none an item's own length counts too, and a score is no cosine.
 */
#include "models/item_texts.h"
#include "models/words_content.h"
#include "text/tfidf.h"

struct tfidf_content_params {
    struct param_list text;
    HISTORY_FIELDS;
    int max_reviews;
    struct tfidf_options words;
    struct corruption corruption;
};
#define P struct tfidf_content_params
static const struct param tfidf_content_params[] = {
    PARAM_LIST(P, text, "title|genres|tags", NULL,
               "fields of the item's text: title, genres, tags, reviews, a column"),
    HISTORY_PARAMS(P),
    PARAM_INT(P, max_reviews, 50, 0, 1e9, "at most so many reviews an item, when reviews are asked for"),
    CORRUPTION_PARAMS(P, corruption.),
    TFIDF_PARAMS(P, words),
    PARAM_END};
#undef P

static enum status tfidf_content_check(const void *params, const struct node *where)
{
    const struct tfidf_content_params *p = params;
    return text_options_check(&p->words.text, where);
}

static enum status tfidf_content_fit(void *state, const void *params, const struct view *train,
                                     struct run *run)
{
    struct words_content *m = state;
    const struct tfidf_content_params *p = params;
    struct strings texts;
    struct tfidf words;
    TRY(item_texts_read(train, &p->text, p->max_reviews, &p->corruption, run->scratch, &texts));
    TRY(tfidf_fit(&texts, &p->words, run->arena, run->scratch, &words));
    if (words.words.n == 0)
        log_warn("tfidf_content: no term occurs in %d item texts, so every score is 0", p->words.text.min_df);
    *m = (struct words_content){.backend = run->backend,
                                .profiles = words.weights,
                                .items = words.weights,
                                .n_words = (uint32_t)words.words.n,
                                .cosine = true};
    return history_profiles(train, (enum history_weights)p->weights, &HISTORY_FADING(p), run->arena,
                            run->scratch, &m->history);
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
    .state_size = sizeof(struct words_content),
    .check = tfidf_content_check,
    .fit = tfidf_content_fit,
    .score_users = words_content_score,
    .save = words_content_save,
    .load = words_content_load};
