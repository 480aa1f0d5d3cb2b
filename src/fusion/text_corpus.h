/*
 * text_corpus.h - texts labelled liked or not, as sequences of words: what a classifier of texts learns from.
 */
#ifndef FUSION_TEXT_CORPUS_H
#define FUSION_TEXT_CORPUS_H
#include "models/item_texts.h"

enum text_corpus_source { TEXT_CORPUS_AUTO, TEXT_CORPUS_REVIEWS, TEXT_CORPUS_ITEMS };
#define TEXT_CORPUS_SOURCES "auto|reviews|items"

struct text_corpus_options {
    int source;             /* enum text_corpus_source; auto: reviews where the view has any */
    struct param_list text; /* items: fields as of view_item_texts() */
    int max_reviews, max_words, min_df;
    int chinese;                  /* 0: each Han character a word; 1: friso's words (text/terms.h) */
    struct corruption corruption; /* items */
    double liked_from;            /* ratings from here on are liked */
};

/* Numbers of words: none, one that is too rare (fewer than min_df texts, or beyond max_words), the others by falling number of texts. */
enum { TEXT_CORPUS_NO_WORD, TEXT_CORPUS_RARE_WORD, TEXT_CORPUS_FIRST_WORD };

struct text_corpus {
    uint32_t n, n_words;
    const char **bytes; /* [n] the texts, not terminated */
    size_t *bytes_n;    /* [n] */
    uint32_t *item;     /* [n] what each is about */
    float *
        label; /* [n] reviews: 1 liked, 0 not; items: the share of the item's train rows that are liked, NaN without any */
    int64_t *ptr;   /* [n + 1] */
    uint32_t *word; /* [ptr[n]] */
};

/* Reviews of the view's train rows, or the texts of all items.  Words: runs of letters and digits, case folded (text/terms.h).  Memory of the
 * arena; texts stay the view's.  STATUS_UNAVAILABLE: no reviews, no such field, or no dictionary of Chinese words. */
enum status text_corpus_read(const struct text_corpus_options *options, const struct view *view,
                             struct arena *arena, struct text_corpus *out);

#endif
