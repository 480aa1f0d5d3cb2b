/*
 * quant_int8.cu - products of quantised weights with activations in 8 bits: whole numbers multiply, scales follow every 32.
 *
 * A weight is s u - m, where u is what the block holds as an unsigned number: 0 to 15 (Q4_0, Q4_K), 31 (Q5_0, Q5_K), 63 (Q6_K), 255
 * (Q8_0, moved by 128); a type that is centred on zero has m = s times its middle.  With x = d q an output is the sum over stretches of
 * (s d) (sum of u q) - m (d sum of q).  The sums of u q are exact, so machines may add them in any order; the rest is one chain of
 * fused multiply-adds a lane of outputs, in rising order.  Q6_K has a scale every 16: two sums a stretch.
 *
 * The form with AVX-512 VNNI takes 16 outputs at once, one a lane: straight from the file for one token (each row's eight partial
 * sums go through a transposing tree), from scratch, with their bytes turned once, for several.  It gives the bits of the portable form
 * (tests/kernels/test_quant.c).
 */
#include "dots.h"
#include "quant_parts.h"
#if defined(__AMX_INT8__) && TEAM_SIZE == 1 && !defined(QUANT_PORTABLE)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__CUDACC__)
#define quant_nearest(x) ((int)rintf(x))
#else
#define quant_nearest(x) ((int)__builtin_rintf(x))
#endif

#if TEAM_SIZE == 1 && defined(__AVX512F__) && !defined(QUANT_PORTABLE)
/* 32 numbers: the same bits as below. */
TEAM_FN void quant_round_32(const float *x, signed char *q, float *part)
{
    const lanes_f a = lanes_load(x), b = lanes_load(x + 16);
    const float most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b)));
    const float inverse = most > 0.0f ? 127.0f / most : 0.0f, d = most / 127.0f;
    const __m512i first = _mm512_cvtps_epi32(a * inverse), second = _mm512_cvtps_epi32(b * inverse);
    _mm_storeu_si128((__m128i_u *)q, _mm512_cvtepi32_epi8(first));
    _mm_storeu_si128((__m128i_u *)(q + 16), _mm512_cvtepi32_epi8(second));
    const int low = _mm512_reduce_add_epi32(first), high = _mm512_reduce_add_epi32(second);
    part[0] = d;
    part[1] = d * (float)(low + high);
    part[2] = d * (float)low;
    part[3] = d * (float)high;
}
TEAM_FN void quant_round_row(const struct quant_round *a, long token, struct team *t)
{
    (void)t;
    for (long b = 0; b < a->k / 32; b++)
        quant_round_32(a->x + token * a->ldx + 32 * b, a->q + token * a->ldq + 32 * b,
                       a->part + token * a->ld_part + 4 * b);
}
#else
TEAM_FN void quant_round_row(const struct quant_round *a, long token, struct team *t)
{
    const float *x = a->x + token * a->ldx;
    signed char *q = a->q + token * a->ldq;
    float *part = a->part + token * a->ld_part;
    for (int b = 0; b < a->k / 32; b++) {
        float most = 0.0f;
        LANE_MAX(j, 32, most) {
            const float v = x[32 * b + j] < 0.0f ? -x[32 * b + j] : x[32 * b + j];
            most = v > most ? v : most;
        }
        most = team_max(t, most);
        const float inverse = most > 0.0f ? 127.0f / most : 0.0f, d = most / 127.0f;
        int low = 0, high = 0;
        LANE_SUM(j, 32 + MUTANT(quant_round_outside, b == a->k / 32 - 1, 0), low, high) {
            const int v = quant_nearest(x[32 * b + j] * inverse);
            q[32 * b + j] = (signed char)v;
            low += j < 16 ? v : 0;
            high += j < 16 ? 0 : v;
        }
        low = team_sum_int(t, low);
        high = team_sum_int(t, high);
        if (TEAM_LANE == 0) {
            part[4 * b] = d;
            part[4 * b + 1] = d * (float)(low + MUTANT(quant_round_index, 0, high));
            part[4 * b + 2] = d * (float)low;
            part[4 * b + 3] = d * (float)high;
        }
    }
}
#endif
TEAM_KERNEL(quant_round, struct quant_round, quant_round_row(a, row, t))

/* Weight j of a stretch of 32, as the file's unsigned number. */
TEAM_FN int quant_unsigned(int type, const unsigned char *row, long stretch, int j)
{
    const int s = (int)(stretch % 8), byte = j % 16;
    const unsigned char *b;
    switch (type) {
    case QUANT_Q4_0:
        b = row + stretch * 18;
        return j < 16 ? b[2 + byte] & 15 : b[2 + byte] >> 4;
    case QUANT_Q5_0:
        b = row + stretch * 22;
        return (j < 16 ? b[6 + byte] & 15 : b[6 + byte] >> 4) | (b[2 + j / 8] >> (j % 8) & 1) << 4;
    case QUANT_Q8_0:
        return row[stretch * 34 + 2 + j] ^ 128;
    case QUANT_Q4_K:
        return row[stretch / 8 * 144 + 16 + s / 2 * 32 + j] >> 4 * (s % 2) & 15;
    case QUANT_Q5_K:
        b = row + stretch / 8 * 176;
        return (b[48 + s / 2 * 32 + j] >> 4 * (s % 2) & 15) | (b[16 + j] >> s & 1) << 4;
    default: /* QUANT_Q6_K */
        b = row + stretch / 8 * 210;
        return (b[s / 4 * 64 + s % 2 * 32 + j] >> 4 * (s % 4 / 2) & 15) |
               (b[128 + s / 4 * 32 + j] >> 2 * (s % 4) & 3) << 4;
    }
}

/* The middle of types that are centred on zero. */
#define QUANT_MIDDLE(type)                                                                                   \
    ((type) == QUANT_Q4_0 ? 8.0f : (type) == QUANT_Q5_0 ? 16.0f : (type) == QUANT_Q8_0 ? 128.0f : 32.0f)

/* Scale and minimum of half h of a stretch. */
TEAM_FN void quant_scale_of(int type, const unsigned char *row, long stretch, int h, float *scale,
                            float *least)
{
    const int s = (int)(stretch % 8);
    const unsigned char *b;
    if (type == QUANT_Q4_K || type == QUANT_Q5_K) {
        b = row + stretch / 8 * (type == QUANT_Q4_K ? 144 : 176);
        *scale = quant_half(b) * (float)quant_scale(b + 4, s, 0);
        *least = quant_half(b + 2) * (float)quant_scale(b + 4, s, 1);
        return;
    }
    if (type == QUANT_Q6_K) {
        b = row + stretch / 8 * 210;
        *scale = quant_half(b + 208) * (float)(signed char)b[192 + 2 * s + h];
    } else
        *scale = quant_half(row + stretch * (type == QUANT_Q4_0 ? 18 : type == QUANT_Q5_0 ? 22 : 34));
    *least = *scale * QUANT_MIDDLE(type);
}

/* What stretch `stretch` adds to the sum of one output.  The fused operations are written out: -ffp-contract leaves the
 * choice to the compiler's model of the processor (for AMD's it avoids chains of them), and every form has the same bits. */
TEAM_FN float quant_int8_add(int type, const unsigned char *row, long stretch, const signed char *q,
                             const float *part, float sum)
{
    const int halves = type == QUANT_Q6_K ? 2 : 1, each = 32 / halves;
    q += 32 * stretch;
    part += 4 * stretch;
    for (int h = 0; h < halves; h++) {
        int whole = 0;
        float scale, least;
        for (int j = 0; j < each; j++)
            whole += quant_unsigned(type, row, stretch, each * h + j) * q[each * h + j];
        quant_scale_of(type, row, stretch, h, &scale, &least);
        sum = TEAM_FMA((float)whole, scale * part[0], sum);
        sum = TEAM_FMA(-least, part[halves == 1 ? 1 : 2 + h], sum);
    }
    return sum;
}

#if TEAM_SIZE == 1 && defined(__AVX512VNNI__) && defined(__AVX512F__) && defined(__AVX512BW__) &&            \
    defined(__AVX512VL__) && !defined(QUANT_PORTABLE)
#define QUANT_VNNI
/* The 32 unsigned weights of a stretch. */
TEAM_FN __m256i wide_unsigned(int type, const unsigned char *row, long stretch)
{
    const int s = (int)(stretch % 8);
    const __m256i low = _mm256_set1_epi8(15);
    const unsigned char *b;
    if (type == QUANT_Q8_0)
        return _mm256_xor_si256(_mm256_loadu_si256((const __m256i_u *)(row + 34 * stretch + 2)),
                                _mm256_set1_epi8((char)-128));
    if (type == QUANT_Q4_0 || type == QUANT_Q5_0) {
        b = row + (type == QUANT_Q4_0 ? 18 : 22) * stretch;
        const __m128i q = _mm_loadu_si128((const __m128i_u *)(b + (type == QUANT_Q4_0 ? 2 : 6)));
        const __m256i u = _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(q, 4), q), low);
        if (type == QUANT_Q4_0)
            return u;
        unsigned bits;
        __builtin_memcpy(&bits, b + 2, 4);
        return _mm256_mask_add_epi8(u, bits, u, _mm256_set1_epi8(16));
    }
    if (type == QUANT_Q4_K || type == QUANT_Q5_K) {
        b = row + stretch / 8 * (type == QUANT_Q4_K ? 144 : 176);
        __m256i q = _mm256_loadu_si256((const __m256i_u *)(b + (type == QUANT_Q4_K ? 16 : 48) + s / 2 * 32));
        q = _mm256_and_si256(s % 2 == 0 ? q : _mm256_srli_epi16(q, 4), low);
        if (type == QUANT_Q4_K)
            return q;
        const __mmask32 set = _mm256_test_epi8_mask(_mm256_loadu_si256((const __m256i_u *)(b + 16)),
                                                    _mm256_set1_epi8((char)(1 << s)));
        return _mm256_mask_add_epi8(q, set, q, _mm256_set1_epi8(16));
    }
    b = row + stretch / 8 * 210;
    const __m256i q = _mm256_loadu_si256((const __m256i_u *)(b + s / 4 * 64 + s % 2 * 32));
    const __m256i more = _mm256_loadu_si256((const __m256i_u *)(b + 128 + s / 4 * 32));
    const __m256i top =
        _mm256_and_si256(_mm256_srl_epi16(more, _mm_cvtsi32_si128(2 * (s % 4))), _mm256_set1_epi8(3));
    return _mm256_or_si256(_mm256_and_si256(s % 4 < 2 ? q : _mm256_srli_epi16(q, 4), low),
                           _mm256_slli_epi16(top, 4));
}

/* Four bytes at p of each of the 16 rows that `step` lies apart. */
TEAM_FN __m512i wide_gather(const unsigned char *p, __m512i step)
{
    return _mm512_i32gather_epi32(step, p, 1);
}
TEAM_FN lanes_f wide_low_half(__m512i x)
{
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(x));
}
TEAM_FN lanes_f wide_whole(__m512i x)
{
    return _mm512_cvtepi32_ps(x);
}
/* quant_int8_add()'s sum, a lane an output. */
TEAM_FN lanes_f wide_add(lanes_f sum, __m512i whole, lanes_f scale, float by, lanes_f least, float less)
{
    sum = _mm512_fmadd_ps(wide_whole(whole), scale * by, sum);
    return _mm512_fnmadd_ps(least, _mm512_set1_ps(less), sum);
}

/* Stretches whose scales stand together. */
#define WIDE_TOGETHER(type) ((type) == QUANT_Q4_K || (type) == QUANT_Q5_K || (type) == QUANT_Q6_K ? 8 : 1)

/* What the blocks of 16 rows say of their scales, the block with stretch `stretch` of each. */
struct wide_block {
    lanes_f d, m;
    __m512i q[4];
};
TEAM_FN void wide_gather_block(int type, const unsigned char *row, __m512i step, long stretch,
                               struct wide_block *out)
{
    if (type == QUANT_Q4_K || type == QUANT_Q5_K) {
        const unsigned char *b = row + stretch / 8 * (type == QUANT_Q4_K ? 144 : 176);
        const __m512i both = wide_gather(b, step);
        out->d = wide_low_half(both);
        out->m = wide_low_half(_mm512_srli_epi32(both, 16));
        TEAM_UNROLL
        for (int i = 0; i < 3; i++)
            out->q[i] = wide_gather(b + 4 + 4 * i, step);
    } else if (type == QUANT_Q6_K) {
        const unsigned char *b = row + stretch / 8 * 210;
        out->d = wide_low_half(_mm512_srli_epi32(wide_gather(b + 206, step), 16));
        TEAM_UNROLL
        for (int i = 0; i < 4; i++)
            out->q[i] = wide_gather(b + 192 + 4 * i, step);
    } else
        out->d = wide_low_half(wide_gather(row + stretch * quant_block_bytes(type), step));
}

/* Scales and minima of stretch s (a constant) of such blocks. */
TEAM_FN void wide_scales(int type, const struct wide_block *b, const int s, lanes_f scale[2],
                         lanes_f least[2])
{
    if (type == QUANT_Q4_K || type == QUANT_Q5_K) {
        const __m512i six = _mm512_set1_epi32(63), four = _mm512_set1_epi32(15),
                      top = _mm512_set1_epi32(0x30);
        const unsigned by = 8 * (unsigned)(s % 4);
        __m512i a, m;
        if (s < 4) {
            a = _mm512_and_si512(_mm512_srli_epi32(b->q[0], by), six);
            m = _mm512_and_si512(_mm512_srli_epi32(b->q[1], by), six);
        } else {
            a = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(b->q[2], by), four),
                                _mm512_and_si512(_mm512_srli_epi32(b->q[0], by + 2), top));
            m = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(b->q[2], by + 4), four),
                                _mm512_and_si512(_mm512_srli_epi32(b->q[1], by + 2), top));
        }
        scale[0] = b->d * wide_whole(a);
        least[0] = b->m * wide_whole(m);
    } else if (type == QUANT_Q6_K) {
        const __m512i both = _mm512_slli_epi32(b->q[s / 2], 16 * (1 - (unsigned)s % 2));
        scale[0] = b->d * wide_whole(_mm512_srai_epi32(_mm512_slli_epi32(both, 8), 24));
        scale[1] = b->d * wide_whole(_mm512_srai_epi32(both, 24));
        least[0] = scale[0] * 32.0f;
        least[1] = scale[1] * 32.0f;
    } else {
        scale[0] = b->d;
        least[0] = b->d * QUANT_MIDDLE(type);
    }
}

/* Rows r and r + 4 of 16, side by side. */
TEAM_FN __m512i wide_pair(int type, const unsigned char *row, long row_bytes, int r, long stretch)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(wide_unsigned(type, row + r * row_bytes, stretch)),
                              wide_unsigned(type, row + (r + 4) * row_bytes, stretch), 1);
}

/* Each quarter: the sums of that quarter of a, b, c, d. */
TEAM_FN __m512i wide_tree(__m512i a, __m512i b, __m512i c, __m512i d)
{
    const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

/* Sums of one token with 16 rows, from the file. */
TEAM_FN lanes_f wide_direct(int type, const unsigned char *row, long row_bytes, const signed char *q,
                            const float *part, int k)
{
    const __m512i step =
        _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                           _mm512_set1_epi32((int)row_bytes));
    const __m512i zero = _mm512_setzero_si512();
    const unsigned char *ahead = row + QUANT_INT8_OUTPUTS * row_bytes;
    const long a_stretch =
        32 * QUANT_INT8_OUTPUTS * (long)quant_block_bytes(type) / quant_block_weights(type);
    lanes_f sum = lanes_zero();
    for (long block = 0; block < k / 32; block += WIDE_TOGETHER(type)) {
        struct wide_block head;
        wide_gather_block(type, row, step, block, &head);
        TEAM_UNROLL
        for (int s = 0; s < 8; s++, part += 4) {
            if (s == WIDE_TOGETHER(type))
                break;
            const long stretch = block + s;
            const __m512i x =
                _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i_u *)(q + 32 * stretch)));
            __m512i dot[8];
            lanes_f scale[2], least[2];
            for (long i = 0; i < a_stretch; i += 64) /* past the end it does nothing */
                __builtin_prefetch(ahead + stretch * a_stretch + i);
            TEAM_UNROLL
            for (int r = 0; r < 8; r++)
                dot[r] =
                    _mm512_dpbusd_epi32(zero, wide_pair(type, row, row_bytes, r < 4 ? r : r + 4, stretch), x);
            const __m512i a = wide_tree(dot[0], dot[1], dot[2], dot[3]),
                          b = wide_tree(dot[4], dot[5], dot[6], dot[7]);
            const __m512i first = _mm512_shuffle_i32x4(a, b, 0x88), second = _mm512_shuffle_i32x4(a, b, 0xdd);
            wide_scales(type, &head, s, scale, least);
            if (type == QUANT_Q6_K) {
                sum = wide_add(sum, first, scale[0], part[0], least[0], part[2]);
                sum = wide_add(sum, second, scale[1], part[0], least[1], part[3]);
            } else {
                sum = wide_add(sum, _mm512_add_epi32(first, second), scale[0], part[0], least[0], part[1]);
            }
        }
    }
    return sum;
}

/* 16 rows as scratch holds them: of each stretch eight registers (bytes 4 i .. 4 i + 3 of each row), then scales and minima. */
TEAM_FN void wide_unpack(int type, const unsigned char *row, long row_bytes, int k, unsigned char *bytes,
                         float *scales)
{
    const __m512i step =
        _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                           _mm512_set1_epi32((int)row_bytes));
    for (long block = 0; block < k / 32; block += WIDE_TOGETHER(type)) {
        struct wide_block head;
        wide_gather_block(type, row, step, block, &head);
        TEAM_UNROLL
        for (int s = 0; s < 8; s++, bytes += 512, scales += 64) {
            if (s == WIDE_TOGETHER(type))
                break;
            const long stretch = block + s;
            __m512i turned[8];
            lanes_f scale[2], least[2];
            for (int g = 0; g < 2; g++) {
                __m512i z[4];
                TEAM_UNROLL
                for (int r = 0; r < 4; r++)
                    z[r] = wide_pair(type, row, row_bytes, 8 * g + r, stretch);
                const __m512i ab = _mm512_unpacklo_epi32(z[0], z[1]), cd = _mm512_unpacklo_epi32(z[2], z[3]);
                const __m512i ef = _mm512_unpackhi_epi32(z[0], z[1]), gh = _mm512_unpackhi_epi32(z[2], z[3]);
                turned[4 * g] = _mm512_unpacklo_epi64(ab, cd);
                turned[4 * g + 1] = _mm512_unpackhi_epi64(ab, cd);
                turned[4 * g + 2] = _mm512_unpacklo_epi64(ef, gh);
                turned[4 * g + 3] = _mm512_unpackhi_epi64(ef, gh);
            }
            TEAM_UNROLL
            for (int i = 0; i < 4; i++) {
                _mm512_storeu_si512(bytes + 64 * i, _mm512_shuffle_i32x4(turned[i], turned[4 + i], 0x88));
                _mm512_storeu_si512(bytes + 64 * (4 + i),
                                    _mm512_shuffle_i32x4(turned[i], turned[4 + i], 0xdd));
            }
            wide_scales(type, &head, s, scale, least);
            lanes_store(scales, scale[0]);
            lanes_store(scales + 16, least[0]);
            if (type == QUANT_Q6_K) {
                lanes_store(scales + 32, scale[1]);
                lanes_store(scales + 48, least[1]);
            }
        }
    }
}

enum { WIDE_TOKENS = 8 };
/* Sums of n tokens (a constant) with the 16 rows. */
TEAM_FN void wide_tokens(const int n, int halves, const unsigned char *bytes, const float *scales,
                         const signed char *q, long ldq, const float *part, long ld_part, int k, lanes_f *sum)
{
    const __m512i zero = _mm512_setzero_si512();
    TEAM_UNROLL
    for (int i = 0; i < n; i++)
        sum[i] = lanes_zero();
    for (long stretch = 0; stretch < k / 32; stretch++, bytes += 512, scales += 64)
        for (int h = 0; h < halves; h++) {
            const int each = 8 / halves;
            const lanes_f scale = lanes_load(scales + 32 * h), least = lanes_load(scales + 32 * h + 16);
            __m512i w[8];
            TEAM_UNROLL
            for (int j = 0; j < each; j++)
                w[j] = _mm512_loadu_si512(bytes + 64 * (h * each + j));
            TEAM_UNROLL
            for (int i = 0; i < n; i++) {
                const signed char *x = q + i * ldq + 32 * stretch + 16 * h;
                const float *p = part + i * ld_part + 4 * stretch;
                __m512i dot = zero;
                TEAM_UNROLL
                for (int j = 0; j < each; j++) {
                    int four;
                    __builtin_memcpy(&four, x + 4 * j, 4);
                    dot = _mm512_dpbusd_epi32(dot, w[j], _mm512_set1_epi32(four));
                }
                sum[i] = wide_add(sum[i], dot, scale, p[0], least, p[halves == 1 ? 1 : 2 + h]);
            }
        }
}

#if defined(__AMX_INT8__)
#define QUANT_AMX
/* May this process use the tiles (AMX)?  Linux wants to be asked once: arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA). */
static int quant_amx(void)
{
    static int known; /* 0: not asked yet, 1: yes, 2: no; threads that ask at the same time hear the same */
    int answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (answer == 0) {
        answer = syscall(SYS_arch_prctl, 0x1023, 18) == 0 ? 1 : 2;
        __atomic_store_n(&known, answer, __ATOMIC_RELAXED);
    }
    return answer == 1;
}

/* Tiles 0 and 1: sums, 16 tokens by 16 outputs; 2: bytes of 16 tokens; 3 and 4: bytes of 16 outputs, as wide_unpack() turned them. */
TEAM_FN void tiles_begin(int halves)
{
    struct {
        unsigned char palette, start, reserved[14];
        unsigned short row_bytes[16];
        unsigned char rows[16];
    } shape = {.palette = 1,
               .row_bytes = {64, 64, (unsigned short)(32 / halves), 64, 64},
               .rows = {16, 16, 16, (unsigned char)(8 / halves), (unsigned char)(8 / halves)}};
    _tile_loadconfig(&shape);
}

/* What the products of one step (a stretch, or half of one) add to the sums of 16 tokens. */
TEAM_FN void tiles_scale(int halves, int step, const int dot[16][16], const float *scales, const float *part,
                         long ld_part, lanes_f sum[16])
{
    const int stretch = step / halves, h = step % halves;
    const float *s = scales + 64 * stretch + 32 * h, *p = part + 4 * stretch;
    const lanes_f scale = lanes_load(s), least = lanes_load(s + 16);
    TEAM_UNROLL
    for (int i = 0; i < 16; i++, p += ld_part) {
        sum[i] = wide_add(sum[i], _mm512_load_si512(dot[i]), scale, p[0], least, p[halves == 1 ? 1 : 2 + h]);
    }
}

/* Sums of 16 tokens with 16 rows, or with 32 (n = 2; the second 16 follow in bytes and scales), in sum.  A tile that was stored
 * cannot be loaded at once: TILES_AHEAD steps multiply while as many before them are scaled. */
enum { TILES_AHEAD = 2 };
TEAM_FN void tiles_tokens(const int n, int halves, const unsigned char *bytes, const float *scales,
                          const signed char *q, long ldq, const float *part, long ld_part, int k,
                          float sum[2][16][16])
{
    _Alignas(64) int dot[2][TILES_AHEAD][2][16][16];
    const int steps = k / 32 * halves;
    __builtin_memset(sum, 0, (size_t)n * sizeof *sum);
    for (int from = 0; from < steps + TILES_AHEAD; from += TILES_AHEAD) {
        const int which = from / TILES_AHEAD % 2;
        for (int i = 0; i < TILES_AHEAD && from + i < steps; i++) {
            const unsigned char *w = bytes + 512 / halves * (from + i);
            _tile_loadd(2, q + 32 / halves * (from + i), ldq);
            _tile_loadd(3, w, 64);
            _tile_zero(0);
            _tile_dpbsud(0, 2, 3);
            if (n == 2) {
                _tile_loadd(4, w + (long)QUANT_INT8_OUTPUTS * k, 64);
                _tile_zero(1);
                _tile_dpbsud(1, 2, 4);
            }
            _tile_stored(0, dot[which][i][0], 64);
            if (n == 2)
                _tile_stored(1, dot[which][i][1], 64);
        }
        for (int b = 0; b < n && from > 0; b++) {
            lanes_f held[16];
            TEAM_UNROLL
            for (int i = 0; i < 16; i++)
                held[i] = lanes_load(sum[b][i]);
            for (int i = 0; i < TILES_AHEAD && from - TILES_AHEAD + i < steps; i++)
                tiles_scale(halves, from - TILES_AHEAD + i, dot[1 - which][i][b],
                            scales + (long)b * (k / 32) * 64, part, ld_part, held);
            TEAM_UNROLL
            for (int i = 0; i < 16; i++)
                lanes_store(sum[b][i], held[i]);
        }
    }
}

/* 16 tokens from `token` on, the 16 n outputs from o on. */
TEAM_FN void tiles_outputs(const int n, int halves, const struct quant_int8 *a, const struct quant_matrix *m,
                           int token, int o, const unsigned char *bytes, const float *scales)
{
    _Alignas(64) float sum[2][16][16];
    tiles_tokens(n, halves, bytes, scales, a->q + token * a->ldq, a->ldq, a->part + token * a->ld_part,
                 a->ld_part, a->k, sum);
    for (int b = 0; b < n; b++) {
        const lanes_f bias = m->bias != NULL ? lanes_load(m->bias + o + 16 * b) : lanes_zero();
        for (int i = 0; i < 16; i++)
            lanes_store(a->y + (token + i) * a->ldy + m->column + o + 16 * b, lanes_load(sum[b][i]) + bias);
    }
}
#endif

/* n tokens from `token` on, the 16 outputs from o on. */
TEAM_FN void wide_outputs(const int n, int halves, const struct quant_int8 *a, const struct quant_matrix *m,
                          int token, int o, const unsigned char *bytes, const float *scales)
{
    const lanes_f bias = m->bias != NULL ? lanes_load(m->bias + o) : lanes_zero();
    lanes_f sum[WIDE_TOKENS];
    wide_tokens(n, halves, bytes, scales, a->q + token * a->ldq, a->ldq, a->part + token * a->ld_part,
                a->ld_part, a->k, sum);
    TEAM_UNROLL
    for (int i = 0; i < n; i++)
        lanes_store(a->y + (token + i) * a->ldy + m->column + o, sum[i] + bias);
}

/* The n outputs from o on, n a multiple of 16: unpacked once, then some tokens at a time, whose bytes stay in the cache. */
TEAM_FN void wide_row(const struct quant_int8 *a, const struct quant_matrix *m, int o, int n, int type,
                      struct team *t)
{
    const int halves = type == QUANT_Q6_K ? 2 : 1, k = a->k;
    const unsigned char *row = m->w + o * m->row_bytes;
    if (a->n_tokens == 1) {
        for (int i = 0; i < n; i += 16, row += 16 * m->row_bytes) {
            const lanes_f bias = m->bias != NULL ? lanes_load(m->bias + o + i) : lanes_zero();
            lanes_store(a->y + m->column + o + i,
                        wide_direct(type, row, m->row_bytes, a->q, a->part, k) + bias);
        }
        return;
    }
    const long bytes_16 = 16L * k, scales_16 = (long)(k / 32) * 64;
    unsigned char *bytes = (unsigned char *)team_shared(t, (size_t)n * (size_t)k);
    float *scales = (float *)team_shared(t, sizeof(float) * (size_t)(n / 16) * (size_t)scales_16);
    for (int i = 0; i < n / 16; i++)
        wide_unpack(type, row + 16 * i * m->row_bytes, m->row_bytes, k, bytes + i * bytes_16,
                    scales + i * scales_16);
    int token = 0;
#ifdef QUANT_AMX
    if (a->n_tokens >= 16 && quant_amx()) {
        tiles_begin(halves);
        for (; token + 16 <= a->n_tokens; token += 16) {
            int i = 0;
            for (; i + 2 <= n / 16; i += 2)
                tiles_outputs(2, halves, a, m, token, o + 16 * i, bytes + i * bytes_16,
                              scales + i * scales_16);
            for (; i < n / 16; i++)
                tiles_outputs(1, halves, a, m, token, o + 16 * i, bytes + i * bytes_16,
                              scales + i * scales_16);
        }
        _tile_release();
    }
#endif
    for (; token + WIDE_TOKENS <= a->n_tokens; token += WIDE_TOKENS)
        for (int i = 0; i < n / 16; i++)
            wide_outputs(WIDE_TOKENS, halves, a, m, token, o + 16 * i, bytes + i * bytes_16,
                         scales + i * scales_16);
    for (; token < a->n_tokens; token++)
        for (int i = 0; i < n / 16; i++)
            wide_outputs(1, halves, a, m, token, o + 16 * i, bytes + i * bytes_16, scales + i * scales_16);
}
#endif

/* The type becomes a constant of the loops. */
#define QUANT_INT8_BY_TYPE(type, call)                                                                       \
    switch (type) {                                                                                          \
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

/* One output of all tokens: a lane takes every TEAM_SIZE-th stretch. */
TEAM_FN void quant_int8_output(const struct quant_int8 *a, const struct quant_matrix *m, int o, int type,
                               struct team *t)
{
    const unsigned char *row = m->w + o * m->row_bytes;
    for (int token = 0; token < a->n_tokens; token++) {
        float sum = 0.0f;
        for (int s = TEAM_LANE; s < a->k / 32 - MUTANT(quant_int8_index, 1, 0); s += TEAM_SIZE)
            sum = quant_int8_add(type, row, s, a->q + token * a->ldq, a->part + token * a->ld_part, sum);
        sum = team_sum(t, sum);
        if (TEAM_LANE == 0)
            a->y[token * a->ldy + m->column + o] = sum + (m->bias != NULL ? m->bias[o] : 0.0f);
    }
}

TEAM_FN void quant_int8_row(const struct quant_int8 *a, long row, struct team *t)
{
    const struct quant_matrix *m = a->m;
    while (row >= (m->n + a->group - 1) / a->group) {
        row -= (m->n + a->group - 1) / a->group;
        m++;
    }
    int o = (int)row * a->group;
    const int to = o + a->group < m->n ? o + a->group : m->n;
#ifdef QUANT_VNNI
    const int n = (to - o) / QUANT_INT8_OUTPUTS * QUANT_INT8_OUTPUTS;
    if (n > 0) {
#define WIDE(type) wide_row(a, m, o, n, type, t)
        QUANT_INT8_BY_TYPE(m->type, WIDE)
    }
    o += n;
#endif
    for (; o < to + MUTANT(quant_int8_outside, 1, 0); o++) {
#define OUTPUT(type) quant_int8_output(a, m, o, type, t)
        QUANT_INT8_BY_TYPE(m->type, OUTPUT)
    }
}
TEAM_KERNEL_LARGE(quant_int8, struct quant_int8, quant_int8_row(a, row, t))
