/*
 * hits.cu - where a list holds relevant items, and the sums over those places that ranking metrics are made of.
 *
 * A team a list: lanes look places up in the user's relevant items (those that a filter of 1,024 marks lets through, by binary
 * search), then a lane takes a cut-off and adds in the order of the places, in double.  All sums are over hits, which
 * are few, so that 5 cut-offs cost little more than one.
 */
#include "hits.h"

#include "team.h"

/* Position of `item` among idx[0 .. n), from 1; 0: not there.  Few are counted (one SIMD loop), many searched. */
TEAM_FN uint32_t hits_find(const uint32_t *idx, uint32_t n, uint32_t item)
{
    uint32_t below = 0;
    if (n <= 64) {
        for (uint32_t e = 0; e < n; e++)
            below += idx[e] < item;
    } else {
        for (uint32_t high = n; below < high;) {
            const uint32_t middle = (below + high) / 2;
            if (idx[middle] < item)
                below = middle + 1;
            else
                high = middle;
        }
    }
    below += MUTANT(hits_index, 1, 0);
    return below < n && idx[below] == item ? below + 1 : 0;
}

/* The sums up to place k, from the n places that hold something relevant. */
TEAM_FN void hits_cut(const struct hits *a, const uint32_t *found, const uint32_t *place, uint32_t n,
                      int64_t first_entry, uint32_t k, struct hits_sums *out)
{
    struct hits_sums s = {0, 0, 0, 0, 0, 0, 0, 0, 0};
    const uint32_t places = k < a->longest ? k : a->longest;
    double before = 0; /* of a hit at j among h: (k - j) - (hits after it) places without a hit follow */
    for (uint32_t i = 0; i < n && place[i] < places; i++) {
        const uint32_t j = place[i];
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

/* Marks what the relevant items end in: few places pass, and only those are searched. */
TEAM_FN void hits_filter(const uint32_t *idx, uint32_t n, unsigned char *filter, struct team *t)
{
    LANE_FOR(f, HITS_FILTER)
        filter[f] = 0;
    team_sync(t);
    if (TEAM_LANE == 0)
        for (uint32_t e = 0; e < n; e++)
            filter[idx[e] & (HITS_FILTER - 1)] = 1;
    MUTANT(hits_filter_sync, (void)0, team_sync(t));
}

TEAM_FN void hits_row(const struct hits *a, long r, struct team *t)
{
    const int longest = (int)a->longest, n_cuts = (int)a->n_k + 1;
    uint32_t *found = (uint32_t *)team_shared(t, (size_t)longest * sizeof *found);
    uint32_t *place = (uint32_t *)team_shared(t, ((size_t)longest + 1) * sizeof *place);
    unsigned char *filter = (unsigned char *)team_shared(t, HITS_FILTER);
    const uint32_t *TEAM_RESTRICT item = a->item + (size_t)r * a->ld;
    const int64_t first = a->ptr[a->users[r]];
    const uint32_t n = (uint32_t)(a->ptr[a->users[r] + 1] - first);
    int filled = 0;
    hits_filter(a->idx + first, n, filter, t);
    for (int j = TEAM_LANE; j < longest; j += TEAM_SIZE) {
        found[j + MUTANT(hits_overrun, 16, 0)] =
            filter[item[j] & (HITS_FILTER - 1)] != 0 ? hits_find(a->idx + first, n, item[j]) : 0;
        filled += item[j] != HITS_NONE;
    }
    MUTANT_LEAVE(hits_leaves, TEAM_LANE == 5);
    filled = team_sum_int(t, filled);
    MUTANT(hits_sync, (void)0, team_sync(t));
    if (TEAM_LANE == 0) {
        uint32_t n_hits = 0;
        for (int j = 0; j < longest; j++) { /* without a branch: which places hit can't be guessed */
            place[n_hits] = (uint32_t)j;
            n_hits += found[j] != 0;
        }
        place[longest] = n_hits;
        a->length[r] = (uint32_t)filled;
    }
    MUTANT(hits_place_sync, (void)0, team_sync(t));
    for (int c = TEAM_LANE; c < n_cuts; c += TEAM_SIZE)
        hits_cut(a, found, place, place[longest], first, c < n_cuts - 1 ? a->k[c] : n,
                 a->out + (size_t)r * n_cuts + c + MUTANT(hits_outside, 1, 0));
    team_sync(t);
}

TEAM_KERNEL_LARGE(hits, struct hits, hits_row(a, row, t))
