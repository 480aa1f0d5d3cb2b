/*
 * check_lstm.c - a step of long short-term memory, forward and backward, against double.
 */
#include <math.h>

#include "check.h"
#include "lstm.h"

enum { ROWS = 4, WIDTH = 64, STEP = 3 };

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* Row 1 begins at this step, row 2 after it. */
static const uint32_t *starts(void)
{
    uint32_t *start = check_buffer("start", ROWS, sizeof *start);
    start[1] = STEP, start[2] = STEP + 1;
    return start;
}

static void forward_writes(const void *args, long row)
{
    const struct lstm_forward *a = args;
    const size_t n = (size_t)a->width, r = (size_t)row;
    check_may_write(a->gates + r * 4 * n, 4 * n * sizeof(float));
    check_may_write(a->c + r * n, n * sizeof(float));
    check_may_write(a->h + r * n, n * sizeof(float));
}

static void forward_cases(const char *kernel)
{
    for (int c = 0; c < 3; c++) { /* sums near 0; of tens, where gates saturate; without a state before */
        static double sums[ROWS][4 * WIDTH];
        float *gates = check_floats("gates", ROWS * 4 * WIDTH, 1);
        const float *before = check_floats("c_before", ROWS * WIDTH, 3);
        const struct lstm_forward a = {.gates = gates,
                                       .bias = check_floats("bias", 4 * WIDTH, 2),
                                       .c_before = c < 2 ? before : NULL,
                                       .c = check_floats("c", ROWS * WIDTH, 4),
                                       .h = check_floats("h", ROWS * WIDTH + 1, 5),
                                       .start = starts(),
                                       .step = STEP,
                                       .width = WIDTH};
        for (int e = 0; e < ROWS * 4 * WIDTH; e++) {
            gates[e] *= c == 1 ? 100.0f : 3.0f;
            sums[e / (4 * WIDTH)][e % (4 * WIDTH)] = (double)gates[e] + a.bias[e % (4 * WIDTH)];
        }
        check_run(kernel, &a, ROWS, 0);
        for (int r = 0; r < ROWS; r++)
            for (int k = 0; k < WIDTH; k++) {
                const int on = r != 2;
                const double i = on * sigmoid(sums[r][k]), f = on * sigmoid(sums[r][WIDTH + k]),
                             g = on * tanh(sums[r][2 * WIDTH + k]), o = on * sigmoid(sums[r][3 * WIDTH + k]),
                             old = c < 2 ? before[r * WIDTH + k] : 0, now = f * old + i * g;
                /* a sum of size x is off by x eps, a gate by a quarter of that, tanh by all of it */
                const double eps = 16 * CHECK_EPS * (c == 1 ? 4 : 1);
                check_near("i", r * WIDTH + k, a.gates[r * 4 * WIDTH + k], i, eps);
                check_near("f", r * WIDTH + k, a.gates[r * 4 * WIDTH + WIDTH + k], f, eps);
                check_near("g", r * WIDTH + k, a.gates[r * 4 * WIDTH + 2 * WIDTH + k], g, eps);
                check_near("o", r * WIDTH + k, a.gates[r * 4 * WIDTH + 3 * WIDTH + k], o, eps);
                check_near("c", r * WIDTH + k, a.c[r * WIDTH + k], now, 2 * eps);
                check_near("h", r * WIDTH + k, a.h[r * WIDTH + k], o * tanh(now), 3 * eps);
            }
        check_end();
    }
}

static void backward_writes(const void *args, long row)
{
    const struct lstm_backward *a = args;
    const size_t n = (size_t)a->width, r = (size_t)row;
    check_may_write(a->of_gates + r * 4 * n, 4 * n * sizeof(float));
    check_may_write(a->of_c + r * n, n * sizeof(float));
}

static void backward_cases(const char *kernel)
{
    for (int c = 0; c < 2; c++) {
        static double later[ROWS][WIDTH];
        float *gates = check_floats("gates", ROWS * 4 * WIDTH, 1);
        const float *before = check_floats("c_before", ROWS * WIDTH, 3);
        const struct lstm_backward a = {.gates = gates,
                                        .c = check_floats("c", ROWS * WIDTH, 4),
                                        .c_before = c == 0 ? before : NULL,
                                        .of_h = check_floats("of_h", ROWS * WIDTH, 5),
                                        .of_c = check_floats("of_c", ROWS * WIDTH + 1, 6),
                                        .of_gates = check_floats("of_gates", ROWS * 4 * WIDTH, 7),
                                        .start = starts(),
                                        .step = STEP,
                                        .width = WIDTH};
        for (int e = 0; e < ROWS * 4 * WIDTH; e++) /* i, f, o in (0, 1) */
            gates[e] = e % (4 * WIDTH) / WIDTH == 2 ? gates[e] : 0.5f + gates[e] / 2;
        for (int e = 0; e < ROWS * WIDTH; e++)
            later[e / WIDTH][e % WIDTH] = a.of_c[e];
        check_run(kernel, &a, ROWS, 0);
        for (int r = 0; r < ROWS; r++)
            for (int k = 0; k < WIDTH; k++) {
                const int at = r * WIDTH + k, on = r != 2;
                const double i = gates[r * 4 * WIDTH + k], f = gates[r * 4 * WIDTH + WIDTH + k],
                             g = gates[r * 4 * WIDTH + 2 * WIDTH + k],
                             o = gates[r * 4 * WIDTH + 3 * WIDTH + k], bent = tanh(a.c[at]),
                             d = later[r][k] + a.of_h[at] * o * (1 - bent * bent),
                             old = c == 0 ? before[at] : 0, eps = 16 * CHECK_EPS;
                check_near("of_i", at, a.of_gates[r * 4 * WIDTH + k], on * d * g * i * (1 - i), eps);
                check_near("of_f", at, a.of_gates[r * 4 * WIDTH + WIDTH + k], on * d * old * f * (1 - f),
                           eps);
                check_near("of_g", at, a.of_gates[r * 4 * WIDTH + 2 * WIDTH + k], on * d * i * (1 - g * g),
                           eps);
                check_near("of_o", at, a.of_gates[r * 4 * WIDTH + 3 * WIDTH + k],
                           on * a.of_h[at] * bent * o * (1 - o), eps);
                check_near("of_c", at, a.of_c[at], on * d * f, eps);
            }
        check_end();
    }
}

const struct check_kernel check_lstm[] = {
    {"lstm_forward", forward_cases, forward_writes},
    {"lstm_backward", backward_cases, backward_writes},
    {NULL, NULL, NULL},
};
