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

const struct check_kernel check_quant[] = {
    {"quant_linear", linear_cases, linear_writes},
    {"quant_rows", rows_cases, rows_writes},
    {NULL, NULL, NULL},
};
