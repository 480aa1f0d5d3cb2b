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

/* Vectors of items and queries, of length 1. */
struct vectors {
    uint32_t d;
    float *item, *query; /* [n x d] */
};

static enum status vectors_of(const struct query *q, const struct view *view, const struct strings *queries,
                              const struct backend *backend, struct arena *arena, struct vectors *out)
{
    struct strings texts;
    TRY(view_item_texts(view, &q->fields, q->max_reviews, arena, &texts));
    TRY(embed(q, "own_passage", &texts, backend, arena, &out->d, &out->item));
    return embed(q, "own_query", queries, backend, arena, &out->d, &out->query);
}

static double cosine_of(const struct vectors *v, uint64_t query, uint32_t item)
{
    double sum = 0;
    for (uint32_t k = 0; k < v->d; k++)
        sum += (double)v->query[query * v->d + k] * (double)v->item[(size_t)item * v->d + k];
    return sum;
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
    double *value;
    struct string_builder b = {0};
    struct strings one;
    struct vectors vectors;
    if (q->text[strspn(q->text, " \t\r\n")] == '\0')
        return status_fail(STATUS_USAGE, "the query is empty");
    TRY(filter_items(q, view, arena, &item, &n_items));
    enum status status = string_builder_add(&b, q->text, strlen(q->text));
    if (status == STATUS_OK)
        status = string_builder_finish(&b, arena, &one);
    string_builder_free(&b);
    TRY(status);
    TRY(vectors_of(q, view, &one, backend, arena, &vectors));
    ARENA_NEW(*out, arena, n_items);
    ARENA_NEW(value, arena, n_items);
    for (uint32_t k = 0; k < n_items; k++) {
        value[k] = cosine_of(&vectors, 0, item[k]);
        (*out)[k] = (struct query_hit){item[k], 0, value[k]};
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

/* Adds what a list of n with the item at `place`, from 1, is worth. */
static void count_place(struct query_measure *m, uint32_t place)
{
    m->mrr += 1.0 / place;
    m->hit_1 += place <= 1;
    m->hit_10 += place <= 10;
}

static void count_random(struct query_measure *m, uint32_t n)
{
    for (uint32_t k = 1; k <= n; k++)
        m->mrr += 1.0 / k / n;
    m->hit_1 += 1.0 / n;
    m->hit_10 += n < 10 ? 1 : 10.0 / n;
}

static uint32_t place_of(struct query_hit *hit, uint32_t n, uint32_t at)
{
    uint32_t place = 1;
    for (uint32_t k = 0; k < n; k++)
        place += k != at && best_first(&hit[k], &hit[at]) < 0;
    return place;
}

/* One case; score: [n_items] the user's preference. */
static enum status measure_case(const struct query *q, const struct view *view, const struct vectors *vectors,
                                const struct query_cases *cases, uint64_t c, const float *score,
                                struct arena *scratch, struct query_measure out[QUERY_WAYS])
{
    uint32_t *item, n, at = 0;
    double *cosine, *preference;
    struct query_hit *hit;
    struct query of_user = *q;
    of_user.user = cases->user[c];
    TRY(filter_items(&of_user, view, scratch, &item, &n));
    while (at < n && item[at] != cases->item[c])
        at++;
    if (at == n)
        return STATUS_OK;
    ARENA_NEW(hit, scratch, n);
    ARENA_NEW(cosine, scratch, n);
    ARENA_NEW(preference, scratch, n);
    for (uint32_t k = 0; k < n; k++) {
        cosine[k] = cosine_of(vectors, c, item[k]);
        preference[k] = (double)score[item[k]];
    }
    count_random(&out[QUERY_RANDOM], n);
    for (int way = QUERY_TEXT; way < QUERY_WAYS; way++) {
        for (uint32_t k = 0; k < n; k++)
            hit[k] = (struct query_hit){item[k], 0, cosine[k]};
        if (way != QUERY_PREFERENCE)
            add_standardised(hit, n, cosine, 1);
        if (way != QUERY_TEXT)
            add_standardised(hit, n, preference, way == QUERY_BOTH ? q->weight : 1);
        count_place(&out[way], place_of(hit, n, at));
    }
    return STATUS_OK;
}

static enum status measure_all(const struct query *q, const struct view *view, const struct backend *backend,
                               const struct query_cases *cases, query_preference *preference, void *context,
                               struct arena *arena, struct query_measure out[QUERY_WAYS])
{
    struct vectors vectors;
    float *score;
    TRY(vectors_of(q, view, &cases->text, backend, arena, &vectors));
    ARENA_NEW(score, arena, view->n_items);
    for (uint64_t c = 0; c < cases->text.n; c++) {
        if (c == 0 || cases->user[c] != cases->user[c - 1])
            TRY(preference(context, cases->user[c], score));
        struct arena *scratch = arena_new();
        const enum status status =
            scratch != NULL ? measure_case(q, view, &vectors, cases, c, score, scratch, out) : STATUS_SYSTEM;
        arena_free(scratch);
        TRY(status);
    }
    return STATUS_OK;
}

enum status query_measure_cases(const struct query *q, const struct view *view, const struct backend *backend,
                                const struct query_cases *cases, query_preference *preference, void *context,
                                struct query_measure out[QUERY_WAYS])
{
    const double n = (double)cases->text.n;
    memset(out, 0, QUERY_WAYS * sizeof *out);
    if (cases->text.n == 0)
        return status_fail(STATUS_USAGE,
                           "no searches of held-out pairs: the dataset has no texts of kind query "
                           "about them (recfuse import --queries reads some, recfuse synth --scenario "
                           "shop writes some)");
    struct arena *arena = arena_new();
    const enum status status =
        arena != NULL ? measure_all(q, view, backend, cases, preference, context, arena, out) : STATUS_SYSTEM;
    for (int way = 0; way < QUERY_WAYS; way++) {
        out[way].mrr /= n;
        out[way].hit_1 /= n;
        out[way].hit_10 /= n;
    }
    arena_free(arena);
    return status;
}
