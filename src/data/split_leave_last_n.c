/*
 * split_leave_last_n.c - the last n rows of every user are test, the n before may be validation.
 *
 * The last by time; rows with equal times, and all rows of a dataset without times, count in the order of the
 * source.  A user keeps at least one train row: with n + 1 distinct items there is a test part, with n + valid + 1
 * a validation part too; else all rows stay in train.  Of a pair that occurs twice the last row is kept first.
 */
#include "data/split_kinds.h"
#include "data/split_last.h"

struct leave_last_n_params {
    int n, valid;
};

static const struct param params[] = {
    PARAM_INT(struct leave_last_n_params, n, 5, 1, 1000000, "test rows a user"),
    PARAM_INT(struct leave_last_n_params, valid, 0, 0, 1000000, "validation rows a user, those before"),
    PARAM_END};

static enum status apply(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct fold **folds, size_t *n_folds)
{
    const struct leave_last_n_params *p = values;
    uint8_t *part;
    ARENA_NEW(*folds, arena, 1);
    *n_folds = 1;
    TRY(split_parts(d, in, arena, &part, &(*folds)->n_duplicates));
    for (uint64_t begin = 0, end; begin < in->n; begin = end) {
        end = split_user_end(in, begin);
        const uint64_t rows = split_count(part, begin, end), n = (uint64_t)p->n, valid = (uint64_t)p->valid;
        if (rows > n)
            split_mark_last(part, begin, end, n, rows > n + valid ? valid : 0);
    }
    return split_take_fold(in, part, arena, *folds);
}

const struct split_type split_leave_last_n = {
    .name = "leave_last_n",
    .help = "the last n rows of every user are test, by time or else by the order of the source",
    .loses = "users with n rows or fewer aren't evaluated; train holds rows of other users that are later "
             "than a test "
             "row",
    .params = params,
    .params_size = sizeof(struct leave_last_n_params),
    .apply = apply,
};
