/* random.cu - see random.h. */
#include <curand_kernel.h>

#include "philox.h"
#include "random.h"

__global__ void draw(uint64_t seed, uint64_t stream, uint64_t first, int n, uint32_t *state, uint32_t *words,
                     float *units)
{
    const int k = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (k >= n)
        return;
    const uint64_t i = first + (uint64_t)k;
    curandStatePhilox4_32_10_t s;
    curand_init(seed, stream, 4 * i, &s);
    const uint4 r = curand4(&s);
    const struct philox p = philox4x32(seed, stream, i);
    state[4 * k] = r.x, state[4 * k + 1] = r.y, state[4 * k + 2] = r.z, state[4 * k + 3] = r.w;
    for (int j = 0; j < 4; j++)
        words[4 * k + j] = p.v[j], units[4 * k + j] = philox_unit(p.v[j]);
}

int random_on_device(uint64_t seed, uint64_t stream, uint64_t first, int n, uint32_t *state, uint32_t *words,
                     float *units)
{
    draw<<<(n + 127) / 128, 128>>>(seed, stream, first, n, state, words, units);
    const cudaError_t e = cudaGetLastError();
    return (int)(e != cudaSuccess ? e : cudaDeviceSynchronize());
}
