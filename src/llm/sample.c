/* sample.c - see sample.h. */
#include "llm/sample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "backend/backend.h"

struct ranked {
    float logit;
    uint32_t id;
};

static int by_logit(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return x->logit != y->logit ? (x->logit < y->logit) - (x->logit > y->logit)
                                : (x->id > y->id) - (x->id < y->id);
}

/* Where an id's logit stands, or n. */
static uint32_t place_of(uint32_t id, const uint32_t *ids, uint32_t n)
{
    if (ids == NULL)
        return id < n ? id : n;
    uint32_t low = 0, high = n;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && ids[low] == id ? low : n;
}

static void penalise(float penalty, const uint32_t *ids, float *logits, uint32_t n, const uint32_t *before,
                     size_t n_before)
{
    for (size_t i = 0; i < n_before; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = before[k] == before[i];
        const uint32_t at = place_of(before[i], ids, n);
        if (!seen && at < n)
            logits[at] = logits[at] > 0 ? logits[at] / penalty : logits[at] * penalty;
    }
}

/* The lowest logit that the k-th best can have, by counting in 64 steps below the best: fewer to sort. */
static float threshold(const float *logits, uint32_t n, uint32_t k, float best, float width)
{
    uint32_t count[64] = {0}, sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        const float down = (best - logits[i]) / width * 64;
        if (down < 64)
            count[(int)down]++;
    }
    for (int bin = 0; bin < 64; bin++)
        if ((sum += count[bin]) >= k)
            return best - width * (float)(bin + 1) / 64 - 1e-3f;
    return -INFINITY;
}

/* Of the ranked, the n best by the options: a draw. */
static uint32_t draw(const struct sample_options *o, const struct ranked *ranked, uint32_t n, double *p,
                     double unit)
{
    double sum = 0, kept = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += p[i] = exp(((double)ranked[i].logit - (double)ranked[0].logit) / o->temperature);
    uint32_t most = 0;
    while (most < n && (most == 0 || (kept < o->top_p * sum && p[most] >= o->min_p * p[0])))
        kept += p[most++];
    double left = unit * kept;
    uint32_t at = 0;
    while (at + 1 < most && left >= p[at])
        left -= p[at++];
    return ranked[at].id;
}

enum status sample_token(const struct sample_options *o, const uint32_t *ids, float *logits, uint32_t n,
                         const uint32_t *before, size_t n_before, uint32_t stream, uint64_t step,
                         uint32_t *out)
{
    if (o->repetition_penalty != 1)
        penalise((float)o->repetition_penalty, ids, logits, n, before, n_before);
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        best = logits[i] > logits[best] ? i : best;
    *out = ids != NULL ? ids[best] : best;
    if (!(o->temperature > 0))
        return STATUS_OK;
    struct ranked *ranked = malloc(n * sizeof *ranked);
    double *p = malloc(n * sizeof *p);
    if (ranked != NULL && p != NULL) {
        const bool few = o->top_k > 0 && o->top_k < n;
        const float least = few ? threshold(logits, n, o->top_k, logits[best], 32) : -INFINITY;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < n; i++)
            if (logits[i] >= least)
                ranked[kept++] = (struct ranked){logits[i], ids != NULL ? ids[i] : i};
        qsort(ranked, kept, sizeof *ranked, by_logit);
        *out = draw(o, ranked, few && o->top_k < kept ? o->top_k : kept, p,
                    random_unit(o->seed, RANDOM_MODEL, 1 + stream, step));
    }
    const bool failed = ranked == NULL || p == NULL;
    free(ranked);
    free(p);
    return failed ? status_fail(STATUS_SYSTEM, "memory is out: %u tokens to draw from", n) : STATUS_OK;
}
