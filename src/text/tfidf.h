/*
 * tfidf.h - bags of weighted words, as scikit-learn's TfidfVectorizer makes them.
 */
#ifndef TEXT_TFIDF_H
#define TEXT_TFIDF_H
#include "base/csr.h"
#include "base/strings.h"
#include "text/words.h"

struct tfidf_options {
    bool sublinear; /* 1 + ln(tf) in place of tf */
    enum word_stops stops;
    uint32_t min_df;       /* a word of fewer texts is left out; 0 and 1: none is */
    uint32_t max_features; /* only that many words, most frequent over all texts first; 0: all */
};
struct tfidf {
    struct strings words; /* [n_words] sorted by bytes: column j's word */
    const float *idf;     /* [n_words] ln((1 + n) / (1 + df)) + 1 */
    struct csr weights;   /* [n_texts x n_words] tf * idf, rows of L2 norm 1 or empty */
};

/* Cleans the texts (text_clean()), cuts them into words, counts and weighs.  Everything out is the
 * arena's; scratch is used on the way.  No words at all is not an error: n_words is 0. */
enum status tfidf_fit(const struct strings *texts, const struct tfidf_options *options, struct arena *arena,
                      struct arena *scratch, struct tfidf *out);

#endif
