/*
 * backend.h - the machine under the models: threads, BLAS, kernel launches, random numbers.
 *
 * Results never depend on the number of threads: kernels write only their own rows; a product is cut into
 * fixed tiles, each computed by one-threaded BLAS (measured: sgemm of OpenBLAS on 2 threads gives other bits
 * than on 1).
 */
#ifndef BACKEND_H
#define BACKEND_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/csr.h"
#include "base/status.h"
#include "kernels.h"

/* What becomes of an array of the host in a device's memory; see backend_keep() and the rest. */
enum backend_residence { RESIDENCE_KEEP, RESIDENCE_FETCH, RESIDENCE_CHANGED, RESIDENCE_FORGET };

struct backend {
    const char *name;     /* "cpu" or "cuda": part of a cell's key */
    const char *card;     /* the GPU's own name; NULL on the CPU */
    const char *fallback; /* why this is the CPU though cuda was asked for; NULL */
    int threads;
    enum status (*launch)(const struct backend *b, const struct kernel *kernel, const void *args, long n_rows,
                          size_t scratch);
    enum status (*sgemm)(const struct backend *b, bool transpose_a, bool transpose_b, size_t m, size_t n,
                         size_t k, float alpha, const float *A, size_t lda, const float *B, size_t ldb,
                         float beta, float *C, size_t ldc);
    enum status (*reside)(enum backend_residence what, const void *p, size_t bytes); /* NULL: memory is one */
    const char *(*note)(void); /* NULL: nothing to tell; see backend_note() */
};

/* device "cpu", "cuda" or "auto" (cuda where the program has it and a GPU is there, else the CPU).  Where "cuda" cannot be had
 * (built without CUDA, no driver, no device, no memory on it) the CPU takes its place, one warning says why, and so does
 * ->fallback.  threads 0: all cores.  Also sets the number of OpenMP threads of the calling thread and OpenBLAS to one thread. */
enum status backend_open(const char *device, int threads, const struct backend **out);

/* What a record should say of how a run on a device went (launches that ran on the CPU for want of memory, ...), or NULL. Valid
 * until the next call. */
static inline const char *backend_note(const struct backend *b)
{
    return b->note == NULL ? NULL : b->note();
}

static inline enum status backend_launch(const struct backend *b, const struct kernel *kernel,
                                         const void *args, long n_rows, size_t scratch)
{
    return b->launch(b, kernel, args, n_rows, scratch);
}

/* A device with memory of its own copies what a launch reads there and what it writes back, each time (kernels/buffers.c says
 * what that is): arguments are always host memory, and a host that knows nothing of this gets right results.  What follows
 * saves copies; on the CPU it does nothing.
 *
 * backend_keep: the array's copy stays on the device from launch to launch.  From then on, who reads or writes the array on the
 * host says so: backend_fetch() before reading it, or before writing a part of it, after a launch that may have
 * written it; backend_changed() after writing it.  p of these: any address in the array.
 * backend_keep_launch: likewise for every array that such a launch touches.
 * backend_forget: undoes one backend_keep(); after the last one the device's copy is gone, and what only the device has is lost.
 * Memory of an arena is forgotten when the arena is freed, so arrays there need no backend_forget(); others need it before
 * they are freed. */
static inline enum status backend_keep(const struct backend *b, const void *p, size_t bytes)
{
    return b->reside == NULL || p == NULL ? STATUS_OK : b->reside(RESIDENCE_KEEP, p, bytes);
}
static inline enum status backend_fetch(const struct backend *b, const void *p)
{
    return b->reside == NULL || p == NULL ? STATUS_OK : b->reside(RESIDENCE_FETCH, p, 0);
}
static inline enum status backend_changed(const struct backend *b, const void *p)
{
    return b->reside == NULL || p == NULL ? STATUS_OK : b->reside(RESIDENCE_CHANGED, p, 0);
}
static inline enum status backend_forget(const struct backend *b, const void *p)
{
    return b->reside == NULL || p == NULL ? STATUS_OK : b->reside(RESIDENCE_FORGET, p, 0);
}
enum status backend_keep_launch(const struct backend *b, const struct kernel *kernel, const void *args,
                                long n_rows);
enum status backend_keep_csr(const struct backend *b, const struct csr *a);
enum status backend_forget_csr(const struct backend *b, const struct csr *a);

/* C [m x n] = alpha op(A) op(B) + beta C, row-major; op(A) is [m x k], op(B) [k x n].  Leading dimensions in
 * elements. Same bits for any number of threads.  Called from inside a parallel region it runs on the calling
 * thread. */
static inline enum status backend_sgemm(const struct backend *b, bool transpose_a, bool transpose_b, size_t m,
                                        size_t n, size_t k, float alpha, const float *A, size_t lda,
                                        const float *B, size_t ldb, float beta, float *C, size_t ldc)
{
    return b->sgemm(b, transpose_a, transpose_b, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc);
}

/* Random numbers are named by what they are for: Philox4x32-10, key = seed, counter = {index, purpose}.  Each draw is a
 * function of (seed, purpose, index): no state, the same in any thread.  One line a use; never renumber: results change. */
enum random_purpose {
    RANDOM_TIES = 1,
    RANDOM_SPLIT = 2,
    RANDOM_MODEL = 3, /* the random recommender's scores */
    RANDOM_INIT = 4,  /* factors, weights */
    RANDOM_ORDER = 5, /* the order of samples in an epoch */
    RANDOM_NEGATIVES = 6,
    RANDOM_VALIDATION = 7,
    RANDOM_SYNTH = 8, /* the generator takes 8 .. 31 */
    RANDOM_SHUFFLED_TEXT = 32,
    RANDOM_SIGNS = 40, /* randomisation test */
    RANDOM_BOOTSTRAP = 41,
    RANDOM_CANDIDATES = 42, /* sampled negatives of an evaluation */
    RANDOM_CURVE = 43,      /* the pairs on which a fit's loss is watched */
    RANDOM_SEARCH = 44,     /* trials of a hyper-parameter search */
    RANDOM_BANDIT = 45,     /* places that epsilon-greedy gives away */
    RANDOM_SIMULATION = 46, /* what simulated users look at and click */
    RANDOM_STRANGER = 47,   /* the other user, row or text that stands in for the right one */
    RANDOM_PROBE = 48,      /* rows that a language model is asked about */
    RANDOM_CORRUPTION = 49, /* words kept, words replaced */
    RANDOM_FRIENDS = 50,    /* who is whose friend: in a generated set, where shuffled; a friend's item */
    RANDOM_CROSS = 51,      /* questions and items that a decoder is asked about */
    RANDOM_DROPOUT = 64     /* the masks of an encoder's fine-tuning */
};
/* epoch: sub-stream (0 where there is none). */
uint32_t random_u32(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint64_t index);
/* In (0, 1), 52 bits. */
double random_unit(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint64_t index);
/* out[k] = random_unit(seed, purpose, epoch, first + k) for k < n, several at a time. */
void random_units(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint64_t first, size_t n,
                  double *out);
/* Standard normal (Box and Muller 1958). */
double random_normal(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint64_t index);
/* A permutation of 0 .. n - 1 (Fisher and Yates). */
void random_permutation(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint32_t n,
                        uint32_t *out);

#endif
