/*
 * bm25.h - BM25: what each term of a text is worth to a query that has it.
 */
#ifndef TEXT_BM25_H
#define TEXT_BM25_H
#include "text/bag.h"

enum bm25_variant { BM25_LUCENE, BM25_OKAPI, BM25_ATIRE, BM25_PLUS };
#define BM25_VARIANTS "lucene|okapi|atire|plus"

struct bm25_options {
    int variant;  /* enum bm25_variant */
    double k1;    /* how soon more occurrences stop to count; 0: at once */
    double b;     /* how much a text's length counts, 0 to 1 */
    double delta; /* plus: what a term that occurs is worth at least, in units of idf */
};
#define BM25_PARAMS(P, at)                                                                                   \
    {TEXT_ROW(P, at, variant), .kind = PARAM_KIND_CHOICE, .text = "lucene", .choices = BM25_VARIANTS,        \
     .help = "formulas of idf and of saturation (docs/text.md)"},                                            \
        {TEXT_ROW(P, at, k1), .kind = PARAM_KIND_REAL,                                                       \
         .number = 1.5,       .minimum = 0,                                                                  \
         .maximum = 100,      .help = "how soon more occurrences of a term stop to count"},                  \
        {TEXT_ROW(P, at, b), .kind = PARAM_KIND_REAL,                                                        \
         .number = 0.75,     .minimum = 0,                                                                   \
         .maximum = 1,       .help = "how much the length of a text counts"},                                \
    {                                                                                                        \
        TEXT_ROW(P, at, delta), .kind = PARAM_KIND_REAL, .number = 1, .minimum = 0, .maximum = 100,          \
                                .help = "plus: the least worth of a term that occurs"                        \
    }

/* Weights [n_texts x n_words] in the arena, with the pattern of bag->counts: the score of a text for a query is the sum
 * over the query's terms, repeated ones as often as they stand.  A text's length is the number of its counted terms.
 * Zero everywhere when there is no term. */
enum status bm25_weigh(const struct bag *bag, const struct bm25_options *options, struct arena *arena,
                       struct csr *out);

#endif
