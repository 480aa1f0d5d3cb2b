/*
 * team.h - one kernel source, three machines.
 *
 * A kernel computes rows.  A *team* of TEAM_SIZE lanes computes one row:
 *
 *                 CUDA                  CPU                    CHECK (-DTEAM_CHECK=n)
 *   compiler      nvcc -x cu            gcc -fopenmp           gcc -fsanitize=...
 *   team          one warp              one loop iteration     n fibers on one thread
 *   lane          one thread            (SIMD, by the loop)    one fiber
 *   TEAM_SIZE     32 a warp           1                      n a warp
 *   LANE_FOR      k = lane, lane+32..   k = 0, 1, 2.. (simd)   k = lane, lane+n..
 *   LANE_ARRAY    registers, n/32 each  local array, n         local array, n/TEAM_SIZE
 *   team_shared   dynamic __shared__    thread's arena         team's arena, NaN-filled
 *   team_sync     __syncwarp            nothing                barrier + site check
 *
 * Collectives, each for float, double (team_sum_double) and int (team_sum_int); every lane gets the result:
 *
 *   team_sum, team_max        of the lanes' x: 5 xor shuffles; x; the same xor tree
 *   team_argmax(t, x, i)      the i that comes with the largest x; of equal x the smallest i
 *   team_broadcast(t, x, m)   lane m's x; on the CPU the only lane's
 *   team_scan(t, x, &all)     the sum of x over the lanes before this one; all: over all lanes
 *   team_rank(t, flag, &all)  team_scan of a flag: a ballot
 *
 * A file that says #define TEAM_WARPS w before it includes this one has teams of w warps, a block each: the lanes are
 * 32 w, team_sync is __syncthreads, collectives end with a pass over the warps' parts in their order.  For launches of
 * few, long rows.  On the CPU nothing changes.
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

#ifndef TEAM_WARPS
#define TEAM_WARPS 1
#endif

/* A row's view of its team: the scratch bytes left to it. */
struct team {
    char  *scratch; /* base of this team's shared arena */
    size_t used;    /* bytes handed out so far in this row */
    size_t size;    /* bytes in the arena */
};

/* ------------------------------------------------------------- CUDA: warp */
#if defined(__CUDACC__)

#define TEAM_WARP 32
#define TEAM_SIZE (TEAM_WARP * TEAM_WARPS)
#define TEAM_BLOCK (TEAM_WARPS > 4 ? TEAM_SIZE : 128) /* threads per block: 4 teams of one warp */
#define TEAM_FN static __device__ __forceinline__
#define TEAM_FMA(x, y, z) fmaf(x, y, z)
#define TEAM_RESTRICT __restrict__
#define TEAM_LANE ((int)(threadIdx.x % (unsigned)TEAM_SIZE))
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

#if TEAM_WARPS == 1
#define team_sync(t) __syncwarp()
#else
#define team_sync(t) __syncthreads()
#endif
#define TEAM_ALL_LANES 0xffffffffu
#define TEAM_IN_WARP ((int)(threadIdx.x % TEAM_WARP))
#define TEAM_MY_WARP (TEAM_LANE / TEAM_WARP)

/* From the warps' results to the team's: each x in turn is y, and `take` adds it to the one before. */
#define TEAM_ACROSS(type, x, y, take)                                          \
    if (TEAM_WARPS > 1) {                                                      \
        __shared__ type part[TEAM_WARPS];                                      \
        if (TEAM_IN_WARP == 0) part[TEAM_MY_WARP] = x;                         \
        __syncthreads();                                                       \
        x = part[0];                                                           \
        for (int w = 1; w < TEAM_WARPS; w++) {                                 \
            const type y = part[w];                                            \
            take;                                                              \
        }                                                                      \
        __syncthreads(); /* all have read: the next may write */               \
    }

#define TEAM_COLLECTIVES(type, suffix)                                         \
    TEAM_FN type team_sum##suffix(struct team *t, type x)                      \
    {                                                                          \
        (void)t;                                                               \
        TEAM_PRAGMA(unroll)                                                    \
        for (int d = TEAM_WARP / 2; d > 0; d /= 2)                             \
            x += __shfl_xor_sync(TEAM_ALL_LANES, x, d);                        \
        TEAM_ACROSS(type, x, y, x += y)                                        \
        return x;                                                              \
    }                                                                          \
    TEAM_FN type team_max##suffix(struct team *t, type x)                      \
    {                                                                          \
        (void)t;                                                               \
        TEAM_PRAGMA(unroll)                                                    \
        for (int d = TEAM_WARP / 2; d > 0; d /= 2) {                           \
            const type y = __shfl_xor_sync(TEAM_ALL_LANES, x, d);              \
            x = y > x ? y : x;                                                 \
        }                                                                      \
        TEAM_ACROSS(type, x, y, x = y > x ? y : x)                             \
        return x;                                                              \
    }                                                                          \
    struct team_pair##suffix {                                                 \
        type x;                                                                \
        int  i;                                                                \
    };                                                                         \
    TEAM_FN int team_argmax##suffix(struct team *t, type x, int i)             \
    {                                                                          \
        struct team_pair##suffix p = {x, i};                                   \
        (void)t;                                                               \
        TEAM_PRAGMA(unroll)                                                    \
        for (int d = TEAM_WARP / 2; d > 0; d /= 2) {                           \
            const type y = __shfl_xor_sync(TEAM_ALL_LANES, p.x, d);            \
            const int  j = __shfl_xor_sync(TEAM_ALL_LANES, p.i, d);            \
            if (y > p.x || (y == p.x && j < p.i)) p.x = y, p.i = j;            \
        }                                                                      \
        TEAM_ACROSS(struct team_pair##suffix, p, q,                            \
                    if (q.x > p.x || (q.x == p.x && q.i < p.i)) p = q)         \
        return p.i;                                                            \
    }                                                                          \
    TEAM_FN type team_broadcast##suffix(struct team *t, type x, int lane)      \
    {                                                                          \
        (void)t;                                                               \
        x = __shfl_sync(TEAM_ALL_LANES, x, lane % TEAM_WARP);                  \
        if (TEAM_WARPS > 1) {                                                  \
            __shared__ type one;                                               \
            if (TEAM_LANE == lane) one = x;                                    \
            __syncthreads();                                                   \
            x = one;                                                           \
            __syncthreads();                                                   \
        }                                                                      \
        return x;                                                              \
    }                                                                          \
    TEAM_FN type team_scan##suffix(struct team *t, type x, type *all)          \
    {                                                                          \
        (void)t;                                                               \
        TEAM_PRAGMA(unroll)                                                    \
        for (int d = 1; d < TEAM_WARP; d *= 2) {                               \
            const type y = __shfl_up_sync(TEAM_ALL_LANES, x, d);               \
            if (TEAM_IN_WARP >= d) x += y;                                     \
        }                                                                      \
        type before = __shfl_up_sync(TEAM_ALL_LANES, x, 1);                    \
        if (TEAM_IN_WARP == 0) before = 0;                                     \
        *all = __shfl_sync(TEAM_ALL_LANES, x, TEAM_WARP - 1);                  \
        team_scan_across##suffix(&before, all);                                \
        return before;                                                         \
    }
#define TEAM_SCAN_ACROSS(type, suffix)                                         \
    TEAM_FN void team_scan_across##suffix(type *before, type *all)             \
    {                                                                          \
        if (TEAM_WARPS > 1) {                                                  \
            __shared__ type part[TEAM_WARPS];                                  \
            type sum = 0;                                                      \
            if (TEAM_IN_WARP == 0) part[TEAM_MY_WARP] = *all;                  \
            __syncthreads();                                                   \
            for (int w = 0; w < TEAM_WARPS; w++) {                             \
                if (w == TEAM_MY_WARP) *before = sum + *before;                \
                sum += part[w];                                                \
            }                                                                  \
            *all = sum;                                                        \
            __syncthreads();                                                   \
        }                                                                      \
    }
TEAM_SCAN_ACROSS(float, )
TEAM_SCAN_ACROSS(double, _double)
TEAM_SCAN_ACROSS(int, _int)
TEAM_COLLECTIVES(float, )
TEAM_COLLECTIVES(double, _double)
TEAM_COLLECTIVES(int, _int)

TEAM_FN int team_rank(struct team *t, int flag, int *all)
{
    const unsigned word = __ballot_sync(TEAM_ALL_LANES, flag);
    int before = __popc(word & ((1u << TEAM_IN_WARP) - 1));
    (void)t;
    *all = __popc(word);
    team_scan_across_int(&before, all);
    return before;
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
                                long n_rows, size_t scratch, int team_size);

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
                                n_rows, scratch, TEAM_SIZE);                   \
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
                                scratch, TEAM_SIZE);                           \
    }

/* ------------------------------------------- CHECK: fibers on one thread */
#elif defined(TEAM_CHECK)

#define TEAM_SIZE (TEAM_CHECK * TEAM_WARPS)
#define TEAM_FN static inline
#define TEAM_FMA(x, y, z) __builtin_fmaf(x, y, z)
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
void *team_check_shared(struct team *t, size_t bytes);
int   team_check_run(void (*row)(const void *, long, struct team *),
                     const void *args, long n_rows, size_t scratch, int team_size);
#define team_sync(t) ((void)(t), team_check_sync(__FILE__, __LINE__))
#define TEAM_CHECK_COLLECTIVES(type, suffix)                                   \
    type team_check_sum##suffix(type x, const char *file, int line);           \
    type team_check_max##suffix(type x, const char *file, int line);           \
    int  team_check_argmax##suffix(type x, int i, const char *file, int line); \
    type team_check_broadcast##suffix(type x, int m, const char *file,         \
                                      int line);                               \
    type team_check_scan##suffix(type x, type *all, const char *file, int line);
TEAM_CHECK_COLLECTIVES(float, )
TEAM_CHECK_COLLECTIVES(double, _double)
TEAM_CHECK_COLLECTIVES(int, _int)
#define TEAM_AT(t, call, ...)                                                  \
    ((void)(t), team_check_##call(__VA_ARGS__, __FILE__, __LINE__))
#define team_sum(t, x) TEAM_AT(t, sum, x)
#define team_sum_double(t, x) TEAM_AT(t, sum_double, x)
#define team_sum_int(t, x) TEAM_AT(t, sum_int, x)
#define team_max(t, x) TEAM_AT(t, max, x)
#define team_max_double(t, x) TEAM_AT(t, max_double, x)
#define team_max_int(t, x) TEAM_AT(t, max_int, x)
#define team_argmax(t, x, i) TEAM_AT(t, argmax, x, i)
#define team_argmax_double(t, x, i) TEAM_AT(t, argmax_double, x, i)
#define team_argmax_int(t, x, i) TEAM_AT(t, argmax_int, x, i)
#define team_broadcast(t, x, m) TEAM_AT(t, broadcast, x, m)
#define team_broadcast_double(t, x, m) TEAM_AT(t, broadcast_double, x, m)
#define team_broadcast_int(t, x, m) TEAM_AT(t, broadcast_int, x, m)
#define team_scan(t, x, all) TEAM_AT(t, scan, x, all)
#define team_scan_double(t, x, all) TEAM_AT(t, scan_double, x, all)
#define team_scan_int(t, x, all) TEAM_AT(t, scan_int, x, all)
#define team_rank(t, flag, all) TEAM_AT(t, scan_int, (flag) != 0, all)
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
        return team_check_run(name##_row_, args, n_rows, scratch, TEAM_SIZE);  \
    }

/* ------------------------------------------------- CPU: a one-lane warp */
#else

#include <stdlib.h>

#define TEAM_SIZE 1
#define TEAM_FN static inline __attribute__((always_inline))
#define TEAM_FMA(x, y, z) __builtin_fmaf(x, y, z)
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
/* One lane: what it brings is the result.  The arguments are evaluated once. */
#define TEAM_COLLECTIVES(type, suffix)                                         \
    TEAM_FN type team_sum##suffix(struct team *t, type x)                      \
    {                                                                          \
        (void)t;                                                               \
        return x;                                                              \
    }                                                                          \
    TEAM_FN type team_max##suffix(struct team *t, type x)                      \
    {                                                                          \
        (void)t;                                                               \
        return x;                                                              \
    }                                                                          \
    TEAM_FN int team_argmax##suffix(struct team *t, type x, int i)             \
    {                                                                          \
        (void)t, (void)x;                                                      \
        return i;                                                              \
    }                                                                          \
    TEAM_FN type team_broadcast##suffix(struct team *t, type x, int lane)      \
    {                                                                          \
        (void)t, (void)lane;                                                   \
        return x;                                                              \
    }                                                                          \
    TEAM_FN type team_scan##suffix(struct team *t, type x, type *all)          \
    {                                                                          \
        (void)t;                                                               \
        *all = x;                                                              \
        return 0;                                                              \
    }
TEAM_COLLECTIVES(float, )
TEAM_COLLECTIVES(double, _double)
TEAM_COLLECTIVES(int, _int)
#define team_rank(t, flag, all) team_scan_int(t, (flag) != 0, all)

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
