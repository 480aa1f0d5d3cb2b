/* kernels.c - the descriptors of list.h; of two sets of kernels the one that this processor can run (instructions.h). */
#include "kernels.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "instructions.h"

enum { SYSTEM_FAILURE = 4 }; /* STATUS_SYSTEM (base/status.h, which kernels don't know) */

#if defined(__x86_64__) && defined(__AVX2__)
/* On another machine than it was built for the program would end by an illegal instruction: it says so and ends before main(). */
__attribute__((constructor)) static void refuse(void)
{
    static const char sentence[] = "recfuse: this processor lacks instructions that the program was built "
                                   "with: build it here (make), or "
                                   "for any machine with AVX2 (make PORTABLE=1)\n";
    __builtin_cpu_init();
    int can = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#ifdef __AVX512F__
    can = can && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
#ifdef __AVX512VNNI__
    can = can && __builtin_cpu_supports("avx512vnni");
#endif
    if (!can && write(STDERR_FILENO, sentence, sizeof sentence - 1) >= 0)
        _exit(SYSTEM_FAILURE);
}
#endif

#ifdef KERNELS_AVX512 /* the .cu files were compiled twice */

static int with_avx512;

__attribute__((constructor)) static void choose(void)
{
    const char *wanted = getenv("RECFUSE_INSTRUCTIONS");
    __builtin_cpu_init();
    with_avx512 = (wanted == NULL || strcmp(wanted, "avx2") != 0) && __builtin_cpu_supports("avx512f") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512vnni");
}

const char *kernels_instructions(void)
{
    return with_avx512 ? "avx512" : "avx2";
}

#define KERNEL(name, args)                                                                                   \
    kernel_launcher name##_cpu_avx512;                                                                       \
    static int name##_chosen(const void *a, long n_rows, size_t scratch)                                     \
    {                                                                                                        \
        return with_avx512 ? name##_cpu_avx512(a, n_rows, scratch) : name##_cpu(a, n_rows, scratch);         \
    }
#include "list.h"
#undef KERNEL
#define LAUNCHER(name) name##_chosen

#else

const char *kernels_instructions(void)
{
#if defined(__AVX512F__)
    return "avx512";
#elif defined(__AVX2__) && defined(__FMA__)
    return "avx2";
#elif defined(__ARM_NEON)
    return "neon";
#else
    return "baseline";
#endif
}
#define LAUNCHER(name) name##_cpu

#endif

#ifdef RECFUSE_CUDA
#define KERNEL(name, args)                                                                                   \
    const struct kernel kernel_##name = {#name, LAUNCHER(name), name##_cuda, args##_buffers};
#else
#define KERNEL(name, args) const struct kernel kernel_##name = {#name, LAUNCHER(name), NULL, args##_buffers};
#endif
#include "list.h"
#undef KERNEL

const struct kernel *const kernels_all[] = {
#define KERNEL(name, args) &kernel_##name,
#include "list.h"
#undef KERNEL
    NULL};
