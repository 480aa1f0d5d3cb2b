/*
 * check_decode.c - the kernels of a decoder beside its products, against plain loops in double.
 */
#include <math.h>
#include <string.h>

#include "check.h"
#include "decode.h"

enum { TOKENS = 7, WIDTH = 77, LD = WIDTH + 3 };

static void norm_writes(const void *args, long token)
{
    const struct decoder_norm *a = args;
    check_may_write(a->x + token * a->ldx, sizeof(float) * (size_t)a->width);
    check_may_write(a->out + token * a->ld_out, sizeof(float) * (size_t)a->width);
}

static void norm_cases(const char *kernel)
{
    for (int c = 0; c < 4; c++) { /* nothing added; added as it is; through a norm; centred with beta */
        static double x[TOKENS][WIDTH];
        const struct decoder_norm a = {.x = check_floats("x", TOKENS * LD, 1),
                                       .add = c == 0 ? NULL : check_floats("add", TOKENS * LD, 2),
                                       .post = c == 2 ? check_floats("post", WIDTH, 3) : NULL,
                                       .out = check_floats("out", TOKENS * LD, 4),
                                       .gamma = check_floats("gamma", WIDTH, 5),
                                       .beta = c == 3 ? check_floats("beta", WIDTH, 6) : NULL,
                                       .ldx = LD,
                                       .ld_add = LD,
                                       .ld_out = LD,
                                       .width = WIDTH,
                                       .centre = c == 3,
                                       .eps = 1e-5f};
        for (int i = 0; i < TOKENS; i++) {
            double squares = 0;
            for (int j = 0; j < WIDTH && c > 0; j++)
                squares += (double)a.add[i * LD + j] * a.add[i * LD + j] / WIDTH;
            for (int j = 0; j < WIDTH; j++) {
                x[i][j] = a.x[i * LD + j];
                if (c > 0)
                    x[i][j] += c == 2 ? a.add[i * LD + j] / sqrt(squares + 1e-5) * a.post[j]
                                      : (double)a.add[i * LD + j];
            }
        }
        check_run(kernel, &a, TOKENS, 0);
        for (int i = 0; i < TOKENS; i++) {
            double mean = 0, squares = 0;
            for (int j = 0; j < WIDTH; j++)
                mean += c == 3 ? x[i][j] / WIDTH : 0;
            for (int j = 0; j < WIDTH; j++)
                squares += (x[i][j] - mean) * (x[i][j] - mean) / WIDTH;
            for (int j = 0; j < WIDTH; j++) {
                const double beta = a.beta != NULL ? (double)a.beta[j] : 0;
                check_near("x", i * LD + j, a.x[i * LD + j], x[i][j], 16 * CHECK_EPS * 3);
                check_near("out", i * LD + j, a.out[i * LD + j],
                           (x[i][j] - mean) / sqrt(squares + 1e-5) * a.gamma[j] + beta, 32 * CHECK_EPS * 3);
            }
        }
        check_end();
    }
}

enum { HEADS = 4, KV = 2, D = 64, QKV = (HEADS + 2 * KV) * D, QKV_LD = QKV + 5, CELLS = 12 };

static void rope_writes(const void *args, long row)
{
    const struct decoder_rope *a = args;
    const int heads = a->n_heads + 2 * a->n_kv, head = (int)(row % heads), d = a->head_size;
    const long token = row / heads;
    const size_t bytes = sizeof(float) * (size_t)d;
    if (head < a->n_heads)
        check_may_write(a->qkv + token * a->ld + head * d, bytes);
    else if (head < a->n_heads + a->n_kv)
        check_may_write(a->keys + ((long)a->cell[token] * a->n_kv + head - a->n_heads) * d, bytes);
    else
        check_may_write(a->values + ((long)a->cell[token] * a->n_kv + head - a->n_heads - a->n_kv) * d,
                        bytes);
}

static void rope_cases(const char *kernel)
{
    for (int c = 0; c < 4;
         c++) { /* halves and pairs; all or half of a head; with and without norms; none turned */
        const int rotated = c == 3 ? 0 : c == 2 ? 32 : D, half = rotated / 2, pairs = c == 1;
        unsigned *cell = check_buffer("cell", TOKENS, sizeof *cell);
        static double in[TOKENS][QKV];
        float *angle = check_buffer("angle", (size_t)(TOKENS * rotated) + 1, sizeof *angle);
        for (int i = 0; i < TOKENS; i++) {
            cell[i] = (unsigned)(CELLS - 1 - i);
            for (int j = 0; j < half; j++) {
                angle[2 * (i * half + j)] = (float)cos(i * pow(100, -2.0 * j / D));
                angle[2 * (i * half + j) + 1] = (float)sin(i * pow(100, -2.0 * j / D));
            }
        }
        const struct decoder_rope a = {.qkv = check_floats("qkv", TOKENS * QKV_LD, 1),
                                       .angle = angle,
                                       .q_norm = c <= 1 ? check_floats("q_norm", D, 2) : NULL,
                                       .k_norm = c <= 1 ? check_floats("k_norm", D, 3) : NULL,
                                       .keys = check_floats("keys", CELLS * KV * D, 4),
                                       .values = check_floats("values", CELLS * KV * D, 5),
                                       .cell = cell,
                                       .ld = QKV_LD,
                                       .n_heads = HEADS,
                                       .n_kv = KV,
                                       .head_size = D,
                                       .n_rotated = rotated,
                                       .interleaved = pairs,
                                       .eps = 1e-6f,
                                       .q_scale = 0.25f};
        for (int i = 0; i < TOKENS; i++)
            for (int j = 0; j < QKV; j++)
                in[i][j] = a.qkv[i * QKV_LD + j];
        check_run(kernel, &a, TOKENS * (HEADS + 2 * KV), 0);
        for (int i = 0; i < TOKENS; i++)
            for (int h = 0; h < HEADS + 2 * KV; h++) {
                double v[D], squares = 0, scale = h < HEADS ? 0.25 : 1;
                const float *gamma = h < HEADS ? a.q_norm : a.k_norm;
                const float *got = h < HEADS        ? a.qkv + i * QKV_LD + h * D
                                   : h < HEADS + KV ? a.keys + ((int)cell[i] * KV + h - HEADS) * D
                                                    : a.values + ((int)cell[i] * KV + h - HEADS - KV) * D;
                for (int j = 0; j < D; j++)
                    squares += in[i][h * D + j] * in[i][h * D + j] / D;
                for (int j = 0; j < D; j++) {
                    v[j] = in[i][h * D + j];
                    if (h < HEADS + KV)
                        v[j] *= scale * (gamma != NULL ? gamma[j] / sqrt(squares + 1e-6) : 1.0);
                }
                for (int j = 0; j < D; j++) {
                    double want = v[j];
                    if (h < HEADS + KV && j < rotated) {
                        const int p = pairs ? j / 2 : j % half, second = pairs ? j % 2 : j >= half;
                        const double x = v[pairs ? 2 * p : p], y = v[pairs ? 2 * p + 1 : p + half];
                        const double cosine = angle[2 * (i * half + p)], sine = angle[2 * (i * half + p) + 1];
                        want = second ? x * sine + y * cosine : x * cosine - y * sine;
                    }
                    check_near("head", (i * 8 + h) * D + j, got[j], want, 32 * CHECK_EPS * 2);
                }
            }
        check_end();
    }
}

static void attention_writes(const void *args, long row)
{
    const struct decoder_attention *a = args;
    const struct decoder_tile *t = &a->tile[row / a->n_kv];
    const int group = a->n_heads / a->n_kv, head = (int)(row % a->n_kv) * group;
    for (unsigned i = 0; i < t->n; i++)
        check_may_write(a->out + (long)(t->first + i) * a->ld_out + head * a->head_size,
                        sizeof(float) * (size_t)(group * a->head_size));
}

static void attention_cases(const char *kernel)
{
    /* {heads, window, cap}: heads that share a key head: 2, 2, 16 (more than a tile has rows) */
    static const int cases[][3] = {{4, 0, 0}, {4, 9, 0}, {32, 5, 3}};
    enum { CELL = 64, TILES = 4, QUERIES = 10 };
    static const struct decoder_tile tiles[TILES] = {
        {0, 4, 0, 0, 0}, {4, 1, 40, 0, 0}, {5, 3, 7, 6, 50}, {8, 2, 33, 20, 40}};
    for (int c = 0; c < 3; c++) {
        const int heads = cases[c][0], group = heads / KV, width = heads * 32, window = cases[c][1];
        const double cap = cases[c][2];
        struct decoder_tile *tile = check_buffer("tile", TILES, sizeof *tile);
        memcpy(tile, tiles, sizeof tiles);
        const struct decoder_attention a = {.q = check_floats("q", (size_t)(QUERIES * (width + 3)), 1),
                                            .keys = check_floats("keys", CELL * KV * 32, 2),
                                            .values = check_floats("values", CELL * KV * 32, 3),
                                            .out = check_floats("out", (size_t)(QUERIES * (width + 1)), 4),
                                            .tile = tile,
                                            .ld = width + 3,
                                            .ld_out = width + 1,
                                            .n_heads = heads,
                                            .n_kv = KV,
                                            .head_size = 32,
                                            .window = window,
                                            .cap = (float)cap};
        check_run(kernel, &a, TILES * KV, decoder_attention_scratch(41, 32));
        for (int t = 0; t < TILES; t++)
            for (int i = 0; i < (int)tile[t].n; i++)
                for (int h = 0; h < heads; h++) {
                    const int token = (int)tile[t].first + i, position = (int)tile[t].position + i;
                    double mixed[32] = {0}, sum = 0;
                    for (int p = window > 0 && position >= window ? position - window + 1 : 0; p <= position;
                         p++) {
                        const int cell =
                            p < (int)tile[t].shared ? p : (int)tile[t].own + p - (int)tile[t].shared;
                        const int at = (cell * KV + h / group) * 32;
                        double score = 0;
                        for (int j = 0; j < 32; j++)
                            score += (double)a.q[token * a.ld + h * 32 + j] * a.keys[at + j];
                        const double e = exp(cap > 0 ? cap * tanh(score / cap) : score);
                        sum += e;
                        for (int j = 0; j < 32; j++)
                            mixed[j] += e * a.values[at + j];
                    }
                    for (int j = 0; j < 32;
                         j++) /* scores up to 8, their errors up to 32 eps; twice that in a weight */
                        check_near("out", (token * heads + h) * 32 + j, a.out[token * a.ld_out + h * 32 + j],
                                   mixed[j] / sum, 128 * CHECK_EPS);
                }
        check_end();
    }
}

static void gate_writes(const void *args, long token)
{
    const struct decoder_gate *a = args;
    check_may_write(a->x + token * a->ldx, sizeof(float) * (size_t)a->width);
}

static void gate_cases(const char *kernel)
{
    for (int c = 0; c < 6; c++) {
        enum { W = 64, ROW = 2 * W + 8 };
        static double in[TOKENS][2 * W];
        const struct decoder_gate a = {
            .x = check_floats("x", TOKENS * ROW, 1), .ldx = ROW, .width = W, .gated = c % 2, .curve = c / 2};
        for (int i = 0; i < TOKENS; i++)
            for (int j = 0; j < 2 * W; j++)
                in[i][j] = a.x[i * ROW + j] *= j < W ? 9 : 1;
        check_run(kernel, &a, TOKENS, 0);
        for (int i = 0; i < TOKENS; i++)
            for (int j = 0; j < W; j++) {
                const double x = in[i][j], cube = sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
                const double f = a.curve == DECODER_SILU        ? x / (1 + exp(-x))
                                 : a.curve == DECODER_GELU_TANH ? 0.5 * x * (1 + tanh(cube))
                                                                : 0.5 * x * erfc(-x * M_SQRT1_2);
                check_near("x", i * ROW + j, a.x[i * ROW + j], a.gated ? f * in[i][W + j] : f,
                           8 * CHECK_EPS * (fabs(x) + 1));
            }
        check_end();
    }
}

static void logsum_writes(const void *args, long token)
{
    const struct decoder_logsum *a = args;
    check_may_write(a->y + token * a->ldy, sizeof(float) * (size_t)NN_PAD_COLS(a->n));
    check_may_write(a->most + token, sizeof *a->most);
    check_may_write(a->sum + token, sizeof *a->sum);
}

static void logsum_cases(const char *kernel)
{
    for (int n = 1; n <= 97; n += 48) {
        enum { ROW = 128 };
        static double want[TOKENS];
        const struct decoder_logsum a = {.y = check_floats("y", TOKENS * ROW, 1),
                                         .most = check_floats("most", TOKENS, 2),
                                         .sum = check_floats("sum", TOKENS, 3),
                                         .ldy = ROW,
                                         .n = n};
        for (int i = 0; i < TOKENS; i++) {
            a.sum[i] = i == 0 ? 0.0f : 1 + fabsf(a.sum[i]);
            a.most[i] = i == 0 ? -3e38f : a.most[i];
            want[i] = i == 0 ? 0 : a.sum[i] * exp(a.most[i]);
            for (int j = 0; j < n; j++)
                want[i] += exp(a.y[i * ROW + j] *= 9);
        }
        check_run(kernel, &a, TOKENS, 0);
        for (int i = 0; i < TOKENS; i++)
            check_near("log sum", i, (double)a.most[i] + log((double)a.sum[i]), log(want[i]), 32 * CHECK_EPS);
        check_end();
    }
}

const struct check_kernel check_decode[] = {
    {"decoder_norm", norm_cases, norm_writes},
    {"decoder_rope", rope_cases, rope_writes},
    {"decoder_attention", attention_cases, attention_writes},
    {"decoder_gate", gate_cases, gate_writes},
    {"decoder_logsum", logsum_cases, logsum_writes},
    {NULL, NULL, NULL},
};
