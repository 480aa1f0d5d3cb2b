/*
 * bag.c - counts terms over all texts, chooses the columns and sorts them by bytes.
 */
#include "text/bag.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"

/* The counts on the way: token list of all texts in order. */
struct counting {
    struct string_map *map;
    uint32_t *token; /* [n] word of each occurrence */
    uint64_t n, n_allocated;
};

static enum status count_word(void *context, const char *word, size_t length)
{
    struct counting *c = context;
    if (c->n == c->n_allocated) {
        const uint64_t room = c->n_allocated == 0 ? 4096 : 2 * c->n_allocated;
        uint32_t *grown = realloc(c->token, room * sizeof *grown);
        if (grown == NULL)
            return status_fail(STATUS_SYSTEM, "out of memory for %llu words", (unsigned long long)room);
        c->token = grown;
        c->n_allocated = room;
    }
    c->token[c->n] = string_map_add(c->map, word, length);
    return c->token[c->n++] == UINT32_MAX ? STATUS_SYSTEM : STATUS_OK;
}

/* Tokens of all texts; text i owns token[ptr[i] .. ptr[i + 1]). */
static enum status count_texts(const struct strings *texts, const struct text_options *options,
                               struct counting *c, int64_t *ptr)
{
    struct text_analyzer *analyzer = NULL;
    TRY(text_analyzer_open(options, &analyzer));
    enum status status = STATUS_OK;
    for (uint64_t i = 0; i < texts->n && status == STATUS_OK; i++) {
        status = text_analyzer_visit(analyzer, STAGE_TERMS, strings_at(texts, i), strings_length(texts, i),
                                     count_word, c);
        ptr[i + 1] = (int64_t)c->n;
    }
    text_analyzer_close(analyzer);
    return status;
}

/* A word of the map as the columns are chosen and sorted. */
struct entry {
    const char *word;
    size_t length;
    uint32_t id;
    uint32_t texts;       /* df */
    uint64_t occurrences; /* over all texts */
};

static int by_bytes(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    const int order = memcmp(x->word, y->word, x->length < y->length ? x->length : y->length);
    return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

static int by_occurrences(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->occurrences != y->occurrences)
        return x->occurrences > y->occurrences ? -1 : 1;
    return by_bytes(a, b);
}

/* Document frequencies and the choice of columns; column[id] = column or UINT32_MAX. */
static enum status choose_columns(const struct counting *c, const int64_t *ptr, uint64_t n_texts,
                                  const struct text_options *options, struct arena *arena,
                                  struct arena *scratch, uint32_t *column, struct bag *out)
{
    const uint32_t n_all = string_map_size(c->map);
    const struct strings all = string_map_strings(c->map);
    const double most = options->max_df > 0 ? options->max_df * (double)n_texts : INFINITY;
    struct entry *entry = NULL;
    uint64_t *seen = NULL; /* 1 + the last text that had the word */
    ARENA_NEW(entry, scratch, n_all);
    ARENA_NEW(seen, scratch, n_all);
    for (uint32_t w = 0; w < n_all; w++)
        entry[w] = (struct entry){strings_at(&all, w), strings_length(&all, w), w, 0, 0};
    for (uint64_t i = 0; i < n_texts; i++)
        for (int64_t e = ptr[i]; e < ptr[i + 1]; e++) {
            const uint32_t w = c->token[e];
            entry[w].occurrences++;
            entry[w].texts += seen[w] != i + 1;
            seen[w] = i + 1;
        }
    uint32_t n = 0;
    for (uint32_t w = 0; w < n_all; w++) {
        column[w] = UINT32_MAX;
        if ((int64_t)entry[w].texts >= options->min_df && entry[w].texts <= most)
            entry[n++] = entry[w];
    }
    if (options->max_features > 0 && n > (uint32_t)options->max_features) {
        qsort(entry, n, sizeof *entry, by_occurrences);
        n = (uint32_t)options->max_features;
    }
    if (n > 1)
        qsort(entry, n, sizeof *entry, by_bytes);
    uint32_t *df = NULL;
    struct string_builder b = {0};
    ARENA_NEW(df, arena, n);
    for (uint32_t j = 0; j < n; j++) {
        column[entry[j].id] = j;
        df[j] = entry[j].texts;
        const enum status status = string_builder_add(&b, entry[j].word, entry[j].length);
        if (status != STATUS_OK) {
            string_builder_free(&b);
            return status;
        }
    }
    out->df = df;
    return string_builder_finish(&b, arena, &out->words);
}

/* Counts the columns of one text (in any order, with repetitions) into idx, rising, and val; returns how many
 * entries it made. */
static int64_t count_text(uint32_t *tokens, size_t n, uint32_t *idx, float *val)
{
    int64_t made = 0;
    if (n > 1)
        qsort(tokens, n, sizeof *tokens, rising_u32);
    for (size_t i = 0; i < n;) {
        size_t j = i;
        while (j < n && tokens[j] == tokens[i])
            j++;
        idx[made] = tokens[i];
        val[made++] = (float)(j - i);
        i = j;
    }
    return made;
}

static enum status fill(const struct counting *c, const int64_t *text, uint64_t n_texts,
                        const uint32_t *column, struct arena *arena, struct arena *scratch, struct bag *out)
{
    int64_t *ptr = NULL;
    uint32_t *idx = NULL, *row = NULL;
    float *val = NULL;
    uint64_t longest = 0, kept = 0;
    for (uint64_t i = 0; i < n_texts; i++)
        if ((uint64_t)(text[i + 1] - text[i]) > longest)
            longest = (uint64_t)(text[i + 1] - text[i]);
    for (uint64_t e = 0; e < c->n; e++)
        kept += column[c->token[e]] != UINT32_MAX;
    ARENA_NEW(ptr, arena, n_texts + 1);
    ARENA_NEW(idx, arena, kept);
    ARENA_NEW(val, arena, kept);
    ARENA_NEW(row, scratch, longest);
    for (uint64_t i = 0; i < n_texts; i++) {
        size_t n = 0;
        for (int64_t e = text[i]; e < text[i + 1]; e++)
            if (column[c->token[e]] != UINT32_MAX)
                row[n++] = column[c->token[e]];
        ptr[i + 1] = ptr[i] + count_text(row, n, idx + ptr[i], val + ptr[i]);
    }
    out->counts = (struct csr){(uint32_t)n_texts, (uint32_t)out->words.n, ptr[n_texts], ptr, idx, val};
    return STATUS_OK;
}

enum status bag_build(const struct strings *texts, const struct text_options *options, struct arena *arena,
                      struct arena *scratch, struct bag *out)
{
    struct counting c = {.map = string_map_new()};
    int64_t *ptr = arena_alloc(scratch, texts->n + 1, sizeof *ptr);
    uint32_t *column = NULL;
    enum status status = c.map == NULL || ptr == NULL ? STATUS_SYSTEM : STATUS_OK;
    if (status == STATUS_OK)
        status = count_texts(texts, options, &c, ptr);
    if (status == STATUS_OK) {
        column = arena_alloc(scratch, string_map_size(c.map), sizeof *column);
        status = column == NULL ? STATUS_SYSTEM : STATUS_OK;
    }
    if (status == STATUS_OK)
        status = choose_columns(&c, ptr, texts->n, options, arena, scratch, column, out);
    if (status == STATUS_OK)
        status = fill(&c, ptr, texts->n, column, arena, scratch, out);
    free(c.token);
    string_map_free(c.map);
    return status;
}
