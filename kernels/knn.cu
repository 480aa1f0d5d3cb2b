/*
 * knn.cu - neighbourhoods: sparse products A A' a row at a time, the k best of a row, and profiles times a
 * matrix.
 *
 * knn_similar: Gustavson's row product (Gustavson 1978, TOMS 4(3)): for every column of row r the
 * transposed row is added into a dense accumulator of n floats that stays in cache; then similarities in
 * place, then selection.  The k-th best value is found by halving the interval of its bit pattern
 * (positive floats order as integers): 31 counts over a contiguous array, each one SIMD pass, no sort, no
 * data-dependent branch.  Of equal values at the end of the list those with the larger hash stay, found
 * the same way, so that no order of items is favoured. A row's sums run in the order of its columns: the
 * same bits for any team size that adds one column at a time.
 */
#include "knn.h"

#include "kernels.h"
#include "philox.h"
#include "team.h"

/* Lanes take every TEAM_SIZE-th entry; scattered stores, so no SIMD loop on the CPU. */
#define KNN_EACH(e, low, high)                                                                               \
    TEAM_PRAGMA(GCC unroll 4)                                                                                \
    for (int64_t e = (low) + TEAM_LANE; e < (high); e += TEAM_SIZE)

union knn_word {
    float f;
    uint32_t u;
};

/* acc[c] = sum of a * A'[column][c] over the columns of row r of A, for c < limit (`whole`: that is all
 * c).  Ones are counted in whole numbers: half the work, and the same sums, for floats count exactly too. */
TEAM_FN void knn_accumulate(const struct knn_rows *a, const struct knn_rows *transpose, long r,
                            const int limit, const int whole, union knn_word *acc, struct team *t)
{
    const uint32_t *idx = transpose->idx;
    const float *val = transpose->val;
    const int ones = a->val == NULL && val == NULL;

    LANE_FOR(c, limit)
        acc[c].u = 0; /* 0.0f as well */
    team_sync(t);
    for (int64_t i = a->ptr[r]; i < a->ptr[r + 1]; i++) {
        const int64_t low = transpose->ptr[a->idx[i]], high = transpose->ptr[a->idx[i] + 1];
        const float w = a->val ? a->val[i] : 1.0f;

        if (ones) {
            KNN_EACH(e, low, high)
            {
                if (!whole && idx[e] >= (uint32_t)limit)
                    break;
                acc[idx[e]].u++;
            }
        } else {
            KNN_EACH(e, low, high)
            {
                if (!whole && idx[e] >= (uint32_t)limit)
                    break;
                acc[idx[e]].f += val ? w * val[e] : w;
            }
        }
        MUTANT(knn_sync, (void)0, team_sync(t)); /* the next column's lanes may meet the same accumulators */
    }
    if (ones)
        LANE_FOR(c, limit)
            acc[c].f = (float)acc[c].u;
    team_sync(t);
}

/* acc[c] = the product of rows r and c of A, or of msd the sum of (a - b)^2 over their common columns; count[c] = their number. */
TEAM_FN void knn_accumulate_common(const struct knn_similar *a, long r, union knn_word *acc, uint32_t *count,
                                   struct team *t)
{
    const uint32_t *idx = a->transpose.idx;
    const float *val = a->transpose.val;
    const int msd = a->similarity == KNN_MSD;

    LANE_FOR(c, (int)a->n) {
        acc[c].f = 0.0f;
        count[c] = 0;
    }
    team_sync(t);
    for (int64_t i = a->a.ptr[r]; i < a->a.ptr[r + 1]; i++) {
        const int64_t low = a->transpose.ptr[a->a.idx[i]], high = a->transpose.ptr[a->a.idx[i] + 1];
        const float w = a->a.val ? a->a.val[i] : 1.0f;

        KNN_EACH(e, low, high)
        {
            const float v = val ? val[e] : 1.0f;
            acc[idx[e]].f += msd ? (w - v) * (w - v) : w * v;
            count[idx[e]]++;
        }
        MUTANT(knn_common_sync, (void)0,
               team_sync(t)); /* the next column's lanes may meet the same accumulators */
    }
    team_sync(t);
}

/* How many of x [n] are at least `low`. */
TEAM_FN uint32_t knn_count(const uint32_t *TEAM_RESTRICT x, int n, uint32_t low, struct team *t)
{
    int c = 0;

    LANE_SUM(j, n, c)
        c += x[j] >= low;
    return (uint32_t)team_sum_int(t, c);
}

/* A v that cuts off the k largest of x [n]: exactly k are >= v, or v is the k-th largest and more than k
 * are >= v. 0 when fewer than k are above 0. */
TEAM_FN uint32_t knn_kth(const uint32_t *TEAM_RESTRICT x, int n, uint32_t k, uint32_t limit, struct team *t)
{
    uint32_t low = 0, high = limit; /* at least k are >= low (all are >= 0), fewer than k are >= high */

    if (knn_count(x, n, 1, t) < k)
        return 0;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        const uint32_t c = knn_count(x, n, middle, t);

        if (c == k)
            return middle;
        if (c > k)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* knn_values() of KNN_CORRELATION: what is left of a product less that of the means. */
TEAM_FN void knn_correlations(const struct knn_similar *a, long r, const union knn_word *TEAM_RESTRICT acc,
                              uint32_t *TEAM_RESTRICT bits)
{
    const int n = (int)a->n;
    const float *TEAM_RESTRICT norm = a->norm;
    const float *TEAM_RESTRICT sum = a->other;
    const float mine = norm[r], own = sum[r], shrinkage = a->shrinkage;

    LANE_FOR(c, n) {
        const float x = acc[c].f - own * sum[c], lengths = mine * norm[c];
        union knn_word s;
        s.f = x / (lengths + shrinkage);
        bits[c] = x > 0.0f && lengths > 0.0f ? s.u : 0u;
    }
}

/* bits[c] = the similarity of r and c as an integer of the same order; 0 where there is none, and at r
 * itself. */
TEAM_FN void knn_values(const struct knn_similar *a, long r, const union knn_word *TEAM_RESTRICT acc,
                        uint32_t *TEAM_RESTRICT bits, struct team *t)
{
    const int n = (int)a->n;
    const float *TEAM_RESTRICT norm = a->norm;
    const float shrinkage = a->shrinkage;

    if (a->similarity == KNN_COSINE) {
        const float mine = norm[r];
        const float *TEAM_RESTRICT other = a->other ? a->other : norm;
        LANE_FOR(c, n) {
            union knn_word s;
            s.f = acc[c].f / (mine * other[c] + shrinkage);
            bits[c] = acc[c].f > 0.0f ? s.u : 0u;
        }
    } else if (a->similarity == KNN_JACCARD) {
        const float mine = norm[r];
        LANE_FOR(c, n) {
            union knn_word s;
            s.f = acc[c].f / (mine + norm[c] - acc[c].f + shrinkage);
            bits[c] = acc[c].f > 0.0f ? s.u : 0u;
        }
    } else if (a->similarity == KNN_RATIO) {
        const float mine = a->own * norm[r] + shrinkage;
        LANE_FOR(c, n) {
            union knn_word s;
            s.f = a->scale * acc[c].f / (mine + a->others * norm[c] + a->both * acc[c].f);
            bits[c] = acc[c].f > 0.0f ? s.u : 0u;
        }
    } else if (a->similarity == KNN_MSD) { /* bits: the number of common columns */
        LANE_FOR(c, n) {
            const float common = (float)bits[c];
            union knn_word s;
            s.f = common / (common + shrinkage) / (acc[c].f / common + 1.0f);
            bits[c] = common > 0.0f ? s.u : 0u;
        }
    } else if (a->similarity == KNN_SUPPORT) {
        const float mine = norm[r];
        LANE_FOR(c, n) {
            const float more = (float)bits[c] - 1.0f;
            union knn_word s;
            s.f = more / (more + shrinkage) * acc[c].f / (mine * norm[c]);
            bits[c] = acc[c].f > 0.0f && more > 0.0f ? s.u : 0u;
        }
    } else if (a->similarity == KNN_CORRELATION) {
        knn_correlations(a, r, acc, bits);
    } else {
        LANE_FOR(c, n) {
            union knn_word s;
            s.f = acc[c].f;
            bits[c] = acc[c].f > 0.0f ? s.u : 0u;
        }
    }
    MUTANT(knn_values_sync, (void)0, team_sync(t));
    if (TEAM_LANE == 0)
        bits[r] = 0;
    team_sync(t);
}

/* Of the entries equal to `value` keeps those `n_kept` with the largest hash: returns the smallest hash
 * kept. */
TEAM_FN uint32_t knn_ties(const struct knn_similar *a, long r, const uint32_t *bits, uint32_t *hash,
                          uint32_t value, uint32_t n_kept, struct team *t)
{
    const int n = (int)a->n;

    for (int c = TEAM_LANE; c < n; c += TEAM_SIZE) {
        hash[c] = 0;
        if (bits[c] == value) {
            const uint32_t h = philox4x32(a->seed, a->stream, (uint64_t)r << 32 | (uint32_t)c).v[0];
            hash[c] = h == 0 ? 1u : h;
        }
    }
    team_sync(t);
    return knn_kth(hash, n, n_kept, 0xffffffffu, t);
}

TEAM_FN int knn_kept(uint32_t bits, uint32_t value, uint32_t hash, uint32_t low)
{
    return bits > value || (bits == value && value != 0 && hash >= low);
}

/* The k largest of bits [n], all positive ones when they are fewer, into the row's lists. */
TEAM_FN void knn_select(const struct knn_similar *a, long r, const uint32_t *bits, uint32_t *hash,
                        struct team *t)
{
    const int n = (int)a->n;
    const uint32_t value = knn_kth(bits, n, a->k, 0x7f800001u, t);
    const uint32_t n_above = knn_count(bits, n, value + 1, t);
    uint32_t low = 0, at = 0;
    uint32_t *neighbour = a->neighbour + (size_t)r * a->k;
    float *similarity = a->value + (size_t)r * a->k;
    int tied = 0;

    if (value != 0 && knn_count(bits, n, value, t) > a->k) {
        low = knn_ties(a, r, bits, hash, value, a->k - n_above - MUTANT(knn_index, 1, 0), t);
        tied = 1;
    }
    if (TEAM_SIZE > 1) { /* where each lane's entries begin in the list */
        int mine = 0, all;
        for (int c = TEAM_LANE; c < n; c += TEAM_SIZE)
            mine += knn_kept(bits[c], value, tied ? hash[c] : 0u, low);
        at = (uint32_t)team_scan_int(t, mine, &all);
    }
    for (int c = TEAM_LANE; c < n; c += TEAM_SIZE)
        if (bits[c] >= value && knn_kept(bits[c], value, tied ? hash[c] : 0u, low)) {
            union knn_word s;
            s.u = bits[c];
            if (at < a->k) { /* two equal hashes of 32 bits: the later column is left out */
                neighbour[at + MUTANT(knn_outside, 1, 0)] = (uint32_t)c;
                similarity[at] = s.f;
            }
            at++;
        }
    if (TEAM_LANE == TEAM_SIZE - 1)
        a->count[r] = at < a->k ? at : a->k;
}

TEAM_FN void knn_similar_row(const struct knn_similar *a, long row, struct team *t)
{
    const int n = (int)a->n;
    const long r = row + (long)a->first;
    union knn_word *acc = (union knn_word *)team_shared(t, (size_t)n * sizeof(union knn_word));
    uint32_t *bits = (uint32_t *)team_shared(t, (size_t)(n - MUTANT(knn_overrun, 1, 0)) * sizeof(uint32_t));
    uint32_t *hash = (uint32_t *)team_shared(t, (size_t)n * sizeof(uint32_t));

    if (a->similarity == KNN_MSD || a->similarity == KNN_SUPPORT)
        knn_accumulate_common(a, r, acc, bits, t);
    else
        knn_accumulate(&a->a, &a->transpose, r, n, 1, acc, t);
    MUTANT_LEAVE(knn_leaves, n - TEAM_LANE < 10);
    knn_values(a, r, acc, bits, t);
    knn_select(a, r, bits, hash, t);
}

TEAM_FN void knn_gram_row(const struct knn_gram *a, long row, struct team *t)
{
    const long r = row + (long)a->first;
    union knn_word *g = (union knn_word *)(a->gram + (size_t)r * a->ld);

    knn_accumulate(&a->a, &a->transpose, r, (int)r + MUTANT(knn_gram_outside, 2, 1), 0, g, t);
    if (TEAM_LANE == 0)
        g[r].f += a->diagonal;
}

TEAM_FN void knn_profile_sparse_row(const struct knn_profile *a, long row, struct team *t)
{
    const uint32_t r = a->rows[row];
    float *out = a->out + (size_t)row * a->ld;

    LANE_FOR(c, (int)a->n_columns)
        out[c] = 0.0f;
    team_sync(t);
    for (int64_t i = a->profile.ptr[r]; i < a->profile.ptr[r + 1]; i++) {
        const uint32_t j = a->profile.idx[i];
        const float w = a->profile.val ? a->profile.val[i] : 1.0f;

        KNN_EACH(e, a->sparse.ptr[j], a->sparse.ptr[j + 1])
        out[a->sparse.idx[e]] += a->sparse.val ? w * a->sparse.val[e] : w;
        MUTANT(knn_profile_sparse_sync, (void)0, team_sync(t));
    }
}

#define KNN_TILE 64 /* columns whose sums stay in registers */

TEAM_FN void knn_profile_dense_row(const struct knn_profile *a, long row, struct team *t)
{
    const uint32_t r = a->rows[row];
    const int64_t low = a->profile.ptr[r], high = a->profile.ptr[r + 1];
    const int n = (int)a->n_columns;
    float *TEAM_RESTRICT out = a->out + (size_t)row * a->ld;

    if (a->column) {
        LANE_FOR(c, (int)a->n_out)
            out[c] = 0.0f;
        MUTANT(knn_profile_dense_sync, (void)0, team_sync(t));
    }
    for (int first = 0; first < n; first += KNN_TILE) {
        const int width = n - first < KNN_TILE ? n - first : KNN_TILE;
        LANE_ARRAY(float, sum, KNN_TILE);

        LANE_FOR(c, KNN_TILE)
            OWN(sum, c) = 0.0f;
        for (int64_t i = low; i < high; i++) {
            const float *TEAM_RESTRICT b = a->dense + (size_t)a->profile.idx[i] * a->ld_dense + first +
                                           MUTANT(knn_profile_dense_index, 1, 0);
            const float w = a->profile.val ? a->profile.val[i] : 1.0f;

            if (width == KNN_TILE) {
                LANE_FOR(c, KNN_TILE)
                    OWN(sum, c) += w * b[c];
            } else {
                LANE_FOR(c, width)
                    OWN(sum, c) += w * b[c];
            }
        }
        if (a->column) {
            for (int c = TEAM_LANE; c < width; c += TEAM_SIZE) /* scattered: no SIMD loop on the CPU */
                out[a->column[first + c]] = OWN(sum, c);
        } else {
            LANE_FOR(c, width)
                out[first + c] = OWN(sum, c);
        }
    }
}

TEAM_KERNEL_LARGE(knn_similar, struct knn_similar, knn_similar_row(a, row, t))
TEAM_KERNEL(knn_gram, struct knn_gram, knn_gram_row(a, row, t))
TEAM_KERNEL(knn_profile_sparse, struct knn_profile, knn_profile_sparse_row(a, row, t))
TEAM_KERNEL(knn_profile_dense, struct knn_profile, knn_profile_dense_row(a, row, t))
