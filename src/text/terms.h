/*
 * terms.h - from what people wrote to the terms that are counted, by the options that every model of words shares.
 *
 * The stages: clean (clean.h), words (words.h, segment.h), without stop words (stops.h), stems (Snowball), n-grams.
 */
#ifndef TEXT_TERMS_H
#define TEXT_TERMS_H
#include "base/param.h"
#include "text/clean.h"
#include "text/stops.h"
#include "text/words.h"

enum text_grams { GRAMS_WORDS, GRAMS_CHARACTERS, GRAMS_IN_WORDS };

/* Zeroed: NFKC, case folded, runs of letters, characters of Chinese, no stop words, no stems, single words, no pruning;
 * as scikit-learn's TfidfVectorizer by default. */
struct text_options {
    int normal_form; /* enum clean_form */
    bool keep_case;
    int words;                /* enum word_rule */
    int chinese;              /* 0: each character a word; 1: words by friso */
    int stop_words;           /* enum stop_words */
    int stem;                 /* position in TEXT_STEMMERS; 0: none */
    int ngrams;               /* enum text_grams */
    int ngram_min, ngram_max; /* 0: 1 */
    int min_df;               /* a term of fewer texts is left out; 0 and 1: none is */
    double max_df;            /* a term of more than this share of the texts is left out; 0 and 1: none is */
    int max_features;         /* only so many terms, the most frequent over all texts; 0: all */
};
#define TEXT_CHINESE "characters|friso"
#define TEXT_STEMMERS                                                                                        \
    "none|english|porter|danish|dutch|finnish|french|german|hungarian|italian|norwegian|portuguese|"         \
    "romanian|"                                                                                              \
    "russian|spanish|swedish|turkish"

/* The rows of a model's table of parameters for a `struct text_options` at member `at` of its parameters. */
#define TEXT_ROW(P, at, field) .name = #field, .offset = offsetof(P, at.field)
#define TEXT_PARAMS(P, at)                                                                                   \
    {TEXT_ROW(P, at, normal_form), .kind = PARAM_KIND_CHOICE, .text = "nfkc", .choices = CLEAN_FORMS,        \
     .help = "Unicode form; nfkc also folds full-width letters, ligatures, fractions"},                      \
        {TEXT_ROW(P, at, keep_case), .kind = PARAM_KIND_BOOL, .help = "leave capital letters as they are"},  \
        {TEXT_ROW(P, at, words), .kind = PARAM_KIND_CHOICE, .text = "runs", .choices = WORDS_CHOICES,        \
         .help =                                                                                             \
             "runs of two or more letters and digits (scikit-learn), or the rules of UAX 29 (can't, 32.3)"}, \
        {TEXT_ROW(P, at, chinese), .kind = PARAM_KIND_CHOICE, .text = "characters", .choices = TEXT_CHINESE, \
         .help = "Chinese text as single characters, or as friso's words"},                                  \
        {TEXT_ROW(P, at, stop_words), .kind = PARAM_KIND_CHOICE, .text = "english",                          \
         .choices = STOPS_CHOICES, .help = "words left out"},                                                \
        {TEXT_ROW(P, at, stem), .kind = PARAM_KIND_CHOICE, .text = "none", .choices = TEXT_STEMMERS,         \
         .help = "Snowball stemmer: films, filming -> film"},                                                \
        {TEXT_ROW(P, at, ngrams), .kind = PARAM_KIND_CHOICE, .text = "words",                                \
         .choices = "words|characters|characters_in_words", .help = "what n-grams are made of"},             \
        {TEXT_ROW(P, at, ngram_min), .kind = PARAM_KIND_INT, .number = 1, .minimum = 1, .maximum = 20,       \
         .help = "shortest n-gram"},                                                                         \
        {TEXT_ROW(P, at, ngram_max),                                                                         \
         .kind = PARAM_KIND_INT,                                                                             \
         .number = 1,                                                                                        \
         .minimum = 1,                                                                                       \
         .maximum = 20,                                                                                      \
         .help = "longest n-gram, ngram_min at least"},                                                      \
        {TEXT_ROW(P, at, min_df),                                                                            \
         .kind = PARAM_KIND_INT,                                                                             \
         .number = 2,                                                                                        \
         .minimum = 1,                                                                                       \
         .maximum = 1e9,                                                                                     \
         .help = "a term of fewer items is left out"},                                                       \
        {TEXT_ROW(P, at, max_df),                                                                            \
         .kind = PARAM_KIND_REAL,                                                                            \
         .number = 1,                                                                                        \
         .minimum = 0,                                                                                       \
         .maximum = 1,                                                                                       \
         .help = "a term of more than this share of the items is left out; 0: none is"},                     \
    {                                                                                                        \
        TEXT_ROW(P, at, max_features), .kind = PARAM_KIND_INT, .number = 20000, .minimum = 1,                \
                                       .maximum = 10000000,                                                  \
                                       .help = "at most so many terms, the most frequent"                    \
    }

/* What the table can't say: STATUS_USAGE when ngram_max < ngram_min. `where` may be NULL. */
enum status text_options_check(const struct text_options *options, const struct node *where);

struct text_analyzer;
/* STATUS_UNAVAILABLE: chinese: friso without its dictionary.  The options are copied. */
enum status text_analyzer_open(const struct text_options *options, struct text_analyzer **out);
void text_analyzer_close(struct text_analyzer *analyzer); /* takes NULL */

enum text_stage { STAGE_WORDS, STAGE_STOPPED, STAGE_STEMMED, STAGE_TERMS };
/* Visits the terms of `bytes` as they are after that stage; STAGE_TERMS: what is counted.  A visited string lives until
 * the visit ends.  For n-grams of characters the earlier stages are shown but not used: they are cut from the cleaned
 * text.  Not for two threads at once. */
enum status text_analyzer_visit(struct text_analyzer *analyzer, enum text_stage stage, const char *bytes,
                                size_t length, word_visitor *visit, void *context);
/* The first stage: appends the cleaned text. */
enum status text_analyzer_clean(const struct text_analyzer *analyzer, const char *bytes, size_t length,
                                struct string_builder *b);

#endif
