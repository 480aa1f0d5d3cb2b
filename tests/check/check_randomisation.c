/* check_randomisation.c - randomisation: sums under random signs, against a plain loop over the same bits of Philox. */
#include <math.h>

#include "check.h"
#include "philox.h"
#include "randomisation.h"

enum { ROWS = 4, SEED = 5, STREAM = 9 };

static void randomisation_writes(const void *args, long row)
{
    const struct randomisation *a = args;
    check_may_write(a->sum + row, sizeof *a->sum);
}

static void randomisation_case(const char *kernel, uint32_t n, uint64_t first)
{
    double *d = check_buffer("difference", n, sizeof *d);
    const float *x = check_floats("x", n, 21);
    struct randomisation a = {.difference = d, .n = n, .seed = SEED, .stream = STREAM, .first = first};
    a.sum = check_buffer("sum", ROWS, sizeof *a.sum);
    for (uint32_t i = 0; i < n; i++)
        d[i] = (double)x[i];
    check_run(kernel, &a, ROWS, RANDOMISATION_SCRATCH);
    for (uint32_t r = 0; r < ROWS; r++) {
        double sum = 0, size = 0;
        for (uint32_t i = 0; i < n; i++) {
            const struct philox p = philox4x32(SEED, STREAM, (first + r) * ((n + 127) / 128) + i / 128);
            sum += (p.v[i / 32 % 4] >> i % 32 & 1) ? d[i] : -d[i];
            size += fabs(d[i]);
        }
        check_near("sum", r, a.sum[r], sum, 1e-14 * size);
    }
    check_end();
}

static void randomisation_cases(const char *kernel)
{
    randomisation_case(kernel, 300, 0);
    randomisation_case(kernel, 5, 3); /* fewer than lanes */
    randomisation_case(kernel, 128, 1000000);
}

const struct check_kernel check_randomisation[] = {
    {"randomisation", randomisation_cases, randomisation_writes},
    {NULL, NULL, NULL},
};
