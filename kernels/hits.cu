/*
 * hits.cu - where a list holds relevant items, and the sums over those places that ranking metrics are made of.
 *
 * A team a list: lanes look places up in the user's relevant items (a binary search without a branch: searches of
 * neighbouring places run side by side), then a lane takes a cut-off and adds in the order of the places, in double.
 * All sums are over hits, which are few, so that 5 cut-offs cost little more than one.
 */
#include "hits.h"

#include "team.h"

/* Position of `item` among idx[0 .. n), from 1; 0: not there. */
TEAM_FN uint32_t hits_find(const uint32_t *idx, uint32_t n, uint32_t item)
{
    const uint32_t *base = idx;
    if (n == 0)
        return 0;
    for (uint32_t left = n; left > 1;) {
        const uint32_t half = left / 2;
        base += base[half - 1 + MUTANT(hits_index, 1, 0)] < item ? half : 0;
        left -= half;
    }
    return *base == item ? (uint32_t)(base - idx) + 1 : 0;
}

/* The sums up to place k. */
TEAM_FN void hits_cut(const struct hits *a, const uint32_t *found, int64_t first_entry, uint32_t k,
                      struct hits_sums *out)
{
    struct hits_sums s = {0, 0, 0, 0, 0, 0, 0, 0, 0};
    const uint32_t places = k < a->longest ? k : a->longest;
    double before = 0; /* of a hit at j among h: (k - j) - (hits after it) places without a hit follow */
    for (uint32_t j = 0; j < places; j++) {
        if (found[j] == 0)
            continue;
        const int64_t e = first_entry + found[j] - 1;
        s.hits++;
        s.first = s.first == 0 ? j + 1 : s.first;
        s.dcg += a->discount[j];
        s.clipped += a->clipped[j];
        s.linear += (a->gain != NULL ? a->gain[e] : 1.0) * a->discount[j];
        s.exponential += (a->power != NULL ? a->power[e] : 1.0) * a->discount[j];
        s.precisions += (double)s.hits / (j + 1);
        s.averages += a->harmonic[places] - a->harmonic[j];
        before += (double)(places - 1 - j) + s.hits;
    }
    s.before = before - (double)s.hits * s.hits;
    *out = s;
}

TEAM_FN void hits_row(const struct hits *a, long r, struct team *t)
{
    const int longest = (int)a->longest, n_cuts = (int)a->n_k + 1;
    uint32_t *found = (uint32_t *)team_shared(t, (size_t)longest * sizeof *found);
    const uint32_t *TEAM_RESTRICT item = a->item + (size_t)r * a->ld;
    const int64_t first = a->ptr[a->users[r]];
    const uint32_t n = (uint32_t)(a->ptr[a->users[r] + 1] - first);
    int filled = 0;
    for (int j = TEAM_LANE; j < longest; j += TEAM_SIZE) {
        found[j + MUTANT(hits_overrun, 16, 0)] = hits_find(a->idx + first, n, item[j]);
        filled += item[j] != HITS_NONE;
    }
    MUTANT_LEAVE(hits_leaves, TEAM_LANE == 5);
    filled = team_sum_int(t, filled);
    MUTANT(hits_sync, (void)0, team_sync(t));
    for (int c = TEAM_LANE; c < n_cuts; c += TEAM_SIZE)
        hits_cut(a, found, first, c < n_cuts - 1 ? a->k[c] : n,
                 a->out + (size_t)r * n_cuts + c + MUTANT(hits_outside, 1, 0));
    if (TEAM_LANE == 0)
        a->length[r] = (uint32_t)filled;
    team_sync(t);
}

TEAM_KERNEL_LARGE(hits, struct hits, hits_row(a, row, t))
