/*
 * tfidf.h - bags of weighted words, as scikit-learn's TfidfVectorizer makes them.
 */
#ifndef TEXT_TFIDF_H
#define TEXT_TFIDF_H
#include "text/bag.h"

enum tfidf_norm { TFIDF_L2, TFIDF_L1, TFIDF_UNSCALED };
enum tfidf_idf { TFIDF_SMOOTH, TFIDF_PLAIN, TFIDF_NO_IDF };
#define TFIDF_NORMS "l2|l1|none"
#define TFIDF_IDFS  "smooth|plain|none"

/* Zeroed: TfidfVectorizer's defaults. */
struct tfidf_options {
    struct text_options text;
    bool sublinear; /* 1 + ln(tf) in place of tf */
    bool binary;    /* 1 for a term that occurs, in place of tf */
    int norm;       /* enum tfidf_norm */
    int idf;        /* enum tfidf_idf */
};
/* The rows of a table of parameters for a `struct tfidf_options` at member `at`. */
#define TFIDF_PARAMS(P, at)                                                                                  \
    TEXT_PARAMS(P, at.text),                                                                                 \
        {TEXT_ROW(P, at, sublinear), .kind = PARAM_KIND_BOOL, .number = 1,                                   \
         .help = "1 + ln(count) of a term in place of the count"},                                           \
        {TEXT_ROW(P, at, binary), .kind = PARAM_KIND_BOOL, .help = "1 in place of the count"},               \
        {TEXT_ROW(P, at, norm), .kind = PARAM_KIND_CHOICE, .text = "l2", .choices = TFIDF_NORMS,             \
         .help = "what a text's weights are divided by"},                                                    \
    {                                                                                                        \
        TEXT_ROW(P, at, idf), .kind = PARAM_KIND_CHOICE, .text = "smooth", .choices = TFIDF_IDFS,            \
                              .help = "ln((1 + n) / (1 + df)) + 1, ln(n / df) + 1, or 1"                     \
    }

struct tfidf {
    struct strings words; /* [n_words] sorted by bytes: column j's word */
    const float *idf;     /* [n_words] */
    struct csr weights;   /* [n_texts x n_words] tf * idf, rows of norm 1 or empty */
};

/* Cleans the texts, cuts them into terms, counts and weighs.  Everything out is the arena's; scratch is used on the
 * way.  No words at all is not an error: n_words is 0.  STATUS_UNAVAILABLE: as bag_build(). */
enum status tfidf_fit(const struct strings *texts, const struct tfidf_options *options, struct arena *arena,
                      struct arena *scratch, struct tfidf *out);
/* Other texts by the same words, weighed by the same idf: *out [n_texts x n_words], the arena's.  Words that the fitted ones
 * lack count nothing. */
enum status tfidf_transform(const struct tfidf *fitted, const struct strings *texts,
                            const struct tfidf_options *options, struct arena *arena, struct arena *scratch,
                            struct csr *out);

#endif
