/*
 * split_folds.c - a published assignment of source lines to folds; each fold in turn is test.
 *
 * The file (plain or .gz) has one whole number a line: line k (from 0) belongs to the row with
 * /interactions/source_row k, that is the k-th data line of the publisher's file.  The numbers that occur
 * must be consecutive (0 .. 4, or 1 .. 5); -1 means always train, as in scikit-learn's PredefinedSplit.  Fold
 * f of the result has as test the f-th number.  valid: true takes the next number (after the last the first)
 * as validation. A pair that occurs twice in the dataset with two fold numbers is in train and test both, and
 * counted.
 */
#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "data/split_file.h"
#include "data/split_kinds.h"

struct folds_params {
    const char *file;
    bool valid;
};

static const struct param params[] = {
    PARAM_STRING(struct folds_params, file, NULL, "a fold number a line, for each data line of the source"),
    PARAM_BOOL(struct folds_params, valid, 0, "the next fold is validation"), PARAM_END};

enum { FOLDS_LIMIT = 1000 };

static enum status check(const void *values, const struct node *where)
{
    const struct folds_params *p = values;
    if (p->file == NULL)
        return node_fail(where, "a folds split needs `file`: one fold number for each line of the source");
    return split_file_exists(p->file, where);
}

static enum status files(const void *values, struct arena *arena, struct param_list *out)
{
    const struct folds_params *p = values;
    ARENA_NEW(out->item, arena, 1);
    out->item[0] = p->file;
    out->n = 1;
    return STATUS_OK;
}

struct fold_numbers {
    int32_t *of_line; /* [n] */
    size_t n;
    int low, high; /* of the numbers from 0 */
};

static enum status read_numbers(const char *path, struct arena *arena, struct fold_numbers *out)
{
    struct split_text text;
    TRY(split_text_open(path, arena, &text));
    ARENA_NEW(out->of_line, arena, text.n_lines);
    out->n = 0;
    out->low = INT_MAX;
    out->high = -1;
    const char *line;
    size_t length;
    while (split_text_line(&text, &line, &length)) {
        long long number;
        if (length == 0 && text.next == text.n_bytes)
            break; /* an empty last line */
        if (!split_whole_number(line, length, &number) || number < -1 || number >= FOLDS_LIMIT)
            return status_fail(STATUS_DATA, "%s:%zu: '%.*s' is not a fold number (-1 to %d, one a line)",
                               path, text.line, (int)(length < 40 ? length : 40), line, FOLDS_LIMIT - 1);
        out->of_line[out->n++] = (int32_t)number;
        if (number >= 0 && number < out->low)
            out->low = (int)number;
        if (number > out->high)
            out->high = (int)number;
    }
    if (out->n == 0 || out->high < 0)
        return status_fail(STATUS_DATA, "%s: holds no fold number", path);
    uint8_t *seen;
    ARENA_NEW(seen, arena, FOLDS_LIMIT);
    for (size_t k = 0; k < out->n; k++)
        if (out->of_line[k] >= 0)
            seen[out->of_line[k]] = 1;
    for (int f = out->low; f <= out->high; f++)
        if (!seen[f])
            return status_fail(STATUS_DATA,
                               "%s: no line has fold number %d, though %d and %d occur: folds are "
                               "numbered without gaps",
                               path, f, out->low, out->high);
    return STATUS_OK;
}

static enum status check_lines(const struct fold_numbers *numbers, const char *path, const struct dataset *d)
{
    uint64_t last = 0;
    for (uint64_t r = 0; r < d->interactions.n; r++)
        if (d->interactions.source_row[r] > last)
            last = d->interactions.source_row[r];
    if (last >= numbers->n)
        return status_fail(STATUS_DATA,
                           "%s: has %zu fold numbers, but dataset '%s' has rows up to source line %llu: "
                           "one number a data line of the source is expected",
                           path, numbers->n, d->name, (unsigned long long)last + 1);
    if (last + 1 < numbers->n)
        log_warn("%s: has %zu fold numbers, but the last row of dataset '%s' is source line %llu", path,
                 numbers->n, d->name, (unsigned long long)last + 1);
    return STATUS_OK;
}

static enum status apply(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct fold **folds, size_t *n_folds)
{
    const struct folds_params *p = values;
    struct fold_numbers numbers;
    TRY(read_numbers(p->file, arena, &numbers));
    TRY(check_lines(&numbers, p->file, d));
    const int n = numbers.high - numbers.low + 1;
    if (n < (p->valid ? 3 : 2))
        return status_fail(STATUS_DATA, "%s: has %d different fold number%s, at least %d are needed", p->file,
                           n, n == 1 ? "" : "s", p->valid ? 3 : 2);
    uint8_t *part;
    ARENA_NEW(part, arena, in->n);
    ARENA_NEW(*folds, arena, (size_t)n);
    *n_folds = (size_t)n;
    for (int f = 0; f < n; f++) {
        struct fold *fold = &(*folds)[f];
        const int test = numbers.low + f, valid = numbers.low + (f + 1) % n;
        for (uint64_t r = 0; r < in->n; r++) {
            const int32_t number = numbers.of_line[in->source_row[r]];
            part[r] = number == test ? 2 : p->valid && number == valid ? 1 : 0;
        }
        TRY(split_take_fold(in, part, arena, fold));
    }
    return STATUS_OK;
}

const struct split_type split_folds = {
    .name = "folds",
    .help = "a file of fold numbers, one a line of the source; each fold in turn is test",
    .loses = "what its publisher's assignment loses; a pair with two fold numbers is on both sides",
    .params = params,
    .params_size = sizeof(struct folds_params),
    .check = check,
    .files = files,
    .apply = apply,
};
