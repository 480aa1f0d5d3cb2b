/*
 * split_leave_one_out.c - one row of every user is test, one more may be validation.
 *
 * by last: the last by time; rows with the same time, and all rows of a dataset without times, count in the
 * order of the dataset (source order).  by random: the row with the smallest Philox lot keyed by (seed, user,
 * item). A user keeps at least one train row: test is taken from users with two distinct items, validation
 * (the last but one, or the second smallest lot) from users with three.  Of a pair that occurs twice the last
 * row is kept first.
 */
#include "data/split_kinds.h"
#include "data/split_lots.h"

struct leave_one_out_params {
    int by;
    bool valid;
    int seed;
};
enum { BY_LAST, BY_RANDOM };

static const struct param params[] = {
    PARAM_CHOICE(struct leave_one_out_params, by, "last", "last|random",
                 "the user's last row by time, or any"),
    PARAM_BOOL(struct leave_one_out_params, valid, 0, "one more row of a user is validation"),
    PARAM_INT(struct leave_one_out_params, seed, 42, 0, 2147483647, "of the random lots"), PARAM_END};

static double lot(const struct leave_one_out_params *p, const struct interactions *in, uint64_t row)
{
    return lot_of_pair(p->seed, in->user[row], in->item[row]);
}

/* Is row a to be left out before row b (a earlier in the dataset)? */
static bool goes_first(const struct leave_one_out_params *p, const struct interactions *in, uint64_t a,
                       uint64_t b)
{
    if (p->by == BY_LAST)
        return false;
    return lot(p, in, a) <= lot(p, in, b);
}

/* Marks the rows of one user, begin .. end - 1: 2 test, 1 valid. */
static void mark_user(const struct leave_one_out_params *p, const struct interactions *in, uint64_t begin,
                      uint64_t end, uint8_t *part)
{
    uint64_t best = 0, second = 0, n = 0;
    for (uint64_t r = begin; r < end; r++) {
        if (part[r] != 0)
            continue;
        n++;
        if (n == 1 || !goes_first(p, in, best, r)) {
            second = best;
            best = r;
        } else if (n == 2 || !goes_first(p, in, second, r)) {
            second = r;
        }
    }
    if (n >= 2)
        part[best] = 2;
    if (n >= 3 && p->valid)
        part[second] = 1;
}

static enum status apply(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct fold **folds, size_t *n_folds)
{
    uint8_t *part;
    uint64_t n_duplicates;
    TRY(split_parts(d, in, arena, &part, &n_duplicates));
    for (uint64_t begin = 0, end; begin < in->n; begin = end) {
        for (end = begin + 1; end < in->n && in->user[end] == in->user[begin];)
            end++;
        mark_user(values, in, begin, end, part);
    }
    ARENA_NEW(*folds, arena, 1);
    *n_folds = 1;
    (*folds)->n_duplicates = n_duplicates;
    return split_take_fold(in, part, arena, *folds);
}

const struct split_type split_leave_one_out = {
    .name = "leave_one_out",
    .help = "one row of every user is test: the last by time, or a random one",
    .loses =
        "users with one row aren't evaluated; one test row a user is a noisy sample of a taste; train holds "
        "rows of other users that are later than a test row",
    .params = params,
    .params_size = sizeof(struct leave_one_out_params),
    .apply = apply,
};
