/*
 * check_nn_back.c - the way back through a transformer's layers against plain loops in double.
 *
 * A sum over the width is off by eps times the sum of its terms' sizes, and what is divided by the spread by that over the spread.
 */
#include <math.h>

#include "attention_back.h"
#include "check.h"
#include "nn_back.h"
#include "philox.h"

enum { TOKENS = 9, WIDTH = 77, LD = WIDTH + 4, LANES32 = 96, LD32 = LANES32 + 8 };

static void keep_writes(const void *args, long token)
{
    const struct nn_norm_keep *a = args;
    check_may_write(a->y + token * a->ldy, (size_t)a->width * sizeof(float));
    check_may_write(a->normal + token * a->ld_normal, (size_t)a->width * sizeof(float));
    check_may_write(a->scale + token, sizeof(float));
}

static void keep_cases(const char *kernel)
{
    for (int c = 0; c < 2; c++) { /* a mean far above the spread */
        float *x = check_floats("x", TOKENS * LD, 1);
        const struct nn_norm_keep a = {.x = x,
                                       .add = check_floats("add", TOKENS * LD, 2),
                                       .gamma = check_floats("gamma", WIDTH, 3),
                                       .beta = check_floats("beta", WIDTH, 4),
                                       .y = check_floats("y", TOKENS * LD, 5),
                                       .normal = check_floats("normal", TOKENS * WIDTH, 6),
                                       .scale = check_floats("scale", TOKENS + 1, 7),
                                       .ldx = LD,
                                       .ld_add = LD,
                                       .ldy = LD,
                                       .ld_normal = WIDTH,
                                       .width = WIDTH,
                                       .eps = 1e-5f};
        for (int e = 0; e < TOKENS * LD; e++)
            x[e] += c == 1 ? 50 : 0;
        check_run(kernel, &a, TOKENS, 0);
        for (int i = 0; i < TOKENS; i++) {
            double v[WIDTH], mean = 0, variance = 0, most = 0;
            for (int j = 0; j < WIDTH; j++) {
                v[j] = (double)x[i * LD + j] + (double)a.add[i * LD + j];
                mean += v[j] / WIDTH, most = fmax(most, fabs(v[j]));
            }
            for (int j = 0; j < WIDTH; j++)
                variance += (v[j] - mean) * (v[j] - mean) / WIDTH;
            const double scale = 1 / sqrt(variance + (double)a.eps), error = 8 * CHECK_EPS * most * scale;
            check_near("scale", i, a.scale[i], scale, error * scale);
            for (int j = 0; j < WIDTH; j++) {
                const double normal = (v[j] - mean) * scale, gamma = (double)a.gamma[j],
                             beta = (double)a.beta[j];
                check_near("normal", i * WIDTH + j, a.normal[i * WIDTH + j], normal, error);
                check_near("y", i * LD + j, a.y[i * LD + j], normal * gamma + beta,
                           error * fabs(gamma) + 8 * CHECK_EPS * fabs(beta));
            }
        }
        check_end();
    }
}

static void norm_writes(const void *args, long token)
{
    const struct nn_norm_backward *a = args;
    check_may_write(a->of + token * a->ld_of, (size_t)a->width * sizeof(float));
}

static void norm_cases(const char *kernel)
{
    for (int c = 0; c < 2; c++) {
        static double g[TOKENS][WIDTH];
        const struct nn_norm_backward a = {.of = check_floats("of", TOKENS * LD, 1),
                                           .add = c == 1 ? NULL : check_floats("add", TOKENS * LD, 2),
                                           .gamma = check_floats("gamma", WIDTH, 3),
                                           .normal = check_floats("normal", TOKENS * WIDTH, 4),
                                           .scale = check_floats("scale", TOKENS, 5),
                                           .ld_of = LD,
                                           .ld_add = LD,
                                           .ld_normal = WIDTH,
                                           .width = WIDTH};
        for (int i = 0; i < TOKENS; i++)
            for (int j = 0; j < WIDTH; j++)
                g[i][j] = ((double)a.of[i * LD + j] + (a.add != NULL ? (double)a.add[i * LD + j] : 0)) *
                          (double)a.gamma[j];
        check_run(kernel, &a, TOKENS, 0);
        for (int i = 0; i < TOKENS; i++) {
            double mean = 0, along = 0, size = 0, scale = (double)a.scale[i];
            for (int j = 0; j < WIDTH; j++) {
                const double normal = (double)a.normal[i * WIDTH + j];
                mean += g[i][j] / WIDTH, along += g[i][j] * normal / WIDTH;
                size += fabs(g[i][j]) / WIDTH;
            }
            for (int j = 0; j < WIDTH; j++)
                check_near("of", i * LD + j, a.of[i * LD + j],
                           scale * (g[i][j] - mean - (double)a.normal[i * WIDTH + j] * along),
                           8 * CHECK_EPS * fabs(scale) * (fabs(g[i][j]) + 2 * size));
        }
        check_end();
    }
}

static void gelu_writes(const void *args, long token)
{
    const struct nn_gelu *a = args;
    check_may_write(a->y + token * a->ldy, (size_t)a->width * sizeof(float));
}

static void gelu_back_writes(const void *args, long token)
{
    const struct nn_gelu_backward *a = args;
    check_may_write(a->of + token * a->ld_of, (size_t)a->width * sizeof(float));
}

/* Numbers from -8 to 8, and some far out. */
static float *spread_out(void)
{
    float *x = check_floats("x", TOKENS * LD32, 1);
    for (int e = 0; e < TOKENS * LD32; e++)
        x[e] *= e % 31 == 0 ? 300 : 8;
    return x;
}

static void gelu_cases(const char *kernel)
{
    const struct nn_gelu a = {spread_out(), check_floats("y", TOKENS * LD32, 2), LD32, LD32, LANES32};
    check_run(kernel, &a, TOKENS, 0);
    for (int i = 0; i < TOKENS; i++)
        for (int j = 0; j < LANES32; j++) {
            const double x = (double)a.x[i * LD32 + j];
            check_near("y", i * LD32 + j, a.y[i * LD32 + j], 0.5 * x * erfc(-x * M_SQRT1_2),
                       2 * CHECK_EPS * fabs(x));
        }
    check_end();
}

static void gelu_back_cases(const char *kernel)
{
    static double before[TOKENS][LANES32];
    const struct nn_gelu_backward a = {spread_out(), check_floats("of", TOKENS * LD32, 2), LD32, LD32,
                                       LANES32};
    for (int i = 0; i < TOKENS; i++)
        for (int j = 0; j < LANES32; j++)
            before[i][j] = (double)a.of[i * LD32 + j];
    check_run(kernel, &a, TOKENS, 0);
    for (int i = 0; i < TOKENS; i++)
        for (int j = 0; j < LANES32; j++) {
            const double x = (double)a.x[i * LD32 + j], density = exp(-x * x / 2) / sqrt(2 * M_PI),
                         slope = 0.5 * erfc(-x * M_SQRT1_2) + x * density;
            /* erf is off by 1e-7; e^(-x^2/2) by its argument's eps, x^2 / 2 */
            check_near("of", i * LD32 + j, a.of[i * LD32 + j], before[i][j] * slope,
                       fabs(before[i][j]) * CHECK_EPS * (4 + 4 * fabs(x) * density * (1 + x * x)) + 1e-30);
        }
    check_end();
}

/* Texts of 1, 5 and 3 tokens. */
static const unsigned *texts(void)
{
    static const unsigned of[] = {0, 1, 6, 9};
    unsigned *first = check_buffer("first", 4, sizeof *first);
    for (int i = 0; i < 4; i++)
        first[i] = of[i];
    return first;
}

static void pool_writes(const void *args, long text)
{
    const struct nn_pool_backward *a = args;
    for (unsigned i = a->first[text]; i < a->first[text + 1]; i++)
        check_may_write(a->of_x + i * a->ld_of, (size_t)a->width * sizeof(float));
}

static void pool_cases(const char *kernel)
{
    for (int cls = 0; cls < 2; cls++) {
        const struct nn_pool_backward a = {.x = check_floats("x", TOKENS * LD, 1),
                                           .first = texts(),
                                           .of_out = check_floats("of_out", 3 * WIDTH, 2),
                                           .of_x = check_floats("of_x", TOKENS * LD, 3),
                                           .ldx = LD,
                                           .ld_of = LD,
                                           .width = WIDTH,
                                           .cls = cls};
        check_run(kernel, &a, 3, nn_pool_backward_scratch(WIDTH));
        for (int text = 0; text < 3; text++) {
            const unsigned from = a.first[text], to = cls ? from + 1 : a.first[text + 1];
            double mean[WIDTH] = {0}, squares = 0, dot = 0, size = 0;
            for (int j = 0; j < WIDTH; j++) {
                for (unsigned i = from; i < to; i++)
                    mean[j] += (double)a.x[i * LD + (unsigned)j] / (to - from);
                squares += mean[j] * mean[j];
                dot += mean[j] * (double)a.of_out[text * WIDTH + j];
                size += fabs(mean[j] * (double)a.of_out[text * WIDTH + j]);
            }
            for (unsigned i = from; i < a.first[text + 1]; i++)
                for (int j = 0; j < WIDTH; j++) {
                    const double g = (double)a.of_out[text * WIDTH + j],
                                 share = 1 / sqrt(squares) / (to - from),
                                 want = i < to ? (g - dot / squares * mean[j]) * share : 0;
                    check_near("of_x", (long)i * LD + j, a.of_x[i * LD + (unsigned)j], want,
                               16 * CHECK_EPS * share * (fabs(g) + size / squares * fabs(mean[j])));
                }
        }
        check_end();
    }
}

static void dropout_writes(const void *args, long token)
{
    const struct nn_dropout *a = args;
    check_may_write(a->y + token * a->ldy, (size_t)a->width * sizeof(float));
}

static void dropout_cases(const char *kernel)
{
    for (int c = 0; c < 3; c++) { /* a third goes, added to what is there or not; nothing goes */
        static double before[TOKENS][LANES32];
        uint32_t *place = check_buffer("place", TOKENS, sizeof *place);
        int kept = 0;
        for (uint32_t i = 0; i < TOKENS; i++)
            place[i] = 1000 + 7 * i;
        const struct nn_dropout a = {.x = check_floats("x", TOKENS * LD32, 1),
                                     .y = check_floats("y", TOKENS * LD32, 2),
                                     .place = place,
                                     .seed = 7,
                                     .stream = 9,
                                     .ldx = LD32,
                                     .ldy = LD32,
                                     .width = LANES32,
                                     .add = c == 1,
                                     .below = c == 2 ? 0 : 1431655765U,
                                     .scale = c == 2 ? 1 : 1.5f};
        for (int i = 0; i < TOKENS; i++)
            for (int j = 0; j < LANES32; j++)
                before[i][j] = c == 1 ? (double)a.y[i * LD32 + j] : 0;
        check_run(kernel, &a, TOKENS, 0);
        for (int i = 0; i < TOKENS; i++)
            for (int j = 0; j < LANES32; j++) {
                const struct philox draw =
                    philox4x32(7, 9, (uint64_t)place[i] * (LANES32 / 4) + (uint64_t)j / 4);
                const int on = draw.v[j % 4] >= a.below;
                kept += on;
                check_near("y", i * LD32 + j, a.y[i * LD32 + j],
                           before[i][j] + on * (double)a.scale * (double)a.x[i * LD32 + j], 4 * CHECK_EPS);
            }
        check_near("kept", c, kept, c == 2 ? TOKENS * LANES32 : TOKENS * LANES32 * 2 / 3., c == 2 ? 0 : 60);
        check_end();
    }
}

enum { HEADS = 2, HEAD = 32, OUT = HEADS * HEAD, LD_QKV = 3 * OUT + 4, LD_OF = 3 * OUT + 8 };

static void attention_writes(const void *args, long row)
{
    const struct attention_back *a = args;
    const long text = row / a->n_heads, head = row % a->n_heads;
    for (unsigned i = a->first[text]; i < a->first[text + 1]; i++)
        for (int part = 0; part < 3; part++)
            check_may_write(a->of_qkv + i * a->ld_of + part * OUT + head * HEAD, HEAD * sizeof(float));
}

/* The gradients of one text and head; an error e of a score is a relative one of its weight. */
static void check_head(const struct attention_back *a, unsigned from, unsigned n, int head)
{
    static double p[TOKENS][TOKENS], dp[TOKENS][TOKENS], ds[TOKENS][TOKENS], size[TOKENS][TOKENS];
    const double scale = (double)a->scale;
#define AT(part, i, m) ((double)a->qkv[(from + (i)) * LD_QKV + (part)*OUT + (unsigned)head * HEAD + (m)])
#define OF(i, m)       ((double)a->of_out[(from + (i)) * (OUT + 4) + (unsigned)head * HEAD + (m)])
    for (unsigned i = 0; i < n; i++) {
        double total = 0, along = 0, most = 0;
        for (unsigned j = 0; j < n; j++) {
            double s = 0;
            dp[i][j] = 0;
            for (unsigned m = 0; m < HEAD; m++)
                s += AT(0, i, m) * AT(1, j, m), dp[i][j] += OF(i, m) * AT(2, j, m);
            total += p[i][j] = exp(s * scale);
        }
        for (unsigned j = 0; j < n; j++)
            p[i][j] /= total, along += p[i][j] * dp[i][j], most = fmax(most, fabs(dp[i][j]));
        for (unsigned j = 0; j < n; j++)
            ds[i][j] = p[i][j] * (dp[i][j] - along) * scale, size[i][j] = p[i][j] * (most + HEAD) * scale;
    }
    for (unsigned j = 0; j < n; j++)
        for (unsigned m = 0; m < HEAD; m++) {
            double q = 0, k = 0, v = 0, sq = 0, sk = 0, sv = 0;
            for (unsigned i = 0; i < n; i++) {
                q += ds[j][i] * AT(1, i, m), sq += size[j][i] * fabs(AT(1, i, m));
                k += ds[i][j] * AT(0, i, m), sk += size[i][j] * fabs(AT(0, i, m));
                v += p[i][j] * OF(i, m), sv += p[i][j] * fabs(OF(i, m));
            }
            const long at = (long)((from + j) * LD_OF + (unsigned)head * HEAD + m);
            check_near("of_q", at, a->of_qkv[at], q, 16 * CHECK_EPS * sq);
            check_near("of_k", at, a->of_qkv[at + OUT], k, 16 * CHECK_EPS * sk);
            check_near("of_v", at, a->of_qkv[at + 2 * OUT], v, 64 * CHECK_EPS * sv);
        }
#undef AT
#undef OF
}

static void attention_cases(const char *kernel)
{
    const struct attention_back a = {.qkv = check_floats("qkv", TOKENS * LD_QKV, 1),
                                     .first = texts(),
                                     .of_out = check_floats("of_out", TOKENS * (OUT + 4), 2),
                                     .of_qkv = check_floats("of_qkv", TOKENS * LD_OF, 3),
                                     .ld = LD_QKV,
                                     .ld_out = OUT + 4,
                                     .ld_of = LD_OF,
                                     .n_heads = HEADS,
                                     .head_size = HEAD,
                                     .scale = 0.5f};
    check_run(kernel, &a, 3L * HEADS, attention_back_scratch(5, HEAD));
    for (int text = 0; text < 3; text++)
        for (int head = 0; head < HEADS; head++)
            check_head(&a, a.first[text], a.first[text + 1] - a.first[text], head);
    check_end();
}

const struct check_kernel check_nn_back[] = {
    {"nn_norm_keep", keep_cases, keep_writes},
    {"nn_norm_backward", norm_cases, norm_writes},
    {"nn_gelu", gelu_cases, gelu_writes},
    {"nn_gelu_backward", gelu_back_cases, gelu_back_writes},
    {"nn_pool_backward", pool_cases, pool_writes},
    {"nn_dropout", dropout_cases, dropout_writes},
    {"attention_back", attention_cases, attention_writes},
    {NULL, NULL, NULL},
};
