/* policies.c - see policies.h. */
#include "data/import/policies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const policies_duplicates[] = {"all", "last", "first", "sum", "error", NULL};
const char *const policies_out_of_range[] = {"error", "skip", "clip", NULL};
const char *const policies_missing_times[] = {"error", "skip", "none", NULL};

int policies_word(const char *const *words, const char *word)
{
    for (int k = 0; words[k] != NULL; k++)
        if (strcmp(words[k], word) == 0)
            return k;
    return -1;
}

bool policies_scale(const char *text, float *low, float *high)
{
    const char *dots = strstr(text, "..");
    return dots != NULL && field_real((struct field){text, (size_t)(dots - text)}, low) &&
           field_real((struct field){dots + 2, strlen(dots + 2)}, high) && *low < *high;
}

bool policies_in_scale(struct import *im, float value, float low, float high)
{
    if (!im->has_scale) {
        im->has_scale = true;
        im->scale_low = low;
        im->scale_high = high;
    }
    return (value >= low && value <= high) || im->options->out_of_range != OUT_OF_RANGE_ERROR;
}

bool policies_no_time(const struct import *im, int64_t *time)
{
    *time = IMPORT_NO_TIME;
    return im->options->missing_times != MISSING_TIMES_ERROR;
}

enum { MANY = 65536 }; /* rows that are worth waking threads for */

/* Keeps the rows with drop[r] == 0, in their order. */
static void keep_rows(struct interactions *x, const uint8_t *drop)
{
    uint64_t n = 0;
    for (uint64_t r = 0; r < x->n; r++) {
        if (drop[r])
            continue;
        x->user[n] = x->user[r];
        x->item[n] = x->item[r];
        x->value[n] = x->value[r];
        x->source_row[n] = x->source_row[r];
        if (x->time != NULL)
            x->time[n] = x->time[r];
        n++;
    }
    x->n = n;
}

static enum status note_times(struct import *im, uint64_t n_without)
{
    static const char *const sentences[] = {"an error", "the row is skipped", "no times are kept"};
    TRY(import_note(im, "missing_times", sentences[im->options->missing_times]));
    return import_note_count(im, "rows_without_time", n_without);
}

static enum status note_range(struct import *im, uint64_t n_outside)
{
    static const char *const sentences[] = {"an error", "skipped", "brought to the nearest end of the scale"};
    char text[120];
    if (!im->has_scale)
        return STATUS_OK;
    snprintf(text, sizeof text, "%.6g to %.6g; ratings outside: %s", (double)im->scale_low,
             (double)im->scale_high, sentences[im->options->out_of_range]);
    TRY(import_note(im, "rating_scale", text));
    return import_note_count(im, "ratings_out_of_range", n_outside);
}

static enum status outside(const struct import *im, const char *source, uint64_t row, float value)
{
    return status_fail(
        STATUS_DATA,
        "%s: row %llu of the interactions (from 1): found a rating of %.6g, expected %.6g to %.6g as --scale "
        "says; --out-of-range skip or clip goes on",
        source, (unsigned long long)row + 1, (double)value, (double)im->scale_low, (double)im->scale_high);
}

/* Marks rows without a time, if they are to be skipped, and counts them. */
static uint64_t look_at_times(const struct interactions *x, bool skip, uint8_t *drop)
{
    uint64_t n_without = 0;
#pragma omp parallel for schedule(static) reduction(+ : n_without) if (x->n > MANY)
    for (uint64_t r = 0; r < x->n; r++)
        n_without += x->time[r] == IMPORT_NO_TIME;
    for (uint64_t r = 0; skip && n_without > 0 && r < x->n; r++)
        drop[r] = x->time[r] == IMPORT_NO_TIME;
    return n_without;
}

static uint64_t count_outside(const struct import *im, const struct interactions *x)
{
    uint64_t n_outside = 0;
#pragma omp parallel for schedule(static) reduction(+ : n_outside) if (x->n > MANY)
    for (uint64_t r = 0; r < x->n; r++)
        n_outside += !(x->value[r] >= im->scale_low && x->value[r] <= im->scale_high);
    return n_outside;
}

/* Skips or clips ratings outside the scale; *n_outside: how many of the rows that are left. */
static enum status look_at_scale(const struct import *im, const char *source, struct interactions *x,
                                 uint8_t *drop, uint64_t *n_outside)
{
    const enum out_of_range policy = (enum out_of_range)im->options->out_of_range;
    *n_outside = 0;
    if (!im->has_scale || count_outside(im, x) == 0)
        return STATUS_OK;
    for (uint64_t r = 0; r < x->n; r++) {
        const float value = x->value[r];
        if (drop[r] || (value >= im->scale_low && value <= im->scale_high))
            continue;
        ++*n_outside;
        if (policy == OUT_OF_RANGE_ERROR)
            return outside(im, source, r, value);
        drop[r] = policy == OUT_OF_RANGE_SKIP;
        x->value[r] = fminf(fmaxf(value, im->scale_low), im->scale_high);
    }
    return STATUS_OK;
}

enum status policies_rows(struct import *im, const char *source, struct interactions *x, bool *has_time)
{
    uint64_t n_without = 0, n_outside = 0;
    uint8_t *drop = calloc(x->n > 0 ? x->n : 1, 1);
    if (drop == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory reading %s", source);
    const struct import_options *o = im->options;
    if (*has_time)
        n_without = look_at_times(x, o->missing_times == MISSING_TIMES_SKIP, drop);
    *has_time = *has_time && !(n_without > 0 && o->missing_times == MISSING_TIMES_NONE);
    const enum status status = look_at_scale(im, source, x, drop, &n_outside);
    if (status == STATUS_OK && n_without + n_outside > 0)
        keep_rows(x, drop);
    free(drop);
    TRY(status);
    TRY(note_times(im, n_without));
    TRY(note_range(im, n_outside));
    return x->n > 0
               ? STATUS_OK
               : status_fail(STATUS_DATA, "%s: no row is left: all are out of range or have no time", source);
}

static enum status twice(const struct import *im, const char *source, const struct interactions *x,
                         uint64_t a, uint64_t b)
{
    const struct strings users = string_map_strings(im->users), items = string_map_strings(im->items);
    return status_fail(
        STATUS_DATA,
        "%s: user '%.*s' has item '%.*s' twice, in rows %llu and %llu of the interactions (from 1); "
        "--duplicates last, first, sum or all goes on",
        source, (int)strings_length(&users, x->user[a]), strings_at(&users, x->user[a]),
        (int)strings_length(&items, x->item[a]), strings_at(&items, x->item[a]),
        (unsigned long long)x->source_row[a] + 1, (unsigned long long)x->source_row[b] + 1);
}

/* What a thread knows of each item: the user + 1 whose row it met last, and that row. */
struct last_row {
    uint32_t user;
    uint64_t row;
};
/* What was found: pairs that occur again, and the first of them in order. */
struct again {
    uint64_t n, row, before;
};

/* Rows begin .. end, whole users: an item stands again when this user was the last to be marked on it. */
static void look_for_pairs(const struct interactions *x, uint64_t begin, uint64_t end, enum duplicates policy,
                           struct last_row *last, uint8_t *drop, struct again *found)
{
    for (uint64_t r = begin; r < end; r++) {
        struct last_row *const l = &last[x->item[r]];
        if (l->user == x->user[r] + 1) {
            if (found->n++ == 0) {
                found->row = r;
                found->before = l->row;
            }
            if (policy == DUPLICATES_SUM)
                x->value[r] += x->value[l->row];
            drop[policy == DUPLICATES_FIRST ? r : l->row] = policy != DUPLICATES_ALL;
            if (policy == DUPLICATES_FIRST)
                continue;
        }
        *l = (struct last_row){x->user[r] + 1, r};
    }
}

/* Threads have lots of whole users. */
static bool look_everywhere(const struct interactions *x, uint32_t n_items, enum duplicates policy,
                            uint8_t *drop, struct again *found)
{
    const uint64_t n_lots = x->n / MANY + 1;
    bool enough = true;
    *found = (struct again){0, UINT64_MAX, 0};
#pragma omp parallel reduction(&& : enough) if (x->n > MANY)
    {
        struct last_row *last = calloc(n_items > 0 ? n_items : 1, sizeof *last);
        enough = last != NULL;
#pragma omp for schedule(dynamic, 1)
        for (uint64_t lot = 0; lot < n_lots; lot++) {
            struct again some = {0, UINT64_MAX, 0};
            if (enough)
                look_for_pairs(x, interactions_user_begin(x, lot * MANY),
                               interactions_user_begin(x, lot + 1 < n_lots ? (lot + 1) * MANY : x->n), policy,
                               last, drop, &some);
#pragma omp critical(policies_pairs)
            *found = (struct again){found->n + some.n, some.row < found->row ? some.row : found->row,
                                    some.row < found->row ? some.before : found->before};
        }
        free(last);
    }
    return enough;
}

enum status policies_apply_duplicates(struct import *im, const char *source, uint32_t n_items,
                                      struct interactions *x)
{
    static const char *const sentences[] = {"all kept; a split keeps the last", "the last by time is kept",
                                            "the first by time is kept",
                                            "values are added, at the time of the last", "an error"};
    const enum duplicates policy = (enum duplicates)im->options->duplicates;
    struct again found;
    uint8_t *drop = calloc(x->n > 0 ? x->n : 1, 1);
    enum status status = STATUS_OK;
    if (drop == NULL || !look_everywhere(x, n_items, policy, drop, &found))
        status = status_fail(STATUS_SYSTEM, "out of memory counting duplicates");
    else if (found.n > 0 && policy == DUPLICATES_ERROR)
        status = twice(im, source, x, found.before, found.row);
    else if (found.n > 0 && policy != DUPLICATES_ALL)
        keep_rows(x, drop);
    free(drop);
    TRY(status);
    TRY(import_note_count(im, "duplicate_pairs", found.n));
    return import_note(im, "duplicates", sentences[policy]);
}
