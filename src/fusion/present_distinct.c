/* present_distinct.c - how varied texts are: distinct words and pairs of words (present.h). */
#include <math.h>
#include <string.h>

#include "fusion/present.h"
#include "text/clean.h"
#include "text/words.h"

struct counting {
    struct string_map *words, *pairs;
    uint64_t n_words, n_pairs;
    uint32_t before; /* UINT32_MAX: a text begins */
};

static enum status count_word(void *context, const char *word, size_t length)
{
    struct counting *c = context;
    const uint32_t id = string_map_add(c->words, word, length);
    if (id == UINT32_MAX)
        return STATUS_SYSTEM;
    c->n_words++;
    if (c->before != UINT32_MAX) {
        const uint32_t pair[2] = {c->before, id};
        c->n_pairs++;
        if (string_map_add(c->pairs, (const char *)pair, sizeof pair) == UINT32_MAX)
            return STATUS_SYSTEM;
    }
    c->before = id;
    return STATUS_OK;
}

static enum status count_text(struct counting *c, const char *text)
{
    struct string_builder b = {0};
    c->before = UINT32_MAX;
    enum status status = text_clean(text, strlen(text), &b);
    if (status == STATUS_OK)
        status = words_visit(b.bytes, b.length, WORDS_UNICODE, NULL, count_word, c);
    string_builder_free(&b);
    return status;
}

enum status present_distinct(const char *const *texts, size_t n, double out[2])
{
    struct counting c = {.words = string_map_new(), .pairs = string_map_new()};
    enum status status = c.words != NULL && c.pairs != NULL ? STATUS_OK : STATUS_SYSTEM;
    for (size_t i = 0; i < n && status == STATUS_OK; i++)
        status = count_text(&c, texts[i]);
    if (status == STATUS_OK) {
        out[0] = c.n_words > 0 ? string_map_size(c.words) / (double)c.n_words : NAN;
        out[1] = c.n_pairs > 0 ? string_map_size(c.pairs) / (double)c.n_pairs : NAN;
    }
    string_map_free(c.words);
    string_map_free(c.pairs);
    return status;
}
