/*
 * check_quant.c - products with weights of every type that files hold, against sums in double of the weights that the block's own
 * definition gives (GGUF's ggml-quants.c, written out once more here).
 */
#include <math.h>
#include <string.h>

#include "check.h"
#include "quant.h"

static double half(const unsigned char *p)
{
    const unsigned h = p[0] | (unsigned)p[1] << 8;
    const int e = h >> 10 & 31;
    const double v = e == 0 ? ldexp(h & 1023, -24) : ldexp((h & 1023) | 1024, e - 25);
    return h & 0x8000 ? -v : v;
}

/* All weights of one block. */
static void unpack(int type, const unsigned char *b, double *w)
{
    float f;
    uint32_t bits;
    switch (type) {
    case QUANT_F32:
        memcpy(&f, b, 4);
        *w = (double)f;
        return;
    case QUANT_F16:
        *w = half(b);
        return;
    case QUANT_BF16:
        bits = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 24;
        memcpy(&f, &bits, 4);
        *w = (double)f;
        return;
    case QUANT_Q4_0:
        for (int j = 0; j < 16; j++)
            w[j] = half(b) * ((b[2 + j] & 15) - 8), w[j + 16] = half(b) * ((b[2 + j] >> 4) - 8);
        return;
    case QUANT_Q5_0:
        memcpy(&bits, b + 2, 4);
        for (int j = 0; j < 16; j++) {
            w[j] = half(b) * ((int)((b[6 + j] & 15) | (bits >> j & 1) << 4) - 16);
            w[j + 16] = half(b) * ((int)(b[6 + j] >> 4 | (bits >> (j + 16) & 1) << 4) - 16);
        }
        return;
    case QUANT_Q8_0:
        for (int j = 0; j < 32; j++)
            w[j] = half(b) * (signed char)b[2 + j];
        return;
    case QUANT_Q4_K:
    case QUANT_Q5_K:
        for (int j = 0; j < 256; j++) {
            const unsigned char *q = b + 4;
            const int s = j / 32, five = type == QUANT_Q5_K;
            const int scale = s < 4 ? q[s] & 63 : (q[s + 4] & 15) | (q[s - 4] >> 6) << 4;
            const int least = s < 4 ? q[s + 4] & 63 : q[s + 4] >> 4 | (q[s] >> 6) << 4;
            const unsigned char byte = b[(five ? 48 : 16) + j / 64 * 32 + j % 32];
            int v = j / 32 % 2 == 0 ? byte & 15 : byte >> 4;
            if (five)
                v += (b[16 + j % 32] >> s & 1) * 16;
            w[j] = half(b) * scale * v - half(b + 2) * least;
        }
        return;
    default:
        for (int h = 0; h < 2; h++)
            for (int l = 0; l < 32; l++) {
                const unsigned char *ql = b + 64 * h, *qh = b + 128 + 32 * h;
                const signed char *sc = (const signed char *)b + 192 + 8 * h;
                const int q[4] = {(ql[l] & 15) | (qh[l] & 3) << 4, (ql[l + 32] & 15) | (qh[l] >> 2 & 3) << 4,
                                  ql[l] >> 4 | (qh[l] >> 4 & 3) << 4, ql[l + 32] >> 4 | (qh[l] >> 6) << 4};
                for (int m = 0; m < 4; m++)
                    w[128 * h + 32 * m + l] = half(b + 208) * sc[l / 16 + 2 * m] * (q[m] - 32);
            }
    }
}

/* Any bytes, with scales that are finite and small. */
static unsigned char *weights(const char *name, int type, int k, int n, uint32_t stream)
{
    const size_t row = quant_row_bytes(type, (size_t)k), block = (size_t)quant_block_bytes(type);
    unsigned char *w = check_buffer(name, row * (size_t)n, 1);
    for (size_t i = 0; i < row * (size_t)n; i++)
        w[i] = (unsigned char)check_whole(stream, i, 256);
    for (size_t i = 0; i < row * (size_t)n; i += block) {
        const size_t scale = type == QUANT_Q6_K ? 208 : 0;
        const float f = 2 * check_unit(stream + 1, i) - 1;
        if (type == QUANT_F32)
            memcpy(w + i, &f, 4);
        else if (type == QUANT_BF16)
            w[i + 1] = (unsigned char)(0x3e | (w[i + 1] & 0x80));
        else
            w[i + scale + 1] = (unsigned char)(0x24 | (w[i + scale + 1] & 0x83));
        if (type == QUANT_Q4_K || type == QUANT_Q5_K)
            w[i + 3] = (unsigned char)(0x24 | (w[i + 3] & 0x83));
    }
    return w;
}

static const int all_types[] = {QUANT_F32,  QUANT_F16,  QUANT_BF16, QUANT_Q4_0, QUANT_Q5_0,
                                QUANT_Q8_0, QUANT_Q4_K, QUANT_Q5_K, QUANT_Q6_K};
enum { N_TYPES = 9, K = 256, LDX = K + 32, LDY = 64 };

static void linear_writes(const void *args, long row)
{
    const struct quant_linear *a = args;
    int m = 0;
    for (; row >= (a->m[m].n + a->group - 1) / a->group; m++)
        row -= (a->m[m].n + a->group - 1) / a->group;
    const int from = (int)row * a->group, to = from + a->group < a->m[m].n ? from + a->group : a->m[m].n;
    for (int i = 0; i < a->n_tokens; i++)
        check_may_write(a->y + i * a->ldy + a->m[m].column + from, sizeof(float) * (size_t)(to - from));
}

static void linear_cases(const char *kernel)
{
    for (int c = 0; c < 2 * N_TYPES; c++) {
        const int type = all_types[c / 2], tokens = c % 2 == 0 ? 1 : 8, sizes[2] = {13, 8};
        struct quant_linear a = {.x = check_floats("x", 8 * LDX, 1),
                                 .y = check_floats("y", 8 * LDY, 2),
                                 .ldx = LDX,
                                 .ldy = LDY,
                                 .n_tokens = tokens,
                                 .k = K,
                                 .group = 8,
                                 .n_matrices = 2};
        for (int m = 0; m < 2; m++)
            a.m[m] =
                (struct quant_matrix){.w = weights(m == 0 ? "w" : "v", type, K, sizes[m], 3 + (uint32_t)m),
                                      .bias = m == 0 ? check_floats("bias", 13, 9) : NULL,
                                      .row_bytes = (long)quant_row_bytes(type, K),
                                      .column = 16 * m,
                                      .type = type,
                                      .n = sizes[m]};
        check_run(kernel, &a, quant_linear_rows(&a), quant_linear_scratch(&a));
        for (int m = 0; m < 2; m++)
            for (int o = 0; o < a.m[m].n; o++) {
                double w[K];
                for (int k = 0; k < K; k += quant_block_weights(type))
                    unpack(type, a.m[m].w + o * a.m[m].row_bytes + quant_row_bytes(type, (size_t)k), w + k);
                for (int i = 0; i < tokens; i++) {
                    double sum = a.m[m].bias != NULL ? (double)a.m[m].bias[o] : 0, size = fabs(sum);
                    for (int k = 0; k < K; k++)
                        sum += w[k] * a.x[i * LDX + k], size += fabs(w[k] * a.x[i * LDX + k]);
                    const int at = i * LDY + 16 * m + o;
                    check_near("y", at, a.y[at], sum, 16 * CHECK_EPS * size + 1e-5 * CHECK_EPS);
                }
            }
        check_end();
    }
}

static void rows_writes(const void *args, long token)
{
    const struct quant_rows *a = args;
    check_may_write(a->x + token * a->ldx, sizeof(float) * (size_t)a->k);
}

static void rows_cases(const char *kernel)
{
    enum { TOKENS = 5, WORDS = 7 };
    for (int c = 0; c < N_TYPES; c++) {
        const int type = all_types[c];
        unsigned *ids = check_buffer("ids", TOKENS, sizeof *ids),
                 *places = check_buffer("places", TOKENS, sizeof *ids);
        for (unsigned i = 0; i < TOKENS; i++)
            ids[i] = check_whole(5, i, WORDS), places[i] = i;
        const struct quant_rows a = {.w = weights("w", type, K, WORDS, 1),
                                     .p = c % 2 == 0 ? weights("p", QUANT_F32, K, TOKENS, 3) : NULL,
                                     .ids = ids,
                                     .places = places,
                                     .x = check_floats("x", TOKENS * LDX, 4),
                                     .row_bytes = (long)quant_row_bytes(type, K),
                                     .row_bytes_p = 4 * K,
                                     .ldx = LDX,
                                     .type = type,
                                     .type_p = QUANT_F32,
                                     .k = K,
                                     .scale = 1.5f};
        check_run(kernel, &a, TOKENS, 0);
        for (int i = 0; i < TOKENS; i++) {
            double w[K], p[K] = {0};
            for (int k = 0; k < K; k += quant_block_weights(type))
                unpack(type, a.w + ids[i] * a.row_bytes + quant_row_bytes(type, (size_t)k), w + k);
            for (int k = 0; k < K && a.p != NULL; k++)
                unpack(QUANT_F32, a.p + i * a.row_bytes_p + 4 * k, p + k);
            for (int k = 0; k < K;
                 k++) /* a minimum may cancel its scale: the bound takes a block's largest numbers */
                check_near("x", i * LDX + k, a.x[i * LDX + k], 1.5 * w[k] + p[k],
                           4 * CHECK_EPS *
                               (fabs(1.5 * w[k]) + fabs(p[k]) +
                                (type == QUANT_Q4_K || type == QUANT_Q5_K ? 100 : 0)));
        }
        check_end();
    }
}

static void round_writes(const void *args, long token)
{
    const struct quant_round *a = args;
    check_may_write(a->q + token * a->ldq, (size_t)a->k);
    check_may_write(a->part + token * a->ld_part, sizeof(float) * (size_t)(a->k / 32 * 4));
}

enum { ROUNDED = 96, ROUND_TOKENS = 5 };

static void round_cases(const char *kernel)
{
    const struct quant_round a = {.x = check_floats("x", ROUND_TOKENS * LDX, 1),
                                  .q = check_buffer("q", ROUND_TOKENS * (ROUNDED + 64), 1),
                                  .part = check_floats("part", ROUND_TOKENS * (ROUNDED / 8 + 16), 2),
                                  .ldx = LDX,
                                  .ldq = quant_round_ldq(ROUNDED),
                                  .ld_part = quant_round_ld_part(ROUNDED),
                                  .k = ROUNDED};
    memset((float *)(uintptr_t)a.x + LDX, 0, sizeof(float) * 32); /* a stretch of zeros */
    check_run(kernel, &a, ROUND_TOKENS, 0);
    for (int i = 0; i < ROUND_TOKENS; i++)
        for (int b = 0; b < ROUNDED / 32; b++) {
            const float *x = a.x + i * LDX + 32 * b, *p = a.part + i * a.ld_part + 4 * b;
            const signed char *q = a.q + i * a.ldq + 32 * b;
            double most = 0, sum[2] = {0};
            for (int j = 0; j < 32; j++)
                most = fmax(most, fabs((double)x[j]));
            for (int j = 0; j < 32; j++) { /* the nearest whole number */
                check_near("q", i * 96 + 32 * b + j, q[j] * most / 127, x[j], most / 254 * 1.00001);
                sum[j / 16] += q[j] * most / 127;
            }
            check_near("d", i * 3 + b, p[0], most / 127, 2 * CHECK_EPS * most / 127);
            check_near("sum", i * 3 + b, p[1], sum[0] + sum[1], 32 * CHECK_EPS * most + 1e-30);
            check_near("first", i * 3 + b, p[2], sum[0], 32 * CHECK_EPS * most + 1e-30);
            check_near("last", i * 3 + b, p[3], sum[1], 32 * CHECK_EPS * most + 1e-30);
        }
    check_end();
}

static void int8_writes(const void *args, long row)
{
    const struct quant_int8 *a = args;
    int m = 0;
    for (; row >= (a->m[m].n + a->group - 1) / a->group; m++)
        row -= (a->m[m].n + a->group - 1) / a->group;
    const int from = (int)row * a->group, to = from + a->group < a->m[m].n ? from + a->group : a->m[m].n;
    for (int i = 0; i < a->n_tokens; i++)
        check_may_write(a->y + i * a->ldy + a->m[m].column + from, sizeof(float) * (size_t)(to - from));
}

static void int8_cases(const char *kernel)
{
    for (int c = 0; c < 2 * N_TYPES; c++) {
        const int type = all_types[c / 2], tokens = c % 2 == 0 ? 1 : 3, sizes[2] = {21, 16};
        if (!quant_is_whole(type))
            continue;
        signed char *q = check_buffer("q", 3 * (K + 64), 1);
        float *part = check_floats("part", 3 * (K / 8 + 16), 6);
        for (int i = 0; i < 3; i++)
            for (int b = 0; b < K / 32; b++) {
                int sum[2] = {0};
                float *p = part + i * (K / 8 + 16) + 4 * b;
                for (int j = 0; j < 32; j++) {
                    const int v = (int)check_whole(7, (uint64_t)((i * K) + 32 * b + j), 255) - 127;
                    q[i * (K + 64) + 32 * b + j] = (signed char)v;
                    sum[j / 16] += v;
                }
                p[0] = 0.01f * (1 + fabsf(p[0]));
                p[1] = p[0] * (float)(sum[0] + sum[1]);
                p[2] = p[0] * (float)sum[0];
                p[3] = p[0] * (float)sum[1];
            }
        struct quant_int8 a = {.q = q,
                               .part = part,
                               .y = check_floats("y", 3 * LDY, 2),
                               .ldq = K + 64,
                               .ld_part = K / 8 + 16,
                               .ldy = LDY,
                               .n_tokens = tokens,
                               .k = K,
                               .group = 16,
                               .n_matrices = 2};
        for (int m = 0; m < 2; m++)
            a.m[m] =
                (struct quant_matrix){.w = weights(m == 0 ? "w" : "v", type, K, sizes[m], 3 + (uint32_t)m),
                                      .bias = m == 0 ? check_floats("bias", 21, 9) : NULL,
                                      .row_bytes = (long)quant_row_bytes(type, K),
                                      .column = 24 * m,
                                      .type = type,
                                      .n = sizes[m]};
        check_run(kernel, &a, quant_int8_rows(&a), quant_int8_scratch(&a));
        for (int m = 0; m < 2; m++)
            for (int o = 0; o < a.m[m].n; o++) {
                double w[K];
                for (int k = 0; k < K; k += quant_block_weights(type))
                    unpack(type, a.m[m].w + o * a.m[m].row_bytes + quant_row_bytes(type, (size_t)k), w + k);
                for (int i = 0; i < tokens; i++) {
                    double sum = a.m[m].bias != NULL ? (double)a.m[m].bias[o] : 0, size = fabs(sum);
                    for (int k = 0; k < K; k++) {
                        const double x = (double)part[i * a.ld_part + k / 32 * 4] * q[i * a.ldq + k];
                        /* a weight is taken apart, into what is unsigned and its middle, up to 128 steps */
                        sum += w[k] * x, size += fabs(w[k] * x) + fabs(x);
                    }
                    const int at = i * LDY + 24 * m + o;
                    check_near("y", at, a.y[at], sum, 64 * CHECK_EPS * size);
                }
            }
        check_end();
    }
}

const struct check_kernel check_quant[] = {
    {"quant_linear", linear_cases, linear_writes},
    {"quant_rows", rows_cases, rows_writes},
    {"quant_round", round_cases, round_writes},
    {"quant_int8", int8_cases, int8_writes},
    {NULL, NULL, NULL},
};
