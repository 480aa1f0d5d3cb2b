/*
 * team.h - one kernel source, three machines.
 *
 * A kernel computes rows.  A *team* of TEAM_SIZE lanes computes one row:
 *
 *                 CUDA                  CPU                    CHECK (-DTEAM_CHECK=n)
 *   compiler      nvcc -x cu            gcc -fopenmp           gcc -fsanitize=...
 *   team          one warp              one loop iteration     n fibers on one thread
 *   lane          one thread            (SIMD, by the loop)    one fiber
 *   TEAM_SIZE     32                    1                      n
 *   LANE_FOR      k = lane, lane+32..   k = 0, 1, 2.. (simd)   k = lane, lane+n..
 *   LANE_ARRAY    registers, n/32 each  local array, n         local array, n/TEAM_SIZE
 *   team_shared   dynamic __shared__    thread's arena         team's arena, NaN-filled
 *   team_sum      5 xor shuffles        identity               same xor tree, in order
 *   team_max, team_sum_int: likewise
 *   team_rank     ballot, popc          0                      lanes before mine
 *   team_sync     __syncwarp            nothing                barrier + site check
 *
 * Rules a kernel obeys: every lane reaches every team_* call (collectives are
 * never under a lane-dependent branch); what one lane writes to team_shared
 * memory another lane reads only after team_sync; a row writes only its own
 * output.  The CHECK build enforces all three.
 */
#ifndef TEAM_H
#define TEAM_H

#include <stddef.h>
#include <stdint.h>

#define TEAM_PRAGMA(...) _Pragma(#__VA_ARGS__)
#define TEAM_CEIL(a, b) (((a) + (b) - 1) / (b))

/* Mistakes that the checking build must reject (tests/check/mutants.c, docs/kernels.md).  MUTANT(name, wrong, right) is
 * `right`, and MUTANT_LEAVE(name, condition, value) nothing, in every build but CHECK; there, `check --mutant NAME` takes the
 * wrong expression, or lets the lanes of the condition return (the value). */
#if !defined(TEAM_CHECK) || defined(__CUDACC__)
#define MUTANT(name, wrong, right) (right)
#define MUTANT_LEAVE(name, condition, ...) ((void)0)
#endif

/* A row's view of its team: the scratch bytes left to it. */
struct team {
    char  *scratch; /* base of this team's shared arena */
    size_t used;    /* bytes handed out so far in this row */
    size_t size;    /* bytes in the arena */
};

/* ------------------------------------------------------------- CUDA: warp */
#if defined(__CUDACC__)

#define TEAM_SIZE 32
#define TEAM_BLOCK 128 /* threads per block: 4 teams */
#define TEAM_FN static __device__ __forceinline__
#define TEAM_RESTRICT __restrict__
#define TEAM_LANE ((int)(threadIdx.x & 31u))
#define TEAM_NAME(name) name##_cuda

/* The slot counter, not the index, is the loop variable, so that a constant n
 * unrolls fully and LANE_ARRAY stays in registers. */
#define LANE_FOR(k, n)                                                         \
    TEAM_PRAGMA(unroll)                                                        \
    for (int k##_slot = 0, k = TEAM_LANE; k##_slot < TEAM_CEIL(n, TEAM_SIZE);  \
         k##_slot++, k += TEAM_SIZE)                                           \
        if (!(k < (n))) {                                                      \
        } else
#define LANE_SUM(k, n, ...) LANE_FOR (k, n)
#define LANE_MAX(k, n, ...) LANE_FOR (k, n)
#define LANE_ARRAY(type, name, n) type name[TEAM_CEIL(n, TEAM_SIZE)]
#define OWN(name, k) name[(k) / TEAM_SIZE]
#define TEAM_UNROLL TEAM_PRAGMA(unroll)

#define team_sync(t) __syncwarp()

TEAM_FN float team_sum(struct team *t, float x)
{
    (void)t;
    TEAM_PRAGMA(unroll)
    for (int d = TEAM_SIZE / 2; d > 0; d /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, d);
    return x;
}

TEAM_FN int team_sum_int(struct team *t, int x)
{
    (void)t;
    TEAM_PRAGMA(unroll)
    for (int d = TEAM_SIZE / 2; d > 0; d /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, d);
    return x;
}

TEAM_FN float team_max(struct team *t, float x)
{
    (void)t;
    TEAM_PRAGMA(unroll)
    for (int d = TEAM_SIZE / 2; d > 0; d /= 2) {
        const float y = __shfl_xor_sync(0xffffffffu, x, d);
        x = y > x ? y : x;
    }
    return x;
}

TEAM_FN int team_rank(struct team *t, int flag, int *all)
{
    const unsigned word = __ballot_sync(0xffffffffu, flag);
    (void)t;
    *all = __popc(word);
    return __popc(word & ((1u << TEAM_LANE) - 1));
}

TEAM_FN void *team_shared(struct team *t, size_t bytes)
{
    char *p = t->scratch + t->used;
    t->used += (bytes + 15) & ~(size_t)15;
    return p;
}

/* Defines  int name_cuda(const void *args, long n_rows, size_t scratch); blocks, shared memory and, for LARGE, the arenas in
 * device memory that teams get when their scratch exceeds what a block may share: team_cuda_launch (backend/cuda_launch.c).
 * Launch bounds without the 1 make ptxas hold some kernels to few registers, and spill. */
extern "C" int team_cuda_launch(const void *kernel, const void *large, const void *args,
                                long n_rows, size_t scratch);

#define TEAM_CUDA_ROWS(args_t, arena, call)                                    \
    const args_t *a = &args;                                                   \
    const int     in_block = (int)blockDim.x / TEAM_SIZE;                      \
    const long    teams = (long)gridDim.x * in_block;                          \
    const int     mine = (int)threadIdx.x / TEAM_SIZE;                         \
    const long    first = (long)blockIdx.x * in_block + mine;                  \
    for (long row = first_row + first; row < n_rows; row += teams) {           \
        struct team  team = {arena, 0, scratch};                               \
        struct team *t = &team;                                                \
        call;                                                                  \
        team_sync(t);                                                          \
    }
#define TEAM_CUDA_KERNEL(name, args_t, call)                                   \
    extern "C" __global__ void __launch_bounds__(TEAM_BLOCK, 1) name##_global(    \
        const args_t args, long first_row, long n_rows, size_t scratch,        \
        char *)                                                                \
    {                                                                          \
        extern __shared__ __align__(16) char team_arena[];                     \
        TEAM_CUDA_ROWS(args_t, team_arena + mine * scratch, call)              \
    }
#define TEAM_KERNEL(name, args_t, call)                                        \
    TEAM_CUDA_KERNEL(name, args_t, call)                                       \
    extern "C" int name##_cuda(const void *args, long n_rows, size_t scratch)  \
    {                                                                          \
        return team_cuda_launch((const void *)name##_global, NULL, args,       \
                                n_rows, scratch);                              \
    }
#define TEAM_KERNEL_LARGE(name, args_t, call)                                  \
    TEAM_CUDA_KERNEL(name, args_t, call)                                       \
    extern "C" __global__ void __launch_bounds__(TEAM_BLOCK, 1) name##_large(     \
        const args_t args, long first_row, long n_rows, size_t scratch,        \
        char *arena)                                                           \
    {                                                                          \
        TEAM_CUDA_ROWS(args_t, arena + first * scratch, call)                  \
    }                                                                          \
    extern "C" int name##_cuda(const void *args, long n_rows, size_t scratch)  \
    {                                                                          \
        return team_cuda_launch((const void *)name##_global,                   \
                                (const void *)name##_large, args, n_rows,      \
                                scratch);                                      \
    }

/* ------------------------------------------- CHECK: fibers on one thread */
#elif defined(TEAM_CHECK)

#define TEAM_SIZE TEAM_CHECK
#define TEAM_FN static inline
#define TEAM_RESTRICT restrict
#define TEAM_NAME(name) name##_check
extern int team_lane_now; /* the fiber that runs */
#define TEAM_LANE team_lane_now
#define LANE_FOR(k, n) for (int k = TEAM_LANE; k < (n); k += TEAM_SIZE)
#define LANE_SUM(k, n, ...) LANE_FOR (k, n)
#define LANE_MAX(k, n, ...) LANE_FOR (k, n)
#define LANE_ARRAY(type, name, n) type name[TEAM_CEIL(n, TEAM_SIZE)]
#define OWN(name, k) name[(k) / TEAM_SIZE]
#define TEAM_UNROLL

extern const char *team_mutant_now; /* the mistake that is planted; NULL: none */
int team_mutant_is(const char *name);
#define TEAM_MUTANT(name) (team_mutant_now != NULL && team_mutant_is(#name))
#define MUTANT(name, wrong, right) (TEAM_MUTANT(name) ? (wrong) : (right))
#define MUTANT_LEAVE(name, condition, ...)                                     \
    do {                                                                       \
        if (TEAM_MUTANT(name) && (condition)) return __VA_ARGS__;              \
    } while (0)

void  team_check_sync(const char *file, int line);
float team_check_sum(float x, const char *file, int line);
int   team_check_sum_int(int x, const char *file, int line);
float team_check_max(float x, const char *file, int line);
int   team_check_rank(int flag, int *all, const char *file, int line);
void *team_check_shared(struct team *t, size_t bytes);
int   team_check_run(void (*row)(const void *, long, struct team *),
                     const void *args, long n_rows, size_t scratch);
#define team_sync(t) ((void)(t), team_check_sync(__FILE__, __LINE__))
#define team_sum(t, x) ((void)(t), team_check_sum(x, __FILE__, __LINE__))
#define team_sum_int(t, x) ((void)(t), team_check_sum_int(x, __FILE__, __LINE__))
#define team_max(t, x) ((void)(t), team_check_max(x, __FILE__, __LINE__))
#define team_rank(t, flag, all) ((void)(t), team_check_rank(flag, all, __FILE__, __LINE__))
#define team_shared(t, bytes) team_check_shared(t, bytes)

#define TEAM_KERNEL(name, args_t, call)                                        \
    static void name##_row_(const void *v, long row, struct team *t)           \
    {                                                                          \
        const args_t *a = (const args_t *)v;                                   \
        call;                                                                  \
    }                                                                          \
    int name##_check(const void *args, long n_rows, size_t scratch);           \
    int name##_check(const void *args, long n_rows, size_t scratch)            \
    {                                                                          \
        return team_check_run(name##_row_, args, n_rows, scratch);             \
    }

/* ------------------------------------------------- CPU: a one-lane warp */
#else

#include <stdlib.h>

#define TEAM_SIZE 1
#define TEAM_FN static inline __attribute__((always_inline))
#define TEAM_RESTRICT restrict
#define TEAM_LANE 0
#define TEAM_NAME(name) name##_cpu
#define LANE_FOR(k, n) TEAM_PRAGMA(omp simd) for (int k = 0; k < (n); k++)
#define LANE_SUM(k, n, ...)                                                    \
    TEAM_PRAGMA(omp simd reduction(+ : __VA_ARGS__))                           \
    for (int k = 0; k < (n); k++)
#define LANE_MAX(k, n, ...)                                                    \
    TEAM_PRAGMA(omp simd reduction(max : __VA_ARGS__))                         \
    for (int k = 0; k < (n); k++)
#define LANE_ARRAY(type, name, n) _Alignas(64) type name[n]
#define OWN(name, k) name[k]
#define TEAM_UNROLL TEAM_PRAGMA(GCC unroll 16)
#define team_sync(t) ((void)(t))
#define team_sum(t, x) ((void)(t), (x))
#define team_sum_int(t, x) ((void)(t), (x))
#define team_max(t, x) ((void)(t), (x))
#define team_rank(t, flag, all) ((void)(t), *(all) = (flag), 0)

TEAM_FN void *team_shared(struct team *t, size_t bytes)
{
    char *p = t->scratch + t->used;
    t->used += (bytes + 63) & ~(size_t)63;
    return p;
}

#define TEAM_KERNEL(name, args_t, call)                                        \
    int name##_cpu(const void *args, long n_rows, size_t scratch);             \
    int name##_cpu(const void *args, long n_rows, size_t scratch)              \
    {                                                                          \
        const args_t *a = (const args_t *)args;                                \
        int failed = 0;                                                        \
        scratch = (scratch + 4096) & ~(size_t)4095; /* at least a page */      \
        TEAM_PRAGMA(omp parallel reduction(| : failed))                        \
        {                                                                      \
            char *arena = (char *)aligned_alloc(64, scratch);                  \
            failed = arena == NULL;                                            \
            TEAM_PRAGMA(omp for schedule(dynamic, n_rows < 1024 ? 1 : 16))     \
            for (long row = 0; row < n_rows; row++) {                          \
                if (failed) continue;                                          \
                struct team  team = {arena, 0, scratch};                       \
                struct team *t = &team;                                        \
                call;                                                          \
            }                                                                  \
            free(arena);                                                       \
        }                                                                      \
        return failed;                                                         \
    }

#endif

/* A kernel whose scratch grows with the data: on CUDA it may exceed shared memory, so it is compiled a second time for
 * arenas in device memory. */
#ifndef TEAM_KERNEL_LARGE
#define TEAM_KERNEL_LARGE TEAM_KERNEL
#endif
#endif
