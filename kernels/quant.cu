/*
 * quant.cu - products with weights as model files hold them, and rows of such weights.
 *
 * Weights are read where they lie and become float32 in registers (one token) or in a cache-sized piece of scratch (several);
 * activations stay float32, so nothing is rounded but sums.  An output is summed in lanes, each a chain of fused multiply-adds
 * in rising order, and the lanes are added by one tree: the same for one token and for many, so that a token's bits depend
 * neither on its company nor on which of the two ways it went.
 *
 * Formats: ggml-quants.c (block_q4_0 ... block_q6_K).  The form with AVX-512 stands beside the portable one and gives the same
 * bits (tests/kernels/test_quant.c).
 */
#include "quant.h"

#include "dots.h"
#include "quant_parts.h"

/* Weight k of a row. */
TEAM_FN float quant_weight(int type, const unsigned char *row, long k)
{
    union {
        unsigned u;
        float f;
    } both;
    const int j = (int)(k % 32), s = (int)(k / 32 % 8), byte = j % 16;
    const unsigned char *b;
    switch (type) {
    case QUANT_F32:
        b = row + 4 * k;
        both.u = b[0] | (unsigned)b[1] << 8 | (unsigned)b[2] << 16 | (unsigned)b[3] << 24;
        return both.f;
    case QUANT_F16:
        return quant_half(row + 2 * k);
    case QUANT_BF16:
        b = row + 2 * k;
        both.u = (unsigned)b[0] << 16 | (unsigned)b[1] << 24;
        return both.f;
    case QUANT_Q4_0:
        b = row + k / 32 * 18;
        return quant_half(b) * (float)((j < 16 ? b[2 + byte] & 15 : b[2 + byte] >> 4) - 8);
    case QUANT_Q5_0:
        b = row + k / 32 * 22;
        return quant_half(b) *
               (float)(((j < 16 ? b[6 + byte] & 15 : b[6 + byte] >> 4) | (b[2 + j / 8] >> (j % 8) & 1) << 4) -
                       16);
    case QUANT_Q8_0:
        b = row + k / 32 * 34;
        return quant_half(b) * (float)(signed char)b[2 + j];
    case QUANT_Q4_K:
        b = row + k / 256 * 144;
        return quant_half(b) * (float)quant_scale(b + 4, s, 0) *
                   (float)(b[16 + s / 2 * 32 + j] >> 4 * (s % 2) & 15) -
               quant_half(b + 2) * (float)quant_scale(b + 4, s, 1);
    case QUANT_Q5_K:
        b = row + k / 256 * 176;
        return quant_half(b) * (float)quant_scale(b + 4, s, 0) *
                   (float)((b[48 + s / 2 * 32 + j] >> 4 * (s % 2) & 15) | (b[16 + j] >> s & 1) << 4) -
               quant_half(b + 2) * (float)quant_scale(b + 4, s, 1);
    default: /* QUANT_Q6_K: halves of 128, in each four stretches of 32 */
        b = row + k / 256 * 210;
        return quant_half(b + 208) * (float)(signed char)b[192 + s / 4 * 8 + s % 4 * 2 + j / 16] *
               (float)(((b[s / 4 * 64 + s % 2 * 32 + j] >> 4 * (s % 4 / 2) & 15) |
                        (b[128 + s / 4 * 32 + j] >> 2 * (s % 4) & 3) << 4) -
                       32);
    }
}

enum { VECTORS = 32 / LANES };

/* LANES weights from k on. */
#if TEAM_SIZE > 1
TEAM_FN lanes_f lanes_weights(int type, const unsigned char *row, long k)
{
    return quant_weight(type, row, k + TEAM_LANE);
}
#else
TEAM_FN lanes_f lanes_weights(int type, const unsigned char *row, long k)
{
    float w[LANES];
    for (int i = 0; i < LANES; i++)
        w[i] = quant_weight(type, row, k + i);
    return lanes_load(w);
}
#endif

#if TEAM_SIZE == 1 && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) &&              \
    !defined(QUANT_PORTABLE)
/* 16 bytes, signed, as floats. */
TEAM_FN lanes_f wide_signed(__m128i q)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q));
}
TEAM_FN __m128i wide_bytes(const unsigned char *p)
{
    return _mm_loadu_si128((const __m128i_u *)p);
}
TEAM_FN float wide_half(const unsigned char *p)
{
    unsigned short h;
    __builtin_memcpy(&h, p, 2);
    return _cvtsh_ss(h);
}
TEAM_FN __m128i wide_low(__m128i q, int shift)
{
    return _mm_and_si128(shift == 0 ? q : _mm_srli_epi16(q, 4), _mm_set1_epi8(15));
}

/* Weights 32 stretch .. 32 stretch + 31 of a row. */
TEAM_FN void quant_stretch(int type, const unsigned char *row, long stretch, lanes_f w[VECTORS])
{
    const int s = (int)(stretch % 8);
    const unsigned char *b;
    if (type == QUANT_F32) {
        b = row + 128 * stretch;
        w[0] = lanes_load((const float *)b), w[1] = lanes_load((const float *)(b + 64));
    } else if (type == QUANT_F16) {
        b = row + 64 * stretch;
        w[0] = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i_u *)b));
        w[1] = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i_u *)(b + 32)));
    } else if (type == QUANT_BF16) {
        for (int i = 0; i < 2; i++) {
            const __m256i h = _mm256_loadu_si256((const __m256i_u *)(row + 64 * stretch + 32 * i));
            w[i] = (lanes_f)_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16);
        }
    } else if (type == QUANT_Q4_0) {
        b = row + 18 * stretch;
        const __m128i q = wide_bytes(b + 2), eight = _mm_set1_epi8(8);
        const float d = wide_half(b);
        w[0] = d * wide_signed(_mm_sub_epi8(wide_low(q, 0), eight));
        w[1] = d * wide_signed(_mm_sub_epi8(wide_low(q, 4), eight));
    } else if (type == QUANT_Q5_0) {
        b = row + 22 * stretch;
        const __m128i q = wide_bytes(b + 6), sixteen = _mm_set1_epi8(16);
        const float d = wide_half(b);
        unsigned bits;
        __builtin_memcpy(&bits, b + 2, 4);
        /* without its fifth bit a weight is 16 too large */
        const __m128i low = wide_low(q, 0), high = wide_low(q, 4);
        w[0] = d * wide_signed(_mm_mask_sub_epi8(low, (__mmask16)~bits, low, sixteen));
        w[1] = d * wide_signed(_mm_mask_sub_epi8(high, (__mmask16)(~bits >> 16), high, sixteen));
    } else if (type == QUANT_Q8_0) {
        b = row + 34 * stretch;
        const float d = wide_half(b);
        w[0] = d * wide_signed(wide_bytes(b + 2));
        w[1] = d * wide_signed(wide_bytes(b + 18));
    } else if (type == QUANT_Q4_K || type == QUANT_Q5_K) {
        const int five = type == QUANT_Q5_K;
        b = row + stretch / 8 * (five ? 176 : 144);
        const float d = wide_half(b) * (float)quant_scale(b + 4, s, 0);
        const float m = wide_half(b + 2) * (float)quant_scale(b + 4, s, 1);
        for (int i = 0; i < 2; i++) {
            const __m128i bytes = wide_bytes(b + (five ? 48 : 16) + s / 2 * 32 + 16 * i);
            __m128i q = s % 2 == 0 ? wide_low(bytes, 0) : wide_low(bytes, 4);
            if (five) {
                const __mmask16 set =
                    _mm_test_epi8_mask(wide_bytes(b + 16 + 16 * i), _mm_set1_epi8((char)(1 << s)));
                q = _mm_mask_add_epi8(q, set, q, _mm_set1_epi8(16));
            }
            w[i] = d * wide_signed(q) - m;
        }
    } else { /* QUANT_Q6_K */
        b = row + stretch / 8 * 210;
        const float d = wide_half(b + 208);
        for (int i = 0; i < 2; i++) {
            const __m128i bytes = wide_bytes(b + s / 4 * 64 + s % 2 * 32 + 16 * i);
            const __m128i more = wide_bytes(b + 128 + s / 4 * 32 + 16 * i);
            const __m128i top =
                _mm_and_si128(_mm_srl_epi16(more, _mm_cvtsi32_si128(2 * (s % 4))), _mm_set1_epi8(3));
            const __m128i low = s % 4 < 2 ? wide_low(bytes, 0) : wide_low(bytes, 4);
            const __m128i q = _mm_or_si128(low, _mm_slli_epi16(top, 4));
            w[i] = d * (float)(signed char)b[192 + s / 4 * 8 + s % 4 * 2 + i] *
                   wide_signed(_mm_sub_epi8(q, _mm_set1_epi8(32)));
        }
    }
}
#else
TEAM_FN void quant_stretch(int type, const unsigned char *row, long stretch, lanes_f w[VECTORS])
{
    for (int i = 0; i < VECTORS; i++)
        w[i] = lanes_weights(type, row, 32 * stretch + i * LANES);
}
#endif

/* k weights of a row, times scale, into x. */
TEAM_FN void quant_unpack_row(int type, const unsigned char *row, int k, float scale, float *x)
{
    for (int stretch = 0; stretch < k / 32; stretch++) {
        lanes_f w[VECTORS];
        quant_stretch(type, row, stretch, w);
        TEAM_UNROLL
        for (int i = 0; i < VECTORS; i++)
            lanes_store(x + 32 * stretch + i * LANES, w[i] * scale);
    }
}

#if TEAM_SIZE == 1
#define QUANT_AHEAD(p) __builtin_prefetch(p) /* one token is bound by memory; past the end it does nothing */
#else
#define QUANT_AHEAD(p) ((void)0)
#endif

/* Sums of one token over QUANT_OUTPUTS rows of weights. */
TEAM_FN lanes_4 quant_direct(int type, const unsigned char *const *row, const float *x, int k, struct team *t)
{
    lanes_f sum[QUANT_OUTPUTS];
    (void)t;
    TEAM_UNROLL
    for (int r = 0; r < QUANT_OUTPUTS; r++)
        sum[r] = lanes_zero();
    for (int stretch = 0; stretch < k / 32; stretch++) {
        lanes_f v[VECTORS];
        TEAM_UNROLL
        for (int i = 0; i < VECTORS; i++)
            v[i] = lanes_load(x + 32 * stretch + i * LANES);
        TEAM_UNROLL
        for (int r = 0; r < QUANT_OUTPUTS; r++) {
            lanes_f w[VECTORS];
            QUANT_AHEAD(row[r] + quant_row_bytes(type, 256) * (size_t)stretch / 8 + 4096);
            quant_stretch(type, row[r], stretch, w);
            TEAM_UNROLL
            for (int i = 0; i < VECTORS; i++)
                sum[r] += w[i] * v[i];
        }
    }
    return lanes_sum4(t, sum[0], sum[1], sum[2], sum[3]);
}

/* The type becomes a constant of the loops. */
#define QUANT_BY_TYPE(type, call)                                                                            \
    switch (type) {                                                                                          \
    case QUANT_F32:                                                                                          \
        call(QUANT_F32);                                                                                     \
        break;                                                                                               \
    case QUANT_F16:                                                                                          \
        call(QUANT_F16);                                                                                     \
        break;                                                                                               \
    case QUANT_BF16:                                                                                         \
        call(QUANT_BF16);                                                                                    \
        break;                                                                                               \
    case QUANT_Q4_0:                                                                                         \
        call(QUANT_Q4_0);                                                                                    \
        break;                                                                                               \
    case QUANT_Q5_0:                                                                                         \
        call(QUANT_Q5_0);                                                                                    \
        break;                                                                                               \
    case QUANT_Q8_0:                                                                                         \
        call(QUANT_Q8_0);                                                                                    \
        break;                                                                                               \
    case QUANT_Q4_K:                                                                                         \
        call(QUANT_Q4_K);                                                                                    \
        break;                                                                                               \
    case QUANT_Q5_K:                                                                                         \
        call(QUANT_Q5_K);                                                                                    \
        break;                                                                                               \
    default:                                                                                                 \
        call(QUANT_Q6_K);                                                                                    \
        break;                                                                                               \
    }

/* Lane 0 writes outputs from .. from + QUANT_OUTPUTS - 1 (below `to`) of one token. */
TEAM_FN void quant_put(const struct quant_linear *a, const struct quant_matrix *m, long token, int from,
                       int to, lanes_4 sums)
{
    float *y = a->y + token * a->ldy + m->column + from;
    if (TEAM_LANE == 0)
        for (int r = 0; r < QUANT_OUTPUTS && from + r < to + MUTANT(quant_linear_outside, 1, 0); r++)
            y[r] = dots_get(sums, r) + (m->bias != NULL ? m->bias[from + r] : 0.0f);
}

TEAM_FN void quant_linear_row(const struct quant_linear *a, long row, struct team *t)
{
    const struct quant_matrix *m = a->m;
    while (row >= (m->n + a->group - 1) / a->group) {
        row -= (m->n + a->group - 1) / a->group;
        m++;
    }
    const int k = a->k - MUTANT(quant_linear_index, 32, 0), from = (int)row * a->group;
    const int to = from + a->group < m->n ? from + a->group : m->n;
    float *unpacked = NULL;
    if (a->n_tokens > 1) {
        unpacked = (float *)team_shared(t, sizeof(float) * (size_t)a->group * (size_t)a->k);
        for (int o = from; o < from + a->group; o++) { /* beyond the last one: that one again, thrown away */
            const unsigned char *w = m->w + (o < to ? o : to - 1) * m->row_bytes;
            float *x = unpacked + (long)(o - from) * a->k;
#define UNPACK(type) quant_unpack_row(type, w, k, 1.0f, x)
            QUANT_BY_TYPE(m->type, UNPACK)
        }
    }
    for (int token = 0; token<a->n_tokens; token += a->n_tokens> 1 ? QUANT_TOKENS : 1) {
        const float *x[QUANT_TOKENS];
        TEAM_UNROLL
        for (int i = 0; i < QUANT_TOKENS; i++)
            x[i] = a->x + (token + i < a->n_tokens ? token + i : a->n_tokens - 1) * a->ldx;
        for (int o = from; o < to; o += QUANT_OUTPUTS) {
            if (unpacked == NULL) {
                const unsigned char *w[QUANT_OUTPUTS];
                lanes_4 sums = lanes_make4(0.0f, 0.0f, 0.0f, 0.0f);
                TEAM_UNROLL
                for (int r = 0; r < QUANT_OUTPUTS; r++)
                    w[r] = m->w + (o + r < to ? o + r : to - 1) * m->row_bytes;
#define DIRECT(type) sums = quant_direct(type, w, x[0], k, t)
                QUANT_BY_TYPE(m->type, DIRECT)
                quant_put(a, m, token, o, to, sums);
                continue;
            }
            const float *w[QUANT_OUTPUTS];
            lanes_4 sums[QUANT_TOKENS];
            TEAM_UNROLL
            for (int r = 0; r < QUANT_OUTPUTS; r++)
                w[r] = unpacked + (long)(o - from + r) * a->k;
            dots_4(w, x, k, sums, t);
            TEAM_UNROLL
            for (int i = 0; i < QUANT_TOKENS; i++)
                if (token + i < a->n_tokens)
                    quant_put(a, m, token + i, o, to, sums[i]);
        }
    }
}
TEAM_KERNEL_LARGE(quant_linear, struct quant_linear, quant_linear_row(a, row, t))

TEAM_FN void quant_rows_row(const struct quant_rows *a, long token, struct team *t)
{
    float *x = a->x + token * a->ldx;
    const unsigned char *w = a->w + (long)a->ids[token] * a->row_bytes;
    (void)t;
#define ROW(type) quant_unpack_row(type, w, a->k, a->scale, x)
    QUANT_BY_TYPE(a->type, ROW)
    if (a->p != NULL) {
        const unsigned char *p = a->p + (long)a->places[token] * a->row_bytes_p;
        LANE_FOR(j, a->k)
            x[j] += quant_weight(a->type_p, p, j);
    }
    if (MUTANT(quant_rows_outside, 1, 0) && TEAM_LANE == 0)
        x[a->k] = 1.0f;
}
TEAM_KERNEL(quant_rows, struct quant_rows, quant_rows_row(a, row, t))
