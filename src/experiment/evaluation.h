/* evaluation.h - what evaluation.c and evaluation_strata.c share: one fitted model being measured. */
#ifndef EXPERIMENT_EVALUATION_H
#define EXPERIMENT_EVALUATION_H
#include "eval/beyond.h"
#include "experiment/cell.h"
#include "experiment/cell_parts.h"

/* What the measures of one cell are computed from, and where to. */
struct evaluation {
    const struct stage *stage;
    const struct fitted *fitted;
    const struct evaluate_config *evaluate;
    uint64_t seed;
    const struct backend *backend;
    const struct cell_place *place; /* NULL: lists alone are asked for */
    const struct csr *masks[2];
    struct arena *arena; /* of the values */
    struct relevance relevance;
    struct candidates candidates; /* where not all items are ranked */
    struct beyond_facts facts;    /* where measures or strata want them */
    struct lists lists;           /* where measures want them */
    uint32_t *n_relevant;         /* [n_users] relevant items of each user */
    uint32_t *rows;               /* [n_users] test rows of each user */
    double *values;               /* [n_measures x n_users] */
    double *pooled;               /* [n_measures] */
    double *parts;                /* [n_users x n_parts] of each measure that has parts */
    size_t n_strata;              /* measured so far */
    struct cell_part *strata;     /* [n_strata] */
};

static inline double *values_of(const struct evaluation *v, size_t measure)
{
    return v->values + measure * v->stage->n_users;
}
/* Where the parts of a measure begin, of so many users. */
static inline double *parts_at(const struct evaluation *v, double *parts, size_t measure, uint32_t n_users)
{
    return parts + measured_parts(v->evaluate->measures, measure) * n_users;
}
/* Measures of a kind, and the first of them. */
static inline size_t count(const struct evaluation *v, enum metric_kind kind)
{
    return v->evaluate->first[kind + 1] - v->evaluate->first[kind];
}
static inline const struct metric_at *measures_of(const struct evaluation *v, enum metric_kind kind)
{
    return v->evaluate->measures + v->evaluate->first[kind];
}
/* What positions_compute() is restricted to; NULL: all items. */
static inline const struct csr *ranked_items(const struct evaluation *v)
{
    return v->evaluate->candidates.kind != CANDIDATES_FULL ? &v->candidates.items : NULL;
}

/* The lists of `top` places (0: the largest cut-off) that a fitted model gives the test users of the stage's fold, as they are
 * evaluated.  arena: theirs. */
enum status evaluation_lists(const struct stage *stage, const struct fitted *fitted,
                             const struct evaluate_config *evaluate, long long seed,
                             const struct backend *backend, unsigned top, struct arena *arena,
                             struct lists *out);

/* What is known of items and users beside the lists, as far as a measure or stratum asks for it: fills v->facts. */
enum status evaluation_facts(struct evaluation *v, struct arena *scratch);
/* Every measure for every stratum that `evaluate` asks for, as lines of metrics.csv from the column `candidates` on; fills v->strata. */
enum status evaluation_strata(struct evaluation *v, FILE *out);

#endif
