/* probe.c - see probe.h. */
#include "fusion/probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/order.h"
#include "fusion/probe_parts.h"
#include "llm/likelihood.h"

enum { TRIES = 1000 }; /* draws of another item before a row is passed over */

struct probe {
    const struct decoder *d;
    const struct dataset *data;
    const struct probe_options *o;
    struct arena *arena;
    const struct column *title, *genres;
    uint8_t *stratum; /* [n_items] */
    uint32_t *items;  /* items by stratum */
    uint32_t first[PROBE_STRATA + 1];
    probe_values values;
};

/* ------------------------------------------------------------------------------------------------------ order */

/* Thirds of the interactions, the most popular items first. */
static enum status cut_strata(struct probe *p)
{
    const struct interactions *rows = &p->data->interactions;
    uint64_t *count /* rows << 32 | what falls with the number */, seen = 0;
    ARENA_NEW(count, p->arena, p->data->n_items);
    ARENA_NEW(p->stratum, p->arena, p->data->n_items);
    ARENA_NEW(p->items, p->arena, p->data->n_items);
    for (uint32_t i = 0; i < p->data->n_items; i++)
        count[i] = UINT32_MAX - i;
    for (uint64_t r = 0; r < rows->n; r++)
        count[rows->item[r]] += (uint64_t)1 << 32;
    qsort(count, p->data->n_items, sizeof *count, falling_u64);
    for (uint32_t k = 0; k < p->data->n_items; k++) {
        const uint32_t item = UINT32_MAX - (uint32_t)count[k];
        const uint64_t third = rows->n > 0 ? 3 * seen / rows->n : 0;
        p->stratum[item] = (uint8_t)(third < PROBE_STRATA ? third : PROBE_STRATA - 1);
        p->items[k] = item;
        p->first[p->stratum[item] + 1] = k + 1;
        seen += count[k] >> 32;
    }
    for (int s = 0; s < PROBE_STRATA; s++)
        if (p->first[s + 1] < p->first[s])
            p->first[s + 1] = p->first[s];
    return STATUS_OK;
}

/* ------------------------------------------------------------------------------------------------------ rows */

static enum status put(struct string_builder *b, const struct strings *s, uint64_t i)
{
    return string_builder_append(b, strings_at(s, i), strings_length(s, i));
}

static enum status put_text(struct string_builder *b, const char *text)
{
    return string_builder_append(b, text, strlen(text));
}

/* "::5::978300760\n" */
static enum status put_value(const struct probe *p, uint64_t r, struct string_builder *b)
{
    const struct interactions *rows = &p->data->interactions;
    char text[80];
    if (rows->time != NULL)
        snprintf(text, sizeof text, "::%g::%lld\n", (double)rows->value[r], (long long)rows->time[r]);
    else
        snprintf(text, sizeof text, "::%g\n", (double)rows->value[r]);
    return put_text(b, text);
}

/* "::Comedy|Drama\n" */
static enum status put_genres(const struct probe *p, uint32_t item, struct string_builder *b)
{
    const struct csr *list = p->genres != NULL ? &p->genres->list : NULL;
    for (int64_t e = list != NULL ? list->ptr[item] : 0; list != NULL && e < list->ptr[item + 1]; e++) {
        TRY(put_text(b, e == list->ptr[item] ? "::" : "|"));
        TRY(put(b, &p->genres->names, list->idx[e]));
    }
    return put_text(b, "\n");
}

static double draw(const struct probe *p, uint32_t what, uint64_t index)
{
    return random_unit(p->o->seed, RANDOM_PROBE, 1 + what, index);
}

/* May `other` stand in for the item in that change? */
static bool fits(const struct probe *p, int change, uint32_t item, uint32_t other)
{
    if (other == item)
        return false;
    return change == TITLE
               ? strings_length(&p->title->text, other) > 0
               : strings_length(&p->data->item_ids, other) == strings_length(&p->data->item_ids, item);
}

static bool has_row(const struct probe *p, uint32_t user, uint32_t item)
{
    const struct interactions *rows = &p->data->interactions;
    uint64_t low = 0, high = rows->n; /* rows are sorted by user */
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (rows->user[middle] < user)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < rows->n && rows->user[low] == user; low++)
        if (rows->item[low] == item)
            return true;
    return false;
}

/* Another item of the same stratum; UINT32_MAX: none was found.  user: who must not have it; UINT32_MAX: nobody. */
static uint32_t another(const struct probe *p, int change, uint32_t item, uint32_t user, uint64_t index)
{
    const uint32_t *first = &p->first[p->stratum[item]];
    for (uint32_t k = 0; k < TRIES && first[1] > first[0]; k++) {
        const uint32_t other =
            p->items[first[0] +
                     (uint32_t)(draw(p, 100 + (uint32_t)change, index * TRIES + k) * (first[1] - first[0]))];
        if (fits(p, change, item, other) && (user == UINT32_MAX || !has_row(p, user, other)))
            return other;
    }
    return UINT32_MAX;
}

/* A user with an id as long, who has not the item. */
static uint32_t another_user(const struct probe *p, uint64_t r)
{
    const struct interactions *rows = &p->data->interactions;
    for (uint32_t k = 0; k < TRIES; k++) {
        const uint32_t other = (uint32_t)(draw(p, 99, r * TRIES + k) * p->data->n_users);
        if (other != rows->user[r] &&
            strings_length(&p->data->user_ids, other) == strings_length(&p->data->user_ids, rows->user[r]) &&
            !has_row(p, other, rows->item[r]))
            return other;
    }
    return UINT32_MAX;
}

/* ------------------------------------------------------------------------------------------------------ asking */

/* The same rest of a row behind its true beginning and behind a changed one. */
struct pair {
    int change;
    struct string_builder truth, changed, rest;
};
struct question {
    struct string_builder context;
    struct pair pair[2];
    size_t n;
};

static void question_free(struct question *q)
{
    string_builder_free(&q->context);
    for (size_t k = 0; k < q->n; k++) {
        string_builder_free(&q->pair[k].truth);
        string_builder_free(&q->pair[k].changed);
        string_builder_free(&q->pair[k].rest);
    }
}

/* Tokens of the beginning, which are only read, and of the rest, which count. */
static enum status encode(const struct probe *p, const struct string_builder *beginning,
                          const struct string_builder *rest, struct arena *arena, struct likelihood_text *out)
{
    const struct tokenizer *tokenizer = decoder_tokenizer(p->d);
    uint32_t *first, *second, *both;
    size_t n;
    TRY(tokenizer_encode(tokenizer, beginning->bytes, beginning->length, 0, arena, &first, &out->from));
    TRY(tokenizer_encode(tokenizer, rest->bytes, rest->length, 0, arena, &second, &n));
    ARENA_NEW(both, arena, out->from + n);
    memcpy(both, first, out->from * sizeof *both);
    memcpy(both + out->from, second, n * sizeof *both);
    out->ids = both;
    out->n = out->from + n;
    return STATUS_OK;
}

static enum status ask_with(struct probe *p, struct question *q, int stratum, struct arena *arena)
{
    struct likelihood_text text[4];
    double logprob[4];
    uint32_t *ids;
    size_t n_ids;
    const char *context = q->context.bytes != NULL ? q->context.bytes : "";
    TRY(tokenizer_encode(decoder_tokenizer(p->d), context, q->context.length, TOKENIZER_BEGIN, arena, &ids,
                         &n_ids));
    for (size_t k = 0; k < q->n; k++) {
        TRY(encode(p, &q->pair[k].truth, &q->pair[k].rest, arena, &text[2 * k]));
        TRY(encode(p, &q->pair[k].changed, &q->pair[k].rest, arena, &text[2 * k + 1]));
    }
    TRY(likelihood(p->d, ids, n_ids, text, 2 * q->n, false, logprob));
    for (size_t k = 0; k < q->n; k++) {
        const int change = q->pair[k].change;
        struct probe_value *v = &p->values[change][stratum];
        v->truth[v->n] = logprob[2 * k];
        v->changed[v->n++] = logprob[2 * k + 1];
    }
    return STATUS_OK;
}

static enum status ask(struct probe *p, struct question *q, int stratum)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = ask_with(p, q, stratum, arena);
    arena_free(arena);
    return status;
}

/* Which of n stands before row or item `of` at place k; never itself. */
static uint64_t context_at(const struct probe *p, uint32_t what, uint64_t of, uint32_t k, uint64_t n)
{
    const uint64_t at = (uint64_t)(draw(p, what, of * p->o->context + k) * (double)n);
    return at == of ? (at + 1) % n : at;
}

/* The user's id, "::" and the item's. */
static enum status put_both(const struct probe *p, uint32_t user, uint32_t item, struct string_builder *b)
{
    TRY(put(b, &p->data->user_ids, user));
    TRY(put_text(b, "::"));
    return put(b, &p->data->item_ids, item);
}

static struct pair *new_pair(struct question *q, int change)
{
    q->pair[q->n].change = change;
    return &q->pair[q->n++];
}

static enum status ask_rating(struct probe *p, uint64_t r, struct question *q)
{
    const struct interactions *rows = &p->data->interactions;
    const uint32_t user = rows->user[r], item = rows->item[r], other = another(p, ITEM, item, user, r),
                   stranger = another_user(p, r);
    for (uint32_t k = 0; k < p->o->context && rows->n > 1; k++) {
        const uint64_t before = context_at(p, 97, r, k, rows->n);
        TRY(put_both(p, rows->user[before], rows->item[before], &q->context));
        TRY(put_value(p, before, &q->context));
    }
    if (stranger != UINT32_MAX) {
        struct pair *x = new_pair(q, USER);
        TRY(put(&x->truth, &p->data->user_ids, user));
        TRY(put(&x->changed, &p->data->user_ids, stranger));
        TRY(put_text(&x->rest, "::"));
        TRY(put(&x->rest, &p->data->item_ids, item));
        TRY(put_value(p, r, &x->rest));
    }
    if (other != UINT32_MAX) {
        struct pair *x = new_pair(q, ITEM);
        TRY(put_both(p, user, item, &x->truth));
        TRY(put_both(p, user, other, &x->changed));
        TRY(put_value(p, r, &x->rest));
    }
    return ask(p, q, p->stratum[item]);
}

/* "1::Toy Story (1995)" */
static enum status put_title(const struct probe *p, uint32_t id, uint32_t title, struct string_builder *b)
{
    TRY(put(b, &p->data->item_ids, id));
    TRY(put_text(b, "::"));
    return put(b, &p->title->text, title);
}

static enum status ask_item(struct probe *p, uint32_t item, struct question *q)
{
    const uint32_t other = another(p, ID, item, UINT32_MAX, item),
                   title = another(p, TITLE, item, UINT32_MAX, item);
    for (uint32_t k = 0; k < p->o->context && p->data->n_items > 1; k++) {
        const uint32_t before = (uint32_t)context_at(p, 98, item, k, p->data->n_items);
        TRY(put_title(p, before, before, &q->context));
        TRY(put_genres(p, before, &q->context));
    }
    if (other != UINT32_MAX) {
        struct pair *x = new_pair(q, ID);
        TRY(put(&x->truth, &p->data->item_ids, item));
        TRY(put(&x->changed, &p->data->item_ids, other));
        TRY(put_text(&x->rest, "::"));
        TRY(put(&x->rest, &p->title->text, item));
        TRY(put_genres(p, item, &x->rest));
    }
    if (title != UINT32_MAX && p->genres != NULL &&
        p->genres->list.ptr[item + 1] > p->genres->list.ptr[item]) {
        struct pair *x = new_pair(q, TITLE);
        TRY(put_title(p, item, item, &x->truth));
        TRY(put_title(p, item, title, &x->changed));
        TRY(put_genres(p, item, &x->rest));
    }
    return ask(p, q, p->stratum[item]);
}

/* Rows by lots, until every stratum has its number. */
static enum status ask_ratings(struct probe *p)
{
    const uint64_t n = p->data->interactions.n;
    uint32_t got[PROBE_STRATA] = {0}, full = 0;
    for (uint64_t k = 0; k < 20 * (uint64_t)p->o->rows && k < n && full < PROBE_STRATA; k++) {
        const uint64_t at = (uint64_t)(draw(p, 0, k) * (double)n);
        const int s = p->stratum[p->data->interactions.item[at]];
        if (got[s] == p->o->rows)
            continue;
        full += ++got[s] == p->o->rows;
        struct question q = {0};
        const enum status status = ask_rating(p, at, &q);
        question_free(&q);
        TRY(status);
    }
    return STATUS_OK;
}

static enum status ask_items(struct probe *p)
{
    for (int s = 0; s < PROBE_STRATA && p->title != NULL; s++) {
        const uint32_t n = p->first[s + 1] - p->first[s], some = n < p->o->rows ? n : p->o->rows;
        for (uint32_t k = 0; k < some; k++) { /* evenly over the stratum */
            const uint32_t item = p->items[p->first[s] + (uint32_t)((uint64_t)k * n / some)];
            if (strings_length(&p->title->text, item) == 0)
                continue;
            struct question q = {0};
            const enum status status = ask_item(p, item, &q);
            question_free(&q);
            TRY(status);
        }
    }
    return STATUS_OK;
}

enum status probe_run(const struct decoder *decoder, const struct dataset *dataset,
                      const struct probe_options *options, struct arena *arena,
                      struct probe_line lines[PROBE_LINES], size_t *n_lines)
{
    struct probe p = {.d = decoder, .data = dataset, .o = options, .arena = arena};
    p.title = dataset_item_column(dataset, "title");
    p.genres = dataset_item_column(dataset, "genres");
    p.title = p.title != NULL && p.title->kind == COLUMN_TEXT ? p.title : NULL;
    p.genres = p.genres != NULL && p.genres->kind == COLUMN_LIST ? p.genres : NULL;
    for (int change = 0; change < PROBE_CHANGES; change++)
        for (int s = 0; s < PROBE_STRATA; s++) {
            ARENA_NEW(p.values[change][s].truth, arena, options->rows);
            ARENA_NEW(p.values[change][s].changed, arena, options->rows);
        }
    TRY(cut_strata(&p));
    TRY(ask_ratings(&p));
    TRY(ask_items(&p));
    TRY(probe_lines(p.values, lines, n_lines));
    return *n_lines > 0 ? STATUS_OK
                        : status_fail(STATUS_DATA, "%s: nothing to ask about: no interaction, no title",
                                      dataset->name);
}
