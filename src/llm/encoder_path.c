/*
 * encoder_path.c - which of nn8.h's ways to the same bits this machine can take.
 *
 * AMX keeps 8 KiB of state a thread, which Linux gives a process that asks for it once (arch_prctl, Linux 5.16).
 */
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "llm/encoder_internal.h"
#include "nn8.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <string.h>

#include "instructions.h"

enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };

static int find_path(void)
{
    unsigned a, b, c, d;
    if (strcmp(kernels_instructions(), "avx512") != 0 || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return NN8_PORTABLE;
    const bool tiles = (d >> 24 & 3) == 3; /* amx-tile, amx-int8 */
    if (tiles && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0)
        return NN8_AMX;
    return __builtin_cpu_supports("avx512vnni") ? NN8_VNNI : NN8_PORTABLE;
}
#else
static int find_path(void)
{
    return NN8_PORTABLE;
}
#endif

int encoder_int8_path(void)
{
    static atomic_int known; /* path + 1; a race finds the same twice */
    int path = atomic_load(&known) - 1;
    if (path < 0) {
        path = find_path();
        atomic_store(&known, path + 1);
    }
    return path;
}
