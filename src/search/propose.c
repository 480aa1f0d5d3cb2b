/*
 * propose.c - see propose.h.
 *
 * random: independent draws (Bergstra, Bengio 2012).  sobol: GSL's sequence shifted by a random vector modulo 1 (Cranley, Patterson 1976).
 * bayesian: a Gaussian process over the trials so far and the setting of largest expected improvement (Jones, Schonlau, Welch 1998; Snoek,
 * Larochelle, Adams 2012), looked for among a shifted Sobol set and around the best settings.  halving: Jamieson, Talwalkar 2016.
 */
#include "search/propose.h"

#include <gsl/gsl_qrng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "search/gp.h"

enum { DRAWS_MOST = 100000, CANDIDATES = 1024, ROUNDS = 12, NEAR = 24, INCUMBENTS = 4 };
enum { STREAM_SHIFT = 0, STREAM_RANDOM = 1, STREAM_CANDIDATES = 16 }; /* streams of RANDOM_SEARCH */

double search_round(double x)
{
    char text[32];
    snprintf(text, sizeof text, "%.9g", x);
    return strtod(text, NULL);
}

static void decode(const struct search_space *space, const double *u, double *x)
{
    for (size_t i = 0; i < space->n; i++)
        x[i] = search_round(search_value(&space->dimension[i], u[i]));
}

static bool tried(const struct search_trial *done, size_t n, const double *x, size_t dimensions)
{
    for (size_t t = 0; t < n; t++)
        if (done[t].rung == 0 && memcmp(done[t].x, x, dimensions * sizeof *x) == 0)
            return true;
    return false;
}

/* Sobol's sequence, shifted. */
struct sobol {
    gsl_qrng *q;
    size_t n;
    double shift[SEARCH_DIMENSIONS];
};
static enum status sobol_open(struct sobol *s, size_t n, uint64_t seed, uint32_t stream)
{
    s->n = n;
    s->q = gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)n);
    if (s->q == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for Sobol's sequence of %zu dimensions", n);
    for (size_t i = 0; i < n; i++)
        s->shift[i] = random_unit(seed, RANDOM_SEARCH, stream, i);
    return STATUS_OK;
}
static void sobol_next(struct sobol *s, double *u)
{
    gsl_qrng_get(s->q, u);
    for (size_t i = 0; i < s->n; i++) {
        u[i] += s->shift[i];
        u[i] -= floor(u[i]);
    }
}

/* The first setting of a stream of draws that was not tried yet; *end: there is none left to find. */
static enum status draw(const struct search_options *o, const struct search_space *space,
                        const struct search_trial *done, size_t n, bool random, double *x, bool *end)
{
    double u[SEARCH_DIMENSIONS];
    struct sobol s;
    TRY(sobol_open(&s, space->n, o->seed, STREAM_SHIFT));
    *end = true;
    for (uint64_t t = 0; t < DRAWS_MOST && *end; t++) {
        if (random)
            for (size_t i = 0; i < space->n; i++)
                u[i] = random_unit(o->seed, RANDOM_SEARCH, STREAM_RANDOM, t * SEARCH_DIMENSIONS + i);
        else
            sobol_next(&s, u);
        decode(space, u, x);
        *end = tried(done, n, x, space->n);
    }
    gsl_qrng_free(s.q);
    return STATUS_OK;
}

/* ---- bayesian */
struct surrogate {
    const struct search_space *space;
    struct gp gp;
    double best;
    double *encoded, *room; /* [columns], [n] */
};

static double worth(struct surrogate *s, const double *x)
{
    double mean, deviation;
    search_encode(s->space, x, s->encoded);
    gp_predict(&s->gp, s->encoded, s->room, &mean, &deviation);
    return expected_improvement(mean, deviation, s->best);
}

/* The trials as the process sees them; a failed one is as bad as the worst. */
static enum status surrogate_fit(struct surrogate *s, const struct search_trial *done, size_t n,
                                 struct arena *arena)
{
    const size_t columns = search_columns(s->space);
    double *x, *y, worst = INFINITY;
    uint32_t *owner;
    ARENA_NEW(x, arena, n * columns);
    ARENA_NEW(y, arena, n);
    ARENA_NEW(owner, arena, columns);
    ARENA_NEW(s->encoded, arena, columns);
    ARENA_NEW(s->room, arena, n);
    s->best = -INFINITY;
    for (size_t t = 0; t < n; t++)
        if (!isnan(done[t].value)) {
            worst = fmin(worst, done[t].value);
            s->best = fmax(s->best, done[t].value);
        }
    for (size_t t = 0; t < n; t++) {
        search_encode(s->space, done[t].x, x + t * columns);
        y[t] = isnan(done[t].value) ? worst : done[t].value;
    }
    search_column_owners(s->space, owner);
    return gp_fit(x, y, n, columns, owner, s->space->n, arena, &s->gp);
}

/* A neighbour of x in the cube: numbers move by a normal step, a choice is drawn anew now and then. */
static void near(const struct search_space *space, const double *x, double step, uint64_t seed,
                 uint32_t stream, uint64_t index, double *out)
{
    for (size_t i = 0; i < space->n; i++) {
        const struct search_dimension *d = &space->dimension[i];
        const uint64_t at = (index * SEARCH_DIMENSIONS + i) * 2;
        double u = search_unit(d, x[i]);
        if (d->kind != SEARCH_CHOICE)
            u += step * random_normal(seed, RANDOM_SEARCH, stream, at);
        else if (random_unit(seed, RANDOM_SEARCH, stream, at) < 0.3)
            u = random_unit(seed, RANDOM_SEARCH, stream, at + 1);
        out[i] = search_round(search_value(d, u));
    }
}

struct pick {
    double worth, *x;
    bool there;
};
static void consider(struct surrogate *s, const struct search_trial *done, size_t n, const double *x,
                     struct pick *pick)
{
    if (tried(done, n, x, s->space->n))
        return;
    const double w = worth(s, x);
    if (pick->there && !(w > pick->worth))
        return;
    pick->worth = w;
    pick->there = true;
    memmove(pick->x, x, s->space->n * sizeof *x);
}

static enum status maximise(const struct search_options *o, struct surrogate *s,
                            const struct search_trial *done, size_t n, struct pick *pick)
{
    const uint32_t stream = STREAM_CANDIDATES + (uint32_t)n * 2;
    double u[SEARCH_DIMENSIONS], x[SEARCH_DIMENSIONS], centre[SEARCH_DIMENSIONS];
    const size_t dimensions = s->space->n;
    uint64_t index = 0;
    struct sobol sequence;
    TRY(sobol_open(&sequence, dimensions, o->seed, stream));
    for (size_t c = 0; c < CANDIDATES; c++) {
        sobol_next(&sequence, u);
        decode(s->space, u, x);
        consider(s, done, n, x, pick);
    }
    gsl_qrng_free(sequence.q);
    double above = INFINITY; /* around the best trials, from the best down */
    for (int b = 0; b < INCUMBENTS; b++) {
        size_t at = SIZE_MAX;
        for (size_t t = 0; t < n; t++)
            if (done[t].value < above && (at == SIZE_MAX || done[t].value > done[at].value))
                at = t;
        if (at == SIZE_MAX)
            break;
        above = done[at].value;
        for (int i = 0; i < NEAR; i++) {
            near(s->space, done[at].x, 0.1, o->seed, stream + 1, index++, x);
            consider(s, done, n, x, pick);
        }
    }
    double step = 0.1;
    for (int round = 0; round < ROUNDS && pick->there; round++, step *= 0.7) {
        memcpy(centre, pick->x, dimensions * sizeof *centre);
        for (int i = 0; i < NEAR; i++) {
            near(s->space, centre, step, o->seed, stream + 1, index++, x);
            consider(s, done, n, x, pick);
        }
    }
    return STATUS_OK;
}

static enum status bayesian(const struct search_options *o, const struct search_space *space,
                            const struct search_trial *done, size_t n, struct arena *arena, double *x,
                            bool *end)
{
    struct surrogate s = {.space = space};
    struct pick pick = {.x = x};
    size_t n_good = 0;
    for (size_t t = 0; t < n; t++)
        n_good += !isnan(done[t].value);
    if (n < o->initial || n_good < 2)
        return draw(o, space, done, n, false, x, end);
    struct arena *scratch = arena_new();
    if (scratch == NULL)
        return STATUS_SYSTEM;
    enum status status = surrogate_fit(&s, done, n, scratch);
    if (status == STATUS_OK)
        status = maximise(o, &s, done, n, &pick);
    arena_free(scratch);
    (void)arena;
    TRY(status);
    return pick.there ? STATUS_OK : draw(o, space, done, n, false, x, end);
}

/* ---- halving */
uint32_t search_rungs(const struct search_options *o)
{
    return 1 + (uint32_t)floor(log(o->resource_high / o->resource_low) / log(o->eta) + 1e-9);
}

void search_rung(const struct search_options *o, uint32_t rung, uint32_t *settings, double *resource)
{
    const double power = pow(o->eta, rung);
    const double n = floor(o->trials / power + 1e-9), r = o->resource_low * power;
    *settings = n > 1 ? (uint32_t)n : 1;
    *resource = rung + 1 == search_rungs(o) ? o->resource_high : floor(r + 0.5);
}

static int by_value(const void *a, const void *b)
{
    const struct search_trial *x = *(const struct search_trial *const *)a,
                              *y = *(const struct search_trial *const *)b;
    const double p = isnan(x->value) ? -INFINITY : x->value, q = isnan(y->value) ? -INFINITY : y->value;
    return p != q ? (p < q) - (p > q) : (x > y) - (x < y);
}

/* Rung by rung: the best of the rung before, in its order. */
static enum status halve(const struct search_options *o, const struct search_space *space,
                         const struct search_trial *done, size_t n, struct arena *arena,
                         struct search_trial *next, bool *end)
{
    uint32_t rung = 0, settings;
    size_t first = 0; /* trial of the rung's first */
    const struct search_trial **sorted;
    search_rung(o, 0, &settings, &next->resource);
    if (n < settings) {
        bool none = false;
        TRY(draw(o, space, done, n, true, next->x, &none));
        if (!none)
            return STATUS_OK;
        *end = true; /* fewer settings than trials, which the reader of the file refuses */
        return STATUS_OK;
    }
    size_t before = 0;
    while (n >= first + settings) {
        before = first;
        first += settings;
        if (++rung == search_rungs(o)) {
            *end = true;
            return STATUS_OK;
        }
        search_rung(o, rung, &settings, &next->resource);
    }
    ARENA_NEW(sorted, arena, first - before);
    for (size_t t = before; t < first; t++)
        sorted[t - before] = &done[t];
    qsort(sorted, first - before, sizeof *sorted, by_value);
    next->rung = rung;
    memcpy(next->x, sorted[n - first]->x, space->n * sizeof *next->x);
    return STATUS_OK;
}

enum status search_next(const struct search_options *o, const struct search_space *space,
                        const struct search_trial *done, size_t n, struct arena *arena,
                        struct search_trial *next, bool *end)
{
    *next = (struct search_trial){.value = NAN};
    ARENA_NEW(next->x, arena, SEARCH_DIMENSIONS);
    *end = n >= search_total(o, space);
    if (*end)
        return STATUS_OK;
    switch (o->strategy) {
    case SEARCH_GRID:
        search_grid_point(space, n, next->x);
        for (size_t i = 0; i < space->n; i++)
            next->x[i] = search_round(next->x[i]);
        return STATUS_OK;
    case SEARCH_HALVING:
        return halve(o, space, done, n, arena, next, end);
    case SEARCH_BAYESIAN:
        return bayesian(o, space, done, n, arena, next->x, end);
    case SEARCH_RANDOM:
    case SEARCH_SOBOL:
        break;
    }
    return draw(o, space, done, n, o->strategy == SEARCH_RANDOM, next->x, end);
}

size_t search_total(const struct search_options *o, const struct search_space *space)
{
    size_t n = o->trials;
    if (o->strategy == SEARCH_GRID)
        return search_grid_size(space);
    for (uint32_t r = 1; o->strategy == SEARCH_HALVING && r < search_rungs(o); r++) {
        uint32_t settings;
        double resource;
        search_rung(o, r, &settings, &resource);
        n += settings;
    }
    return n;
}

size_t search_best(const struct search_trial *done, size_t n)
{
    size_t best = SIZE_MAX;
    for (size_t t = 0; t < n; t++)
        if (!isnan(done[t].value) &&
            (best == SIZE_MAX || done[t].resource > done[best].resource ||
             (done[t].resource == done[best].resource && done[t].value > done[best].value)))
            best = t;
    return best;
}
