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
#include <ucontext.h>

#include "check.h"
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

enum { STACK = 256 * 1024, ZONE = 64, ALLOCATIONS = 16 };
enum place { START, SYNC, SUM, SUM_INT, MAX, RANK, ENDED };

static struct fiber {
    ucontext_t context;
    char *stack;
    void *tsan;
    enum place place; /* where this lane waits */
    const char *file;
    int line;
    int n_shared; /* allocations asked for */
    unsigned n_syncs;
    struct team team;
} lanes[TEAM_SIZE];
static ucontext_t home;
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
/* What lanes bring to a sum or maximum, and then take. */
static union {
    float f;
    int i;
} slot[TEAM_SIZE];
static int n_flags;                    /* of the last rank: lanes with the flag */
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
    swapcontext(&home, &lanes[i].context);
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
    swapcontext(&lanes[i].context, &home);
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

float team_check_sum(float x, const char *file, int line)
{
    const int me = team_lane_now;
    slot[me].f = x;
    wait_at(SUM, file, line);
    return slot[me].f; /* written anew only when all lanes are at their next sum, or were past it */
}

int team_check_sum_int(int x, const char *file, int line)
{
    const int me = team_lane_now;
    slot[me].i = x;
    wait_at(SUM_INT, file, line);
    return slot[me].i;
}

float team_check_max(float x, const char *file, int line)
{
    const int me = team_lane_now;
    slot[me].f = x;
    wait_at(MAX, file, line);
    return slot[me].f;
}

int team_check_rank(int flag, int *all, const char *file, int line)
{
    const int me = team_lane_now;
    slot[me].i = flag != 0;
    wait_at(RANK, file, line);
    *all = n_flags;
    return slot[me].i;
}

/* All lanes are at the same collective: the xor butterfly of the CUDA build, so that the rounding is the
 * same. */
static void combine_slots(enum place place)
{
    if (place == RANK) {
        n_flags = 0;
        for (int i = 0; i < TEAM_SIZE; i++) {
            const int flag = slot[i].i;
            slot[i].i = n_flags;
            n_flags += flag;
        }
    }
    for (int d = TEAM_SIZE / 2; d > 0 && (place == SUM || place == SUM_INT || place == MAX); d /= 2)
        for (int i = 0; i < TEAM_SIZE; i++) {
            const int j = i ^ d;
            if (j < i)
                continue;
            if (place == SUM)
                slot[i].f = slot[j].f = slot[i].f + slot[j].f;
            else if (place == SUM_INT)
                slot[i].i = slot[j].i = slot[i].i + slot[j].i;
            else
                slot[i].f = slot[j].f = slot[j].f > slot[i].f ? slot[j].f : slot[i].f;
        }
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
    static const char *const names[] = {"start", "sync", "sum", "sum_int", "max", "rank"};
    snprintf(out, sizeof text[0], "waits in team_%s at %s:%d", names[lane->place], lane->file, lane->line);
    return out;
}

static void check_sites(void)
{
    for (int i = 1; i < TEAM_SIZE; i++)
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
        int order[TEAM_SIZE];
        permute(order, TEAM_SIZE);
        for (int i = 0; i < TEAM_SIZE; i++)
            to_lane(order[i]);
        check_sites();
        combine_slots(lanes[0].place);
    } while (lanes[0].place != ENDED);
}

static void begin_row(size_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(arena, size);
    for (size_t i = 0; i < size / sizeof(float); i++)
        ((float *)arena)[i] = NAN;
    ASAN_POISON_MEMORY_REGION(arena, size);
    for (volatile int i = 0; i < TEAM_SIZE;
         i++) { /* volatile: getcontext may return twice, says the compiler */
        struct fiber *lane = &lanes[i];
        getcontext(&lane->context);
        lane->context.uc_stack.ss_sp = lane->stack;
        lane->context.uc_stack.ss_size = STACK;
        lane->context.uc_link = NULL;
        lane->team = (struct team){arena, 0, size};
        lane->place = START;
        lane->n_shared = 0, lane->n_syncs = 0;
        makecontext(&lane->context, lane_main, 0);
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
                   size_t scratch)
{
    const size_t size = (scratch + ZONE * ALLOCATIONS + 63) & ~(size_t)63;
    int *rows = malloc((size_t)(n_rows + 1) * sizeof *rows);
    arena = aligned_alloc(64, size);
    if (rows == NULL || arena == NULL)
        return 1;
    arena_given = (scratch + 15) & ~(size_t)15;
    random_state = team_check_seed;
    row_function = row, row_args = args;
    for (int i = 0; i < TEAM_SIZE && lanes[i].stack == NULL; i++) {
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
