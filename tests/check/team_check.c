/*
 * team_check.c - the CHECK machine of team.h: TEAM_CHECK fibers on one thread.
 *
 * Deterministic.  Finds, without a GPU:
 *   - divergent collectives: lanes that wait at different places, or some that have ended (site check);
 *   - a team_sync left out: under ThreadSanitizer every fiber is a thread of its own and only team_sync orders
 *     memory (a sum does not, on a GPU neither); without it, lanes and rows run in an order permuted by
 *     team_check_seed, so that a race shows as a result that changes;
 *   - shared memory read before it is written (all of it starts as NaN) or used past its end (a zone behind
 *     each allocation: poisoned under AddressSanitizer, otherwise NaNs that must be there when the row ends).
 *
 * This file is compiled without ThreadSanitizer, so that what it does between the lanes is invisible to it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fiber.h"
#include "team.h"

#if defined(CHECK_SAN_thread)
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned);
void __tsan_switch_to_fiber(void *, unsigned);
void __tsan_acquire(void *);
void __tsan_release(void *);
#define ACQUIRE(p) __tsan_acquire(p)
#define RELEASE(p) __tsan_release(p)
#else
#define ACQUIRE(p)
#define RELEASE(p)
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(n))
#endif

enum { STACK = 256 * 1024, ZONE = 64, ALLOCATIONS = 16, WARP = TEAM_CHECK, LANES_MOST = 4 * TEAM_CHECK };
enum place { START, SYNC, SUM, MAX, ARGMAX, BROADCAST, SCAN, ENDED };
enum type { TYPE_float, TYPE_double, TYPE_int };
union value {
    float of_float;
    double of_double;
    int of_int;
};

static struct fiber {
    struct fiber_context context;
    char *stack;
    void *tsan;
    enum place place; /* where this lane waits */
    const char *file;
    int line;
    enum type type; /* what it brings to a collective ... */
    union value x;  /* ... and takes from it */
    int index;      /* with x: of an argmax, or the lane of a broadcast */
    int n_shared;   /* allocations asked for */
    unsigned n_syncs;
    struct team team;
} lanes[LANES_MOST];
static int n_lanes;          /* of a team */
static union value scan_all; /* of the last scan; the next is made only when all lanes have come to it */
static struct fiber_context home;
#if defined(CHECK_SAN_thread)
static void *home_tsan;
/* What orders what.  Two barriers in turn, and other variables for the start of a row than for its end: a
 * lane that runs on to its next sync must not release to what the others have still to acquire, or it would
 * seem to be ordered before them. */
static char barriers[2], row_start, row_end;
#endif
#if defined(__SANITIZE_ADDRESS__)
static const void *home_stack;
static size_t home_stack_size;
#endif
static size_t shared_end[ALLOCATIONS]; /* where each allocation ends, as lane 0 saw it */
static char *arena;
static size_t arena_given; /* bytes the launch gave; zones come on top */

static void (*row_function)(const void *, long, struct team *);
static const void *row_args;
static long row_now;
static unsigned random_state;
unsigned team_check_seed;
int team_lane_now;

static void to_lane(int i)
{
    team_lane_now = i;
#if defined(CHECK_SAN_thread)
    __tsan_switch_to_fiber(lanes[i].tsan, 1); /* 1: orders nothing */
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(NULL, lanes[i].stack, STACK);
#endif
    fiber_switch(&home, &lanes[i].context);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
}

static void to_home(void)
{
    const int i = team_lane_now;
#if defined(CHECK_SAN_thread)
    __tsan_switch_to_fiber(home_tsan, 1);
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(NULL, home_stack, home_stack_size);
#endif
    fiber_switch(&lanes[i].context, &home);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(NULL, &home_stack, &home_stack_size);
#endif
}

static void lane_main(void)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(NULL, &home_stack, &home_stack_size);
#endif
    const int i = team_lane_now;
    ACQUIRE(&row_start);
    row_function(row_args, row_now, &lanes[i].team);
    lanes[i].place = ENDED;
    RELEASE(&row_end);
    to_home();
}

static void wait_at(enum place place, const char *file, int line)
{
    struct fiber *lane = &lanes[team_lane_now];
    lane->place = place, lane->file = file, lane->line = line;
    to_home();
}

void team_check_sync(const char *file, int line)
{
    RELEASE(&barriers[lanes[team_lane_now].n_syncs % 2]);
    wait_at(SYNC, file, line);
    ACQUIRE(&barriers[lanes[team_lane_now].n_syncs % 2]);
    lanes[team_lane_now].n_syncs++;
}

#define COLLECTIVES(T, suffix)                                                                               \
    static T collect_##T(enum place place, T x, int index, const char *file, int line)                       \
    {                                                                                                        \
        struct fiber *lane = &lanes[team_lane_now];                                                          \
        lane->type = TYPE_##T, lane->x.of_##T = x, lane->index = index;                                      \
        wait_at(place, file, line);                                                                          \
        return lane->x.of_##T;                                                                               \
    }                                                                                                        \
    T team_check_sum##suffix(T x, const char *file, int line)                                                \
    {                                                                                                        \
        return collect_##T(SUM, x, 0, file, line);                                                           \
    }                                                                                                        \
    T team_check_max##suffix(T x, const char *file, int line)                                                \
    {                                                                                                        \
        return collect_##T(MAX, x, 0, file, line);                                                           \
    }                                                                                                        \
    int team_check_argmax##suffix(T x, int i, const char *file, int line)                                    \
    {                                                                                                        \
        struct fiber *lane = &lanes[team_lane_now];                                                          \
        collect_##T(ARGMAX, x, i, file, line);                                                               \
        return lane->index;                                                                                  \
    }                                                                                                        \
    T team_check_broadcast##suffix(T x, int m, const char *file, int line)                                   \
    {                                                                                                        \
        return collect_##T(BROADCAST, x, m, file, line);                                                     \
    }                                                                                                        \
    T team_check_scan##suffix(T x, T *all, const char *file, int line)                                       \
    {                                                                                                        \
        const T before = collect_##T(SCAN, x, 0, file, line);                                                \
        *all = scan_all.of_##T;                                                                              \
        return before;                                                                                       \
    }                                                                                                        \
    /* All lanes are at the same collective: what the CUDA build does, in its order, so that the rounding */ \
    /* is the same: within warps by butterflies, then over the warps. */                                     \
    static void combine_pair_##T(enum place place, struct fiber *a, const struct fiber *b)                   \
    {                                                                                                        \
        const T x = a->x.of_##T, y = b->x.of_##T;                                                            \
        if (place == SUM)                                                                                    \
            a->x.of_##T = x + y;                                                                             \
        else if (y > x || (place == ARGMAX && y == x && b->index < a->index))                                \
            a->x.of_##T = y, a->index = b->index;                                                            \
    }                                                                                                        \
    static void reduce_##T(enum place place)                                                                 \
    {                                                                                                        \
        for (int d = WARP / 2; d > 0; d /= 2)                                                                \
            for (int i = 0; i < n_lanes; i++)                                                                \
                if ((i ^ d) > i) {                                                                           \
                    combine_pair_##T(place, &lanes[i], &lanes[i ^ d]);                                       \
                    lanes[i ^ d].x = lanes[i].x, lanes[i ^ d].index = lanes[i].index;                        \
                }                                                                                            \
        for (int w = WARP; w < n_lanes; w += WARP)                                                           \
            combine_pair_##T(place, &lanes[0], &lanes[w]);                                                   \
        for (int i = 1; i < n_lanes; i++)                                                                    \
            lanes[i].x = lanes[0].x, lanes[i].index = lanes[0].index;                                        \
    }                                                                                                        \
    static void scan_##T(void)                                                                               \
    {                                                                                                        \
        T offset = 0;                                                                                        \
        for (int d = 1; d < WARP; d *= 2)                                                                    \
            for (int i = n_lanes - 1; i >= 0; i--)                                                           \
                if (i % WARP >= d)                                                                           \
                    lanes[i].x.of_##T += lanes[i - d].x.of_##T;                                              \
        for (int w = 0; w < n_lanes; w += WARP) {                                                            \
            const T all = lanes[w + WARP - 1].x.of_##T;                                                      \
            for (int i = w + WARP - 1; i > w; i--)                                                           \
                lanes[i].x.of_##T = offset + lanes[i - 1].x.of_##T;                                          \
            lanes[w].x.of_##T = offset;                                                                      \
            offset = offset + all;                                                                           \
        }                                                                                                    \
        scan_all.of_##T = offset;                                                                            \
    }                                                                                                        \
    static void combine_##T(enum place place)                                                                \
    {                                                                                                        \
        if (place == SCAN)                                                                                   \
            scan_##T();                                                                                      \
        else                                                                                                 \
            reduce_##T(place);                                                                               \
    }
COLLECTIVES(float, )
COLLECTIVES(double, _double)
COLLECTIVES(int, _int)

static void broadcast(void)
{
    const int m = lanes[0].index;
    for (int i = 0; i < n_lanes; i++)
        if (lanes[i].index != m || m < 0 || m >= n_lanes) {
            check_fail("site check", "row %ld: lane 0 broadcasts lane %d's number, lane %d lane %d's (of %d)",
                       row_now, m, i, lanes[i].index, n_lanes);
            exit(1);
        }
    for (int i = 0; i < n_lanes; i++)
        if (i != m)
            lanes[i].x = lanes[m].x;
}

static void combine(enum place place)
{
    static void (*const by_type[])(enum place) = {combine_float, combine_double, combine_int};
    if (place == BROADCAST)
        broadcast();
    else if (place >= SUM && place <= SCAN)
        by_type[lanes[0].type](place);
}

void *team_check_shared(struct team *t, size_t bytes)
{
    struct fiber *lane = &lanes[team_lane_now];
    char *p = t->scratch + t->used;
    const int n = lane->n_shared++;
    t->used += ((bytes + 15) & ~(size_t)15) + ZONE;
    if (n >= ALLOCATIONS || t->used - ZONE * ((size_t)n + 1) > arena_given) {
        check_fail("scratch", "row %ld asks for %zu bytes of shared memory in %d parts; %zu were given",
                   row_now, t->used - ZONE * ((size_t)n + 1), n + 1, arena_given);
        exit(1);
    }
    shared_end[n] = (size_t)(p - arena) + bytes;
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    return p;
}

static unsigned next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* 0 .. n - 1, permuted unless the seed is 0. */
static void permute(int *order, int n)
{
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int i = n - 1; team_check_seed != 0 && i > 0; i--) {
        const int j = (int)(next_random() % (unsigned)(i + 1)), kept = order[i];
        order[i] = order[j], order[j] = kept;
    }
}

static const char *place_name(const struct fiber *lane)
{
    static char text[2][120];
    static int turn;
    char *out = text[turn = !turn];
    if (lane->place == ENDED)
        return "has ended";
    static const char *const names[] = {"start", "sync", "sum", "max", "argmax", "broadcast", "scan"};
    snprintf(out, sizeof text[0], "waits in team_%s at %s:%d", names[lane->place], lane->file, lane->line);
    return out;
}

static void check_sites(void)
{
    for (int i = 1; i < n_lanes; i++)
        if (lanes[i].place != lanes[0].place ||
            (lanes[0].place != ENDED &&
             (lanes[i].line != lanes[0].line || strcmp(lanes[i].file, lanes[0].file) != 0))) {
            check_fail("site check", "row %ld: lane 0 %s, lane %d %s", row_now, place_name(&lanes[0]), i,
                       place_name(&lanes[i]));
            exit(1);
        }
}

/* Lanes in their order up to the next collective, until all have ended. */
static void run_lanes(void)
{
    do {
        int order[LANES_MOST];
        permute(order, n_lanes);
        for (int i = 0; i < n_lanes; i++)
            to_lane(order[i]);
        check_sites();
        combine(lanes[0].place);
    } while (lanes[0].place != ENDED);
}

static void begin_row(size_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(arena, size);
    for (size_t i = 0; i < size / sizeof(float); i++)
        ((float *)arena)[i] = NAN;
    ASAN_POISON_MEMORY_REGION(arena, size);
    for (int i = 0; i < n_lanes; i++) {
        struct fiber *lane = &lanes[i];
        fiber_begin(&lane->context, lane->stack, STACK, lane_main);
        lane->team = (struct team){arena, 0, size};
        lane->place = START;
        lane->n_shared = 0, lane->n_syncs = 0;
    }
}

/* NaN's own bytes behind each allocation, still? */
static void check_zones(const size_t size)
{
    const float nan = NAN;
    const int n = lanes[0].n_shared;
    ASAN_UNPOISON_MEMORY_REGION(arena, size);
    for (int i = 0; i < n; i++)
        for (size_t at = shared_end[i]; at < ((shared_end[i] + 15) & ~(size_t)15) + ZONE; at++)
            if (arena[at] != ((const char *)&nan)[at % sizeof nan]) {
                check_fail("scratch", "row %ld writes shared memory %zu bytes past the end of allocation %d",
                           row_now, at - shared_end[i], i);
                return;
            }
}

int team_check_run(void (*row)(const void *, long, struct team *), const void *args, long n_rows,
                   size_t scratch, int team_size)
{
    const size_t size = (scratch + ZONE * ALLOCATIONS + 63) & ~(size_t)63;
    int *rows = malloc((size_t)(n_rows + 1) * sizeof *rows);
    arena = aligned_alloc(64, size);
    if (rows == NULL || arena == NULL)
        return 1;
    arena_given = (scratch + 15) & ~(size_t)15;
    random_state = team_check_seed;
    row_function = row, row_args = args;
    if (team_size > LANES_MOST) {
        fprintf(stderr, "check: a team of %d lanes: raise LANES_MOST\n", team_size);
        exit(2);
    }
    n_lanes = team_size;
    for (int i = 0; i < n_lanes; i++) {
        if (lanes[i].stack != NULL)
            continue;
        lanes[i].stack = malloc(STACK);
        if (lanes[i].stack == NULL)
            return 1;
#if defined(CHECK_SAN_thread)
        home_tsan = __tsan_get_current_fiber();
        lanes[i].tsan = __tsan_create_fiber(0);
#endif
    }
    permute(rows, (int)n_rows);
    for (long i = 0; i < n_rows; i++) {
        row_now = rows[i];
        begin_row(size);
        check_row_begins();
        RELEASE(&row_start); /* lanes start after what came before ... */
        run_lanes();
        ACQUIRE(&row_end); /* ... and what follows comes after the lanes */
        check_zones(size);
        check_row_ends(row_now);
    }
    free(arena), free(rows);
    return 0;
}
