/* query.c - see query.h. */
#include "fusion/query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum status query_filter_parse(const char *text, struct arena *arena, struct query_filter *out)
{
    const size_t n = strcspn(text, "<>=");
    const char *rest = text + n;
    char *end = NULL;
    *out = (struct query_filter){
        .column = arena_printf(arena, "%.*s", (int)n, text), .minimum = -1e300, .maximum = 1e300};
    if (out->column == NULL)
        return STATUS_SYSTEM;
    const bool range = (rest[0] == '<' || rest[0] == '>') && rest[1] == '=';
    const char *value = rest + (range ? 2 : 1);
    if (n == 0 || rest[0] == '\0' || (!range && rest[0] != '=') || *value == '\0')
        return status_fail(
            STATUS_USAGE,
            "filter '%s': expected COLUMN=WORD, COLUMN>=NUMBER or COLUMN<=NUMBER (genres=Comedy)", text);
    const double number = strtod(value, &end);
    if (!range)
        out->value = arena_strdup(arena, value);
    if (*end == '\0' && isfinite(number)) {
        if (rest[0] != '<')
            out->minimum = number;
        if (rest[0] != '>')
            out->maximum = number;
    } else if (range)
        return status_fail(STATUS_USAGE, "filter '%s': found '%s', expected a number", text, value);
    return STATUS_OK;
}

/* Which items pass: numbers of those, rising. */
static enum status filter_items(const struct query *q, const struct view *view, struct arena *arena,
                                uint32_t **item, uint32_t *n)
{
    const struct strategy_facts facts = strategy_facts_of(view, NULL);
    struct strategy_match *match;
    ARENA_NEW(match, arena, q->n_filters);
    ARENA_NEW(*item, arena, view->n_items);
    *n = 0;
    for (size_t f = 0; f < q->n_filters; f++)
        TRY(strategy_match_find("filter", q->filters[f].column, q->filters[f].value, q->filters[f].minimum,
                                q->filters[f].maximum, &facts, &match[f]));
    for (uint32_t i = 0; i < view->n_items; i++) {
        bool passes = q->without == NULL || !csr_has(q->without, q->user, i);
        for (size_t f = 0; f < q->n_filters && passes; f++)
            passes = strategy_matches(&match[f], i);
        if (passes)
            (*item)[(*n)++] = i;
    }
    return STATUS_OK;
}

static enum status embed(const struct query *q, const char *prefix, const struct strings *texts,
                         const struct backend *backend, struct arena *arena, uint32_t *d, float **out)
{
    const struct encoder_options options = {.prefix = prefix};
    struct encoder *encoder = NULL;
    const char *folder =
        strchr(q->encoder, '/') != NULL ? q->encoder : arena_printf(arena, "%s/%s", q->models, q->encoder);
    if (folder == NULL)
        return STATUS_SYSTEM;
    TRY(encoder_open_with(folder, &options, backend, &encoder));
    *d = encoder_dimensions(encoder);
    *out = arena_alloc(arena, (texts->n + 1) * *d, sizeof **out);
    const enum status status =
        *out != NULL ? encoder_embed_cached(encoder, q->cache, texts, *out) : STATUS_SYSTEM;
    encoder_close(encoder);
    return status;
}

/* Cosines of the query with every item of the view. */
static enum status cosines_of(const struct query *q, const struct view *view, const struct backend *backend,
                              struct arena *arena, double **out)
{
    struct strings texts, one;
    struct string_builder b = {0};
    float *items, *query;
    uint32_t d = 0;
    TRY(view_item_texts(view, &q->fields, q->max_reviews, arena, &texts));
    enum status status = string_builder_add(&b, q->text, strlen(q->text));
    if (status == STATUS_OK)
        status = string_builder_finish(&b, arena, &one);
    else
        string_builder_free(&b);
    TRY(status);
    TRY(embed(q, "own_passage", &texts, backend, arena, &d, &items));
    TRY(embed(q, "own_query", &one, backend, arena, &d, &query));
    ARENA_NEW(*out, arena, view->n_items);
    for (uint32_t i = 0; i < view->n_items; i++)
        for (uint32_t k = 0; k < d; k++)
            (*out)[i] += (double)query[k] * (double)items[(size_t)i * d + k];
    return STATUS_OK;
}

static int best_first(const void *a, const void *b)
{
    const struct query_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

/* hit.score += weight * (value - mean) / deviation. */
static void add_standardised(struct query_hit *hit, uint32_t n, const double *value, double weight)
{
    double mean = 0, square = 0;
    for (uint32_t i = 0; i < n; i++)
        mean += value[i] / n;
    for (uint32_t i = 0; i < n; i++)
        square += (value[i] - mean) * (value[i] - mean) / n;
    for (uint32_t i = 0; i < n && square > 0; i++)
        hit[i].score += weight * (value[i] - mean) / sqrt(square);
}

enum status query_match(const struct query *q, const struct view *view, const struct backend *backend,
                        uint32_t top, struct arena *arena, struct query_hit **out, uint32_t *n)
{
    uint32_t *item, n_items;
    double *cosine, *value;
    if (q->text[strspn(q->text, " \t\r\n")] == '\0')
        return status_fail(STATUS_USAGE, "the query is empty");
    TRY(filter_items(q, view, arena, &item, &n_items));
    TRY(cosines_of(q, view, backend, arena, &cosine));
    ARENA_NEW(*out, arena, n_items);
    ARENA_NEW(value, arena, n_items);
    for (uint32_t k = 0; k < n_items; k++) {
        (*out)[k] = (struct query_hit){item[k], 0, cosine[item[k]]};
        value[k] = cosine[item[k]];
    }
    add_standardised(*out, n_items, value, 1);
    for (uint32_t k = 0; k < n_items && q->preference != NULL; k++)
        value[k] = (double)q->preference[item[k]];
    if (q->preference != NULL)
        add_standardised(*out, n_items, value, q->weight);
    if (n_items > 0)
        qsort(*out, n_items, sizeof **out, best_first);
    *n = n_items < top ? n_items : top;
    return STATUS_OK;
}
