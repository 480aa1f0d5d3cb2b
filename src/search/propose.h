/*
 * propose.h - which setting to try next: grid, random, Sobol, Bayesian or successive halving.
 *
 * A proposal is a function of the options, the space and the trials so far, and of nothing else: a search that was stopped goes on with the
 * same proposals, and the first b trials of a search (grid and halving aside) are the whole search of a budget of b.
 */
#ifndef SEARCH_PROPOSE_H
#define SEARCH_PROPOSE_H
#include "search/space.h"

enum search_strategy { SEARCH_GRID, SEARCH_RANDOM, SEARCH_SOBOL, SEARCH_BAYESIAN, SEARCH_HALVING };
#define SEARCH_STRATEGIES "grid|random|sobol|bayesian|halving"

struct search_options {
    enum search_strategy strategy;
    uint32_t trials; /* settings, of halving: those of the first rung; a grid has its own number */
    uint64_t seed;
    uint32_t initial; /* bayesian: trials by Sobol's sequence before the first model */
    /* halving: what a setting may use (epochs, say), first and last; the number of settings falls and the use rises by eta each rung */
    double resource_low, resource_high, eta;
};

struct search_trial {
    double *x;       /* [dimensions] values, of nine significant digits */
    double value;    /* higher is better; NaN: it failed */
    uint32_t rung;   /* 0 but for halving */
    double resource; /* 0 but for halving: whole, rounded */
};

/* The trial after done[0 .. n - 1]; *end: there is none.  A setting is not tried twice (but in a later rung).  x of the arena. */
enum status search_next(const struct search_options *options, const struct search_space *space,
                        const struct search_trial *done, size_t n, struct arena *arena,
                        struct search_trial *next, bool *end);
/* Trials in all (at most: a space may have fewer settings). */
size_t search_total(const struct search_options *options, const struct search_space *space);
/* The best so far: of the trials with the largest resource, the first of the highest value; SIZE_MAX: all failed. */
size_t search_best(const struct search_trial *done, size_t n);
/* x to nine significant digits, as records keep it. */
double search_round(double x);
/* Rungs of a halving, its settings and what each may use in rung r. */
uint32_t search_rungs(const struct search_options *options);
void search_rung(const struct search_options *options, uint32_t rung, uint32_t *settings, double *resource);

#endif
