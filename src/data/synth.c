/*
 * synth.c - a dataset with a known truth: see synth.h.
 *
 * Items: each has one main theme (weight 0.8 .. 1.2), most a second one (0.3 .. 0.8), and a trace of the
 * others; a quality; and an exposure that falls with the logarithm of its popularity rank, as in Zipf's law.
 * Users: a normal taste for every theme, and a log-normal activity.  Choice: user u takes n_u items without
 * replacement, each next one with probability proportional to exp(preference + exposure) of those left (Luce
 * 1959; Plackett 1975).  That is drawn exactly, and for all users in parallel, by the Gumbel trick: the n_u
 * largest of preference + exposure + a standard Gumbel number (Yellott 1977).  So the true preference +
 * exposure is the best ranking there is of what a user will be observed to take, and the oracle
 * (models/oracle.c) bounds every model from above. Ratings 1 .. 5 are an ordered probit of how far the
 * preference lies above the user's mean, with a user's mildness and noise (McKelvey and Zavoina 1975).  The
 * order of a user's rows in time is random; with drift they come in five phases, each drawn among what is left by a taste
 * that has turned a step further.
 *
 * Every number is a Philox draw named by what it is for, and sums run in a fixed order: the same options give
 * the same bytes for any number of threads.  Compilers with another libm or without FMA may differ in the
 * last bits.
 */
#include "data/synth.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/synth_choice.h"
#include "data/synth_features.h"
#include "data/synth_text.h"
#include "data/synth_words.h"

/* Strengths at signal 1, chosen so that on the default set popularity, taste and content each carry a clear
 * share (tests/data/test_synth.c measures them). */
#define TASTE_SCALE    1.8
#define QUALITY_SCALE  0.3
#define EXPOSURE_SCALE 0.8
#define ACTIVITY_SCALE 0.9
#define RATING_SLOPE   0.5 /* of the preference above the user's mean */
#define RATING_MILD    0.35
#define RATING_NOISE   0.6
#define ROWS_LEAST     5
#define ROWS_SHARE     0.6 /* of the items: the most a user may have */
enum { DRIFT_PHASES = 5 };

static const double rating_steps[4] = {-0.75, -0.1, 0.85, 2.0};

static enum status check(const struct synth_options *o)
{
    if (o->n_users < 1 || o->n_users > 50000000 || o->n_items < 10 || o->n_items > 50000000)
        return status_fail(STATUS_USAGE,
                           "synth: %u users and %u items; at least 1 user and 10 items, at most 50 "
                           "million of each, are possible",
                           o->n_users, o->n_items);
    if (o->factors < 2 || o->factors > SYNTH_THEMES)
        return status_fail(STATUS_USAGE, "synth: %u factors; 2 to %d are possible", o->factors, SYNTH_THEMES);
    if (!(o->signal >= 0 && o->signal <= 10))
        return status_fail(STATUS_USAGE, "synth: a signal of %g; 0 to 10 is possible", o->signal);
    if (!(o->less_exposure >= 0 && o->less_exposure <= 1) || !(o->drift >= 0 && o->drift <= 1) ||
        !(o->fewer_texts >= 0 && o->fewer_texts <= 1))
        return status_fail(STATUS_USAGE, "synth: exposure, drift and texts can be 0 to 1 of what they are");
    if (o->n_image > SYNTH_FEATURE_MAX || o->n_audio > SYNTH_FEATURE_MAX)
        return status_fail(STATUS_USAGE, "synth: image and audio vectors have 0 to %d numbers",
                           SYNTH_FEATURE_MAX);
    const uint64_t most = (uint64_t)o->n_users * (uint64_t)(ROWS_SHARE * o->n_items);
    const uint64_t least = (uint64_t)o->n_users * ROWS_LEAST;
    if (o->n_interactions < least || o->n_interactions > most)
        return status_fail(STATUS_USAGE,
                           "synth: %llu interactions; %u users and %u items can have %llu to %llu "
                           "(5 a user at least, 60 %% of the items at most)",
                           (unsigned long long)o->n_interactions, o->n_users, o->n_items,
                           (unsigned long long)least, (unsigned long long)most);
    return STATUS_OK;
}

/* The themes of one item, [factors]. */
static void item_vector(const struct synth_options *o, uint32_t item, float *v)
{
    const uint32_t n = o->factors;
    const uint32_t first = (uint32_t)(synth_unit(o->seed, SYNTH_THEME, 0, item) * n);
    const uint32_t second = (first + 1 + (uint32_t)(synth_unit(o->seed, SYNTH_THEME, 1, item) * (n - 1))) % n;
    for (uint32_t f = 0; f < n; f++)
        v[f] = (float)(0.15 * synth_unit(o->seed, SYNTH_THEME, 8 + f, item));
    v[first] = (float)(0.8 + 0.4 * synth_unit(o->seed, SYNTH_THEME, 2, item));
    if (synth_unit(o->seed, SYNTH_THEME, 3, item) < 0.7)
        v[second] = (float)(0.3 + 0.5 * synth_unit(o->seed, SYNTH_THEME, 4, item));
}

static enum status draw_truth(const struct synth_options *o, struct arena *arena, struct truth *t)
{
    float *user, *item, *bias, *exposure;
    uint32_t *rank;
    ARENA_NEW(user, arena, (size_t)o->n_users * o->factors);
    ARENA_NEW(item, arena, (size_t)o->n_items * o->factors);
    ARENA_NEW(bias, arena, o->n_items);
    ARENA_NEW(exposure, arena, o->n_items);
    ARENA_NEW(rank, arena, o->n_items);
    random_permutation(o->seed, (enum random_purpose)(RANDOM_SYNTH + SYNTH_EXPOSURE), 0, o->n_items, rank);
    for (size_t k = 0; k < (size_t)o->n_users * o->factors; k++)
        user[k] = (float)(o->signal * TASTE_SCALE * synth_normal(o->seed, SYNTH_TASTE, 0, k));
    for (uint32_t i = 0; i < o->n_items; i++) {
        item_vector(o, i, item + (size_t)i * o->factors);
        bias[i] = (float)(o->signal * QUALITY_SCALE * synth_normal(o->seed, SYNTH_QUALITY, 0, i));
        /* 20 added to the rank: the few top items are near each other, as in MovieLens. */
        exposure[i] = (float)(-(1 - o->less_exposure) * o->signal * EXPOSURE_SCALE *
                              log((rank[i] + 20.0) / (o->n_items + 20.0)));
    }
    *t = (struct truth){o->factors, user, item, bias, exposure};
    return STATUS_OK;
}

/* What the user likes at a phase of drift: preference[i] for all items; returns their mean. */
static double preferences(const struct synth_options *o, const struct truth *t, uint32_t user, int phase,
                          double *out)
{
    double taste[SYNTH_THEMES], all = 0;
    const double angle = o->drift * acos(0.0) * (DRIFT_PHASES - 1 - phase) / (DRIFT_PHASES - 1);
    for (uint32_t f = 0; f < t->factors; f++) {
        const size_t at = (size_t)user * t->factors + f;
        taste[f] = (double)t->user[at];
        if (o->drift > 0) /* a turn keeps the spread of tastes over users */
            taste[f] = cos(angle) * taste[f] +
                       sin(angle) * o->signal * TASTE_SCALE * synth_normal(o->seed, SYNTH_DRIFT, 0, at);
    }
    for (uint32_t i = 0; i < o->n_items; i++) {
        double sum = (double)t->item_bias[i];
        for (uint32_t f = 0; f < t->factors; f++)
            sum += taste[f] * (double)t->item[(size_t)i * t->factors + f];
        out[i] = sum;
        all += sum;
    }
    return all / o->n_items;
}

struct share {
    double rest;
    uint32_t user;
};
static int compare_shares(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    if (x->rest != y->rest)
        return x->rest > y->rest ? -1 : 1;
    return (x->user > y->user) - (x->user < y->user);
}

/* begin[u] .. begin[u + 1] are user u's rows: log-normal shares, exactly n_interactions in all. */
static enum status draw_activity(const struct synth_options *o, struct arena *arena, uint64_t **begin)
{
    const uint64_t most = (uint64_t)(ROWS_SHARE * o->n_items);
    const uint64_t free_rows = o->n_interactions - (uint64_t)o->n_users * ROWS_LEAST;
    struct share *shares;
    double *weight, sum = 0;
    uint64_t *n, left = o->n_interactions;
    ARENA_NEW(shares, arena, o->n_users);
    ARENA_NEW(weight, arena, o->n_users);
    ARENA_NEW(n, arena, o->n_users);
    ARENA_NEW(*begin, arena, (size_t)o->n_users + 1);
    for (uint32_t u = 0; u < o->n_users; u++) {
        weight[u] = exp(ACTIVITY_SCALE * synth_normal(o->seed, SYNTH_ACTIVITY, 0, u));
        sum += weight[u];
    }
    for (uint32_t u = 0; u < o->n_users; u++) {
        const double share = (double)free_rows * weight[u] / sum;
        n[u] = ROWS_LEAST + (uint64_t)fmin(floor(share), (double)(most - ROWS_LEAST));
        left -= n[u];
        shares[u] = (struct share){share - floor(share), u};
    }
    qsort(shares, o->n_users, sizeof *shares, compare_shares);
    while (left > 0) { /* one more each, the largest remainder first, until all rows are given */
        for (uint32_t k = 0; k < o->n_users && left > 0; k++) {
            if (n[shares[k].user] < most) {
                n[shares[k].user]++;
                left--;
            }
        }
    }
    for (uint32_t u = 0; u < o->n_users; u++)
        (*begin)[u + 1] = (*begin)[u] + n[u];
    return STATUS_OK;
}

static float rate(const struct synth_options *o, uint32_t user, uint32_t item, double above_mean)
{
    const double x = RATING_SLOPE * above_mean + RATING_MILD * synth_normal(o->seed, SYNTH_RATING, 0, user) +
                     RATING_NOISE * synth_normal(o->seed, SYNTH_RATING, 1 + user, item);
    int stars = 1;
    for (int s = 0; s < 4; s++)
        stars += x > rating_steps[s];
    return (float)stars;
}

/* What a thread draws with. */
struct desk {
    double *preference;        /* [n_items] */
    struct synth_ticket *heap; /* [n_items] */
    uint8_t *taken;            /* [n_items]; NULL without drift */
    double bound[SYNTH_BINS];
};

static void desk_free(struct desk *desk)
{
    if (desk != NULL) {
        free(desk->preference);
        free(desk->heap);
        free(desk->taken);
    }
    free(desk);
}

static struct desk *desk_new(const struct synth_options *o)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        return NULL;
    desk->preference = malloc(o->n_items * sizeof *desk->preference);
    desk->heap = malloc(o->n_items * sizeof *desk->heap);
    desk->taken = o->drift > 0 ? calloc(o->n_items, 1) : NULL;
    if (desk->preference == NULL || desk->heap == NULL || (o->drift > 0 && desk->taken == NULL)) {
        desk_free(desk);
        return NULL;
    }
    synth_bounds(desk->bound);
    return desk;
}

/* The rows of one phase of one user; *now: the time of the row before. */
static void draw_phase(const struct synth_options *o, const struct truth *t, uint32_t user, int phase,
                       uint64_t first, uint64_t begin, uint64_t end, struct desk *desk, double *now,
                       struct interactions *out)
{
    const uint64_t n = end - begin;
    const double mean = preferences(o, t, user, phase, desk->preference);
    const struct synth_choice choice = {.n_items = o->n_items,
                                        .preference = desk->preference,
                                        .exposure = t->exposure,
                                        .taken = desk->taken,
                                        .first = (uint64_t)phase * o->n_items,
                                        .bound = desk->bound};
    synth_choose(&choice, o->seed, user, n, desk->heap);
    for (uint64_t k = 0; k < n; k++) /* the chosen ones, in a random order of time */
        desk->heap[k].key = synth_unit(o->seed, SYNTH_ORDER, user, desk->heap[k].item);
    qsort(desk->heap, n, sizeof *desk->heap, synth_ticket_compare);
    for (uint64_t r = begin; r < end; r++) {
        const uint32_t item = desk->heap[r - begin].item;
        const double gap = synth_unit(o->seed, SYNTH_TIME, 1 + user, 2 * (r - first));
        const bool later = synth_unit(o->seed, SYNTH_TIME, 1 + user, 2 * (r - first) + 1) < 0.05;
        *now += 1 + floor(gap * (later ? 40 * 86400.0 : 600.0));
        out->user[r] = user;
        out->item[r] = item;
        out->value[r] = rate(o, user, item, desk->preference[item] - mean);
        out->time[r] = (int64_t)*now;
        out->source_row[r] = r;
        if (desk->taken != NULL)
            desk->taken[item] = 1;
    }
}

static void draw_user(const struct synth_options *o, const struct truth *t, uint32_t user, uint64_t begin,
                      uint64_t end, struct desk *desk, struct interactions *out)
{
    /* A user comes within five years and then rates every few minutes, now and then after weeks. */
    double now = 946684800.0 + floor(synth_unit(o->seed, SYNTH_TIME, 0, user) * 5 * 365 * 86400.0);
    const int phases = o->drift > 0 ? DRIFT_PHASES : 1;
    for (int p = 0; p < phases; p++) {
        const uint64_t from = begin + (end - begin) * (uint64_t)p / (uint64_t)phases;
        const uint64_t to = begin + (end - begin) * (uint64_t)(p + 1) / (uint64_t)phases;
        if (to > from)
            draw_phase(o, t, user, p, begin, from, to, desk, &now, out);
    }
    for (uint64_t r = begin; r < end && desk->taken != NULL; r++)
        desk->taken[out->item[r]] = 0;
}

static enum status draw_interactions(const struct synth_options *o, const struct truth *t,
                                     struct arena *arena, struct interactions *out)
{
    uint64_t *begin;
    bool failed = false;
    TRY(draw_activity(o, arena, &begin));
    *out = (struct interactions){.n = o->n_interactions};
    ARENA_NEW(out->user, arena, out->n);
    ARENA_NEW(out->item, arena, out->n);
    ARENA_NEW(out->value, arena, out->n);
    ARENA_NEW(out->time, arena, out->n);
    ARENA_NEW(out->source_row, arena, out->n);
#pragma omp parallel
    {
        struct desk *desk = desk_new(o);
        if (desk == NULL) {
#pragma omp atomic write
            failed = true;
        }
#pragma omp for schedule(dynamic, 16)
        for (uint32_t u = 0; u < o->n_users; u++)
            if (desk != NULL)
                draw_user(o, t, u, begin[u], begin[u + 1], desk, out);
        desk_free(desk);
    }
    return failed ? status_fail(STATUS_SYSTEM, "out of memory: synth with %u items", o->n_items) : STATUS_OK;
}

static enum status name_ids(const char *prefix, uint32_t n, struct arena *arena, struct strings *out)
{
    struct string_builder b = {0};
    char id[16];
    enum status s = STATUS_OK;
    for (uint32_t k = 0; k < n && s == STATUS_OK; k++)
        s = string_builder_add(&b, id, (size_t)snprintf(id, sizeof id, "%s%u", prefix, k + 1));
    if (s == STATUS_OK)
        return string_builder_finish(&b, arena, out);
    string_builder_free(&b);
    return s;
}

/* The options that differ from a plain set are named after those that every set has. */
static const char *command_line(const struct synth_options *o, struct arena *arena)
{
    const char *line =
        arena_printf(arena,
                     "recfuse synth --users %u --items %u --interactions %llu --seed %llu --signal %g "
                     "--factors %u",
                     o->n_users, o->n_items, (unsigned long long)o->n_interactions,
                     (unsigned long long)o->seed, o->signal, o->factors);
    if (line != NULL && o->less_exposure > 0)
        line = arena_printf(arena, "%s --exposure %g", line, 1 - o->less_exposure);
    if (line != NULL && o->drift > 0)
        line = arena_printf(arena, "%s --drift %g", line, o->drift);
    if (line != NULL && o->fewer_texts > 0)
        line = arena_printf(arena, "%s --texts %g", line, 1 - o->fewer_texts);
    if (line != NULL && o->language == SYNTH_CHINESE)
        line = arena_printf(arena, "%s --language chinese", line);
    if (line != NULL && o->dialects)
        line = arena_printf(arena, "%s --dialects", line);
    if (line != NULL && o->n_image > 0)
        line = arena_printf(arena, "%s --image %u", line, o->n_image);
    if (line != NULL && o->n_audio > 0)
        line = arena_printf(arena, "%s --audio %u", line, o->n_audio);
    return line;
}

enum status synth_generate(const struct synth_options *o, struct arena *arena, struct dataset **out)
{
    struct dataset *d;
    struct truth *truth;
    TRY(check(o));
    ARENA_NEW(d, arena, 1);
    ARENA_NEW(truth, arena, 1);
    d->name = "synth";
    d->source = command_line(o, arena);
    d->policies = "{\"duplicates\":0,\"generated\":true}";
    if (d->source == NULL)
        return STATUS_SYSTEM;
    sha256_hex(d->source, strlen(d->source), d->source_sha256);
    d->n_users = o->n_users;
    d->n_items = o->n_items;
    TRY(name_ids("u", o->n_users, arena, &d->user_ids));
    TRY(name_ids("i", o->n_items, arena, &d->item_ids));
    TRY(draw_truth(o, arena, truth));
    d->truth = truth;
    TRY(draw_interactions(o, truth, arena, &d->interactions));
    TRY(synth_features(o, arena, d));
    TRY(synth_columns(o, arena, d));
    TRY(synth_texts(o, arena, d));
    *out = d;
    return STATUS_OK;
}
