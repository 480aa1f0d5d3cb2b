/* check_nn8.c - dense layers with weights of 8 bits against plain loops in double. */
#include <math.h>

#include "check.h"
#include "nn8.h"

static double gelu(double x)
{
    return 0.5 * x * erfc(-x * M_SQRT1_2);
}

static void pack_writes(const void *args, long output)
{
    const struct nn8_pack *a = args;
    const long k = NN8_PAD_K(a->k), panel = output / NN_TILE_COLS, column = output % NN_TILE_COLS;
    for (long m = 0; m < k; m += 4)
        check_may_write(a->q + panel * k * NN_TILE_COLS + (m / 4 * NN_TILE_COLS + column) * 4, 4);
    for (long b = 0; b < k / NN8_BLOCK; b++)
        check_may_write(a->scale + (panel * k / NN8_BLOCK + b) * NN_TILE_COLS + column, sizeof(float));
}

static void pack_cases(const char *kernel)
{
    for (int n = 5; n <= 40; n += 35) {
        const int k = 70, padded = NN8_PAD_K(k), cols = NN_PAD_COLS(n), blocks = padded / NN8_BLOCK;
        const struct nn8_pack a = {.w = check_floats("w", (size_t)(n * k), 1),
                                   .q = check_buffer("q", (size_t)(cols * padded), 1),
                                   .scale = check_floats("scale", (size_t)(cols * blocks), 2),
                                   .n = n,
                                   .k = k};
        check_run(kernel, &a, cols, 0);
        for (int j = 0; j < cols; j++)
            for (int m = 0; m < padded; m++) {
                const long panel = j / NN_TILE_COLS, column = j % NN_TILE_COLS;
                const long at = panel * padded * NN_TILE_COLS + (m / 4 * NN_TILE_COLS + column) * 4 + m % 4;
                const double scale = a.scale[(panel * blocks + m / NN8_BLOCK) * NN_TILE_COLS + column];
                const double w = j < n && m < k ? a.w[j * k + m] : 0;
                check_near("q", at, a.q[at] * scale, w, 0.5001 * scale);
            }
        check_end();
    }
}

static void quantize_writes(const void *args, long token)
{
    const struct nn8_quantize *a = args;
    check_may_write(a->a + token * NN8_PAD_K(a->k), (size_t)NN8_PAD_K(a->k) * sizeof(short));
    check_may_write(a->scale + token, sizeof(float));
}

static void quantize_cases(const char *kernel)
{
    enum { TOKENS = 3, K = 70, LDX = K + 3 };
    for (int planes = 0; planes < 2; planes++) {
        const int padded = NN8_PAD_K(K);
        const struct nn8_quantize a = {.x = check_floats("x", TOKENS * LDX, 1),
                                       .a = check_buffer("a", (size_t)(TOKENS * padded), sizeof(short)),
                                       .scale = check_floats("scale", TOKENS, 2),
                                       .ldx = LDX,
                                       .k = K,
                                       .planes = planes};
        check_run(kernel, &a, TOKENS, 0);
        for (int i = 0; i < TOKENS; i++)
            for (int m = 0; m < padded; m++) {
                const signed char *high = (const signed char *)(a.a + i * padded);
                const unsigned char *low = (const unsigned char *)high + padded;
                const int v = planes ? 256 * high[m] + low[m] : a.a[i * padded + m];
                check_near("a", i * padded + m, v * (double)a.scale[i], m < K ? a.x[i * LDX + m] : 0,
                           0.51 * (double)a.scale[i]);
            }
        check_end();
    }
}

static void linear_writes(const void *args, long row)
{
    const struct nn8_linear *a = args;
    const long tile = row % a->n_tiles;
    const int from = (int)(row / a->n_tiles) * a->group, to = from + a->group;
    const int panels = (to < a->n_panels ? to : a->n_panels) - from;
    for (long i = tile * NN8_ROWS; i < (tile + 1) * NN8_ROWS && i < a->n_tokens; i++)
        check_may_write(a->y + i * a->ldy + (long)from * NN_TILE_COLS,
                        sizeof(float) * NN_TILE_COLS * (size_t)panels);
}

static void linear_cases(const char *kernel)
{
    static const int shapes[][5] = {{5, 1, 64, 1, 0}, {20, 3, 128, 2, 1}}; /* tokens panels k group gelu */
    for (int s = 0; s < 2; s++) {
        const int tokens = shapes[s][0], panels = shapes[s][1], k = shapes[s][2], group = shapes[s][3];
        const int cols = panels * NN_TILE_COLS, ldy = cols + 8, blocks = k / NN8_BLOCK;
        const int tiles = NN8_PAD_ROWS(tokens) / NN8_ROWS;
        short *x = check_buffer("a", (size_t)(tiles * NN8_ROWS * k), sizeof(short));
        signed char *q = check_buffer("q", (size_t)(cols * k), 1);
        for (int i = 0; i < tiles * NN8_ROWS * k; i++)
            x[i] = (short)((int)check_whole(1, (uint64_t)i, 65535) - 32767);
        for (int i = 0; i < cols * k; i++)
            q[i] = (signed char)((int)check_whole(2, (uint64_t)i, 255) - 127);
        float *a_scale = check_floats("a_scale", (size_t)tokens, 3);
        for (int i = 0; i < tokens; i++)
            a_scale[i] *= 1e-6f; /* outputs of about 1 */
        const struct nn8_linear a = {.a = x,
                                     .a_scale = a_scale,
                                     .q = q,
                                     .scale = check_floats("scale", (size_t)(cols * blocks), 4),
                                     .bias = check_floats("bias", (size_t)cols, 5),
                                     .y = check_floats("y", (size_t)(tokens * ldy), 6),
                                     .ldy = ldy,
                                     .n_tokens = tokens,
                                     .n_tiles = tiles,
                                     .k = k,
                                     .n_panels = panels,
                                     .group = group,
                                     .gelu = shapes[s][4]};
        check_run(kernel, &a, (long)tiles * ((panels + group - 1) / group), 0);
        for (int i = 0; i < tokens; i++)
            for (int j = 0; j < cols; j++) {
                const long panel = j / NN_TILE_COLS, column = j % NN_TILE_COLS;
                double sum = a.bias[j], size = fabs(sum);
                for (int b = 0; b < blocks; b++) {
                    double whole = 0;
                    for (int m = b * NN8_BLOCK; m < (b + 1) * NN8_BLOCK; m++)
                        whole += (double)x[i * k + m] *
                                 q[(panel * k + m / 4 * 4) * NN_TILE_COLS + column * 4 + m % 4];
                    const double term =
                        whole * a.scale[(panel * blocks + b) * NN_TILE_COLS + column] * a_scale[i];
                    sum += term, size += fabs(term);
                }
                check_near("y", (long)i * ldy + j, a.y[i * ldy + j], a.gelu ? gelu(sum) : sum,
                           4 * CHECK_EPS * size);
            }
        check_end();
    }
}

const struct check_kernel check_nn8[] = {
    {"nn8_pack", pack_cases, pack_writes},
    {"nn8_quantize", quantize_cases, quantize_writes},
    {"nn8_linear", linear_cases, linear_writes},
    {NULL, NULL, NULL},
};
