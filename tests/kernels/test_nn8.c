/*
 * test_nn8.c - dense layers with weights of 8 bits: near the product in double, and the same bits by every way that this machine has.
 */
#include "../test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "kernels.h"
#include "llm/encoder_internal.h"
#include "nn8.h"

static struct arena *arena;

static int set_up(void **state)
{
    const struct backend *backend;
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

static float *numbers(size_t n, uint32_t what, double spread)
{
    float *x = arena_alloc(arena, n, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(spread * random_normal(3, RANDOM_INIT, what, i));
    return x;
}

/* A layer, its packed weights and its input. */
struct layer {
    int n_tokens, k, n;
    float *x, *w, *bias;
    struct nn8_pack pack;
};

static void make(struct layer *l, int n_tokens, int k, int n)
{
    const size_t columns = (size_t)NN_PAD_COLS(n), padded = (size_t)NN8_PAD_K(k);
    *l = (struct layer){.n_tokens = n_tokens, .k = k, .n = n};
    l->x = numbers((size_t)(n_tokens * k), 1, 1);
    l->w = numbers((size_t)(n * k), 2, 0.3);
    l->bias = numbers(columns, 3, 1);
    l->x[k / 2] = 40; /* an outlier */
    for (int m = 0; m < k; m++)
        l->x[(n_tokens - 1) * k + m] = n_tokens > 2 ? 0 : l->x[(n_tokens - 1) * k + m];
    l->pack = (struct nn8_pack){.w = l->w,
                                .q = arena_alloc(arena, columns * padded, 1),
                                .scale = arena_alloc(arena, columns * padded / NN8_BLOCK, sizeof(float)),
                                .n = n,
                                .k = k};
    assert_int_equal(kernel_nn8_pack.cpu(&l->pack, (long)columns, 0), 0);
}

/* y [n_tokens x columns] by one way. */
static float *run(const struct layer *l, int path, int gelu, int group)
{
    const size_t columns = (size_t)NN_PAD_COLS(l->n), padded = (size_t)NN8_PAD_K(l->k);
    const struct nn8_quantize quantize = {
        .x = l->x,
        .a = arena_alloc(arena, (size_t)NN8_PAD_ROWS(l->n_tokens) * padded, sizeof(short)),
        .scale = arena_alloc(arena, (size_t)l->n_tokens, sizeof(float)),
        .ldx = l->k,
        .k = l->k,
        .planes = path == NN8_AMX};
    const struct nn8_linear args = {.a = quantize.a,
                                    .a_scale = quantize.scale,
                                    .q = l->pack.q,
                                    .scale = l->pack.scale,
                                    .bias = l->bias,
                                    .y = numbers((size_t)l->n_tokens * columns, 9, 1),
                                    .ldy = (long)columns,
                                    .n_tokens = l->n_tokens,
                                    .n_tiles = NN8_PAD_ROWS(l->n_tokens) / NN8_ROWS,
                                    .k = (int)padded,
                                    .n_panels = (int)columns / NN_TILE_COLS,
                                    .group = group,
                                    .gelu = gelu,
                                    .path = path};
    assert_int_equal(kernel_nn8_quantize.cpu(&quantize, l->n_tokens, 0), 0);
    assert_int_equal(kernel_nn8_linear.cpu(&args, args.n_tiles * ((args.n_panels + group - 1) / group), 0),
                     0);
    return args.y;
}

/* |error| <= sum over k of |x| * half a step of its weight's block, and half a step of the activation. */
static void near_the_product(void **state)
{
    (void)state;
    struct layer l;
    make(&l, 19, 200, 70);
    const size_t columns = (size_t)NN_PAD_COLS(l.n);
    const float *y = run(&l, NN8_PORTABLE, 0, 2);
    for (int i = 0; i < l.n_tokens; i++)
        for (int j = 0; j < l.n; j++) {
            double sum = (double)l.bias[j], bound = 1e-5 * fabs(sum), most = 0;
            for (int m = 0; m < l.k; m++)
                most = fmax(most, fabs((double)l.x[i * l.k + m]));
            for (int b = 0; b < l.k; b += NN8_BLOCK) {
                double largest = 0;
                const int end = b + NN8_BLOCK < l.k ? b + NN8_BLOCK : l.k;
                for (int m = b; m < end; m++)
                    largest = fmax(largest, fabs((double)l.w[j * l.k + m]));
                for (int m = b; m < end; m++) {
                    const double x = (double)l.x[i * l.k + m], w = (double)l.w[j * l.k + m];
                    sum += x * w;
                    bound += fabs(x) * largest / 254 * 1.0001 +
                             most / 65534 * 1.0001 * (fabs(w) + largest / 254) + 1e-6 * fabs(x * w);
                }
            }
            if (!(fabs((double)y[(size_t)i * columns + (size_t)j] - sum) <= bound))
                fail_msg("token %d, output %d: %g, expected %g within %g", i, j,
                         (double)y[(size_t)i * columns + (size_t)j], sum, bound);
        }
}

static void every_way_gives_the_same_bits(void **state)
{
    static const int shapes[][3] = {{1, 64, 32}, {3, 96, 80}, {16, 384, 96}, {37, 1536, 64}, {50, 100, 33}};
    const int best = encoder_int8_path();
    (void)state;
    print_message("ways: portable%s%s\n", best >= NN8_VNNI ? ", VNNI" : "", best >= NN8_AMX ? ", AMX" : "");
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int gelu = 0; gelu < 2; gelu++) {
            struct layer l;
            make(&l, shapes[s][0], shapes[s][1], shapes[s][2]);
            const size_t bytes = (size_t)l.n_tokens * (size_t)NN_PAD_COLS(l.n) * sizeof(float);
            const float *y = run(&l, NN8_PORTABLE, gelu, 1);
            for (int path = 1; path <= best; path++)
                for (int group = 1; group < 4; group++)
                    if (memcmp(run(&l, path, gelu, group), y, bytes) != 0)
                        fail_msg("way %d differs from the portable one: %d tokens, %d inputs, %d outputs",
                                 path, l.n_tokens, l.k, l.n);
        }
}

/* A token's outputs do not depend on the tokens beside it. */
static void alone_and_in_company(void **state)
{
    (void)state;
    struct layer l;
    make(&l, 33, 384, 96);
    const size_t columns = (size_t)NN_PAD_COLS(l.n);
    for (int path = 0; path <= encoder_int8_path(); path++) {
        const float *all = run(&l, path, 1, 2);
        for (int i = 0; i < l.n_tokens; i += 5) {
            struct layer one = l;
            one.x = l.x + i * l.k;
            one.n_tokens = 1;
            assert_memory_equal(run(&one, path, 1, 2), all + (size_t)i * columns, columns * sizeof *all);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(near_the_product),
                                       cmocka_unit_test(every_way_gives_the_same_bits),
                                       cmocka_unit_test(alone_and_in_company)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
