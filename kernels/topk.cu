/*
 * topk.cu - the k best items of a user from tiles of scores: mask, filter, select; a row is a user.
 *
 * Nearly every score is far below the k-th best.  So a row is first compared with a threshold, 32 scores at a
 * time, and only survivors become candidates (64-bit keys, topk.h).  A first threshold comes from the first
 * tile: the k-th largest of 4k group maxima cannot be above the k-th largest score, and lets about 1.2 k
 * scores pass.  When the candidates' buffer fills, a bisection over the integer keys finds a bound with k
 * to 1.25 k keys above it; the rest is dropped and the threshold rises.  The list at the end is ordered by
 * counting, for each key, the keys above it. Every step is a loop over lanes without data-dependent order, so
 * the list is the same for any tiling.
 *
 * Masked items get -infinity, which never passes (so a model's own -infinity means "not to be ranked").  NaN
 * and +infinity always pass the comparison, written as !(score < threshold), and are reported.
 *
 * Limits: k up to 2^22; the final order costs k^2 / 8 vector steps a user.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "philox.h"
#include "team.h"
#include "topk.h"

#if defined(__AVX512F__) && !defined(__CUDACC__) && !defined(TEAM_CHECK)
#include <immintrin.h>
#endif

/* Which of s[0 .. n - 1], n at most 32, are not below the threshold?  The same word in every lane. */
TEAM_FN uint32_t topk_survivors(const float *s, int n, float threshold)
{
#if defined(__CUDACC__)
    const int k = TEAM_LANE;
    return __ballot_sync(0xffffffffu, k < n && !(s[k < n ? k : 0] < threshold));
#else
#if defined(__AVX512F__) && !defined(TEAM_CHECK)
    if (n == 32) {
        const __m512 t = _mm512_set1_ps(threshold);
        const uint32_t low = _mm512_cmp_ps_mask(_mm512_loadu_ps(s), t, _CMP_NLT_UQ);
        return low | (uint32_t)_mm512_cmp_ps_mask(_mm512_loadu_ps(s + 16), t, _CMP_NLT_UQ) << 16;
    }
#endif
    uint32_t word = 0;
    for (int k = 0; k < n; k++)
        word |= (uint32_t) !(s[k] < threshold) << k;
    return word;
#endif
}

TEAM_FN int topk_lowest_bit(uint32_t word)
{
#if defined(__CUDACC__)
    return __ffs((int)word) - 1;
#else
    return __builtin_ctz(word);
#endif
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

/* Puts the hash into the place of the item in keys[from .. to - 1]. */
TEAM_FN void topk_hash_items(uint64_t *keys, int from, int to, const struct philox *key, struct team *t)
{
    uint64_t *fresh = keys + from;
    const uint32_t v0 = key->v[0], v1 = key->v[1];
    LANE_FOR(k, to - from) {
        const uint64_t x = fresh[k];
        fresh[k] = (x & 0xFFFFFFFF00000000u) | topk_mix(topk_mix((uint32_t)x ^ v0) ^ v1);
    }
    team_sync(t);
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

/* A bound with want <= #(keys >= bound) <= want + slack, for distinct keys of scores >= threshold; n >= want.
 */
TEAM_FN uint64_t topk_bound(const uint64_t *keys, int n, int want, int slack, float threshold, struct team *t)
{
    /* #(keys >= low) >= want > #(keys >= high) */
    uint64_t low = (uint64_t)topk_ordered(threshold) << 32, high = ((uint64_t)topk_ordered(FLT_MAX) + 1)
                                                                   << 32;
    if (n <= want + slack)
        return low;
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        int count = 0;
        LANE_SUM(k, n, count)
            count += keys[k] >= middle;
        MUTANT_LEAVE(topk_leaves, TEAM_LANE == 31, low);
        const int all = team_sum_int(t, count);
        if (all >= want)
            low = middle;
        else
            high = middle;
        if (all >= want && all <= want + slack)
            break;
    }
    return low;
}

/* Drops keys below a bound; returns how many stay, at most the bound's want + slack. */
TEAM_FN int topk_drop(uint64_t *keys, int n, uint64_t bound, uint64_t *lost, struct team *t)
{
    int kept = 0;
    uint64_t best_lost = *lost;
    for (int k = 0; k < n; k++) { /* every lane walks, lane 0 writes: kept and lost are the same in all */
        const uint64_t key = keys[k], gone = key < bound ? key : 0;
        MUTANT(topk_reuse, (void)0, team_sync(t)); /* all lanes have read the key */
        if (TEAM_LANE == 0)
            keys[kept] = key; /* kept <= k: overwritten when key goes */
        kept += key >= bound;
        best_lost = gone > best_lost ? gone : best_lost;
        team_sync(t);
    }
    *lost = best_lost;
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
    team_sync(t);
    /* Bisect the ordered integers for a value that k_list to 1.25 k_list maxima reach. NaN counts nowhere. */
    uint32_t low = topk_ordered(-FLT_MAX), high = topk_ordered(FLT_MAX);
    int found = 0;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        const float value = topk_float(middle);
        int count = 0;
        LANE_SUM(k, groups, count)
            count += maximum[k] >= value;
        const int all = team_sum_int(t, count);
        if (all >= k_list)
            low = middle, found = 1;
        else
            high = middle;
        if (all >= k_list && all <= k_list + k_list / 4)
            break;
    }
    return found ? topk_float(low) : -FLT_MAX;
}

/* Orders the n <= k keys into the row's list. */
TEAM_FN void topk_finish(const struct topk *a, long row, const uint64_t *keys, int n, uint64_t lost,
                         const struct philox *key, struct team *t)
{
    const int length = (int)a->k;
    uint64_t *above = (uint64_t *)team_shared(t, (size_t)(n - MUTANT(topk_overrun, 1, 0)) * sizeof *above);
    uint64_t *sorted = (uint64_t *)team_shared(t, (size_t)n * sizeof *sorted);
    uint32_t *item = a->item + (size_t)row * a->k;
    float *score = a->score + (size_t)row * a->k;
    LANE_FOR(i, n)
        above[i] = 0;
    for (int j = 0; j < n; j++) {
        const uint64_t other = keys[j];
        LANE_FOR(i, n)
            above[i] += other > keys[i];
    }
    LANE_FOR(i, n)
        sorted[above[i]] = keys[i];
    team_sync(t);
    LANE_FOR(i, length) {
        item[i] = i < n ? topk_unhash(key, (uint32_t)sorted[i < n ? i : 0]) : TOPK_NONE;
        score[i] = i < n ? topk_float((uint32_t)(sorted[i < n ? i : 0] >> 32)) : -INFINITY;
    }
    int equal = 0;
    LANE_SUM(i, n - 1, equal)
        equal += sorted[i] >> 32 == sorted[i + 1] >> 32;
    equal = team_sum_int(t, equal);
    if (TEAM_LANE == 0)
        a->tied[row] = equal > 0 || (n == length && lost != 0 && lost >> 32 == sorted[n - 1] >> 32);
}

TEAM_FN void topk_row(const struct topk *a, long row, struct team *t)
{
    const uint32_t user = a->users[row];
    const int n = (int)a->n_items, k_list = (int)a->k, capacity = (int)TOPK_CAPACITY(a->k);
    const int groups = (int)TOPK_GROUPS(a->k), slack = k_list / 4;
    const struct philox key = philox4x32(a->seed, a->purpose, user);
    float *s = a->scores + (size_t)row * a->ld;
    float *maximum = (float *)team_shared(t, (size_t)groups * sizeof *maximum);
    uint64_t *keys = a->keys + (size_t)row * capacity;
    int count = a->first ? 0 : (int)a->count[row];
    int hashed =
        count; /* keys from here on hold the item in place of its hash: hashing many at once is faster */
    float threshold = a->first ? -FLT_MAX : a->threshold[row];
    uint64_t lost = a->first ? 0 : a->lost[row];
    uint32_t bad = a->first ? TOPK_NONE : a->bad[row];

    topk_prepare(a, user, s, t);
    if (a->first && n >= 2 * groups)
        threshold = topk_first_threshold(s, n, k_list, groups, maximum, t);
    for (int base = 0; base < n; base += 32) {
        uint32_t word = topk_survivors(s + base, n - base < 32 ? n - base : 32, threshold);
        if (word != 0 && count + MUTANT(topk_outside, 0, 32) > capacity) {
            topk_hash_items(keys, hashed, count, &key, t);
            const uint64_t bound = topk_bound(keys, count, k_list, slack, threshold, t);
            count = topk_drop(keys, count, bound, &lost, t);
            hashed = count;
            threshold = topk_float((uint32_t)(bound >> 32));
        }
        for (; word != 0; word &= word - 1) {
            const int j = base + topk_lowest_bit(word);
            const uint32_t item = a->first_item + (uint32_t)j;
            if (!(s[j] <= FLT_MAX)) {
                bad = bad == TOPK_NONE ? item : bad;
                continue;
            }
            if (TEAM_LANE == 0)
                keys[count] = (uint64_t)topk_ordered(s[j]) << 32 | item;
            count++;
        }
        MUTANT(topk_sync, (void)0, team_sync(t));
    }
    topk_hash_items(keys, hashed, count, &key, t);
    if (a->last) {
        if (count > k_list)
            count = topk_drop(keys, count,
                              topk_bound(keys, count, k_list - MUTANT(topk_index, 1, 0), 0, threshold, t),
                              &lost, t);
        topk_finish(a, row, keys, count, lost, &key, t);
    }
    if (TEAM_LANE == 0)
        a->count[row] = (uint32_t)count, a->threshold[row] = threshold, a->lost[row] = lost,
        a->bad[row] = bad;
}

TEAM_KERNEL_LARGE(topk, struct topk, topk_row(a, row, t))
