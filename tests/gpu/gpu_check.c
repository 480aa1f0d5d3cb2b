/*
 * gpu_check.c - the cases of tests/check, run by nvcc's build of the kernels: on a GPU, or on the CPU by an emulator that
 * stands in for the CUDA runtime (`make gpu-emulate`).
 *
 *   gpu_check            every kernel of kernels/list.h; exit status 1 when one has no case or fails
 *   gpu_check KERNEL     that one
 *   gpu_check --speed    a line a kernel with the time of its largest case, on a GPU
 *
 * A case's arrays are managed memory, so the family files need not know where they run.  Each launch runs three times from
 * the same start: the results must have the same bits, lie within the case's bound of the double-precision reference, and
 * nothing but the declared writes may change.
 */
#include <cuda_runtime_api.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check/check.h"
#include "philox.h"

typedef int launcher(const void *args, long n_rows, size_t scratch);
#define KERNEL(name) launcher name##_cuda;
#include "list.h"
#undef KERNEL
static const struct {
    const char *name;
    launcher *cuda;
} launchers[] = {
#define KERNEL(name) {#name, name##_cuda},
#include "list.h"
#undef KERNEL
};
enum { N_KERNELS = sizeof launchers / sizeof *launchers, N_BUFFERS = 24, N_RUNS = 3 };

static struct buffer {
    const char *name;
    char *data, *start, *first; /* managed; as the launch found it; as the first run left it */
    size_t bytes, size;
} buffers[N_BUFFERS];
static int n_buffers;
static const struct check_kernel *kernel;
static int n_launches, n_failed, n_too_large;
static jmp_buf case_too_large; /* leaves the kernel's cases */
static double worst, slowest;
static int timing;

void check_fail(const char *detector, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (n_failed++ < 5) {
        printf("%s: %s: ", detector, kernel->name);
        vprintf(format, list);
        printf("\n");
    }
    va_end(list);
}

static void must(cudaError_t error, const char *what)
{
    if (error == cudaSuccess)
        return;
    printf("not ok %s: %s: %s\n", kernel == NULL ? "gpu_check" : kernel->name, what,
           cudaGetErrorString(error));
    exit(2);
}
static void *must_have(void *p)
{
    if (p == NULL) {
        fprintf(stderr, "gpu_check: out of memory\n");
        exit(2);
    }
    return p;
}

float check_unit(uint32_t stream, uint64_t i)
{
    return philox_unit(philox4x32(4, stream, i).v[0]);
}
uint32_t check_whole(uint32_t stream, uint64_t i, uint32_t n)
{
    return philox4x32(5, stream, i).v[0] % n;
}

void *check_buffer(const char *name, size_t n, size_t size)
{
    if (n_buffers == N_BUFFERS) {
        fprintf(stderr, "gpu_check: more than %d buffers in a case: raise N_BUFFERS\n", N_BUFFERS);
        exit(2);
    }
    struct buffer *b = &buffers[n_buffers++];
    void *p = NULL;
    *b = (struct buffer){.name = name, .bytes = n * size, .size = size};
    must(cudaMallocManaged(&p, b->bytes + (b->bytes == 0), cudaMemAttachGlobal), "memory");
    memset(p, 0, b->bytes);
    b->data = p;
    b->start = must_have(malloc(b->bytes + 1));
    b->first = must_have(malloc(b->bytes + 1));
    return p;
}

float *check_floats(const char *name, size_t n, uint32_t stream)
{
    float *x = check_buffer(name, n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = 2.0f * check_unit(stream, i) - 1.0f;
    return x;
}

void check_sparse(uint32_t stream, int n_rows, int n_cols, double density, int64_t **ptr, uint32_t **idx)
{
    int64_t n = 0;
    *ptr = check_buffer("ptr", (size_t)n_rows + 1, sizeof **ptr);
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1)
            *idx = check_buffer("idx", (size_t)n, sizeof **idx);
        n = 0;
        for (int r = 0; r < n_rows; r++) {
            for (int c = 0; c < n_cols; c++)
                if (r != 1 && check_unit(stream, (uint64_t)r * 4096 + (uint64_t)c) < density) {
                    if (pass == 1)
                        (*idx)[n] = (uint32_t)c;
                    n++;
                }
            (*ptr)[r + 1] = n;
        }
    }
}

void check_end(void)
{
    for (int i = 0; i < n_buffers; i++) {
        must(cudaFree(buffers[i].data), "memory");
        free(buffers[i].start);
        free(buffers[i].first);
    }
    n_buffers = 0;
}

void check_near(const char *what, long i, double got, double want, double bound)
{
    const double error = fabs(got - want);
    if (error > worst * bound)
        worst = bound > 0 ? error / bound : HUGE_VAL;
    if (!(error <= bound))
        check_fail("bound", "%s[%ld] is %.9g, expected %.9g within %.3g", what, i, got, want, bound);
}

void check_may_write(const void *from, size_t bytes)
{
    const char *p = from;
    for (int i = 0; i < n_buffers; i++) {
        struct buffer *b = &buffers[i];
        if (p < b->data || p >= b->data + b->bytes)
            continue;
        const size_t at = (size_t)(p - b->data);
        memcpy(b->start + at, p, bytes < b->bytes - at ? bytes : b->bytes - at);
    }
}

/* Everything but what the rows declare is as it was; afterwards `start` is restored from `keep`. */
static void check_writes_of(const void *args, long n_rows)
{
    char *keep[N_BUFFERS];
    for (int i = 0; i < n_buffers; i++) {
        keep[i] = must_have(malloc(buffers[i].bytes + 1));
        memcpy(keep[i], buffers[i].start, buffers[i].bytes);
    }
    for (long row = 0; row < n_rows; row++)
        kernel->writes(args, row);
    for (int i = 0; i < n_buffers; i++) {
        const struct buffer *b = &buffers[i];
        size_t at = 0;
        while (at < b->bytes && b->start[at] == b->data[at])
            at++;
        if (at < b->bytes)
            check_fail("write set", "%s[%zu] changes, which no row declares", b->name, at / b->size);
        memcpy(b->start, keep[i], b->bytes);
        free(keep[i]);
    }
}

void check_run(const char *name, const void *args, long n_rows, size_t scratch)
{
    int which = 0;
    while (strcmp(launchers[which].name, name) != 0)
        which++;
    n_launches++;
    for (int i = 0; i < n_buffers; i++)
        memcpy(buffers[i].start, buffers[i].data, buffers[i].bytes);
    for (int run = 0; run < N_RUNS; run++) {
        cudaEvent_t begin, end;
        float ms = 0;
        for (int i = 0; i < n_buffers && run > 0; i++)
            memcpy(buffers[i].data, buffers[i].start, buffers[i].bytes);
        must(cudaEventCreate(&begin), "event"), must(cudaEventCreate(&end), "event");
        must(cudaEventRecord(begin, 0), "event");
        const cudaError_t launched = (cudaError_t)launchers[which].cuda(args, n_rows, scratch);
        if (launched == cudaErrorInvalidConfiguration) { /* team.h: no block can hold the scratch */
            printf("-- %s: a team asks for %zu KiB of shared memory, more than a block has here\n", name,
                   scratch / 1024);
            n_too_large++;
            longjmp(case_too_large, 1);
        }
        must(launched, "launch");
        must(cudaEventRecord(end, 0), "event");
        must(cudaDeviceSynchronize(), "run");
        must(cudaEventElapsedTime(&ms, begin, end), "event");
        cudaEventDestroy(begin), cudaEventDestroy(end);
        if (run == N_RUNS - 1 && ms > slowest)
            slowest = ms;
        for (int i = 0; i < n_buffers; i++) {
            struct buffer *b = &buffers[i];
            if (run == 0)
                memcpy(b->first, b->data, b->bytes);
            else if (memcmp(b->first, b->data, b->bytes) != 0)
                check_fail("repeat", "%s is not the same in run %d", b->name, run);
        }
        if (run == 0)
            check_writes_of(args, n_rows);
    }
}

static const struct check_kernel *find(const char *name)
{
    const struct check_kernel *const families[] = {check_als,  check_sgd, check_spmm,  check_knn,
                                                   check_topk, check_nn,  check_fusion};
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (const struct check_kernel *k = families[f]; k->name != NULL; k++)
            if (strcmp(k->name, name) == 0)
                return k;
    return NULL;
}

static int run_kernel(const char *name)
{
    kernel = find(name);
    n_launches = n_failed = 0;
    worst = slowest = 0;
    if (kernel == NULL) {
        printf("not ok %-22s has no case: write one in tests/check\n", name);
        return 1;
    }
    n_too_large = 0;
    if (setjmp(case_too_large) == 0)
        kernel->cases(name);
    check_end();
    const int failed = n_failed > 0 || n_launches == 0;
    if (n_too_large > 0 && !failed) {
        printf("skipped %-22s its later cases: they don't fit this device\n", name);
        return 0;
    }
    printf("%s %-22s %3d cases, worst error / bound %6.3f, failures %d", failed ? "not ok" : "ok", name,
           n_launches, worst, n_failed);
    if (timing)
        printf(", %.3f ms", slowest);
    printf("\n");
    fflush(stdout);
    return failed;
}

int main(int argc, char **argv)
{
    int n_devices = 0, n_bad = 0;
    struct cudaDeviceProp card;
    if (cudaGetDeviceCount(&n_devices) != cudaSuccess || n_devices == 0) {
        printf("skipped: no GPU (make gpu-emulate runs the kernels' PTX on the CPU)\n");
        return 0;
    }
    must(cudaGetDeviceProperties(&card, 0), "device");
    timing = argc == 2 && strcmp(argv[1], "--speed") == 0;
    printf("-- device: %s, compute capability %d.%d\n", card.name, card.major, card.minor);
    if (argc == 2 && !timing)
        return run_kernel(argv[1]);
    for (int i = 0; i < N_KERNELS; i++)
        n_bad += run_kernel(launchers[i].name);
    printf("-- %d kernels, %d failed\n", N_KERNELS, n_bad);
    return n_bad > 0;
}
