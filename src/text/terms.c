/*
 * terms.c - the stages between a text and its terms: see terms.h.
 *
 * N-grams are scikit-learn's: of words, joined by one space, after stop words are gone; of characters, over the whole
 * cleaned text (its analyzer "char") or inside each piece between spaces, with a space put before and behind it ("char_wb",
 * where a piece shorter than n counts once).  Stems are Snowball's (Porter 2001; libstemmer 2.2), made after stop words are
 * gone, for the lists hold whole words.
 */
#include "text/terms.h"

#include <libstemmer.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "text/segment.h"

struct text_analyzer {
    struct text_options options;
    struct segmenter *segmenter;   /* NULL: characters */
    struct sb_stemmer *stemmer;    /* NULL: none */
    struct string_builder cleaned; /* the text at hand */
    struct string_builder tokens;  /* its words, or its characters: the pieces of n-grams */
    struct string_builder gram;
};

enum status text_options_check(const struct text_options *options, const struct node *where)
{
    if (options->ngram_max >= options->ngram_min)
        return STATUS_OK;
    const char *sentence = "n-grams of %d to %d; ngram_max must be ngram_min or more";
    return where != NULL ? node_fail(where, sentence, options->ngram_min, options->ngram_max)
                         : status_fail(STATUS_USAGE, sentence, options->ngram_min, options->ngram_max);
}

static enum status open_stemmer(int stem, struct sb_stemmer **out)
{
    char name[32] = "";
    const char *at = TEXT_STEMMERS;
    for (int k = 0; k < stem; k++)
        at = strchr(at, '|') + 1;
    memcpy(name, at, strcspn(at, "|"));
    *out = sb_stemmer_new(name, "UTF_8");
    return *out != NULL
               ? STATUS_OK
               : status_fail(STATUS_UNAVAILABLE, "this machine's libstemmer has no stemmer for %s", name);
}

enum status text_analyzer_open(const struct text_options *options, struct text_analyzer **out)
{
    struct text_analyzer *a = calloc(1, sizeof *a);
    if (a == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for a text analyzer");
    a->options = *options;
    a->options.ngram_min = options->ngram_min < 1 ? 1 : options->ngram_min;
    a->options.ngram_max = options->ngram_max < 1 ? 1 : options->ngram_max;
    enum status status = text_options_check(&a->options, NULL);
    if (status == STATUS_OK && options->chinese != 0)
        status = segmenter_open(NULL, &a->segmenter);
    if (status == STATUS_OK && options->stem != 0)
        status = open_stemmer(options->stem, &a->stemmer);
    if (status != STATUS_OK) {
        text_analyzer_close(a);
        return status;
    }
    *out = a;
    return STATUS_OK;
}

void text_analyzer_close(struct text_analyzer *analyzer)
{
    if (analyzer == NULL)
        return;
    segmenter_close(analyzer->segmenter);
    if (analyzer->stemmer != NULL)
        sb_stemmer_delete(analyzer->stemmer);
    string_builder_free(&analyzer->cleaned);
    string_builder_free(&analyzer->tokens);
    string_builder_free(&analyzer->gram);
    free(analyzer);
}

enum status text_analyzer_clean(const struct text_analyzer *a, const char *bytes, size_t length,
                                struct string_builder *b)
{
    return text_clean_as(bytes, length, (enum clean_form)a->options.normal_form, a->options.keep_case, b);
}

/* One word on its way through stop words and stems. */
struct passage {
    struct text_analyzer *analyzer;
    enum text_stage stage;
    word_visitor *visit;
    void *context;
};

static enum status pass(void *context, const char *word, size_t length)
{
    const struct passage *p = context;
    const struct text_analyzer *a = p->analyzer;
    if (p->stage >= STAGE_STOPPED && stops_has((enum stop_words)a->options.stop_words, word, length))
        return STATUS_OK;
    if (p->stage < STAGE_STEMMED || a->stemmer == NULL || length > INT32_MAX)
        return p->visit(p->context, word, length);
    const sb_symbol *stem = sb_stemmer_stem(a->stemmer, (const sb_symbol *)word, (int)length);
    if (stem == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for the stem of a word");
    return p->visit(p->context, (const char *)stem, (size_t)sb_stemmer_length(a->stemmer));
}

static enum status keep(void *context, const char *word, size_t length)
{
    return string_builder_add(context, word, length);
}

/* The words of the cleaned text into a->tokens. */
static enum status collect_words(struct text_analyzer *a)
{
    struct passage p = {a, STAGE_STEMMED, keep, &a->tokens};
    return words_visit(a->cleaned.bytes, a->cleaned.length, (enum word_rule)a->options.words, a->segmenter,
                       pass, &p);
}

static enum status add_characters(struct text_analyzer *a, const char *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        utf8proc_int32_t point = 0;
        const utf8proc_ssize_t step =
            utf8proc_iterate((const utf8proc_uint8_t *)bytes + at, (utf8proc_ssize_t)(length - at), &point);
        const size_t n = step > 0 ? (size_t)step : 1;
        TRY(string_builder_add(&a->tokens, bytes + at, n));
        at += n;
    }
    return STATUS_OK;
}

/* All n-grams of a->tokens, shortest first, joined by `glue`; a short piece counts once (char_wb). */
static enum status visit_grams(struct text_analyzer *a, const char *glue, bool short_counts_once,
                               word_visitor *visit, void *context)
{
    const uint64_t n_tokens = a->tokens.n;
    if (n_tokens == 0)
        return STATUS_OK;
    for (uint64_t n = (uint64_t)a->options.ngram_min; n <= (uint64_t)a->options.ngram_max; n++) {
        const bool is_short = n >= n_tokens;
        if (n > n_tokens && !short_counts_once)
            break;
        const uint64_t size = is_short ? n_tokens : n;
        for (uint64_t first = 0; first + size <= n_tokens; first++) {
            a->gram.length = 0;
            for (uint64_t k = first; k < first + size; k++) {
                if (k > first)
                    TRY(string_builder_append(&a->gram, glue, strlen(glue)));
                TRY(string_builder_append(&a->gram, a->tokens.bytes + a->tokens.offsets[k],
                                          (size_t)(a->tokens.offsets[k + 1] - a->tokens.offsets[k])));
            }
            TRY(visit(context, a->gram.bytes, a->gram.length));
        }
        if (is_short)
            break;
    }
    return STATUS_OK;
}

static void forget_tokens(struct text_analyzer *a)
{
    a->tokens.n = 0;
    a->tokens.length = 0;
}

/* Each piece between spaces, with a space before and behind. */
static enum status visit_in_words(struct text_analyzer *a, word_visitor *visit, void *context)
{
    const char *bytes = a->cleaned.bytes;
    for (size_t at = 0; at < a->cleaned.length;) {
        const char *space = memchr(bytes + at, ' ', a->cleaned.length - at);
        const size_t end = space != NULL ? (size_t)(space - bytes) : a->cleaned.length;
        forget_tokens(a);
        if (end > at) {
            TRY(string_builder_add(&a->tokens, " ", 1));
            TRY(add_characters(a, bytes + at, end - at));
            TRY(string_builder_add(&a->tokens, " ", 1));
            TRY(visit_grams(a, "", true, visit, context));
        }
        at = end + 1;
    }
    return STATUS_OK;
}

enum status text_analyzer_visit(struct text_analyzer *a, enum text_stage stage, const char *bytes,
                                size_t length, word_visitor *visit, void *context)
{
    a->cleaned.length = 0; /* the builders serve as buffers that grow */
    forget_tokens(a);
    TRY(text_analyzer_clean(a, bytes, length, &a->cleaned));
    if (a->cleaned.length == 0)
        return STATUS_OK;
    const bool single = a->options.ngrams == GRAMS_WORDS && a->options.ngram_max == 1;
    if (stage != STAGE_TERMS || single) {
        struct passage p = {a, stage == STAGE_TERMS ? STAGE_STEMMED : stage, visit, context};
        return words_visit(a->cleaned.bytes, a->cleaned.length, (enum word_rule)a->options.words,
                           a->segmenter, pass, &p);
    }
    if (a->options.ngrams == GRAMS_IN_WORDS)
        return visit_in_words(a, visit, context);
    if (a->options.ngrams == GRAMS_WORDS)
        TRY(collect_words(a));
    else
        TRY(add_characters(a, a->cleaned.bytes, a->cleaned.length));
    return visit_grams(a, a->options.ngrams == GRAMS_WORDS ? " " : "", false, visit, context);
}
