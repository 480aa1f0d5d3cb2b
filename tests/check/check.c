/*
 * check.c - runs every kernel of kernels/list.h in the checking build; prints a line a kernel and what was
 * found.
 *
 *   check                  all kernels; exit status 1 when one has no case or fails
 *   check KERNEL           that one
 *   check --mutant NAME    the cases of that mutant's kernel with the mistake planted; stops at the first
 * rejection check --mutants        the list of mutants: name, kernel, kind, what it needs
 */
#include "check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int launcher(const void *args, long n_rows, size_t scratch);
#define KERNEL(name, args) launcher name##_check;
#include "list.h"
#undef KERNEL
static const struct {
    const char *name;
    launcher *check;
} launchers[] = {
#define KERNEL(name, args) {#name, name##_check},
#include "list.h"
#undef KERNEL
};
enum { N_KERNELS = sizeof launchers / sizeof *launchers, N_BUFFERS = 24, N_SPANS = 512 };

/* Orders of lanes and rows that each launch runs in; 0: rising.  Sanitizers cost, and see more in one run. */
#if defined(CHECK_SAN_thread) || defined(CHECK_SAN_address)
static const unsigned seeds[] = {0, 1};
#else
static const unsigned seeds[] = {0, 1, 77};
#endif
enum { N_SEEDS = sizeof seeds / sizeof *seeds };

static struct buffer {
    const char *name;
    char *data, *before, *start,
        *first;         /* now; when the row began; when the launch began; the first order's result */
    size_t bytes, size; /* size of an element */
} buffers[N_BUFFERS];
static int n_buffers;
static struct {
    const char *from;
    size_t bytes;
} spans[N_SPANS]; /* what the row may write */
static int n_spans;

const char *team_mutant_now; /* NULL: none */
static int mutant_reached;
static const struct check_kernel *kernel; /* the one at work */
static const void *args_now;
static int n_launches, n_failed, n_findings;
static double worst;

int team_mutant_is(const char *name); /* team.h */
int team_mutant_is(const char *name)
{
    const int is = strcmp(name, team_mutant_now) == 0;
    mutant_reached |= is;
    return is;
}

void check_fail(const char *detector, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (n_failed++ < 5 || team_mutant_now != NULL) {
        printf("%s: %s: ", detector, kernel == NULL ? "check" : kernel->name);
        vprintf(format, list);
        printf("\n");
        fflush(stdout);
    }
    va_end(list);
    if (team_mutant_now != NULL)
        exit(1);
}

/* The sanitizers call these with each report. */
void __tsan_on_report(void *report);
void __tsan_on_report(void *report)
{
    (void)report;
    n_findings++;
}
void __ubsan_on_report(void);
void __ubsan_on_report(void)
{
    n_findings++;
}

static void *must(void *p)
{
    if (p == NULL) {
        fprintf(stderr, "check: out of memory\n");
        exit(2);
    }
    return p;
}

void *check_buffer(const char *name, size_t n, size_t size)
{
    if (n_buffers == N_BUFFERS) {
        fprintf(stderr, "check: more than %d buffers in a case of %s: raise N_BUFFERS\n", N_BUFFERS,
                kernel->name);
        exit(2);
    }
    struct buffer *b = &buffers[n_buffers++];
    *b = (struct buffer){.name = name, .bytes = n * size, .size = size};
    void *p = NULL; /* not aligned_alloc: an allocation of exactly n elements, so that its end is guarded */
    if (posix_memalign(&p, 64, b->bytes + (b->bytes == 0)) != 0)
        must(NULL);
    memset(p, 0, b->bytes);
    b->data = p;
    b->before = must(malloc(b->bytes + 1)), b->start = must(malloc(b->bytes + 1));
    b->first = must(malloc(b->bytes + 1));
    return p;
}

void check_end(void)
{
    for (int i = 0; i < n_buffers; i++)
        free(buffers[i].data), free(buffers[i].before), free(buffers[i].start), free(buffers[i].first);
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

void check_may_write(const void *p, size_t bytes)
{
    if (n_spans == N_SPANS) {
        fprintf(stderr, "check: %s: a row declares more than %d spans: raise N_SPANS\n", kernel->name,
                N_SPANS);
        exit(2);
    }
    spans[n_spans].from = p, spans[n_spans++].bytes = bytes;
}

void check_row_begins(void)
{
    for (int i = 0; i < n_buffers; i++)
        memcpy(buffers[i].before, buffers[i].data, buffers[i].bytes);
}

/* Everything but the row's spans is as it was. */
void check_row_ends(long row)
{
    n_spans = 0;
    kernel->writes(args_now, row);
    for (int i = 0; i < n_buffers; i++) {
        struct buffer *b = &buffers[i];
        for (int s = 0; s < n_spans; s++) /* allowed: taken over into the copy */
            if (spans[s].from >= b->data && spans[s].from < b->data + b->bytes) {
                const size_t at = (size_t)(spans[s].from - b->data);
                memcpy(b->before + at, spans[s].from,
                       spans[s].bytes < b->bytes - at ? spans[s].bytes : b->bytes - at);
            }
        if (memcmp(b->before, b->data, b->bytes) == 0)
            continue;
        size_t at = 0;
        while (b->before[at] == b->data[at])
            at++;
        check_fail("write set", "row %ld changes %s[%zu], which it does not declare", row, b->name,
                   at / b->size);
    }
}

static void compare_with_first_order(unsigned seed)
{
    for (int i = 0; i < n_buffers; i++) {
        const struct buffer *b = &buffers[i];
        if (memcmp(b->first, b->data, b->bytes) == 0)
            continue;
        size_t at = 0;
        while (b->first[at] == b->data[at])
            at++;
        check_fail("lane order", "%s[%zu] is not the same when lanes and rows run in order %u", b->name,
                   at / b->size, seed);
    }
}

void check_run(const char *name, const void *args, long n_rows, size_t scratch)
{
    int which = 0;
    while (strcmp(launchers[which].name, name) != 0)
        which++;
    args_now = args;
    n_launches++;
    for (int i = 0; i < n_buffers; i++)
        memcpy(buffers[i].start, buffers[i].data, buffers[i].bytes);
    for (int s = 0; s < N_SEEDS; s++) {
        for (int i = 0; i < n_buffers; i++)
            memcpy(buffers[i].data, buffers[i].start, buffers[i].bytes);
        team_check_seed = seeds[s];
        if (launchers[which].check(args, n_rows, scratch) != 0)
            must(NULL);
        if (s > 0)
            compare_with_first_order(seeds[s]);
        for (int i = 0; i < n_buffers && s == 0; i++)
            memcpy(buffers[i].first, buffers[i].data, buffers[i].bytes);
    }
}

/* 1: it fails. */
static int check_kernel_named(const char *name)
{
    kernel = check_find(name);
    n_launches = n_failed = n_findings = 0;
    worst = 0;
    if (kernel == NULL) {
        printf("not ok %-22s has no case: write one in tests/check\n", name);
        return 1;
    }
    kernel->cases(name);
    const int failed = n_failed > 0 || n_findings > 0 || n_launches == 0;
    printf("%s %-22s %3d cases, worst error / bound %6.3f, sanitizer findings %d, failures %d\n",
           failed ? "not ok" : "ok", name, n_launches, worst, n_findings, n_failed);
    fflush(stdout);
    return failed;
}

/* 0 when nothing rejects the mutant, 3 when its line is never reached. */
static int check_mutant_named(const char *name)
{
    const struct check_mutant *m = check_mutants;
    while (m->name != NULL && strcmp(m->name, name) != 0)
        m++;
    kernel = m->name == NULL ? NULL : check_find(m->kernel);
    if (kernel == NULL) {
        fprintf(stderr, "check: no mutant %s (see check --mutants)\n", name);
        return 2;
    }
    team_mutant_now = m->name;
    kernel->cases(m->kernel);
    if (!mutant_reached)
        printf("not reached: %s in %s\n", name, m->kernel);
    return mutant_reached ? n_failed > 0 || n_findings > 0 : 3;
}

int main(int argc, char **argv)
{
    int n_bad = 0;
    if (argc == 3 && strcmp(argv[1], "--mutant") == 0)
        return check_mutant_named(argv[2]);
    if (argc == 2 && strcmp(argv[1], "--mutants") == 0) {
        for (const struct check_mutant *m = check_mutants; m->name != NULL; m++)
            printf("%s\t%s\t%s\t%s\n", m->name, m->kernel, m->kind, m->needs == NULL ? "-" : m->needs);
        return 0;
    }
    if (argc == 2)
        return check_kernel_named(argv[1]);
    for (int i = 0; i < N_KERNELS; i++)
        n_bad += check_kernel_named(launchers[i].name);
    printf("%d kernels, %d failed\n", N_KERNELS, n_bad);
    return n_bad > 0;
}
