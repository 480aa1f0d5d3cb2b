/*
 * nn8.cu - dense layers with weights of 8 bits and activations of 16 (nn8.h).
 *
 * The inner sums are whole numbers, so the portable form, VNNI and AMX give the same bits (tests/kernels/test_nn8.c); what is left is
 * one chain of fused multiply-adds over blocks of 64 inputs, in rising order.  A token's bits do not depend on its company.
 *
 * AMX: a = 256 high + low; one tile of weights serves both planes, high ones signed, low ones not.  Sums leave the tiles after each
 * block, for its scale: 64 cycles of products to some 130 of the rest, still five times what float32 takes.
 * VNNI: weights are widened to 16 bits once for 12 tokens.
 */
#include "nn8.h"

#include "tile.h"

#if NN_TILE_COLS != TILE_COLS
#error "nn.h and tile.h disagree about the tile"
#endif

/* To the nearest whole number; |x| below 2^22: what 1.5 * 2^23 leaves of the fraction is nothing. */
TEAM_FN float nn8_round(float x)
{
    return (x + 12582912.0f) - 12582912.0f;
}

TEAM_FN void nn8_pack_row(const struct nn8_pack *a, long output, struct team *t)
{
    const int padded = NN8_PAD_K(a->k), blocks = padded / NN8_BLOCK;
    const long panel = output / TILE_COLS, column = output % TILE_COLS;
    signed char *q = a->q + panel * padded * TILE_COLS + column * 4;
    const float *w = a->w + output * a->k;
    const int k = output < a->n - MUTANT(nn8_pack_index, 1, 0) ? a->k : 0;
    for (int b = 0; b < blocks; b++) {
        const int from = b * NN8_BLOCK;
        float most = 0.0f;
        LANE_MAX(m, NN8_BLOCK, most) {
            const float x = from + m < k ? w[from + m] : 0.0f, size = x < 0.0f ? -x : x;
            most = size > most ? size : most;
        }
        most = team_max(t, most);
        const float inverse = most > 0.0f ? 127.0f / most : 0.0f;
        for (int m = 0; m < NN8_BLOCK; m += 4)
            if (TEAM_SIZE == 1 || m / 4 == TEAM_LANE)
                for (int i = 0; i < 4; i++) {
                    const float x = from + m + i < k ? w[from + m + i] : 0.0f;
                    q[(from + m) / 4 * TILE_COLS * 4 + i] = (signed char)nn8_round(x * inverse);
                }
        if (TEAM_LANE == 0)
            a->scale[(panel * blocks + b) * TILE_COLS + column + MUTANT(nn8_pack_outside, b == 0, 0)] =
                most / 127.0f;
    }
}
TEAM_KERNEL(nn8_pack, struct nn8_pack, nn8_pack_row(a, row, t))

TEAM_FN void nn8_quantize_row(const struct nn8_quantize *a, long token, struct team *t)
{
    const int padded = NN8_PAD_K(a->k);
    const float *TEAM_RESTRICT x = a->x + token * a->ldx;
    short *TEAM_RESTRICT to = a->a + token * padded;
    signed char *TEAM_RESTRICT high = (signed char *)to;
    unsigned char *TEAM_RESTRICT low = (unsigned char *)to + padded;
    float most = 0.0f;
    LANE_MAX(m, a->k, most) {
        const float size = x[m] < 0.0f ? -x[m] : x[m];
        most = size > most ? size : most;
    }
    MUTANT_LEAVE(nn8_quantize_leaves, TEAM_LANE == 31);
    most = team_max(t, most);
    const float inverse = most > 0.0f ? 32767.0f / most : 0.0f;
    const int k = a->k - MUTANT(nn8_quantize_index, 1, 0);
    if (a->planes) {
        LANE_FOR(m, padded) {
            const int v = m < k ? (int)nn8_round(x[m] * inverse) : 0;
            high[m] = (signed char)(v >> 8);
            low[m] = (unsigned char)(v & 255);
        }
    } else
        LANE_FOR(m, padded + MUTANT(nn8_quantize_outside, 1, 0))
            to[m] = m < k ? (short)nn8_round(x[m] * inverse) : (short)0;
    if (TEAM_LANE == 0)
        a->scale[token] = most / 32767.0f;
}
TEAM_KERNEL(nn8_quantize, struct nn8_quantize, nn8_quantize_row(a, row, t))

/* x Phi(x), as nn.cu */
TEAM_FN lanes_f nn8_gelu(lanes_f x)
{
    return 0.5f * x * (1.0f + lanes_erf(x * 0.70710678f));
}

/* One token, one panel, plain: y[j] = sum over blocks of scale * whole sum. */
TEAM_FN void nn8_portable(const struct nn8_linear *a, long token, int panel, float *y)
{
    const int blocks = a->k / NN8_BLOCK;
    const short *x = a->a + token * a->k;
    const signed char *q = a->q + (long)panel * a->k * TILE_COLS;
    const float *scale = a->scale + (long)panel * blocks * TILE_COLS;
    LANE_ARRAY(float, sum, TILE_COLS);
    LANE_ARRAY(int, whole, TILE_COLS);
    LANE_FOR(j, TILE_COLS)
        OWN(sum, j) = 0.0f;
    for (int b = 0; b < blocks; b++, x += NN8_BLOCK, q += NN8_BLOCK * TILE_COLS) {
        LANE_FOR(j, TILE_COLS)
            OWN(whole, j) = 0;
            /* One product at a time on CUDA too: of two, nvcc makes a dp2a, which the emulator of the checks doesn't know. */
#pragma unroll 1
        for (int m = 0; m < NN8_BLOCK - MUTANT(nn8_linear_index, 1, 0); m++) {
            const int v = x[m];
            LANE_FOR(j, TILE_COLS)
                OWN(whole, j) += v * q[(m / 4 * TILE_COLS + j) * 4 + m % 4];
        }
        LANE_FOR(j, TILE_COLS)
            OWN(sum, j) = TEAM_FMA((float)OWN(whole, j), scale[b * TILE_COLS + j], OWN(sum, j));
    }
    LANE_FOR(j, TILE_COLS)
        y[j] = TEAM_FMA(OWN(sum, j), a->a_scale[token], a->bias[panel * TILE_COLS + j]);
}

#if TEAM_SIZE == 1 && defined(__x86_64__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define NN8_FAST
/* The sums of two vectors of 16 columns of tile row i, scaled, into y. */
TEAM_FN void nn8_put(const struct nn8_linear *a, long token, int panel, __m512 left, __m512 right)
{
    const __m512 scale = _mm512_set1_ps(a->a_scale[token]);
    float *y = a->y + token * a->ldy + (long)panel * TILE_COLS;
    const float *bias = a->bias + (long)panel * TILE_COLS;
    _mm512_storeu_ps(y, _mm512_fmadd_ps(left, scale, _mm512_loadu_ps(bias)));
    _mm512_storeu_ps(y + 16, _mm512_fmadd_ps(right, scale, _mm512_loadu_ps(bias + 16)));
}

enum { NN8_HELD = 4 }; /* tokens that VNNI takes at once: 4 sums of 8 columns, in pairs, each */

/* n <= NN8_HELD tokens by one panel. */
__attribute__((target("avx512vnni"))) static void nn8_vnni(const struct nn8_linear *a, long token, int n,
                                                           int panel)
{
    const int blocks = a->k / NN8_BLOCK;
    const signed char *q = a->q + (long)panel * a->k * TILE_COLS;
    const float *scale = a->scale + (long)panel * blocks * TILE_COLS;
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    const short *x[NN8_HELD];
    __m512 sum[NN8_HELD][2];
    for (int i = 0; i < NN8_HELD; i++) {
        x[i] = a->a + (token + (i < n ? i : n - 1)) * a->k;
        sum[i][0] = sum[i][1] = _mm512_setzero_ps();
    }
    for (int b = 0; b < blocks; b++) {
        __m512i whole[NN8_HELD][4];
        for (int i = 0; i < NN8_HELD; i++)
            for (int c = 0; c < 4; c++)
                whole[i][c] = _mm512_setzero_si512();
        for (int m = 0; m < NN8_BLOCK; m += 4, q += 4 * TILE_COLS) {
            __m512i w[4];
            TEAM_UNROLL
            for (int c = 0; c < 4; c++) /* 8 columns of 4 weights */
                w[c] = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i_u *)(q + 32 * c)));
            TEAM_UNROLL
            for (int i = 0; i < NN8_HELD; i++) {
                long long four;
                __builtin_memcpy(&four, x[i] + b * NN8_BLOCK + m, 8);
                const __m512i v = _mm512_set1_epi64(four);
                TEAM_UNROLL
                for (int c = 0; c < 4; c++)
                    whole[i][c] = _mm512_dpwssd_epi32(whole[i][c], v, w[c]);
            }
        }
        for (int i = 0; i < NN8_HELD; i++)
            for (int h = 0; h < 2; h++) {
                const __m512i l = whole[i][2 * h], r = whole[i][2 * h + 1];
                const __m512i all = _mm512_add_epi32(_mm512_permutex2var_epi32(l, even, r),
                                                     _mm512_permutex2var_epi32(l, odd, r));
                sum[i][h] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(all),
                                            _mm512_loadu_ps(scale + b * TILE_COLS + 16 * h), sum[i][h]);
            }
    }
    for (int i = 0; i < n; i++)
        nn8_put(a, token + i, panel, sum[i][0], sum[i][1]);
}

/* One tile of tokens by panels from .. to - 1. */
__attribute__((target("amx-tile,amx-int8"))) static void nn8_amx(const struct nn8_linear *a, long tile,
                                                                 int from, int to)
{
    static const struct {
        unsigned char palette, start, zeros[14];
        unsigned short width[16];
        unsigned char height[16];
    } __attribute__((aligned(64))) shape = {
        .palette = 1, .width = {64, 64, 64, 64, 64, 64, 64, 64}, .height = {16, 16, 16, 16, 16, 16, 16, 16}};
    const int blocks = a->k / NN8_BLOCK;
    const long left = a->n_tokens - tile * NN8_ROWS;
    const int n = left < NN8_ROWS ? (int)left : NN8_ROWS;
    const signed char *high = (const signed char *)(a->a + tile * NN8_ROWS * a->k), *low = high + a->k;
    int whole[2][NN8_ROWS][TILE_COLS] __attribute__((aligned(64)));
    float sum[NN8_ROWS][TILE_COLS] __attribute__((aligned(64)));
    _tile_loadconfig(&shape);
    for (int panel = from; panel < to; panel++) {
        const signed char *q = a->q + (long)panel * a->k * TILE_COLS;
        const float *scale = a->scale + (long)panel * blocks * TILE_COLS;
        for (int b = 0; b < blocks; b++, q += NN8_BLOCK * TILE_COLS, scale += TILE_COLS) {
            _tile_zero(0);
            _tile_zero(1);
            _tile_zero(2);
            _tile_zero(3);
            _tile_loadd(4, high + b * NN8_BLOCK, 2L * a->k);
            _tile_loadd(5, low + b * NN8_BLOCK, 2L * a->k);
            _tile_loadd(6, q, 4 * TILE_COLS);
            _tile_loadd(7, q + 64, 4 * TILE_COLS);
            _tile_dpbssd(0, 4, 6);
            _tile_dpbusd(2, 5, 6);
            _tile_dpbssd(1, 4, 7);
            _tile_dpbusd(3, 5, 7);
            _tile_stored(0, whole[0][0], sizeof whole[0][0]);
            _tile_stored(2, whole[1][0], sizeof whole[0][0]);
            _tile_stored(1, whole[0][0] + 16, sizeof whole[0][0]);
            _tile_stored(3, whole[1][0] + 16, sizeof whole[0][0]);
            for (int i = 0; i < NN8_ROWS; i++)
                TEAM_UNROLL
            for (int h = 0; h < TILE_COLS; h += 16) {
                const __m512i all = _mm512_add_epi32(_mm512_slli_epi32(_mm512_load_si512(whole[0][i] + h), 8),
                                                     _mm512_load_si512(whole[1][i] + h));
                const __m512 before = b == 0 ? _mm512_setzero_ps() : _mm512_load_ps(sum[i] + h);
                _mm512_store_ps(sum[i] + h,
                                _mm512_fmadd_ps(_mm512_cvtepi32_ps(all), _mm512_loadu_ps(scale + h), before));
            }
        }
        for (int i = 0; i < n; i++)
            nn8_put(a, tile * NN8_ROWS + i, panel, _mm512_load_ps(sum[i]), _mm512_load_ps(sum[i] + 16));
    }
    _tile_release();
}
#endif

TEAM_FN void nn8_linear_row(const struct nn8_linear *a, long row, struct team *t)
{
    const long tile = row % a->n_tiles, left = a->n_tokens - tile * NN8_ROWS;
    const int from = (int)(row / a->n_tiles) * a->group;
    const int end = from + a->group + MUTANT(nn8_linear_outside, 1, 0);
    const int to = end < a->n_panels ? end : a->n_panels, n = left < NN8_ROWS ? (int)left : NN8_ROWS;
    int path = NN8_PORTABLE;
    (void)t;
#ifdef NN8_FAST
    path = a->path;
    if (path == NN8_AMX)
        nn8_amx(a, tile, from, to);
    for (int panel = from; path == NN8_VNNI && panel < to; panel++)
        for (int i = 0; i < n; i += NN8_HELD)
            nn8_vnni(a, tile * NN8_ROWS + i, n - i < NN8_HELD ? n - i : NN8_HELD, panel);
#endif
    for (int panel = from; panel < to; panel++)
        for (int i = 0; i < n; i++) {
            float *y = a->y + (tile * NN8_ROWS + i) * a->ldy + (long)panel * TILE_COLS;
            if (path == NN8_PORTABLE)
                nn8_portable(a, tile * NN8_ROWS + i, panel, y);
            for (int j = 0; a->gelu && j < TILE_COLS; j += LANES)
                lanes_store(y + j, nn8_gelu(lanes_load(y + j)));
        }
}
TEAM_KERNEL(nn8_linear, struct nn8_linear, nn8_linear_row(a, row, t))
