/*
 * gpu_check.c - the cases of tests/check on a CUDA device, or on nvcc's PTX under an emulator that stands in for the CUDA
 * runtime (`make gpu-emulate`), and on the CPU build's kernels.
 *
 *   gpu_check             all kernels of kernels/list.h, random numbers (random.c), arrays that stay on the device (residence.c);
 *                         exit status 1 when a kernel has no case or something fails
 *   gpu_check KERNEL...   those
 *
 * Every kernel runs its cases five times, each against the same double-precision results and bounds: by its CPU launcher; on the
 * device with scratch in shared memory; on the device with scratch in device memory, where it has that form
 * (TEAM_KERNEL_LARGE); and by the backend that models use (src/backend/cuda.c), whole and in ranges of rows.  For the first
 * three buffers are managed memory, valid on both sides, so a case's argument struct serves unchanged.  For the backend they are
 * the host's alone, so that a range which kernels/buffers.c leaves out is an access to memory that the device does not have.
 * Each launch on the device runs twice from the same start and must give the same bytes, and must change nothing that
 * its rows do not declare.  Exit status 77: no device.
 */
#include <cuda_runtime_api.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check/check.h"
#include "backend/cuda.h"
#include "backend/cuda_launch.h"
#include "backend/cuda_memory.h"
#include "kernels.h"
#include "random.h"

enum { N_BUFFERS = 24, NO_DEVICE = 77, SHARED_MOST = 232448 /* bytes a block, sm_90 */ };
enum machine { CPU, SHARED, LARGE, BACKEND, RANGES, N_MACHINES };
static const char *const machine_name[N_MACHINES] = {"cpu", "shared", "large", "backend", "ranges"};

static struct buffer {
    const char *name;
    char *data, *start, *first; /* now; when the launch began; the first run's result */
    size_t bytes, size;         /* size: of an element */
} buffers[N_BUFFERS];
static int n_buffers;

static const struct backend *backend;
static const struct kernel *kernel;
static const struct check_kernel *table;
static enum machine machine;
static int emulated, n_launches, n_large, n_ranges, n_failed;
static double worst;

void check_fail(const char *detector, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (n_failed++ < 5) {
        printf("%s: %s (%s): ", detector, kernel->name, machine_name[machine]);
        vprintf(format, list);
        printf("\n");
        fflush(stdout);
    }
    va_end(list);
}

/* After an error a device computes nothing more: the end. */
static void must(cudaError_t e, const char *what)
{
    if (e == cudaSuccess)
        return;
    printf("not ok %s: %s: %s\n", kernel == NULL ? "gpu_check" : kernel->name, what, cudaGetErrorString(e));
    exit(1);
}

static char *copy_space(size_t bytes)
{
    char *p = malloc(bytes + 1);
    if (p == NULL)
        must(cudaErrorMemoryAllocation, "host memory");
    return p;
}

void *check_buffer(const char *name, size_t n, size_t size)
{
    struct buffer *b = &buffers[n_buffers++];
    void *p = NULL;
    if (n_buffers > N_BUFFERS) {
        fprintf(stderr, "gpu_check: more than %d buffers in a case of %s\n", N_BUFFERS, kernel->name);
        exit(2);
    }
    *b = (struct buffer){.name = name, .bytes = n * size, .size = size};
    if (machine >= BACKEND)
        p = copy_space(b->bytes);
    else
        must(cudaMallocManaged(&p, b->bytes + (b->bytes == 0), cudaMemAttachGlobal), "managed memory");
    memset(p, 0, b->bytes);
    b->data = p, b->start = copy_space(b->bytes), b->first = copy_space(b->bytes);
    return p;
}

void check_end(void)
{
    for (int i = 0; i < n_buffers; i++) {
        if (machine >= BACKEND)
            free(buffers[i].data);
        else
            must(cudaFree(buffers[i].data), "free");
        free(buffers[i].start), free(buffers[i].first);
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

/* The span was allowed to change: the start takes it over. */
void check_may_write(const void *p, size_t bytes)
{
    const char *from = p;
    for (int i = 0; i < n_buffers; i++) {
        struct buffer *b = &buffers[i];
        if (from >= b->data && from < b->data + b->bytes) {
            const size_t at = (size_t)(from - b->data), left = b->bytes - at;
            memcpy(b->start + at, from, bytes < left ? bytes : left);
        }
    }
}

static size_t first_difference(const char *a, const char *b)
{
    size_t at = 0;
    while (a[at] == b[at])
        at++;
    return at;
}

/* Bytes of what two rows have to themselves. */
static size_t two_rows(const void *args, long n_rows)
{
    struct kernel_buffers b;
    size_t bytes = 0;
    kernel->buffers(args, n_rows, &b);
    for (int i = 0; i < b.n; i++)
        bytes += b.buffer[i].row;
    return 2 * bytes;
}

static void launch(const void *args, long n_rows, size_t scratch)
{
    if (machine == CPU) {
        if (kernel->cpu(args, n_rows, scratch) != 0)
            must(cudaErrorMemoryAllocation, "host memory");
        return;
    }
    cuda_shared_limit = machine == LARGE ? 1 : emulated ? SHARED_MOST : 0;
    if (machine >= BACKEND) {
        cuda_range_bytes = machine == RANGES ? two_rows(args, n_rows) : CUDA_STAGE;
        const unsigned long in_ranges = cuda_counts.in_ranges, on_cpu = cuda_counts.on_cpu;
        if (backend_launch(backend, kernel, args, n_rows, scratch) != STATUS_OK)
            exit(1); /* it said why */
        n_ranges += cuda_counts.in_ranges > in_ranges;
        if (cuda_counts.on_cpu > on_cpu)
            check_fail("device", "the CPU ran the launch");
        return;
    }
    int e = kernel->cuda(args, n_rows, scratch);
    if (machine == LARGE && e == cudaErrorInvalidConfiguration) { /* it has no such form */
        cuda_shared_limit = 0;
        e = kernel->cuda(args, n_rows, scratch);
    } else if (machine == LARGE && scratch > 0) {
        n_large++;
    }
    must((cudaError_t)e, "launch");
    must(cudaDeviceSynchronize(), "run");
}

void check_run(const char *name, const void *args, long n_rows, size_t scratch)
{
    (void)name;
    n_launches++;
    for (int i = 0; i < n_buffers; i++)
        memcpy(buffers[i].start, buffers[i].data, buffers[i].bytes);
    launch(args, n_rows, scratch);
    for (int i = 0; i < n_buffers; i++) {
        memcpy(buffers[i].first, buffers[i].data, buffers[i].bytes);
        memcpy(buffers[i].data, buffers[i].start, buffers[i].bytes);
    }
    launch(args, n_rows, scratch);
    for (int i = 0; i < n_buffers; i++) {
        const struct buffer *b = &buffers[i];
        if (memcmp(b->first, b->data, b->bytes) != 0)
            check_fail("repeat", "%s[%zu] is not the same the second time", b->name,
                       first_difference(b->first, b->data) / b->size);
    }
    for (long row = 0; row < n_rows; row++)
        table->writes(args, row);
    for (int i = 0; i < n_buffers; i++) {
        const struct buffer *b = &buffers[i];
        if (memcmp(b->start, b->data, b->bytes) != 0)
            check_fail("write set", "%s[%zu] is changed, which no row declares", b->name,
                       first_difference(b->start, b->data) / b->size);
    }
}

/* 1: it fails. */
static int run_kernel(const struct kernel *k)
{
    double errors[N_MACHINES];
    int cases[N_MACHINES];
    kernel = k, table = check_find(k->name);
    if (table == NULL) {
        printf("not ok %-22s has no case: write one in tests/check\n", k->name);
        return 1;
    }
    n_failed = n_large = n_ranges = 0;
    for (machine = CPU; machine < N_MACHINES; machine++) {
        n_launches = 0, worst = 0;
        table->cases(k->name);
        errors[machine] = worst, cases[machine] = n_launches;
    }
    const int failed = n_failed > 0 || cases[CPU] == 0 || cases[CPU] != cases[SHARED];
    printf("%s %-22s %3d cases, worst error / bound: cpu %.3f, device %.3f, backend %.3f",
           failed ? "not ok" : "ok", k->name, cases[SHARED], errors[CPU], errors[SHARED], errors[BACKEND]);
    if (n_ranges > 0)
        printf(", in ranges %.3f", errors[RANGES]);
    if (n_large > 0)
        printf(", scratch in device memory %.3f", errors[LARGE]);
    printf("; failures %d\n", n_failed);
    fflush(stdout);
    return failed;
}

static int wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return 1;
    return argc == 1;
}

int main(int argc, char **argv)
{
    struct cudaDeviceProp card;
    int n_devices = 0, n = 0, n_bad = 0;
    const cudaError_t e = cudaGetDeviceCount(&n_devices);
    if (e != cudaSuccess || n_devices == 0) {
        printf("skipped gpu-check: %s\n", e != cudaSuccess ? cudaGetErrorString(e) : "no CUDA device");
        return NO_DEVICE;
    }
    must(cudaGetDeviceProperties(&card, 0), "properties");
    emulated = strcmp(card.name, "ptxemu") == 0;
    printf("device: %s, compute capability %d.%d, %d multiprocessors\n", card.name, card.major, card.minor,
           card.multiProcessorCount);
    cuda_memory_strict = true;
    if (backend_open("cuda", 1, &backend) != STATUS_OK || backend->fallback != NULL)
        return 1;
    for (const struct kernel *const *k = kernels_all; *k != NULL; k++)
        if (wanted((*k)->name, argc, argv))
            n++, n_bad += run_kernel(*k);
    printf("%d kernels on %s, %d failed\n", n, card.name, n_bad);
    cuda_memory_strict = emulated;
    if (argc == 1) {
        n_bad += check_random();
        n_bad += check_residence();
        n_bad += measure();
    }
    return n_bad > 0 || n == 0;
}
