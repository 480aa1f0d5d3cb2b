/*
 * cuda.c - a CUDA device behind backend.h: each launch's arrays go there and back.
 *
 * A kernel says what its arguments point to (kernels/buffers.h).  For a launch those ranges become regions: one for each kept
 * array (cuda_resident.h), and one for each other stretch of host memory, which gets device memory for the launch alone.  The
 * argument struct is copied with device addresses in place of the host's.
 *
 * What is not kept and belongs to rows (row r's bytes lie at r times a stride) need not be there at once: a launch with much of
 * it goes in ranges of rows, in two lanes (streams with pinned memory) by turns.  While the device computes a range, the
 * range before it is on its way back and the host packs the next.  Rows write only their own output, so the order of ranges does
 * not matter, nor do results depend on their size.
 *
 * A launch that writes only kept arrays is not waited for.  A device without room gets more by giving up kept arrays that this
 * launch does not need (they are written back, and return when needed), then by going in ranges of an eighth of the rows; when
 * that is not enough the CPU runs the launch, with a warning once.  Any other error of the device ends the run: what it computed is unknown.
 *
 * One launch is set up at a time (a lock): threads that rank side by side take turns.
 */
#include "backend/cuda.h"

#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cuda_blas.h"
#include "backend/cuda_launch.h"
#include "backend/cuda_resident.h"
#include "base/log.h"

enum { THREADS_MAX = 1024, ARGS_MOST = 1024 };

struct cuda_counts cuda_counts;
size_t cuda_range_bytes = CUDA_STAGE;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int device;
static bool blas, use_blas = true;
static unsigned long now; /* the launch under way */
static char card[256], note[512];

/* A stretch of host memory that a launch uses. */
struct region {
    char *low, *high;
    bool reads, writes, covers; /* covers: all of it is written */
    size_t row;                 /* bytes of a row; 0: it does not go in ranges */
    struct cuda_resident *kept; /* NULL: device memory for this launch alone */
    char *device[CUDA_LANES];
};

struct job {
    const struct kernel *kernel;
    const char *args; /* the host's */
    long n_rows;
    size_t scratch;
    struct kernel_buffers buffers;
    struct region region[BUFFERS_MOST];
    int n_regions;
    size_t row_bytes; /* of all regions that go in ranges */
    long range;       /* rows of a range */
    bool narrow;      /* in ranges if it can, since room is short */
    bool in_ranges;
};

bool cuda_has_blas(void)
{
    return blas;
}

void cuda_use_blas(bool use)
{
    use_blas = use;
}

static char *host_of(const struct job *job, int buffer)
{
    char *p;
    memcpy(&p, job->args + job->buffers.buffer[buffer].field, sizeof p);
    return p;
}

/* Puts a range into the region that holds it, or into a new one. */
static void add_region(struct job *job, struct region new)
{
    for (int i = 0; i < job->n_regions; i++) {
        struct region *r = &job->region[i];
        if (new.high <= r->low || new.low >= r->high)
            continue;
        const bool same = new.low == r->low &&new.high == r->high;
        new.covers = same && (new.covers || r->covers);
        new.row = same &&new.row == r->row ? new.row : 0;
        new.reads |= r->reads, new.writes |= r->writes;
        new.low = new.low < r->low ? new.low : r->low;
        new.high = new.high > r->high ? new.high : r->high;
        *r = job->region[--job->n_regions];
        i = -1; /* the union may meet others */
    }
    job->region[job->n_regions++] = new;
}

static cudaError_t plan(struct job *job)
{
    bool ranges = true;
    job->n_regions = 0, job->row_bytes = 0;
    for (int i = 0; i < job->buffers.n; i++) {
        const struct kernel_buffer *b = &job->buffers.buffer[i];
        char *low = host_of(job, i) + b->first;
        struct region r = {low,
                           low + b->bytes,
                           b->access & BUFFER_READ,
                           b->access & BUFFER_WRITE,
                           b->access == BUFFER_WRITE,
                           b->row,
                           NULL,
                           {NULL}};
        struct cuda_resident *clash;
        while ((r.kept = resident_find(r.low, r.high, &clash)) == NULL && clash != NULL) {
            const cudaError_t e = resident_drop(clash);
            if (e != cudaSuccess)
                return e;
        }
        if (r.kept != NULL) {
            r.covers &= r.low == r.kept->host && r.high == r.kept->host + r.kept->bytes;
            r.low = r.kept->host, r.high = r.low + r.kept->bytes;
            r.kept->used = now, r.row = 0;
        }
        add_region(job, r);
    }
    for (int i = 0; i < job->n_regions; i++) {
        struct region *r = &job->region[i];
        struct cuda_resident *clash;
        r->kept = resident_find(r->low, r->high, &clash); /* a merger may have moved it */
        job->row_bytes += r->kept == NULL ? r->row : 0;
        ranges &= r->kept != NULL || !r->writes || r->row > 0;
    }
    const size_t most = cuda_range_bytes < CUDA_STAGE ? cuda_range_bytes : CUDA_STAGE;
    const bool much = job->row_bytes * (size_t)job->n_rows > most;
    job->in_ranges = ranges && job->row_bytes > 0 && job->row_bytes <= most && (much || job->narrow);
    job->range = job->in_ranges ? (long)(most / job->row_bytes) : 0;
    if (job->narrow && job->range > (job->n_rows + 7) / 8)
        job->range = (job->n_rows + 7) / 8;
    return cudaSuccess;
}

/* One launch in a lane, of rows first .. last - 1.  Regions that go in ranges hold their rows from row `first` on. */
static cudaError_t start(const struct job *job, int l, long first, long last)
{
    _Alignas(16) char args[ARGS_MOST];
    memcpy(args, job->args, job->buffers.args_size);
    for (int i = 0; i < job->buffers.n; i++) {
        const struct kernel_buffer *b = &job->buffers.buffer[i];
        char *p = host_of(job, i);
        const struct region *r = job->region;
        while (p + b->first < r->low || p + b->first >= r->high)
            r++;
        const char *base =
            r->kept != NULL ? r->kept->device : r->device[r->row > 0 && job->in_ranges ? l : 0];
        /* An address in the device's memory, perhaps of an element before the block's first. */
        uintptr_t there = (uintptr_t)base + ((uintptr_t)p - (uintptr_t)r->low);
        if (job->in_ranges && r->kept == NULL && r->row > 0)
            there -= (uintptr_t)first * r->row;
        memcpy(args + b->field, &there, sizeof there);
    }
    cuda_counts.launches++;
    if (job->kernel == &kernel_gemm && blas && use_blas &&
        cuda_blas_gemm((const struct gemm *)(const void *)args))
        return cudaSuccess;
    cuda_launch_first = first, cuda_launch_stream = cuda_lanes[l].stream;
    const cudaError_t e = (cudaError_t)job->kernel->cuda(args, last, job->scratch);
    cuda_launch_first = 0, cuda_launch_stream = NULL;
    return e;
}

static cudaError_t up(struct cuda_lane *lane, char *to, const char *from, size_t bytes)
{
    cuda_counts.up += (double)bytes;
    return cuda_up(lane, to, from, bytes);
}

/* Device memory, filled, for what does not go in ranges; for what does, room for `rows` rows in each lane. */
static cudaError_t settle(struct job *job, long rows)
{
    for (int i = 0; i < job->n_regions; i++) {
        struct region *r = &job->region[i];
        const bool filled = r->reads || (r->writes && !r->covers), whole = !job->in_ranges || r->row == 0;
        cudaError_t e = cudaSuccess;
        if (r->kept != NULL) {
            cuda_counts.up +=
                filled && (r->kept->host_newer || r->kept->device == NULL) ? (double)r->kept->bytes : 0;
            e = resident_ready(r->kept, filled);
        } else if (whole) {
            r->device[0] = cuda_take((size_t)(r->high - r->low));
            e = r->device[0] == NULL ? cudaErrorMemoryAllocation : cudaSuccess;
            if (e == cudaSuccess && filled)
                e = up(&cuda_lanes[0], r->device[0], r->low, (size_t)(r->high - r->low));
        } else {
            for (int l = 0; l < CUDA_LANES && e == cudaSuccess; l++) {
                r->device[l] = cuda_take((size_t)rows * r->row);
                e = r->device[l] == NULL ? cudaErrorMemoryAllocation : cudaSuccess;
            }
        }
        if (e != cudaSuccess)
            return e;
    }
    return cudaSuccess;
}

static cudaError_t run_whole(struct job *job)
{
    cudaError_t e = settle(job, 0);
    if (e == cudaSuccess)
        e = start(job, 0, 0, job->n_rows);
    for (int i = 0; i < job->n_regions && e == cudaSuccess; i++) {
        struct region *r = &job->region[i];
        if (r->writes && r->kept == NULL) {
            e = cuda_down(&cuda_lanes[0], r->low, r->device[0], (size_t)(r->high - r->low));
            cuda_counts.down += (double)(r->high - r->low);
        }
    }
    return e;
}

/* Rows first .. last - 1: what they read goes up, they run, what they write starts on its way back. */
static cudaError_t run_range(struct job *job, int l, long first, long last)
{
    struct cuda_lane *lane = &cuda_lanes[l];
    cudaError_t e = cuda_down_finish(lane); /* of the range before the last */
    for (int pass = 0; pass < 2 && e == cudaSuccess; pass++) {
        for (int i = 0; i < job->n_regions && e == cudaSuccess; i++) {
            const struct region *r = &job->region[i];
            if (r->kept != NULL || r->row == 0)
                continue;
            char *host = r->low + (size_t)first * r->row;
            const size_t left = (size_t)(r->high - host), rows = (size_t)(last - first) * r->row;
            const size_t bytes = left < rows ? left : rows;
            if (pass == 0 && (r->reads || !r->covers))
                e = up(lane, r->device[l], host, bytes);
            if (pass == 1 && r->writes) {
                e = cuda_down_later(lane, host, r->device[l], bytes);
                cuda_counts.down += (double)bytes;
            }
        }
        if (pass == 0 && e == cudaSuccess)
            e = start(job, l, first, last);
    }
    return e;
}

static cudaError_t run_in_ranges(struct job *job)
{
    const long rows = job->range;
    cudaEvent_t there = NULL;
    cudaError_t e = settle(job, rows);
    if (e == cudaSuccess)
        e = cudaEventCreateWithFlags(&there, cudaEventDisableTiming);
    if (e == cudaSuccess)
        e = cudaEventRecord(there, cuda_lanes[0].stream);
    for (int l = 1; l < CUDA_LANES && e == cudaSuccess; l++)
        e = cudaStreamWaitEvent(cuda_lanes[l].stream, there, 0);
    int l = 0;
    for (long first = 0; first < job->n_rows && e == cudaSuccess; first += rows, l = (l + 1) % CUDA_LANES)
        e = run_range(job, l, first, job->n_rows - first < rows ? job->n_rows : first + rows);
    for (l = 0; l < CUDA_LANES; l++) { /* also after an error: nothing may be on its way any more */
        const cudaError_t mine = cuda_down_finish(&cuda_lanes[l]);
        e = e != cudaSuccess ? e : mine;
    }
    const cudaError_t waited = cuda_wait();
    if (there != NULL)
        cudaEventDestroy(there);
    cuda_counts.in_ranges++;
    return e != cudaSuccess ? e : waited;
}

static cudaError_t run_once(struct job *job)
{
    cudaError_t e = plan(job);
    if (e == cudaSuccess)
        e = job->in_ranges ? run_in_ranges(job) : run_whole(job);
    for (int i = 0; i < job->n_regions; i++) {
        struct region *r = &job->region[i];
        for (int l = 0; l < CUDA_LANES; l++)
            cuda_give(r->device[l]);
        if (e == cudaSuccess && r->kept != NULL && r->writes)
            r->kept->device_newer = true, r->kept->host_newer = false;
    }
    return e;
}

/* The launch on the CPU: kept arrays come home first, and what it writes is newer there. */
static enum status run_on_cpu(struct job *job, const struct backend *b, const char *why)
{
    if (cuda_counts.on_cpu++ == 0)
        log_warn("device cuda: %s; the CPU runs this launch and others like it", why);
    snprintf(note, sizeof note, "%lu launches ran on the CPU, the first because %s", cuda_counts.on_cpu, why);
    for (int i = 0; i < job->n_regions; i++) {
        struct cuda_resident *kept = job->region[i].kept;
        if (kept == NULL)
            continue;
        const cudaError_t e = resident_fetch(kept);
        if (e != cudaSuccess)
            return status_fail(STATUS_SYSTEM, "device cuda: %s", cudaGetErrorString(e));
        kept->host_newer |= job->region[i].writes;
    }
    if (!omp_in_parallel())
        omp_set_num_threads(b->threads);
    if (job->kernel->cpu(job->args, job->n_rows, job->scratch) != 0)
        return status_fail(STATUS_SYSTEM, "memory is out: kernel %s needs %zu bytes of scratch a thread",
                           job->kernel->name, job->scratch);
    return STATUS_OK;
}

static enum status run(struct job *job, const struct backend *b)
{
    char why[256];
    size_t freed = 0;
    cudaError_t e = run_once(job);
    if (e == cudaErrorMemoryAllocation) {
        cudaGetLastError();
        const cudaError_t evicted = resident_evict(now, &freed);
        if (evicted != cudaSuccess)
            e = evicted;
        else if (freed > 0)
            e = run_once(job);
    }
    if (e == cudaErrorMemoryAllocation) {
        cudaGetLastError();
        job->narrow = true;
        e = run_once(job);
    }
    if (e == cudaErrorMemoryAllocation) {
        size_t bytes = 0;
        cudaGetLastError();
        for (int i = 0; i < job->n_regions; i++)
            bytes += (size_t)(job->region[i].high - job->region[i].low);
        snprintf(why, sizeof why, "kernel %s needs %.1f MiB and the device's memory has no room for it",
                 job->kernel->name, (double)bytes / 1048576.0);
        return run_on_cpu(job, b, why);
    }
    if (e == cudaErrorInvalidConfiguration) {
        cudaGetLastError();
        snprintf(why, sizeof why,
                 "kernel %s needs %zu bytes of shared memory a team, more than the device has",
                 job->kernel->name, job->scratch);
        return run_on_cpu(job, b, why);
    }
    if (e != cudaSuccess)
        return status_fail(STATUS_SYSTEM,
                           "device cuda: %s, in kernel %s or before it; take --device cpu and report this",
                           cudaGetErrorString(e), job->kernel->name);
    return STATUS_OK;
}

static enum status cuda_launch(const struct backend *b, const struct kernel *kernel, const void *args,
                               long n_rows, size_t scratch)
{
    struct job job = {.kernel = kernel, .args = args, .n_rows = n_rows, .scratch = scratch};
    if (n_rows <= 0)
        return STATUS_OK;
    kernel->buffers(args, n_rows, &job.buffers);
    if (job.buffers.args_size > ARGS_MOST)
        return status_fail(STATUS_SYSTEM, "kernel %s has %zu bytes of arguments, more than %d", kernel->name,
                           job.buffers.args_size, ARGS_MOST);
    pthread_mutex_lock(&lock);
    cudaSetDevice(device); /* of this thread */
    now++;
    const enum status status = run(&job, b);
    pthread_mutex_unlock(&lock);
    return status;
}

static enum status cuda_sgemm(const struct backend *b, bool transpose_a, bool transpose_b, size_t m, size_t n,
                              size_t k, float alpha, const float *A, size_t lda, const float *B, size_t ldb,
                              float beta, float *C, size_t ldc)
{
    const struct gemm args = {A, B, C, lda, ldb, ldc, m, n, k, alpha, beta, transpose_a, transpose_b};
    return cuda_launch(b, &kernel_gemm, &args, gemm_rows(m, n), 0);
}

/* An arena frees memory. */
static void gone(const void *data, size_t bytes)
{
    pthread_mutex_lock(&lock);
    cudaSetDevice(device);
    resident_gone(data, (const char *)data + bytes);
    pthread_mutex_unlock(&lock);
}

static enum status cuda_reside(enum backend_residence what, const void *p, size_t bytes)
{
    struct cuda_resident *clash, *r = NULL;
    cudaError_t e = cudaSuccess;
    pthread_mutex_lock(&lock);
    cudaSetDevice(device);
    if (what != RESIDENCE_KEEP)
        r = resident_find(p, (const char *)p + 1, &clash);
    if (what == RESIDENCE_KEEP)
        e = resident_keep(p, bytes);
    else if (r != NULL && what == RESIDENCE_FETCH)
        e = resident_fetch(r);
    else if (r != NULL && what == RESIDENCE_FORGET)
        resident_forget(r);
    else if (r != NULL && what == RESIDENCE_CHANGED)
        r->host_newer = true, r->device_newer = false;
    pthread_mutex_unlock(&lock);
    return e == cudaSuccess ? STATUS_OK
                            : status_fail(STATUS_SYSTEM, "device cuda: %s; take --device cpu and report this",
                                          cudaGetErrorString(e));
}

static const char *cuda_note(void)
{
    return note[0] != '\0' ? note : NULL;
}

/* A number, perhaps with K, M or G behind it; 0 where it is not set. */
static size_t from_environment(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (text == NULL)
        return 0;
    const size_t n = strtoul(text, &end, 10);
    return *end == 'K' ? n << 10 : *end == 'M' ? n << 20 : *end == 'G' ? n << 30 : n;
}

const struct backend *backend_cuda_open(int threads, const char **why)
{
    static struct backend backends[THREADS_MAX + 1];
    static char reason[256];
    struct cudaDeviceProp properties;
    int n_devices = 0;
    cudaError_t e = cudaGetDeviceCount(&n_devices);
    *why = reason;
    device = (int)from_environment("RECFUSE_CUDA_DEVICE");
    if (e == cudaSuccess && (device < 0 || device >= n_devices)) {
        snprintf(reason, sizeof reason, "there is no CUDA device %d, this machine has %d", device, n_devices);
        return NULL;
    }
    pthread_mutex_lock(&lock);
    if (e == cudaSuccess)
        e = cudaGetDeviceProperties(&properties, device);
    if (e == cudaSuccess)
        e = cuda_memory_open(device, from_environment("RECFUSE_CUDA_MEMORY"));
    if (e == cudaSuccess)
        blas = cuda_blas_open(cuda_lanes[0].stream);
    pthread_mutex_unlock(&lock);
    if (e != cudaSuccess) {
        cudaGetLastError();
        int driver = 0;
        const bool none = cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0;
        snprintf(reason, sizeof reason, "%s",
                 none                             ? "this machine has no NVIDIA driver"
                 : e == cudaErrorMemoryAllocation ? "out of memory on the device"
                                                  : cudaGetErrorString(e));
        return NULL;
    }
    arena_on_free(gone);
    snprintf(card, sizeof card, "%s", properties.name);
    backends[threads] = (struct backend){.name = "cuda",
                                         .card = card,
                                         .threads = threads,
                                         .launch = cuda_launch,
                                         .sgemm = cuda_sgemm,
                                         .reside = cuda_reside,
                                         .note = cuda_note};
    return &backends[threads];
}
