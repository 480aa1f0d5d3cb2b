/*
 * topk.cu - the k best items of a user from tiles of scores: mask, filter, select; a row is a user.
 *
 * Nearly every score is far below the k-th best.  So a row is first compared with a threshold, and only survivors
 * become candidates (64-bit keys, topk.h).  A first threshold comes from the first tile: the k-th largest of 4k
 * group maxima cannot be above the k-th largest score, and lets about 1.2 k scores pass.  When the candidates'
 * buffer fills, a bisection finds a bound with k to 1.25 k candidates above it; the rest is dropped and the
 * threshold rises.  The list at the end is ordered by counting, for each candidate, the scores above its own; where
 * scores are equal, the keys above.  Every step is a loop over lanes without data-dependent order, so the list is
 * the same for any tiling.
 *
 * Masked items get -infinity, which never passes (so a model's own -infinity means "not to be ranked").  NaN
 * and +infinity always pass the comparison, written as !(score < threshold), and are reported; as candidates they
 * come last.
 *
 * With AVX-512 survivors are packed by one instruction; it stands beside the portable loop (topk_find), which finds the
 * same ones (tests/kernels/test_topk.c compares lists with a sort).
 *
 * Limits: k up to 2^22; the final order costs k^2 / 16 vector steps a user.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "philox.h"
#define TEAM_WARPS                                                                                           \
    4 /* a launch has few rows (128 users), each of thousands of scores: a block a row on a GPU */
#include "team.h"
#include "topk.h"

#if defined(__AVX512F__) && !defined(__CUDACC__) && !defined(TEAM_CHECK)
#include <immintrin.h>
#endif

/* Finds the scores not below the threshold from s[from] on, at most `room`, a multiple of TOPK_STEP, of them: their
 * positions, rising, into found.  Returns where it ended for want of room; n: at the end. */
#define TOPK_STEP 64
TEAM_FN int topk_find(const float *TEAM_RESTRICT s, int from, int n, float threshold,
                      uint32_t *TEAM_RESTRICT found, int room, int *n_found, struct team *t)
{
    int base = from, count = 0;
#if defined(__AVX512F__) && !defined(__CUDACC__) && !defined(TEAM_CHECK)
    const __m512 least = _mm512_set1_ps(threshold);
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for (; base + TOPK_STEP <= n && count + TOPK_STEP <= room; base += TOPK_STEP) {
        __mmask16 pass[TOPK_STEP / 16];
        TEAM_UNROLL
        for (int v = 0; v < TOPK_STEP / 16; v++)
            pass[v] = _mm512_cmp_ps_mask(_mm512_loadu_ps(s + base + 16 * v), least, _CMP_NLT_UQ);
        if ((pass[0] | pass[1] | pass[2] | pass[3]) == 0)
            continue;
        TEAM_UNROLL
        for (int v = 0; v < TOPK_STEP / 16; v++) {
            const __m512i position = _mm512_add_epi32(_mm512_set1_epi32(base + 16 * v), lane);
            _mm512_storeu_si512(found + count, _mm512_maskz_compress_epi32(pass[v], position));
            count += __builtin_popcount(pass[v]);
        }
    }
    if (base + TOPK_STEP <= n) {
        *n_found = count;
        return base;
    }
#endif
    for (; base < n && count + TOPK_STEP <= room; base += TEAM_SIZE) {
        if (TEAM_SIZE == 1 && base + TOPK_STEP <= n) { /* mostly none passes: a SIMD loop says so */
            int any = 0;
            for (int i = 0; i < TOPK_STEP; i++)
                any |= !(s[base + i] < threshold);
            if (!any) {
                base += TOPK_STEP - 1;
                continue;
            }
        }
        const int k = base + TEAM_LANE, passes = k < n && !(s[k < n ? k : 0] < threshold);
        int all;
        const int before = team_rank(t, passes, &all);
        if (passes)
            found[count + before] = (uint32_t)k;
        count += all;
    }
    team_sync(t);
    *n_found = count;
    return base < n ? base : n;
}

/* Floats as unsigned integers of the same order, and back. */
TEAM_FN uint32_t topk_ordered(float x)
{
    uint32_t b;
    x += 0.0f; /* -0 is +0 */
    memcpy(&b, &x, sizeof b);
    return b ^ (b >> 31 ? 0xFFFFFFFFu : 0x80000000u);
}
TEAM_FN float topk_float(uint32_t ordered)
{
    const uint32_t b = ordered ^ (ordered >> 31 ? 0x80000000u : 0xFFFFFFFFu);
    float x;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* A mixer and its inverse ("lowbias32", C. Wellons 2018): a permutation of the 32-bit integers. */
TEAM_FN uint32_t topk_mix(uint32_t x)
{
    x ^= x >> 16, x *= 0x7feb352du, x ^= x >> 15, x *= 0x846ca68bu;
    return x ^ x >> 16;
}
TEAM_FN uint32_t topk_unmix(uint32_t x)
{
    x ^= x >> 16, x *= 0x43021123u, x ^= x >> 15 ^ x >> 30, x *= 0x1d69e2a5u;
    return x ^ x >> 16;
}
/* The tie hash is mix(mix(item ^ v0) ^ v1), v two words of Philox of (seed, user); here back to the item. */
TEAM_FN uint32_t topk_unhash(const struct philox *key, uint32_t hash)
{
    return topk_unmix(topk_unmix(hash) ^ key->v[1]) ^ key->v[0];
}

/* First position of p[0 .. n) with p[position] >= item. */
TEAM_FN int64_t topk_lower(const uint32_t *p, int64_t n, uint32_t item)
{
    int64_t low = 0;
    while (n > 0) {
        const int64_t half = n / 2;
        if (p[low + half] < item)
            low += half + 1, n -= half + 1;
        else
            n = half;
    }
    return low;
}

/* The low half of a key under the other rules, and back to the item. */
TEAM_FN uint32_t topk_tie(const struct topk *a, uint32_t user, uint32_t item)
{
    if (a->ties <= TOPK_TIES_INDEX_FALLING)
        return a->ties == TOPK_TIES_INDEX_FALLING ? item : ~item;
    const uint32_t *idx = a->relevant.idx + a->relevant.ptr[user];
    const int64_t n = a->relevant.ptr[user + 1] - a->relevant.ptr[user], at = topk_lower(idx, n, item);
    const uint32_t first = (at < n && idx[at] == item) == (a->ties == TOPK_TIES_RELEVANT_FIRST);
    return first << 31 | (~item & 0x7FFFFFFFu);
}
TEAM_FN uint32_t topk_untie(const struct topk *a, const struct philox *key, uint32_t low)
{
    return a->ties == TOPK_TIES_HASH            ? topk_unhash(key, low)
           : a->ties == TOPK_TIES_INDEX_FALLING ? low
           : a->ties == TOPK_TIES_INDEX_RISING  ? ~low
                                                : ~low & 0x7FFFFFFFu;
}

/* Candidates from the scores found: their keys, and their scores beside them.  Returns how many are bad. */
TEAM_FN int topk_gather(const struct topk *a, uint32_t user, const float *TEAM_RESTRICT s,
                        const uint32_t *TEAM_RESTRICT found, int n, uint64_t *TEAM_RESTRICT keys,
                        float *TEAM_RESTRICT value, const struct philox *key, struct team *t)
{
    const uint32_t v0 = key->v[0], v1 = key->v[1], first = a->first_item;
    int bad = 0;
    LANE_SUM(i, n, bad) {
        const float x = s[found[i]];
        const int good = x <= FLT_MAX;
        const float used = good ? x : -FLT_MAX;
        bad += !good;
        value[i] = used;
        keys[i] = (uint64_t)topk_ordered(used) << 32 | topk_mix(topk_mix((first + found[i]) ^ v0) ^ v1);
    }
    bad = team_sum_int(t, bad);
    team_sync(t);
    if (a->ties != TOPK_TIES_HASH) {
        for (int i = TEAM_LANE; i < n; i += TEAM_SIZE)
            keys[i] = keys[i] >> 32 << 32 | topk_tie(a, user, first + found[i] + MUTANT(topk_tie, 1, 0));
        team_sync(t);
    }
    return bad;
}

/* Adds the biases and puts -infinity on the masked items. */
TEAM_FN void topk_prepare(const struct topk *a, uint32_t user, float *s, struct team *t)
{
    const int n = (int)a->n_items;
    if (a->item_bias != NULL) {
        const float *bias = a->item_bias + a->first_item;
        LANE_FOR(k, n)
            s[k] += bias[k];
    }
    team_sync(t);
    for (int m = 0; m < TOPK_MASKS; m++) {
        if (a->mask[m].ptr == NULL)
            continue;
        const uint32_t *idx = a->mask[m].idx + a->mask[m].ptr[user];
        int64_t length = a->mask[m].ptr[user + 1] - a->mask[m].ptr[user];
        const int64_t begin = topk_lower(idx, length, a->first_item);
        idx += begin, length -= begin;
        length = topk_lower(idx, length, a->first_item + a->n_items);
        LANE_FOR(e, (int)length)
            s[idx[e] - a->first_item] = -INFINITY;
        team_sync(t);
    }
}

/* How many of x [n] reach v; NaN reaches nothing. */
TEAM_FN int topk_reach(const float *TEAM_RESTRICT x, int n, float v, struct team *t)
{
    int count = 0;
    LANE_SUM(k, n, count)
        count += x[k] >= v;
    return team_sum_int(t, count);
}

/* A v that at least `want` of x [n] reach, and at most want + slack, or, where equal values stand in the way, the
 * largest that `want` reach.  -FLT_MAX where fewer do.  *reached: how many do. */
TEAM_FN float topk_cut(const float *TEAM_RESTRICT x, int n, int want, int slack, int *reached, struct team *t)
{
    float most = -FLT_MAX, least = -FLT_MAX; /* of x; of -x */
    LANE_MAX(k, n, most, least) {
        most = x[k] > most ? x[k] : most;
        least = -x[k] > least ? -x[k] : least;
    }
    MUTANT_LEAVE(topk_leaves, TEAM_LANE == 31, most);
    most = team_max(t, most), least = -team_max(t, least);
    /* #(x >= low) >= want > #(x >= high), as integers of the same order */
    uint32_t low = topk_ordered(least < -FLT_MAX ? -FLT_MAX : least), high = topk_ordered(most) + 1;
    int all = topk_reach(x, n, topk_float(low), t);
    if (all < want) {
        low = topk_ordered(-FLT_MAX);
        high = low + 1;
    }
    while (high - low > 1 && all > want + slack) {
        const uint32_t middle = low + (high - low) / 2;
        const int now = topk_reach(x, n, topk_float(middle), t);
        if (now >= want)
            low = middle, all = now;
        else
            high = middle;
    }
    *reached = all;
    return topk_float(low);
}

/* A bound that `want` to want + slack of n distinct keys reach; value: their scores; n > want + slack. */
TEAM_FN uint64_t topk_bound(const uint64_t *TEAM_RESTRICT keys, const float *TEAM_RESTRICT value, int n,
                            int want, int slack, struct team *t)
{
    int all;
    const float cut = topk_cut(value, n, want, slack, &all, t);
    uint64_t low = (uint64_t)topk_ordered(cut) << 32, high = low + ((uint64_t)1 << 32);
    while (all > want + slack) { /* equal scores: their hashes decide */
        const uint64_t middle = low + (high - low) / 2;
        int count = 0;
        LANE_SUM(k, n, count)
            count += keys[k] >= middle;
        const int now = team_sum_int(t, count);
        if (now >= want)
            low = middle, all = now;
        else
            high = middle;
    }
    return low;
}

/* Drops keys below a bound; returns how many stay.  *lost: the best score that was ever dropped. */
TEAM_FN int topk_drop(uint64_t *keys, float *value, int n, uint64_t bound, float *lost, struct team *t)
{
    int kept = 0;
    float gone = *lost;
    for (int base = 0; base < n; base += TEAM_SIZE) {
        const int k = base + TEAM_LANE, there = k < n;
        const uint64_t key = there ? keys[k] : 0;
        const float x = there ? value[k] : 0.0f;
        const int stays = key >= bound;
        int all;
        const int before = team_rank(t, stays, &all);
        gone = there && !stays && x > gone ? x : gone;
        MUTANT(topk_reuse, (void)0, team_sync(t)); /* all lanes have read their keys */
        if (stays)
            keys[kept + before] = key, value[kept + before] = x;
        kept += all;
    }
    *lost = team_max(t, gone);
    team_sync(t);
    return kept;
}

/* A score that at least k of s[0 .. n - 1] reach, from the maxima of `groups` interleaved groups. */
TEAM_FN float topk_first_threshold(const float *s, int n, int k_list, int groups, float *maximum,
                                   struct team *t)
{
    LANE_FOR(k, groups)
        maximum[k] = s[k];
    for (int base = groups; base < n; base += groups) {
        const int width = n - base < groups ? n - base : groups;
        LANE_FOR(k, width)
            maximum[k] = s[base + k] > maximum[k] ? s[base + k] : maximum[k];
    }
    int reached;
    return topk_cut(maximum, groups, k_list, k_list / 4, &reached, t);
}

#define TOPK_RANKED                                                                                          \
    (TEAM_SIZE > 64 ? TEAM_SIZE : 64) /* candidates whose places are counted at once, in registers */

/* Puts the best n_out of n keys in order: a key's place is the number of scores above its own, and equal ones in blocks
 * before its own.  Returns 0 when scores are equal: then keys have to decide. */
TEAM_FN int topk_order(const uint64_t *TEAM_RESTRICT keys, const float *TEAM_RESTRICT value, int n, int n_out,
                       uint64_t *TEAM_RESTRICT sorted, struct team *t)
{
    int equal = 0;
    for (int first = 0; first < n; first += TOPK_RANKED) {
        const int width = n - first < TOPK_RANKED ? n - first : TOPK_RANKED;
        int pairs = 0;
        LANE_ARRAY(int, above, TOPK_RANKED);
        LANE_ARRAY(float, mine, TOPK_RANKED);
        LANE_FOR(i, TOPK_RANKED) {
            OWN(mine, i) = i < width ? value[first + i] : FLT_MAX;
            OWN(above, i) = 0;
        }
        for (int j = first; j < first + width; j++) {
            const float other = value[j];
            LANE_FOR(i, TOPK_RANKED)
                OWN(above, i) += other > OWN(mine, i);
        }
        LANE_SUM(i, TOPK_RANKED, pairs)
            pairs += OWN(above, i);
        if (team_sum_int(t, pairs) < width * (width - 1) / 2) /* two of the block are equal */
            return 0;
        for (int j = 0; j < first; j++) {
            const float other = value[j];
            LANE_FOR(i, TOPK_RANKED)
                OWN(above, i) += other >= OWN(mine, i);
        }
        for (int j = first + width; j < n; j++) {
            const float other = value[j];
            LANE_FOR(i, TOPK_RANKED)
                OWN(above, i) += other > OWN(mine, i);
        }
        for (int i = TEAM_LANE; i < width; i += TEAM_SIZE) /* scattered: no SIMD loop on the CPU */
            if (OWN(above, i) < n_out)
                sorted[OWN(above, i)] = keys[first + i];
    }
    team_sync(t);
    LANE_SUM(i, n_out - 1, equal)
        equal += sorted[i] >> 32 == sorted[i + 1] >> 32;
    return team_sum_int(t, equal) == 0;
}

/* The same by keys, which are distinct.  Returns how many neighbours in the order have equal scores. */
TEAM_FN int topk_order_keys(const uint64_t *TEAM_RESTRICT keys, int n, int n_out,
                            uint64_t *TEAM_RESTRICT sorted, struct team *t)
{
    int equal = 0;
    team_sync(t); /* all lanes have read the order by scores */
    for (int i = TEAM_LANE; i < n; i += TEAM_SIZE) {
        const uint64_t mine = keys[i];
        int above = 0;
        for (int j = 0; j < n; j++)
            above += keys[j] > mine;
        if (above < n_out)
            sorted[above] = mine;
    }
    MUTANT(topk_sync, (void)0, team_sync(t));
    LANE_SUM(i, n_out - 1, equal)
        equal += sorted[i] >> 32 == sorted[i + 1] >> 32;
    return team_sum_int(t, equal);
}

/* Orders the n keys into the row's list; lost: the best score dropped before. */
TEAM_FN void topk_finish(const struct topk *a, long row, const uint64_t *keys, const float *value, int n,
                         float lost, uint64_t *sorted, const struct philox *key, struct team *t)
{
    const int length = (int)a->k, n_out = n < length + 1 ? n : length + 1;
    uint32_t *item = a->item + (size_t)row * a->k;
    float *score = a->score + (size_t)row * a->k;
    const int equal =
        topk_order(keys, value, n, n_out, sorted, t) ? 0 : topk_order_keys(keys, n, n_out, sorted, t);
    LANE_FOR(i, length) {
        item[i] = i < n ? topk_untie(a, key, (uint32_t)sorted[i < n ? i : 0]) : TOPK_NONE;
        score[i] = i < n ? topk_float((uint32_t)(sorted[i < n ? i : 0] >> 32)) : -INFINITY;
    }
    if (TEAM_LANE == 0) /* equal ones across the list's end count */
        a->tied[row] = equal > 0 || (n >= length && lost >= topk_float((uint32_t)(sorted[length - 1] >> 32)));
}

/* What a row's team holds in shared memory. */
struct topk_scratch {
    uint32_t *found;  /* [TOPK_CAPACITY(k)] positions of a tile's survivors */
    float *value;     /* [TOPK_CAPACITY(k)] scores of the candidates */
    float *maximum;   /* [TOPK_GROUPS(k)] of the first threshold */
    uint64_t *sorted; /* [k + 1] */
};

TEAM_FN void topk_row(const struct topk *a, long row, struct team *t)
{
    const uint32_t user = a->users[row];
    const int n = (int)a->n_items, k_list = (int)a->k, capacity = (int)TOPK_CAPACITY(a->k);
    /* few scores a list: fewer groups, so that a group has some */
    const int most = (int)TOPK_GROUPS(a->k), groups = n >= 2 * most ? most : most / 64 * 32;
    const int slack = k_list / 4;
    const struct philox key = philox4x32(a->seed, a->purpose, user);
    float *s = a->scores + (size_t)row * a->ld;
    uint64_t *keys = a->keys + (size_t)row * capacity;
    const struct topk_scratch w = {
        (uint32_t *)team_shared(t, (size_t)capacity * sizeof(uint32_t)),
        (float *)team_shared(t, (size_t)capacity * sizeof(float)),
        (float *)team_shared(t, (size_t)most * sizeof(float)),
        (uint64_t *)team_shared(t, (size_t)(k_list + MUTANT(topk_overrun, 0, 1)) * sizeof(uint64_t))};
    int count = a->first ? 0 : (int)a->count[row];
    float threshold = a->first ? -FLT_MAX : a->threshold[row];
    float lost = a->first || a->lost[row] == 0 ? -INFINITY : topk_float((uint32_t)(a->lost[row] >> 32));
    uint32_t bad = a->first ? TOPK_NONE : a->bad[row];

    LANE_FOR(i, count)
        w.value[i] = topk_float((uint32_t)(keys[i] >> 32));
    topk_prepare(a, user, s, t);
    if (a->first && groups >= k_list + k_list / 2 && n >= groups + groups / 2)
        threshold = topk_first_threshold(s, n, k_list, groups, w.maximum, t);
    for (int base = 0; base < n;) {
        int fresh;
        base = topk_find(s, base, n, threshold, w.found, capacity - count, &fresh, t);
        if (topk_gather(a, user, s, w.found, fresh, keys + count, w.value + count, &key, t) > 0)
            for (int i = 0; i < fresh && bad == TOPK_NONE; i++)
                if (!(s[w.found[i]] <= FLT_MAX))
                    bad = a->first_item + w.found[i];
        count += fresh;
        const int full = base < n || count + TOPK_STEP > capacity;
        const int want = k_list - (a->last && base == n ? MUTANT(topk_index, 1, 0) : 0);
        if (count > want + slack && (full || a->last)) {
            const uint64_t bound = topk_bound(keys, w.value, count, want, slack, t);
            count = topk_drop(keys, w.value, count, bound, &lost, t);
            threshold = topk_float((uint32_t)(bound >> 32));
        }
    }
    if (a->last)
        topk_finish(a, row, keys, w.value, count, lost, w.sorted, &key, t);
    if (TEAM_LANE == 0)
        a->count[row + MUTANT(topk_outside, 1, 0)] = (uint32_t)count, a->threshold[row] = threshold,
                                               a->lost[row] =
                                                   lost == -INFINITY ? 0 : (uint64_t)topk_ordered(lost) << 32,
                                               a->bad[row] = bad;
}

TEAM_KERNEL_LARGE(topk, struct topk, topk_row(a, row, t))
