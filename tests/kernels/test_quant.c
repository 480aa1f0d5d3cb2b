/*
 * test_quant.c - kernels/quant.cu: the form with AVX-512 gives the bits of the portable one, for every type of weights; and a
 * token's outputs are the same bits alone and among others.  (Against double precision: tests/check/check_quant.c.)
 *
 * The portable form is compiled here a second time, under other names.
 */
#include "../test.h"

#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "quant.h"

#define QUANT_PORTABLE
#define quant_linear_cpu portable_linear_cpu
#define quant_rows_cpu   portable_rows_cpu
#include "../../kernels/quant.cu"
#undef quant_linear_cpu
#undef quant_rows_cpu
#define quant_round_cpu portable_round_cpu
#define quant_int8_cpu  portable_int8_cpu
#include "../../kernels/quant_int8.cu"
#undef quant_round_cpu
#undef quant_int8_cpu

static const int all_types[] = {QUANT_F32,  QUANT_F16,  QUANT_BF16, QUANT_Q4_0, QUANT_Q5_0,
                                QUANT_Q8_0, QUANT_Q4_K, QUANT_Q5_K, QUANT_Q6_K};
enum { N = 13, WIDE = 512, TOKENS = 8 };
static unsigned char w[N * WIDE * 4];
static float x[TOKENS * WIDE];

/* Random bytes as weights, their scales finite; random activations. */
static void fill(int type)
{
    const size_t block = (size_t)quant_block_bytes(type), bytes = N * quant_row_bytes(type, WIDE);
    srand(7);
    for (size_t i = 0; i < bytes; i++)
        w[i] = (unsigned char)rand();
    for (size_t i = 0; i < bytes; i += block) {
        w[i + (type == QUANT_F32 ? 3 : type == QUANT_Q6_K ? 209 : 1)] &= 0xbb; /* no exponent is all ones */
        w[i + 3] &= type == QUANT_Q4_K || type == QUANT_Q5_K ? 0xbb : 0xff;
    }
    for (int i = 0; i < TOKENS * WIDE; i++)
        x[i] = (float)rand() / (float)RAND_MAX - 0.5f;
}

static void run(kernel_launcher *kernel, int type, int first, int n_tokens, float *y)
{
    const struct quant_linear a = {
        .x = x + first * WIDE,
        .y = y,
        .ldx = WIDE,
        .ldy = N,
        .n_tokens = n_tokens,
        .k = WIDE,
        .group = 8,
        .n_matrices = 1,
        .m = {{.w = w, .row_bytes = (long)quant_row_bytes(type, WIDE), .type = type, .n = N}}};
    assert_int_equal(kernel(&a, quant_linear_rows(&a), quant_linear_scratch(&a)), 0);
}

static void same_bits(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof all_types / sizeof *all_types; c++) {
        const int type = all_types[c];
        float many[TOKENS * N], portable[TOKENS * N], one[N];
        fill(type);
        run(kernel_quant_linear.cpu, type, 0, TOKENS, many);
        run(portable_linear_cpu, type, 0, TOKENS, portable);
        if (memcmp(many, portable, sizeof many) != 0)
            fail_msg("type %d: portable and wide forms differ", type);
        for (int i = 0; i < TOKENS; i++) {
            run(kernel_quant_linear.cpu, type, i, 1, one);
            if (memcmp(one, many + i * N, sizeof one) != 0)
                fail_msg("type %d: token %d alone gives other bits than among others", type, i);
        }
    }
}

static void rows_have_the_same_bits(void **state)
{
    (void)state;
    static const unsigned ids[3] = {12, 0, 5};
    for (size_t c = 0; c < sizeof all_types / sizeof *all_types; c++) {
        static float wide[3 * WIDE], portable[3 * WIDE];
        fill(all_types[c]);
        struct quant_rows a = {.w = w,
                               .ids = ids,
                               .x = wide,
                               .row_bytes = (long)quant_row_bytes(all_types[c], WIDE),
                               .ldx = WIDE,
                               .type = all_types[c],
                               .k = WIDE,
                               .scale = 3};
        assert_int_equal(kernel_quant_rows.cpu(&a, 3, 0), 0);
        a.x = portable;
        assert_int_equal(portable_rows_cpu(&a, 3, 0), 0);
        assert_memory_equal(wide, portable, sizeof wide);
    }
}

/* Products in 8 bits: 45 outputs (32, 13 left over) of 37 tokens (two tiles, five alone), all types; also of no magnitude. */
static void int8_has_the_same_bits(void **state)
{
    (void)state;
    enum { OUTPUTS = 45, MANY = 37, LDQ = WIDE + 64, LD_PART = WIDE / 8 + 16 };
    static signed char q[2][MANY * LDQ];
    static float part[2][MANY * LD_PART], in[MANY * WIDE], y[2][MANY * OUTPUTS], one[OUTPUTS], bias[OUTPUTS];
    static unsigned char rows[OUTPUTS * WIDE * 2];
    for (int i = 0; i < MANY * WIDE; i++)
        in[i] = i / WIDE == 3 ? 0.0f : (float)rand() / (float)RAND_MAX - 0.5f;
    struct quant_round round = {
        .x = in, .ldx = WIDE, .ldq = quant_round_ldq(WIDE), .ld_part = quant_round_ld_part(WIDE), .k = WIDE};
    assert_int_equal(round.ldq, LDQ);
    assert_int_equal(round.ld_part, LD_PART);
    for (int which = 0; which < 2; which++) {
        round.q = q[which], round.part = part[which];
        assert_int_equal((which == 0 ? kernel_quant_round.cpu : portable_round_cpu)(&round, MANY, 0), 0);
    }
    assert_memory_equal(q[0], q[1], sizeof q[0]);
    assert_memory_equal(part[0], part[1], sizeof part[0]);
    for (size_t c = 3; c < sizeof all_types / sizeof *all_types; c++) {
        const int type = all_types[c];
        const size_t row = quant_row_bytes(type, WIDE);
        for (int o = 0; o < OUTPUTS; o++) { /* rows of fill()'s 13, each time some later */
            fill(type);
            memcpy(rows + (size_t)o * row, w + (size_t)(o * 5 % N) * row, row);
            bias[o] = (float)o;
        }
        struct quant_int8 a = {
            .q = q[0],
            .part = part[0],
            .ldq = LDQ,
            .ld_part = LD_PART,
            .ldy = OUTPUTS,
            .n_tokens = MANY,
            .k = WIDE,
            .group = 48,
            .n_matrices = 1,
            .m = {{.w = rows, .bias = bias, .row_bytes = (long)row, .type = type, .n = OUTPUTS}}};
        for (int which = 0; which < 2; which++) {
            a.y = y[which];
            assert_int_equal((which == 0 ? kernel_quant_int8.cpu : portable_int8_cpu)(&a, quant_int8_rows(&a),
                                                                                      quant_int8_scratch(&a)),
                             0);
        }
        for (int i = 0; i < MANY * OUTPUTS; i++)
            if (memcmp(&y[0][i], &y[1][i], sizeof(float)) != 0)
                fail_msg("type %d, token %d, output %d: wide %.9g, portable %.9g", type, i / OUTPUTS,
                         i % OUTPUTS, (double)y[0][i], (double)y[1][i]);
        a.n_tokens = 1, a.group = 16, a.y = one;
        for (int i = 0; i < MANY; i++) {
            a.q = q[0] + i * LDQ, a.part = part[0] + i * LD_PART;
            assert_int_equal(kernel_quant_int8.cpu(&a, quant_int8_rows(&a), quant_int8_scratch(&a)), 0);
            if (memcmp(one, y[0] + i * OUTPUTS, sizeof one) != 0)
                fail_msg("type %d: token %d alone gives other bits than among others", type, i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits), cmocka_unit_test(rows_have_the_same_bits),
                                       cmocka_unit_test(int8_has_the_same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
