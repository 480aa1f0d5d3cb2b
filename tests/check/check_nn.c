/*
 * check_nn.c - the layers of a transformer against plain loops in double; exp and erf against libm's.
 *
 * GELU's slope is at most 1.13 and its own error 1.3e-7 of |x|; an error e of an attention score is a
 * relative one of its weight and of their sum.
 */
#include <math.h>

#include "attention.h"
#include "check.h"
#include "nn.h"

static double gelu(double x)
{
    return 0.5 * x * erfc(-x * M_SQRT1_2);
}

static void linear_writes(const void *args, long row)
{
    const struct nn_linear *a = args;
    const long tile = row % a->n_tiles;
    const int from = (int)(row / a->n_tiles) * a->group, to = from + a->group;
    const int panels = (to < a->n_panels ? to : a->n_panels) - from;
    for (long i = tile * NN_TILE_ROWS; i < (tile + 1) * NN_TILE_ROWS; i++)
        check_may_write(a->y + i * a->ldy + (long)from * NN_TILE_COLS,
                        sizeof(float) * NN_TILE_COLS * (size_t)panels);
}

static void linear_cases(const char *kernel)
{
    static const int shapes[][5] = {
        {1, 1, 1, 1, 0}, {2, 3, 37, 2, 1}, {3, 2, 64, 5, 0}}; /* tiles panels k group gelu */
    for (int s = 0; s < 3; s++) {
        const int tiles = shapes[s][0], panels = shapes[s][1], k = shapes[s][2], group = shapes[s][3];
        const int rows = tiles * NN_TILE_ROWS, cols = panels * NN_TILE_COLS, ldx = k + 5, ldy = cols + 8;
        const struct nn_linear a = {.x = check_floats("x", (size_t)(rows * ldx), 1),
                                    .w = check_floats("w", (size_t)(cols * k), 2),
                                    .bias = check_floats("bias", (size_t)cols, 3),
                                    .y = check_floats("y", (size_t)(rows * ldy), 4),
                                    .ldx = ldx,
                                    .ldy = ldy,
                                    .n_tiles = tiles,
                                    .k = k,
                                    .n_panels = panels,
                                    .group = group,
                                    .gelu = shapes[s][4]};
        check_run(kernel, &a, (long)tiles * ((panels + group - 1) / group), 0);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < cols; j++) {
                double sum = a.bias[j], size = fabs(sum);
                for (int m = 0; m < k; m++) {
                    const double term = (double)a.x[i * ldx + m] *
                                        a.w[(j / NN_TILE_COLS * k + m) * NN_TILE_COLS + j % NN_TILE_COLS];
                    sum += term, size += fabs(term);
                }
                check_near("y", i * ldy + j, a.y[i * ldy + j], a.gelu ? gelu(sum) : sum,
                           4 * CHECK_EPS * size);
            }
        check_end();
    }
}

static void pack_writes(const void *args, long panel)
{
    const struct nn_pack *a = args;
    check_may_write(a->packed + panel * a->k * NN_TILE_COLS, sizeof(float) * NN_TILE_COLS * (size_t)a->k);
}

static void pack_cases(const char *kernel)
{
    for (int n = 1; n <= 70; n += 23) {
        const int k = 13, cols = NN_PAD_COLS(n);
        const struct nn_pack a = {.w = check_floats("w", (size_t)(n * k), 1),
                                  .packed = check_floats("packed", (size_t)(cols * k), 2),
                                  .n = n,
                                  .k = k};
        check_run(kernel, &a, cols / NN_TILE_COLS, 0);
        for (int j = 0; j < cols; j++)
            for (int m = 0; m < k; m++) {
                const int at = (j / NN_TILE_COLS * k + m) * NN_TILE_COLS + j % NN_TILE_COLS;
                check_near("packed", at, a.packed[at], j < n ? a.w[j * k + m] : 0, 0);
            }
        check_end();
    }
}

static void norm_writes(const void *args, long token)
{
    const struct nn_layer_norm *a = args;
    check_may_write(a->x + token * a->ldx, (size_t)a->width * sizeof(float));
}

enum { TOKENS = 9, WIDTH = 77, LD = WIDTH + 4 };

static void norm_cases(const char *kernel)
{
    for (int c = 0; c < 3; c++) { /* with and without add; a mean far above the spread */
        static double v[TOKENS][WIDTH];
        const struct nn_layer_norm a = {.x = check_floats("x", TOKENS * LD, 1),
                                        .add = c == 1 ? NULL : check_floats("add", TOKENS * LD, 2),
                                        .gamma = check_floats("gamma", WIDTH, 3),
                                        .beta = check_floats("beta", WIDTH, 4),
                                        .ldx = LD,
                                        .ld_add = LD,
                                        .width = WIDTH,
                                        .eps = 1e-5f};
        for (int i = 0; i < TOKENS; i++)
            for (int j = 0; j < WIDTH; j++) {
                a.x[i * LD + j] += c == 2 ? 50 : 0;
                v[i][j] = (double)a.x[i * LD + j] + (a.add != NULL ? a.add[i * LD + j] : 0);
            }
        check_run(kernel, &a, TOKENS, 0);
        for (int i = 0; i < TOKENS; i++) {
            double mean = 0, variance = 0, most = 0;
            for (int j = 0; j < WIDTH; j++)
                mean += v[i][j] / WIDTH, most = fmax(most, fabs(v[i][j]));
            for (int j = 0; j < WIDTH; j++)
                variance += (v[i][j] - mean) * (v[i][j] - mean) / WIDTH;
            const double scale = 1 / sqrt(variance + (double)a.eps);
            for (int j = 0; j < WIDTH; j++)
                check_near(
                    "x", i * LD + j, a.x[i * LD + j], (v[i][j] - mean) * scale * a.gamma[j] + a.beta[j],
                    8 * CHECK_EPS * (most * scale * fabs((double)a.gamma[j]) + fabs((double)a.beta[j])));
        }
        check_end();
    }
}

static void embed_writes(const void *args, long token)
{
    const struct nn_embed *a = args;
    check_may_write(a->x + token * a->ldx, (size_t)a->width * sizeof(float));
}

static void embed_cases(const char *kernel)
{
    enum { WORDS = 11, PLACES = 5 };
    unsigned *ids = check_buffer("ids", TOKENS, sizeof *ids),
             *places = check_buffer("places", TOKENS, sizeof *places);
    for (unsigned i = 0; i < TOKENS; i++)
        ids[i] = i == 3 ? WORDS - 1 : check_whole(1, i, WORDS), places[i] = i % PLACES;
    const struct nn_embed a = {.ids = ids,
                               .places = places,
                               .words = check_floats("words", WORDS * WIDTH, 2),
                               .positions = check_floats("positions", PLACES * WIDTH, 3),
                               .type = check_floats("type", WIDTH, 4),
                               .x = check_floats("x", TOKENS * LD, 5),
                               .ldx = LD,
                               .width = WIDTH};
    check_run(kernel, &a, TOKENS, 0);
    for (unsigned i = 0; i < TOKENS; i++)
        for (unsigned j = 0; j < WIDTH; j++) {
            const double x = a.words[ids[i] * WIDTH + j], y = a.positions[places[i] * WIDTH + j],
                         z = a.type[j];
            check_near("x", (long)(i * LD + j), a.x[i * LD + j], x + y + z,
                       CHECK_EPS * (fabs(x) + fabs(y) + fabs(z)));
        }
    check_end();
}

static void pool_writes(const void *args, long text)
{
    const struct nn_pool *a = args;
    check_may_write(a->out + a->row[text] * (unsigned long)a->width, (size_t)a->width * sizeof(float));
}

static void pool_cases(const char *kernel)
{
    enum { TEXTS = 3 };
    for (int cls = 0; cls < 2; cls++) {
        unsigned *first = check_buffer("first", TEXTS + 1, sizeof *first);
        unsigned long *row = check_buffer("row", TEXTS, sizeof *row);
        first[1] = 1, first[2] = 6, first[3] = TOKENS;
        row[0] = 2, row[1] = 0, row[2] = 1;
        const struct nn_pool a = {.x = check_floats("x", TOKENS * LD, 1),
                                  .first = first,
                                  .row = row,
                                  .out = check_floats("out", TEXTS * WIDTH, 2),
                                  .ldx = LD,
                                  .width = WIDTH,
                                  .cls = cls};
        check_run(kernel, &a, TEXTS, 0);
        for (int t = 0; t < TEXTS; t++) {
            double mean[WIDTH] = {0}, most[WIDTH] = {0}, squares = 0;
            for (int j = 0; j < WIDTH; j++) {
                for (unsigned i = first[t]; i < (cls ? first[t] + 1 : first[t + 1]); i++)
                    mean[j] += a.x[i * LD + (unsigned)j], most[j] += fabs((double)a.x[i * LD + (unsigned)j]);
                squares += mean[j] * mean[j];
            }
            for (int j = 0; j < WIDTH; j++) {
                const long at = (long)row[t] * WIDTH + j;
                check_near("out", at, a.out[at], mean[j] / sqrt(squares),
                           4 * CHECK_EPS * most[j] / sqrt(squares));
            }
        }
        check_end();
    }
}

static void curve_writes(const void *args, long row)
{
    const struct nn_curve *a = args;
    check_may_write(a->y + row * NN_CURVE, sizeof(float) * NN_CURVE);
}

static void curve_cases(const char *kernel)
{
    enum { STRETCHES = 40 };
    for (int which = 0; which < 3; which++) {
        float *x = check_floats("x", STRETCHES * NN_CURVE, 1);
        const struct nn_curve a = {.x = x, .y = check_floats("y", STRETCHES * NN_CURVE, 2), .which = which};
        for (int i = 0; i < STRETCHES * NN_CURVE; i++)
            x[i] *= which == 0 ? 87 : 6;
        check_run(kernel, &a, STRETCHES, 0);
        for (int i = 0; i < STRETCHES * NN_CURVE; i++) {
            const double v = x[i], want = which == 0 ? exp(v) : which == 1 ? erf(v) : gelu(v);
            /* tile.h: exp 2e-7 relative, erf 1.2e-7 absolute, so GELU 0.6e-7 |x| and its rounding */
            const double bound = which == 0   ? 2e-7 * want
                                 : which == 1 ? 1.2e-7
                                              : 1.5e-7 * fmax(fabs(v), 1e-3);
            check_near("y", i, a.y[i], want, bound);
        }
        check_end();
    }
}

static void attention_writes(const void *args, long row)
{
    const struct attention *a = args;
    const long text = row / a->n_heads, head = row % a->n_heads;
    for (unsigned i = a->first[text]; i < a->first[text + 1]; i++)
        check_may_write(a->out + (long)i * a->ld_out + head * a->head_size,
                        (size_t)a->head_size * sizeof(float));
}

/* Query `token` of a head, whose text is tokens from .. to - 1. */
static void check_query(const struct attention *a, unsigned from, unsigned to, unsigned token, int head)
{
    const int d = a->head_size;
    const long width = (long)a->n_heads * d;
    const float *q = a->qkv + (long)token * a->ld + head * d;
    double score[64], most = -HUGE_VAL, sum = 0, error = 0;
    for (unsigned j = from; j < to; j++) {
        const float *k = a->qkv + (long)j * a->ld + width + head * d;
        double size = 0;
        score[j - from] = 0;
        for (int m = 0; m < d; m++) {
            const double term = (double)q[m] * k[m] * a->scale;
            score[j - from] += term, size += fabs(term);
        }
        most = fmax(most, score[j - from]), error = fmax(error, size);
    }
    for (unsigned j = from; j < to; j++)
        sum += exp(score[j - from] - most);
    for (int m = 0; m < d; m++) {
        double want = 0, size = 0;
        for (unsigned j = from; j < to; j++) {
            const double v = a->qkv[(long)j * a->ld + 2 * width + head * d + m],
                         w = exp(score[j - from] - most) / sum;
            want += w * v, size += w * fabs(v);
        }
        const long at = (long)token * a->ld_out + head * d + m;
        check_near("out", at, a->out[at], want, 8 * CHECK_EPS * (1 + error) * size);
    }
}

static void attention_cases(const char *kernel)
{
    static const unsigned shapes[][5] = {{1, 13, 5, 2, 32},
                                         {40, 2, 12, 1, 64}}; /* three lengths, heads, head size */
    for (int s = 0; s < 2; s++) {
        const unsigned *length = shapes[s], n = length[0] + length[1] + length[2], heads = shapes[s][3],
                       d = shapes[s][4];
        const unsigned ld = 3 * heads * d + 4, ld_out = heads * d + 4;
        unsigned *first = check_buffer("first", 4, sizeof *first);
        for (int t = 0; t < 3; t++)
            first[t + 1] = first[t] + length[t];
        float *qkv = check_floats("qkv", (size_t)(n + NN_TILE_ROWS) * ld, 1);
        for (unsigned i = 0; i < (n + NN_TILE_ROWS) * ld; i++)
            qkv[i] *= 2;
        const struct attention a = {.qkv = qkv,
                                    .first = first,
                                    .out = check_floats("out", (size_t)n * ld_out, 2),
                                    .ld = (long)ld,
                                    .ld_out = (long)ld_out,
                                    .n_heads = (int)heads,
                                    .head_size = (int)d,
                                    .scale = 1.0f / sqrtf((float)d)};
        check_run(kernel, &a, 3 * (long)heads, attention_scratch(40, d));
        for (int t = 0; t < 3; t++)
            for (unsigned i = first[t]; i < first[t + 1]; i++)
                for (unsigned head = 0; head < heads; head++)
                    check_query(&a, first[t], first[t + 1], i, (int)head);
        check_end();
    }
}

const struct check_kernel check_nn[] = {
    {"nn_linear", linear_cases, linear_writes},
    {"nn_pack", pack_cases, pack_writes},
    {"nn_layer_norm", norm_cases, norm_writes},
    {"nn_embed", embed_cases, embed_writes},
    {"nn_pool", pool_cases, pool_writes},
    {"nn_curve", curve_cases, curve_writes},
    {"attention", attention_cases, attention_writes},
    {NULL, NULL, NULL},
};
