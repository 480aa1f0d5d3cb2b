/*
 * random.h - cuRAND's Philox4x32-10 on the device (random.cu), for random.c.
 */
#ifndef TESTS_GPU_RANDOM_H
#define TESTS_GPU_RANDOM_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
/* Three ways to the four words of (seed, stream, first + k), k < n, in device memory: curand_init() and curand4(); philox4x32()
 * as kernels use it; and philox_unit() of the latter.  Returns a cudaError_t. */
int random_on_device(uint64_t seed, uint64_t stream, uint64_t first, int n, uint32_t *state, uint32_t *words,
                     float *units);
#ifdef __cplusplus
}
#endif

/* 0: all equal to philox.h on the host. */
int check_random(void);
/* 0: what backend_keep() and the rest promise holds. */
int check_residence(void);
/* 0: shares of the card's limits, printed. */
int measure(void);

#endif
