/* randomisation.h - arguments of the kernel randomisation: sums of differences under random signs. */
#ifndef RANDOMISATION_H
#define RANDOMISATION_H
#include <stddef.h>
#include <stdint.h>

/* Bytes of scratch a team needs: a double a lane. */
#define RANDOMISATION_SCRATCH 512

struct randomisation {
    const double *difference; /* [n] */
    uint32_t n;
    uint64_t seed,
        stream; /* of Philox: bit j of draw i is bit j of the numbers i blocks + 0, 1, ..., blocks = ceil(n / 128) */
    uint64_t first; /* draw of row 0 */
    double *sum;    /* [n_rows] of the draws first, first + 1, ... */
};
#endif
