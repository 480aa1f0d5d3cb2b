/*
 * check.h - the checking build's harness: kernels run as 32 fibers a team (team_check.c) on small cases,
 * against double precision, held to the writes they declare.
 *
 * A family file (check_als.c, ...) gives each of its kernels a function of its cases and a declaration of its
 * writes.  A case takes its arrays from check_buffer(), runs the kernel by check_run() and compares by
 * check_near().  Detectors, by the first words of what they print:
 *     site check   lanes of a team wait at different collectives, or some have ended
 *     scratch      more shared memory asked for than given, or written past an allocation's end
 *     write set    a row changed something it did not declare
 *     lane order   the result depends on the order in which lanes and rows run
 *     bound        the result is farther from the double-precision one than its arithmetic allows
 * besides ThreadSanitizer, AddressSanitizer and UndefinedBehaviorSanitizer.
 */
#ifndef CHECK_H
#define CHECK_H
#include <stddef.h>
#include <stdint.h>

#define CHECK_EPS 1.1920928955078125e-7 /* 2^-23 */

/* Says by check_may_write() what row `row` of a launch with these arguments may write. */
typedef void check_writes(const void *args, long row);
/* Runs all cases of one kernel. */
typedef void check_cases(const char *kernel);

struct check_kernel {
    const char *name;
    check_cases *cases;
    check_writes *writes;
};
/* One table a family file, check_NAME, each ended by a NULL name. */
#define FAMILY(name) extern const struct check_kernel check_##name[];
#include "families.h"
#undef FAMILY

/* The table entry of that kernel; NULL: none. */
const struct check_kernel *check_find(const char *name);

/* A mistake planted in a kernel's source by MUTANT() (team.h): the kernel whose cases must reject it, and the
 * kind. */
struct check_mutant {
    const char *name, *kernel, *kind;
    const char *needs; /* the only sanitizer that sees it ("thread", ...); NULL: always rejected */
};
extern const struct check_mutant check_mutants[]; /* ended by a NULL name */

/* An array of the case, zeroed, 64-byte aligned, watched by the write set; lives until the case ends. */
void *check_buffer(const char *name, size_t n, size_t size);
/* The same, of n floats between -1 and 1 (another stream, other numbers). */
float *check_floats(const char *name, size_t n, uint32_t stream);
/* Number i of stream `stream`: in (0, 1), and whole below n. */
float check_unit(uint32_t stream, uint64_t i);
uint32_t check_whole(uint32_t stream, uint64_t i, uint32_t n);
/* A sparse matrix's pointers [n_rows + 1] and rising columns, each there with probability `density`; row 1 is
 * empty. */
void check_sparse(uint32_t stream, int n_rows, int n_cols, double density, int64_t **ptr, uint32_t **idx);

/* In a check_writes function: [p, p + bytes) may be written. */
void check_may_write(const void *p, size_t bytes);
/* Runs the kernel over n_rows rows in several orders of lanes and rows; the buffers hold the result. */
void check_run(const char *kernel, const void *args, long n_rows, size_t scratch);
/* |got - want| <= bound, of element i of what is called `what`. */
void check_near(const char *what, long i, double got, double want, double bound);
/* Ends a case: its buffers go. */
void check_end(void);

/* What fails: the detector's words, then the sentence.  Goes on, unless a mutant is looked for: that ends
 * here. */
void check_fail(const char *detector, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Between team_check.c and check.c. */
void check_row_begins(void);
void check_row_ends(long row);
extern unsigned team_check_seed; /* of the order of lanes and rows; 0: rising */

#endif
