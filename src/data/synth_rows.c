/*
 * synth_rows.c - which items a user takes, in which order, and what ratings he gives: the choice model that synth.c describes.
 *
 * Users don't depend on each other, so they are drawn by all threads, and a range of them at a time: a set of any size needs no
 * more memory than its users, its items and one range of rows.
 */
#include "data/synth_rows.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "data/synth_choice.h"
#include "data/synth_enrol.h"
#include "data/synth_text.h"
#include "data/synth_words.h"

#define RATING_SLOPE      0.5 /* of the preference above the user's mean */
#define RATING_MILD       0.35
#define RATING_NOISE      0.6
#define RATING_UNPREPARED 1.2 /* taken off where all prerequisites are missing */
enum { DRIFT_PHASES = 5, TILE = 1024 };

static const double rating_steps[4] = {-0.75, -0.1, 0.85, 2.0};

/* taste[factors] of the user at a phase of drift. */
static void taste_at(const struct synth_options *o, const struct truth *t, uint32_t user, int phase,
                     double *taste)
{
    const double angle = o->drift * acos(0.0) * (DRIFT_PHASES - 1 - phase) / (DRIFT_PHASES - 1);
    for (uint32_t f = 0; f < t->factors; f++) {
        const size_t at = (size_t)user * t->factors + f;
        taste[f] = (double)t->user[at];
        if (o->drift > 0) /* a turn keeps the spread of tastes over users */
            taste[f] = cos(angle) * taste[f] +
                       sin(angle) * o->signal * SYNTH_TASTE_SCALE * synth_normal(o->seed, SYNTH_DRIFT, 0, at);
    }
}

/* What the user likes at a phase of drift: out[i] for all items; returns their mean. */
static double preferences(const struct synth_source *s, uint32_t user, int phase, double *out)
{
    const struct truth *t = s->truth;
    const uint32_t n_items = s->o->n_items;
    double taste[SYNTH_THEMES], all = 0;
    taste_at(s->o, t, user, phase, taste);
    for (uint32_t from = 0; from < n_items; from += TILE) {
        const uint32_t end = n_items - from < TILE ? n_items : from + TILE;
        for (uint32_t i = from; i < end; i++)
            out[i] = (double)t->item_bias[i];
        for (uint32_t f = 0; f < t->factors; f++) {
            const float *weight = s->by_factor + (size_t)f * n_items;
            for (uint32_t i = from; i < end; i++)
                out[i] += taste[f] * (double)weight[i];
        }
        for (uint32_t i = from; i < end; i++)
            all += out[i];
    }
    return all / n_items;
}

/* unprepared: the share of the prerequisites that the user has not had. */
static float rate(const struct synth_options *o, uint32_t user, uint32_t item, double above_mean,
                  double unprepared)
{
    double x = RATING_SLOPE * above_mean + RATING_MILD * synth_normal(o->seed, SYNTH_RATING, 0, user) +
               RATING_NOISE * synth_normal(o->seed, SYNTH_RATING, 1 + user, item);
    x -= RATING_UNPREPARED * unprepared;
    int stars = 1;
    for (int s = 0; s < 4; s++)
        stars += x > rating_steps[s];
    return (float)stars;
}

/* What a thread draws with. */
struct desk {
    double *preference;                /* [n_items] */
    struct synth_ticket *heap;         /* [n_items] */
    uint8_t *taken;                    /* [n_items]; NULL without drift and prerequisites */
    struct synth_enrolment *enrolment; /* NULL without prerequisites */
    double bound[SYNTH_BINS];
};

static void desk_free(struct desk *desk)
{
    if (desk != NULL) {
        free(desk->preference);
        free(desk->heap);
        free(desk->taken);
        synth_enrolment_free(desk->enrolment);
    }
    free(desk);
}

static struct desk *desk_new(const struct synth_source *s)
{
    const struct synth_options *o = s->o;
    const bool takes = o->drift > 0 || s->needs != NULL;
    struct desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        return NULL;
    desk->preference = malloc(o->n_items * sizeof *desk->preference);
    desk->heap = malloc(o->n_items * sizeof *desk->heap);
    desk->taken = takes ? calloc(o->n_items, 1) : NULL;
    desk->enrolment = s->needs != NULL ? synth_enrolment_new(s->needs, s->opens) : NULL;
    if (desk->preference == NULL || desk->heap == NULL || (takes && desk->taken == NULL) ||
        (s->needs != NULL && desk->enrolment == NULL)) {
        desk_free(desk);
        return NULL;
    }
    synth_bounds(desk->bound);
    return desk;
}

/* Rows of one user and phase: `begin` .. `end` - 1 of all, the user's first being `first`, out's first `before`. */
struct phase {
    uint32_t user;
    int number;
    uint64_t before, first, begin, end;
};

/* The share of the item's prerequisites that are not taken. */
static double unprepared(const struct csr *needs, const uint8_t *taken, uint32_t item)
{
    int64_t n_missing = 0;
    for (int64_t e = needs->ptr[item]; e < needs->ptr[item + 1]; e++)
        n_missing += !taken[needs->idx[e]];
    return n_missing > 0 ? (double)n_missing / (double)(needs->ptr[item + 1] - needs->ptr[item]) : 0;
}

/* The n items that a user takes, in the order of time, into desk->heap. */
static void choose(const struct synth_choice *choice, uint64_t seed, uint32_t user, uint64_t n,
                   struct desk *desk)
{
    if (desk->enrolment != NULL) {
        synth_enrol(desk->enrolment, choice, seed, user, n, desk->heap);
        return;
    }
    synth_choose(choice, seed, user, n, desk->heap);
    for (uint64_t k = 0; k < n; k++) /* the chosen ones, in a random order of time */
        desk->heap[k].key = synth_unit(seed, SYNTH_ORDER, user, desk->heap[k].item);
    qsort(desk->heap, n, sizeof *desk->heap, synth_ticket_compare);
}

/* *now: the time of the row before. */
static void draw_phase(const struct synth_source *s, const struct phase *p, struct desk *desk, double *now,
                       struct interactions *out)
{
    const struct synth_options *o = s->o;
    const uint32_t user = p->user;
    const uint64_t n = p->end - p->begin;
    const double mean = preferences(s, user, p->number, desk->preference);
    const struct synth_choice choice = {.n_items = o->n_items,
                                        .preference = desk->preference,
                                        .exposure = s->truth->exposure,
                                        .taken = desk->taken,
                                        .first = (uint64_t)p->number * o->n_items,
                                        .bound = desk->bound};
    choose(&choice, o->seed, user, n, desk);
    for (uint64_t k = 0; k < n; k++) {
        const uint64_t row = p->begin + k, at = row - p->before, nth = row - p->first;
        const uint32_t item = desk->heap[k].item;
        const double gap = synth_unit(o->seed, SYNTH_TIME, 1 + user, 2 * nth);
        const bool later = synth_unit(o->seed, SYNTH_TIME, 1 + user, 2 * nth + 1) < 0.05;
        *now += 1 + floor(gap * (later ? 40 * 86400.0 : 600.0));
        out->user[at] = user;
        out->item[at] = item;
        out->value[at] = rate(o, user, item, desk->preference[item] - mean,
                              s->needs != NULL ? unprepared(s->needs, desk->taken, item) : 0);
        out->time[at] = (int64_t)*now;
        out->source_row[at] = row;
        if (desk->taken != NULL)
            desk->taken[item] = 1;
    }
}

static void draw_user(const struct synth_source *s, uint32_t user, uint64_t before, struct desk *desk,
                      struct interactions *out)
{
    /* A user comes within five years and then rates every few minutes, now and then after weeks. */
    double now = 946684800.0 + floor(synth_unit(s->o->seed, SYNTH_TIME, 0, user) * 5 * 365 * 86400.0);
    const uint64_t phases = s->o->drift > 0 ? DRIFT_PHASES : 1, begin = s->begin[user],
                   n = s->begin[user + 1] - begin;
    for (uint64_t k = 0; k < phases; k++) {
        const struct phase p = {
            user, (int)k, before, begin, begin + n * k / phases, begin + n * (k + 1) / phases};
        if (p.end > p.begin)
            draw_phase(s, &p, desk, &now, out);
    }
    for (uint64_t r = begin; r < begin + n && desk->taken != NULL; r++)
        desk->taken[out->item[r - before]] = 0;
}

enum status synth_rows(const struct synth_source *s, uint32_t first, uint32_t end, struct arena *arena,
                       struct interactions *out)
{
    bool failed = false;
    const uint64_t before = s->begin[first];
    *out = (struct interactions){.n = s->begin[end] - before};
    ARENA_NEW(out->user, arena, out->n);
    ARENA_NEW(out->item, arena, out->n);
    ARENA_NEW(out->value, arena, out->n);
    ARENA_NEW(out->time, arena, out->n);
    ARENA_NEW(out->source_row, arena, out->n);
#pragma omp parallel
    {
        struct desk *desk = desk_new(s);
        if (desk == NULL) {
#pragma omp atomic write
            failed = true;
        }
#pragma omp for schedule(dynamic, 16)
        for (uint32_t u = first; u < end; u++)
            if (desk != NULL)
                draw_user(s, u, before, desk, out);
        desk_free(desk);
    }
    return failed ? status_fail(STATUS_SYSTEM, "out of memory: synth with %u items", s->o->n_items)
                  : STATUS_OK;
}
