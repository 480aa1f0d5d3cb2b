/* random.c - cuRAND's Philox4x32-10 on the device and philox.h on the host: the same words and the same uniforms, bit for bit. */
#include "random.h"

#include <cuda_runtime_api.h>
#include <stdio.h>
#include <string.h>

#include "philox.h"

enum { N = 4096 };

static int compare(uint64_t seed, uint64_t stream, uint64_t first, uint32_t *state, uint32_t *words,
                   float *units)
{
    const int e = random_on_device(seed, stream, first, N, state, words, units);
    if (e != 0) {
        printf("random numbers: %s\n", cudaGetErrorString((cudaError_t)e));
        return 1;
    }
    for (int k = 0; k < N; k++) {
        const struct philox p = philox4x32(seed, stream, first + (uint64_t)k);
        float want[4];
        for (int j = 0; j < 4; j++)
            want[j] = philox_unit(p.v[j]);
        if (memcmp(state + 4 * k, p.v, sizeof p.v) != 0 || memcmp(words + 4 * k, p.v, sizeof p.v) != 0 ||
            memcmp(units + 4 * k, want, sizeof want) != 0) {
            printf("random numbers: seed %llu, stream %llu, index %llu: cuRAND has %08x, philox4x32 %08x, "
                   "the host %08x\n",
                   (unsigned long long)seed, (unsigned long long)stream,
                   (unsigned long long)first + (unsigned)k, state[4 * k], words[4 * k], p.v[0]);
            return 1;
        }
    }
    return 0;
}

int check_random(void)
{
    /* Words beyond 32 bits in each place; the last index is the largest that curand_init() can name (4 i < 2^64). */
    static const uint64_t cases[][3] = {{0, 0, 0},
                                        {42, 5, 1000},
                                        {0xDEADBEEF12345678u, 7, 0xFFFFFF00u},
                                        {1, (uint64_t)9 << 32 | 6, 0x123456789Au},
                                        {~(uint64_t)0, ~(uint64_t)0, ((uint64_t)1 << 62) - N}};
    const int n_cases = sizeof cases / sizeof *cases;
    void *state = NULL, *words = NULL, *units = NULL;
    int bad = 0;
    if (cudaMallocManaged(&state, N * 16, cudaMemAttachGlobal) != cudaSuccess ||
        cudaMallocManaged(&words, N * 16, cudaMemAttachGlobal) != cudaSuccess ||
        cudaMallocManaged(&units, N * 16, cudaMemAttachGlobal) != cudaSuccess)
        bad = 1;
    for (int c = 0; c < n_cases && !bad; c++)
        bad = compare(cases[c][0], cases[c][1], cases[c][2], state, words, units);
    cudaFree(state), cudaFree(words), cudaFree(units);
    printf("%s cuRAND's Philox4x32-10 is philox.h: %d words and uniforms of %d seeds, streams and places, "
           "bit for bit\n",
           bad ? "not ok" : "ok", 4 * N * n_cases, n_cases);
    return bad;
}
