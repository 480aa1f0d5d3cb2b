/*
 * ncf.c - the files of Neural Collaborative Filtering (He et al. 2017): NAME.train.rating and, where they
 * are, NAME.test.rating and NAME.test.negative, plain or .gz.
 *
 * All ratings become one dataset, those of train first, so that rows from `train_rows` on (a count in the
 * policies, as source_row) are the test rows; the split `given` with test: NAME.test.rating puts them apart
 * again.  The candidates in test.negative are checked against the test rows and counted, not stored.
 */
#include <stdio.h>
#include <string.h>

#include "data/import/build.h"

struct negatives {
    uint64_t first, n_rows; /* the test rows of the import */
    uint64_t n, n_unknown;
    size_t n_each; /* candidates of the first row */
};

/* "(0,25)" */
static bool parse_pair(struct field f, struct field *user, struct field *item)
{
    const char *comma = memchr(f.at, ',', f.length);
    if (f.length < 5 || f.at[0] != '(' || f.at[f.length - 1] != ')' || comma == NULL)
        return false;
    *user = (struct field){f.at + 1, (size_t)(comma - f.at - 1)};
    *item = (struct field){comma + 1, (size_t)(f.at + f.length - comma - 2)};
    return true;
}

static enum status negative_row(struct import *im, const struct record_reader *r, void *context)
{
    struct negatives *c = context;
    struct field user, item;
    if (!parse_pair(r->field[0], &user, &item))
        return record_expected(r, 0, "(user,item) and the candidates, parted by tabs");
    if (c->n == c->n_rows)
        return reader_fail(&r->reader, r->line, 0, "more rows than the %llu of test.rating",
                           (unsigned long long)c->n_rows);
    const uint64_t row = c->first + c->n++;
    if (string_map_find(im->users, user.at, user.length) != im->user[row] ||
        string_map_find(im->items, item.at, item.length) != im->item[row])
        return record_expected(r, 0, "the user and item of test.rating's row %llu", (unsigned long long)c->n);
    c->n_each = c->n_each > 0 ? c->n_each : r->n;
    if (r->n != c->n_each)
        return reader_fail(&r->reader, r->line, 0, "found %zu candidates, expected %zu as in the first row",
                           r->n - 1, c->n_each - 1);
    for (size_t i = 1; i < r->n; i++)
        c->n_unknown += string_map_find(im->items, r->field[i].at, r->field[i].length) == UINT32_MAX;
    return STATUS_OK;
}

static enum status read_negatives(struct import *im, const char *path, uint64_t n_train)
{
    struct negatives c = {.first = n_train, .n_rows = im->n - n_train};
    TRY(import_each_row(im, path, RECORD_TAB, READER_UTF8, NULL, negative_row, &c));
    if (c.n < c.n_rows)
        return status_fail(STATUS_DATA, "%s: holds %llu rows, expected %llu as in test.rating", path,
                           (unsigned long long)c.n, (unsigned long long)c.n_rows);
    TRY(import_note_count(im, "candidates_a_test_row", c.n_each - 1));
    return import_note_count(im, "candidates_unknown", c.n_unknown);
}

static enum status read_all(struct import *im, const char *source, const struct import_options *options,
                            struct arena *arena)
{
    char *prefix, *train, *test, *negative;
    if (options->header)
        return status_fail(STATUS_USAGE,
                           "import ncf: such a file has no header line, --header can't be used");
    TRY(import_main_file(source, ".train.rating", arena, &prefix, &train));
    TRY(import_beside(prefix, ".test.rating", arena, &test));
    TRY(import_beside(prefix, ".test.negative", arena, &negative));
    TRY(import_read_rows(im, train, RECORD_TAB, false));
    const uint64_t n_train = im->n;
    const bool has_time = im->has_time, has_value = im->has_value;
    TRY(import_note_count(im, "train_rows", n_train));
    if (test != NULL) {
        TRY(import_read_rows(im, test, RECORD_TAB, false));
        if (im->has_time != has_time || im->has_value != has_value)
            return status_fail(STATUS_DATA, "%s: has not the same columns as %s", test, train);
    }
    if (negative != NULL && test == NULL)
        return status_fail(STATUS_DATA, "%s: is there without the test.rating that it belongs to", negative);
    if (negative != NULL)
        TRY(read_negatives(im, negative, n_train));
    return import_read_items(im, options, arena);
}

static enum status read_ncf(const char *source, const struct import_options *options, struct arena *arena,
                            struct dataset **out)
{
    return import_fill(source, options, arena, read_all, out);
}

const struct import_format import_ncf = {
    .name = "ncf",
    .help = "NAME.train.rating with NAME.test.rating and NAME.test.negative beside it, or their folder",
    .example = "0 32 4 978824330 (tabs); negatives: (0,25) 1064 174",
    .read = read_ncf,
};
