/*
 * test_nn.c - kernels of nn.cu and attention.cu against plain loops in double.
 *
 * A sum of n products in float, in any order, is off by at most about n eps/2 sum |x y|; the orders that the kernels
 * use stay far below, so the bounds are c * eps * sum |x y| with c of 8 to 64.  exp, erf and GELU against GSL.
 */
#include "../test.h"

#include <gsl/gsl_sf_erf.h>
#include <gsl/gsl_sf_exp.h>
#include <math.h>
#include <string.h>

#include "attention.h"
#include "backend/backend.h"
#include "nn.h"

static const struct backend *backend;
static struct arena *arena;
static const double EPS = 1.1920929e-7;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return arena == NULL || backend_open("cpu", 2, &backend) != STATUS_OK;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* n normal numbers. */
static float *numbers(size_t n, uint32_t which)
{
    float *x = arena_alloc(arena, n, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)random_normal(21, RANDOM_INIT, which, i);
    return x;
}

static double gelu(double x)
{
    return 0.5 * x * gsl_sf_erfc(-x * M_SQRT1_2);
}

/* x [tiles * 12 x k], W [n x k]: packed, multiplied, each element against a double loop. */
static void check_linear(int n_rows, int n, int k, int group, int use_gelu)
{
    const int rows = NN_PAD_ROWS(n_rows), cols = NN_PAD_COLS(n), ldx = k + 5, ldy = cols + 16;
    float *x = numbers((size_t)rows * (size_t)ldx, 1), *w = numbers((size_t)n * (size_t)k, 2),
          *bias = numbers((size_t)cols, 3), *y = numbers((size_t)rows * (size_t)ldy, 4),
          *packed = numbers((size_t)cols * (size_t)k, 5);
    const float behind = y[cols];
    const struct nn_pack pack = {.w = w, .packed = packed, .n = n, .k = k};
    assert_ok(backend_launch(backend, &kernel_nn_pack, &pack, cols / NN_TILE_COLS, 0));
    for (int j = 0; j < cols; j++)
        for (int m = 0; m < k; m++)
            assert_true(packed[(j / 32 * k + m) * 32 + j % 32] == (j < n ? w[j * k + m] : 0.0f));
    const int panels = cols / NN_TILE_COLS;
    const struct nn_linear args = {.x = x,
                                   .w = packed,
                                   .bias = bias,
                                   .y = y,
                                   .ldx = ldx,
                                   .ldy = ldy,
                                   .n_tiles = rows / NN_TILE_ROWS,
                                   .k = k,
                                   .n_panels = panels,
                                   .group = group,
                                   .gelu = use_gelu};
    assert_ok(backend_launch(backend, &kernel_nn_linear, &args,
                             (long)rows / NN_TILE_ROWS * ((panels + group - 1) / group), 0));
    for (int i = 0; i < n_rows; i++)
        for (int j = 0; j < cols; j++) {
            double sum = (double)bias[j], size = fabs(sum);
            for (int m = 0; m < k && j < n; m++) {
                const double term = (double)x[i * ldx + m] * (double)w[j * k + m];
                sum += term;
                size += fabs(term);
            }
            /* GELU's slope is at most 1.13; its own error is 1.3e-7 of |x|. */
            const double expected = use_gelu ? gelu(sum) : sum;
            if (!(fabs((double)y[i * ldy + j] - expected) <= 8 * EPS * size))
                fail_msg("%d x %d x %d, %d %d: %g, expected %g", n_rows, n, k, i, j, (double)y[i * ldy + j],
                         expected);
        }
    assert_true(y[cols] == behind); /* nothing written beyond the panels */
}

static void linear(void **state)
{
    (void)state;
    check_linear(1, 1, 1, 1, 0);
    check_linear(12, 32, 64, 1, 0);
    check_linear(13, 33, 96, 1, 1);
    check_linear(40, 100, 37, 3, 0);
    check_linear(25, 160, 384, 2, 1);
    check_linear(24, 64, 1536, 9, 0);
}

/* A token's bits depend neither on its place in a tile nor on its neighbours. */
static void linear_rows_are_alone(void **state)
{
    (void)state;
    enum { ROWS = 36, K = 100, N = 64 };
    float *x = numbers(ROWS * K, 6), *w = numbers(N * K, 7), *bias = numbers(N, 8);
    float *y = arena_alloc(arena, 2 * ROWS * N, sizeof *y), *again = y + ROWS * N;
    struct nn_linear args = {.x = x,
                             .w = w,
                             .bias = bias,
                             .y = y,
                             .ldx = K,
                             .ldy = N,
                             .n_tiles = ROWS / NN_TILE_ROWS,
                             .k = K,
                             .n_panels = 2,
                             .group = 2};
    assert_ok(backend_launch(backend, &kernel_nn_linear, &args, args.n_tiles, 0));
    float *turned = numbers(ROWS * K, 9); /* the rows in another order: i comes from 7 i + 5 */
    for (int i = 0; i < ROWS; i++)
        memcpy(turned + i * K, x + (7 * i + 5) % ROWS * K, K * sizeof *x);
    args.x = turned;
    args.y = again;
    assert_ok(backend_launch(backend, &kernel_nn_linear, &args, args.n_tiles, 0));
    for (int i = 0; i < ROWS; i++)
        assert_memory_equal(again + i * N, y + (7 * i + 5) % ROWS * N, N * sizeof *y);
}

static void check_norm(int width, int use_add, double offset)
{
    enum { TOKENS = 7 };
    const size_t ld = (size_t)width + 3;
    float *x = numbers(TOKENS * ld, 10), *add = numbers(TOKENS * ld, 11), *gamma = numbers((size_t)width, 12),
          *beta = numbers((size_t)width, 13), *before = numbers(TOKENS * ld, 10);
    for (size_t i = 0; i < TOKENS * ld; i++)
        x[i] = before[i] = before[i] + (float)offset;
    const struct nn_layer_norm args = {.x = x,
                                       .add = use_add ? add : NULL,
                                       .gamma = gamma,
                                       .beta = beta,
                                       .ldx = (long)ld,
                                       .ld_add = (long)ld,
                                       .width = width,
                                       .eps = 1e-5f};
    assert_ok(backend_launch(backend, &kernel_nn_layer_norm, &args, TOKENS, 0));
    for (size_t i = 0; i < TOKENS; i++) {
        double mean = 0, variance = 0, largest = 0;
        double *v = arena_alloc(arena, (size_t)width, sizeof *v);
        for (int j = 0; j < width; j++) {
            v[j] = (double)before[i * ld + (size_t)j] + (use_add ? (double)add[i * ld + (size_t)j] : 0);
            mean += v[j] / width;
            largest = fmax(largest, fabs(v[j]));
        }
        for (int j = 0; j < width; j++)
            variance += (v[j] - mean) * (v[j] - mean) / width;
        const double scale = 1 / sqrt(variance + (double)args.eps);
        for (int j = 0; j < width; j++) {
            const double expected = (v[j] - mean) * scale * (double)gamma[j] + (double)beta[j];
            const double size = largest * scale * fabs((double)gamma[j]) + fabs((double)beta[j]);
            assert_true(fabs((double)x[i * ld + (size_t)j] - expected) <= 16 * EPS * size);
        }
        for (size_t j = (size_t)width; j < ld; j++)
            assert_true(x[i * ld + j] == before[i * ld + j]);
    }
}

static void layer_norm(void **state)
{
    (void)state;
    check_norm(384, 1, 0);
    check_norm(384, 0, 0);
    check_norm(32, 1, 3);
    check_norm(77, 1, 100); /* a mean far above the spread: no sum of squares may cancel */
}

static void embed_and_pool(void **state)
{
    (void)state;
    enum { WIDTH = 96, WORDS = 11, PLACES = 5, TOKENS = 9, TEXTS = 3 };
    const unsigned ids[TOKENS] = {3, 10, 0, 7, 7, 1, 2, 3, 4}, places[TOKENS] = {0, 1, 0, 0, 1, 2, 3, 4, 0};
    const unsigned first[TEXTS + 1] = {0, 2, 3, 9};
    const unsigned long row[TEXTS] = {2, 0, 1};
    float *words = numbers(WORDS * WIDTH, 14), *positions = numbers(PLACES * WIDTH, 15),
          *type = numbers(WIDTH, 16), *x = numbers(TOKENS * WIDTH, 17), *out = numbers(TEXTS * WIDTH, 18);
    const struct nn_embed embed = {.ids = ids,
                                   .places = places,
                                   .words = words,
                                   .positions = positions,
                                   .type = type,
                                   .x = x,
                                   .ldx = WIDTH,
                                   .width = WIDTH};
    assert_ok(backend_launch(backend, &kernel_nn_embed, &embed, TOKENS, 0));
    for (size_t i = 0; i < TOKENS; i++)
        for (size_t j = 0; j < WIDTH; j++) {
            const double a = (double)words[ids[i] * WIDTH + j], b = (double)positions[places[i] * WIDTH + j],
                         c = (double)type[j];
            assert_true(fabs((double)x[i * WIDTH + j] - (a + b + c)) <=
                        2 * EPS * (fabs(a) + fabs(b) + fabs(c)));
        }
    const struct nn_pool pool = {
        .x = x, .first = first, .row = row, .out = out, .ldx = WIDTH, .width = WIDTH};
    assert_ok(backend_launch(backend, &kernel_nn_pool, &pool, TEXTS, 0));
    for (size_t i = 0; i < TEXTS; i++) {
        double mean[WIDTH] = {0}, size[WIDTH] = {0}, squares = 0;
        for (size_t j = 0; j < WIDTH; j++) {
            for (size_t token = first[i]; token < first[i + 1]; token++) {
                mean[j] += (double)x[token * WIDTH + j];
                size[j] += fabs((double)x[token * WIDTH + j]);
            }
            squares += mean[j] * mean[j];
        }
        for (size_t j = 0; j < WIDTH; j++)
            assert_true(fabs((double)out[row[i] * WIDTH + j] - mean[j] / sqrt(squares)) <=
                        16 * EPS * size[j] / sqrt(squares));
    }
    /* A mean of nothing but zeros stays that, without a NaN. */
    memset(x, 0, TOKENS * WIDTH * sizeof *x);
    assert_ok(backend_launch(backend, &kernel_nn_pool, &pool, TEXTS, 0));
    for (size_t j = 0; j < TEXTS * WIDTH; j++)
        assert_true(out[j] == 0.0f);
}

/* Texts of these lengths, side by side, against softmax in double. */
static void check_attention(const unsigned *lengths, unsigned n_texts, int n_heads, int d, float spread)
{
    unsigned first[16] = {0}, longest = 0;
    for (unsigned i = 0; i < n_texts; i++) {
        first[i + 1] = first[i] + lengths[i];
        longest = lengths[i] > longest ? lengths[i] : longest;
    }
    const size_t n = first[n_texts], width = (size_t)n_heads * (size_t)d, ld = 3 * width;
    float *qkv = numbers((NN_PAD_ROWS(n) + NN_TILE_ROWS) * ld, 19), *out = numbers(n * width, 20);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < width; j++)
            qkv[i * ld + j] *= spread;
    const struct attention args = {.qkv = qkv,
                                   .first = first,
                                   .out = out,
                                   .ld = (long)ld,
                                   .ld_out = (long)width,
                                   .n_heads = n_heads,
                                   .head_size = d,
                                   .scale = 1.0f / sqrtf((float)d)};
    assert_ok(backend_launch(backend, &kernel_attention, &args, (long)n_texts * n_heads,
                             attention_scratch(longest, (size_t)d)));
    for (unsigned text = 0; text < n_texts; text++)
        for (size_t i = first[text]; i < first[text + 1]; i++)
            for (size_t head = 0; head < (size_t)n_heads; head++) {
                const float *q = qkv + i * ld + head * (size_t)d;
                double score[256], most = -1e300, sum = 0, error = 0;
                for (unsigned j = 0; j < lengths[text]; j++) {
                    const float *k = qkv + (first[text] + j) * ld + width + head * (size_t)d;
                    double size = 0;
                    score[j] = 0;
                    for (int m = 0; m < d; m++) {
                        score[j] += (double)q[m] * (double)k[m] * (double)args.scale;
                        size += fabs((double)q[m] * (double)k[m] * (double)args.scale);
                    }
                    most = fmax(most, score[j]);
                    error = fmax(error, size);
                }
                for (unsigned j = 0; j < lengths[text]; j++)
                    sum += exp(score[j] - most);
                for (int m = 0; m < d; m++) {
                    double expected = 0, size = 0;
                    for (unsigned j = 0; j < lengths[text]; j++) {
                        const double v =
                            (double)qkv[(first[text] + j) * ld + 2 * width + head * (size_t)d + (size_t)m];
                        expected += exp(score[j] - most) / sum * v;
                        size += exp(score[j] - most) / sum * fabs(v);
                    }
                    /* An error e of a score is a relative one of its weight, and of their sum. */
                    const double got = (double)out[i * width + head * (size_t)d + (size_t)m];
                    assert_true(fabs(got - expected) <= 8 * EPS * (1 + error) * size);
                }
            }
}

static void attention(void **state)
{
    (void)state;
    check_attention((const unsigned[]){1, 2, 12, 13, 31, 32, 33, 5}, 8, 3, 32, 1);
    check_attention((const unsigned[]){256, 1}, 2, 1, 32, 1);
    check_attention((const unsigned[]){40, 7}, 2, 2, 64, 1);
    check_attention((const unsigned[]){40, 7}, 2, 2, 32, 30); /* scores of hundreds: one key takes all */
}

/* Largest errors over a fine grid.  exp relative, erf absolute, GELU against max(|x|, 1e-3). */
static void curves(void **state)
{
    (void)state;
    enum { N = 1 << 17 };
    float *x = arena_alloc(arena, N, sizeof *x), *y = arena_alloc(arena, N, sizeof *y);
    double worst[3] = {0};
    for (int which = 0; which < 3; which++) {
        const double from = which == 0 ? -87 : -6, to = which == 0 ? 88 : 6;
        for (int i = 0; i < N; i++)
            x[i] = (float)(from + (to - from) * i / (N - 1));
        const struct nn_curve args = {.x = x, .y = y, .which = which};
        assert_ok(backend_launch(backend, &kernel_nn_curve, &args, N / NN_CURVE, 0));
        for (int i = 0; i < N; i++) {
            const double v = (double)x[i], got = (double)y[i];
            const double expected = which == 0 ? gsl_sf_exp(v) : which == 1 ? gsl_sf_erf(v) : gelu(v);
            const double size = which == 0 ? expected : which == 1 ? 1 : fmax(fabs(v), 1e-3);
            worst[which] = fmax(worst[which], fabs(got - expected) / size);
            assert_true(isfinite(y[i]));
        }
    }
    print_message("largest errors: exp %.2e (relative), erf %.2e, gelu %.2e of |x|\n", worst[0], worst[1],
                  worst[2]);
    assert_true(worst[0] < 2e-7);
    assert_true(worst[1] < 1e-7);
    assert_true(worst[2] < 1.5e-7);
    const float ends[NN_CURVE] = {-1e30f, -200, -88, 0, -0.0f, 1, 1e-20f};
    const struct nn_curve args = {.x = ends, .y = y, .which = 0};
    assert_ok(backend_launch(backend, &kernel_nn_curve, &args, 1, 0));
    assert_true(y[0] >= 0 && y[0] < 1.7e-38f && y[1] == y[0] && y[2] == y[0]);
    assert_true(y[3] == 1 && y[4] == 1 && y[6] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(linear),     cmocka_unit_test(linear_rows_are_alone),
                                       cmocka_unit_test(layer_norm), cmocka_unit_test(embed_and_pool),
                                       cmocka_unit_test(attention),  cmocka_unit_test(curves)};
    test_quiet();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
