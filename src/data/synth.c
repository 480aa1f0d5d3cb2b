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
 * that has turned a step further.  Of courses a user takes only what is open to him (synth_enrol.h).
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

#include "base/fsio.h"
#include "data/store_stream.h"
#include "data/synth_features.h"
#include "data/synth_friends.h"
#include "data/synth_rows.h"
#include "data/synth_scenario.h"
#include "data/synth_text.h"
#include "data/synth_words.h"

/* Strengths at signal 1, chosen so that on the default set popularity, taste and content each carry a clear
 * share (tests/data/test_synth.c measures them). */
#define QUALITY_SCALE  0.3
#define EXPOSURE_SCALE 0.8
#define ACTIVITY_SCALE 0.9
#define ROWS_LEAST     5
#define RANGE_ROWS     (1u << 19) /* in memory at a time, but for a user who has more */
#define ROWS_SHARE     0.6        /* of the items: the most a user may have */

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
    if (!(o->less_exposure >= 1 - SYNTH_EXPOSURE_MOST && o->less_exposure <= 1))
        return status_fail(STATUS_USAGE, "synth: an exposure of %g; 0 to %g times the usual is possible",
                           1 - o->less_exposure, SYNTH_EXPOSURE_MOST);
    if (!(o->untold >= 0 && o->untold <= 1) || !(o->noise >= 0 && o->noise <= 1))
        return status_fail(STATUS_USAGE,
                           "synth: texts tell of %g of the themes, %g of their words are noise; 0 to 1 "
                           "is possible of each",
                           1 - o->untold, o->noise);
    if (!(o->drift >= 0 && o->drift <= 1) || !(o->fewer_texts >= 0 && o->fewer_texts <= 1))
        return status_fail(STATUS_USAGE, "synth: drift and texts can be 0 to 1 of what they are");
    if (o->n_image > SYNTH_FEATURE_MAX || o->n_audio > SYNTH_FEATURE_MAX)
        return status_fail(STATUS_USAGE, "synth: image and audio vectors have 0 to %d numbers",
                           SYNTH_FEATURE_MAX);
    if (o->n_friends > SYNTH_FRIENDS_MOST || !(o->homophily >= 0 && o->homophily <= 100))
        return status_fail(STATUS_USAGE,
                           "synth: %u friends, homophily %g; 0 to %d friends and a homophily of 0 to 100 are "
                           "possible",
                           o->n_friends, o->homophily, SYNTH_FRIENDS_MOST);
    if (o->dialects && o->scenario != SYNTH_FILMS)
        return status_fail(STATUS_USAGE,
                           "synth: only films have dialects; leave out --dialects or --scenario");
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
#pragma omp parallel for
    for (size_t k = 0; k < (size_t)o->n_users * o->factors; k++)
        user[k] = (float)(o->signal * SYNTH_TASTE_SCALE * synth_normal(o->seed, SYNTH_TASTE, 0, k));
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
    if (line != NULL && o->less_exposure != 0)
        line = arena_printf(arena, "%s --exposure %g", line, 1 - o->less_exposure);
    if (line != NULL && o->drift > 0)
        line = arena_printf(arena, "%s --drift %g", line, o->drift);
    if (line != NULL && o->untold > 0)
        line = arena_printf(arena, "%s --told %g", line, 1 - o->untold);
    if (line != NULL && o->noise > 0)
        line = arena_printf(arena, "%s --noise %g", line, o->noise);
    if (line != NULL && o->fewer_texts > 0)
        line = arena_printf(arena, "%s --texts %g", line, 1 - o->fewer_texts);
    if (line != NULL && o->language == SYNTH_CHINESE)
        line = arena_printf(arena, "%s --language chinese", line);
    if (line != NULL && o->scenario != SYNTH_FILMS)
        line = arena_printf(arena, "%s --scenario %s", line, o->scenario == SYNTH_SHOP ? "shop" : "courses");
    if (line != NULL && o->dialects)
        line = arena_printf(arena, "%s --dialects", line);
    if (line != NULL && o->n_image > 0)
        line = arena_printf(arena, "%s --image %u", line, o->n_image);
    if (line != NULL && o->n_audio > 0)
        line = arena_printf(arena, "%s --audio %u", line, o->n_audio);
    if (line != NULL && o->n_friends > 0)
        line = arena_printf(arena, "%s --friends %u --homophily %g", line, o->n_friends, o->homophily);
    return line;
}

static enum status turn_round(const struct truth *t, uint32_t n_items, struct arena *arena, const float **out)
{
    float *by_factor;
    ARENA_NEW(by_factor, arena, (size_t)n_items * t->factors);
    for (uint32_t i = 0; i < n_items; i++)
        for (uint32_t f = 0; f < t->factors; f++)
            by_factor[(size_t)f * n_items + i] = t->item[(size_t)i * t->factors + f];
    *out = by_factor;
    return STATUS_OK;
}

static enum status make_columns(const struct synth_options *o, struct arena *arena, struct dataset *d,
                                struct synth_source *source)
{
    struct csr *needs, *opens;
    switch (o->scenario) {
    case SYNTH_FILMS:
        return synth_columns(o, arena, d);
    case SYNTH_SHOP:
        return synth_shop_columns(o, arena, d);
    case SYNTH_COURSES:
        break;
    }
    ARENA_NEW(needs, arena, 1);
    ARENA_NEW(opens, arena, 1);
    TRY(synth_course_columns(o, arena, d, needs));
    TRY(csr_transpose(needs, arena, opens));
    source->needs = needs;
    source->opens = opens;
    return STATUS_OK;
}

/* All but interactions and texts. */
static enum status make_head(const struct synth_options *o, struct arena *arena, struct dataset **out,
                             struct synth_source *source)
{
    struct dataset *d;
    struct truth *truth;
    uint64_t *begin;
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
    TRY(draw_activity(o, arena, &begin));
    TRY(synth_features(o, arena, d));
    *source = (struct synth_source){.o = o, .truth = truth, .begin = begin};
    TRY(make_columns(o, arena, d, source));
    if (o->n_friends > 0)
        TRY(synth_friends(o, arena, d));
    TRY(turn_round(truth, o->n_items, arena, &source->by_factor));
    *out = d;
    return STATUS_OK;
}

enum status synth_generate(const struct synth_options *o, struct arena *arena, struct dataset **out)
{
    struct synth_source source;
    TRY(make_head(o, arena, out, &source));
    TRY(synth_rows(&source, 0, o->n_users, arena, &(*out)->interactions));
    return synth_texts(o, source.truth, &(*out)->interactions, arena, &(*out)->texts);
}

/* One range of users: drawn, written down, forgotten. */
static enum status write_range(const struct synth_source *source, uint32_t first, uint32_t end,
                               struct store_stream *out, uint64_t *n_texts)
{
    struct interactions rows;
    struct texts texts;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = synth_rows(source, first, end, arena, &rows);
    if (status == STATUS_OK)
        status = synth_texts(source->o, source->truth, &rows, arena, &texts);
    if (status == STATUS_OK)
        status = store_stream_add(out, &rows, &texts);
    *n_texts += status == STATUS_OK ? texts.n : 0;
    arena_free(arena);
    return status;
}

static enum status write_ranges(const struct synth_source *source, struct store_stream *out,
                                uint64_t *n_texts)
{
    const uint32_t n_users = source->o->n_users;
    uint32_t first = 0;
    while (first < n_users) {
        uint32_t end = first + 1;
        while (end < n_users && source->begin[end + 1] - source->begin[first] <= RANGE_ROWS)
            end++;
        TRY(write_range(source, first, end, out, n_texts));
        first = end;
    }
    return STATUS_OK;
}

enum status synth_write(const struct synth_options *o, const char *path, struct synth_counts *counts)
{
    struct arena *arena = arena_new();
    struct dataset *head;
    struct synth_source source;
    struct store_stream *out = NULL;
    *counts = (struct synth_counts){0, ""};
    enum status status = arena != NULL ? make_head(o, arena, &head, &source) : STATUS_SYSTEM;
    if (status == STATUS_OK) {
        head->interactions.n = o->n_interactions;
        status = make_folder_of(path);
    }
    if (status == STATUS_OK)
        status = store_stream_open(path, head, &out);
    if (status == STATUS_OK)
        status = write_ranges(&source, out, &counts->n_texts);
    if (out != NULL)
        status = store_stream_close(out, status, counts->content_sha256);
    arena_free(arena);
    return status;
}
