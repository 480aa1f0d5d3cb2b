/*
 * phrases.h - key phrases: the n-grams whose vectors say most of a text, and are not all the same.
 *
 * Bennani-Smires, Musat, Hossmann, Baeriswyl, Jaggi 2018 (EmbedRank: maximal marginal relevance, Carbonell and Goldstein 1998) over all n-grams without
 * stop words and within one sentence, as KeyBERT takes them (Grootendorst 2020; there across sentences too): the next phrase is the one of largest
 *     (1 - diversity) cos(phrase, text) - diversity max over those taken of cos(phrase, taken).
 */
#ifndef LLM_PHRASES_H
#define LLM_PHRASES_H
#include "llm/encoder.h"

struct phrases_options {
    int top;          /* phrases wanted; 0: 5 */
    int ngram_max;    /* words of the longest; 0: 3 */
    int candidates;   /* n-grams that are encoded, the most frequent ones, equal ones by bytes; 0: 400 */
    double diversity; /* 0: relevance alone, to 1 */
};
struct phrase {
    const char *text;
    double relevance; /* cosine with the texts */
};

/* Of several texts together, whose vector is the mean of theirs.  *out [*n] in the arena, in the order in which they were taken; fewer than
 * wanted where there are no more n-grams.  Statuses: those of encoder_embed_cached() and text_analyzer_open(). */
enum status phrases_find(struct encoder *encoder, const char *cache, const struct strings *texts,
                         const struct phrases_options *options, struct arena *arena, struct phrase **out,
                         size_t *n);

#endif
