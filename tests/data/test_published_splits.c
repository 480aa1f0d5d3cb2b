/*
 * The published splits of MovieLens, run exactly: counts as their publishers give them
 * (../shared/data/movielens-1m/ SOURCE.md and movielens-100k/SOURCE.md say who and where).  Skipped where the
 * data is not at hand.
 */
#include "build.h"
#include "data/filter.h"
#include "data/split.h"

/* The folder of a dataset's raw files, or NULL. */
static const char *raw_folder(struct arena *arena, const char *name, const char *probe)
{
    const char *data = getenv("RECFUSE_DATA");
    const char *const folders[] = {arena_printf(arena, "datasets/%s/raw", name),
                                   data != NULL ? arena_printf(arena, "%s/%s", data, name) : "",
                                   arena_printf(arena, "../shared/data/%s", name)};
    for (size_t k = 0; k < 3; k++)
        if (access(arena_printf(arena, "%s/%s", folders[k], probe), R_OK) == 0)
            return folders[k];
    return NULL;
}

struct raw_row {
    uint32_t user, item;
    float value;
    uint64_t source_row;
};

static int by_user_then_source(const void *a, const void *b)
{
    const struct raw_row *x = a, *y = b;
    if (x->user != y->user)
        return x->user < y->user ? -1 : 1;
    return (x->source_row > y->source_row) - (x->source_row < y->source_row);
}

/* A rating file of `user SEPARATOR item SEPARATOR rating` as a dataset: ids in order of first appearance. */
static struct dataset *read_ratings(struct arena *arena, const char *path, const char *separator)
{
    static char line[256];
    struct raw_row *rows = malloc(1100000 * sizeof *rows);
    struct string_map *users = string_map_new(), *items = string_map_new();
    gzFile file = gzopen(path, "rb");
    size_t n = 0;
    assert_non_null(file);
    while (gzgets(file, line, sizeof line) != NULL) {
        char *item = strstr(line, separator) + strlen(separator), *value = strstr(item, separator);
        rows[n].user = string_map_add(users, line, (size_t)(item - line) - strlen(separator));
        rows[n].item = string_map_add(items, item, (size_t)(value - item));
        rows[n].value = strtof(value + strlen(separator), NULL);
        rows[n].source_row = n;
        n++;
    }
    gzclose(file);
    qsort(rows, n, sizeof *rows, by_user_then_source);
    float *zeros = calloc(n, 3 * sizeof *zeros);
    struct dataset *d = build_dataset(arena, 0, 0, n, (const float(*)[3])zeros);
    for (size_t r = 0; r < n; r++) {
        d->interactions.user[r] = rows[r].user;
        d->interactions.item[r] = rows[r].item;
        d->interactions.value[r] = rows[r].value;
        d->interactions.source_row[r] = rows[r].source_row;
    }
    d->n_users = string_map_size(users);
    d->n_items = string_map_size(items);
    const struct strings *ids[] = {&d->user_ids, &d->item_ids};
    struct string_map *maps[] = {users, items};
    for (size_t k = 0; k < 2; k++) {
        const struct strings from = string_map_strings(maps[k]);
        struct strings *to = (struct strings *)ids[k];
        to->n = from.n;
        to->offsets = arena_copy(arena, from.offsets, from.n + 1, sizeof *from.offsets);
        to->bytes = arena_copy(arena, from.bytes, from.offsets[from.n], 1);
        string_map_free(maps[k]);
    }
    free(rows);
    free(zeros);
    return d;
}

struct million {
    struct arena *arena;
    const char *folder;
    struct dataset *d;
};
static struct million million;

static int load_million(void **state)
{
    (void)state;
    million.arena = arena_new();
    million.folder = raw_folder(million.arena, "movielens-1m", "split-elliot/fold0_test.tsv.gz");
    if (million.folder != NULL)
        million.d =
            read_ratings(million.arena,
                         arena_printf(million.arena, "%s/ratings_no_timestamp.dat.gz", million.folder), "::");
    return 0;
}

static int free_million(void **state)
{
    (void)state;
    arena_free(million.arena);
    return 0;
}

static struct fold *split(struct arena *arena, const char *yaml, const char *filter, const struct dataset *d,
                          size_t *n)
{
    struct split parsed;
    struct interactions in;
    struct fold *folds = NULL;
    if (split_parse(parse(arena, yaml), arena, &parsed) != STATUS_OK ||
        filters_apply(filter != NULL ? parse(arena, filter) : NULL, d, arena, &in) != STATUS_OK ||
        split_apply(&parsed, d, &in, arena, &folds, n) != STATUS_OK)
        fail_msg("%s: %s", yaml, status_sentence());
    return folds;
}

static uint32_t distinct(const uint32_t *ids, uint64_t n, uint32_t n_ids)
{
    uint8_t *seen = calloc(n_ids, 1);
    uint32_t count = 0;
    for (uint64_t r = 0; r < n; r++) {
        count += !seen[ids[r]];
        seen[ids[r]] = 1;
    }
    free(seen);
    return count;
}

#define NEED(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            print_message("skipped: the raw files are not at hand (tools/get-data.sh)\n");                   \
            skip();                                                                                          \
        }                                                                                                    \
    } while (0)

/* Elliot, fold 0 to 4: 571,531 pairs of 5,949 users and 2,810 movies; 116,671 test, 454,860 train. */
static void elliot(void **state)
{
    (void)state;
    NEED(million.d != NULL);
    struct arena *arena = arena_new();
    struct interactions in;
    assert_int_equal(million.d->interactions.n, 1000209);
    assert_int_equal(filters_apply(parse(arena, "[{min_rating: 4}, {kcore: 10}]"), million.d, arena, &in),
                     STATUS_OK);
    assert_int_equal(in.n, 571531);
    assert_int_equal(distinct(in.user, in.n, million.d->n_users), 5949);
    assert_int_equal(distinct(in.item, in.n, million.d->n_items), 2810);
    const char *f = million.folder;
    size_t n;
    struct fold *folds =
        split(arena,
              arena_printf(arena,
                           "{kind: given, train: rest, test: [%s/split-elliot/fold0_test.tsv.gz, "
                           "%s/split-elliot/fold1_test.tsv.gz, %s/split-elliot/fold2_test.tsv.gz, "
                           "%s/split-elliot/fold3_test.tsv.gz, %s/split-elliot/fold4_test.tsv.gz]}",
                           f, f, f, f, f),
              "[{min_rating: 4}, {kcore: 10}]", million.d, &n);
    /* the list wants as many train files: `rest` stands for all */
    assert_int_equal(n, 5);
    for (size_t k = 0; k < 5; k++) {
        assert_int_equal(folds[k].test.n, 116671);
        assert_int_equal(folds[k].train.n, 454860);
        assert_int_equal(folds[k].n_not_in_dataset + folds[k].n_filtered_dropped, 0);
        assert_int_equal(folds[k].n_train_test_pairs, 0);
        assert_int_equal(folds[k].n_test_users, 5949);
        assert_non_null(folds[k].test.time);
        assert_null(folds[k].train.time);
    }
    arena_free(arena);
}

/* NCF: one test row a user, ids from 0; both ways to say so. */
static void ncf(void **state)
{
    (void)state;
    NEED(million.d != NULL);
    struct arena *arena = arena_new();
    const char *const ids[] = {
        "dense0",
        arena_printf(arena, "{users: dense0, items: %s/split-ncf/item_map.tsv, order: id_publisher}",
                     million.folder)};
    for (size_t k = 0; k < 2; k++) {
        size_t n;
        const struct fold *fold =
            split(arena,
                  arena_printf(arena,
                               "{kind: given, train: rest, test: %s/split-ncf/ml-1m.test.rating.gz, ids: %s}",
                               million.folder, ids[k]),
                  NULL, million.d, &n);
        assert_int_equal(fold->test.n, 6040);
        assert_int_equal(fold->train.n, 1000209 - 6040);
        assert_int_equal(fold->n_not_in_dataset, 0);
        assert_int_equal(fold->n_test_users, 6040);
        for (uint64_t r = 0; r < fold->test.n;
             r++) { /* the file's ratings are the dataset's: the ids are right */
            const uint64_t row = fold->test.source_row[r]; /* the source is sorted by user: row = position */
            assert_true(fold->test.value[r] == million.d->interactions.value[row]);
        }
    }
    arena_free(arena);
}

/* CoLaKG: adjacency lines; 801,218 train and 197,321 test pairs, 3,260 items. */
static void colakg(void **state)
{
    (void)state;
    NEED(million.d != NULL);
    struct arena *arena = arena_new();
    const char *f = million.folder;
    size_t n;
    const struct fold *fold = split(
        arena,
        arena_printf(arena,
                     "{kind: given, train: %s/split-colakg/train.txt.gz, test: %s/split-colakg/test.txt.gz, "
                     "ids: {users: %s/split-colakg/user_map.txt, items: %s/split-colakg/item_map.txt, "
                     "order: publisher_id}}",
                     f, f, f, f),
        NULL, million.d, &n);
    assert_int_equal(fold->train.n, 801218);
    assert_int_equal(fold->test.n, 197321);
    assert_int_equal(fold->n_not_in_dataset, 0); /* the map is right: all pairs are ratings */
    assert_int_equal(fold->n_train_test_pairs, 0);
    assert_true(distinct(fold->train.item, fold->train.n, million.d->n_items) <= 3260);
    arena_free(arena);
}

/* LightGCN++: 590,733 train, 80,897 valid, 164,848 test; rows of the 36 items without a map are dropped and
 * counted. */
static void lightgcnpp(void **state)
{
    (void)state;
    NEED(million.d != NULL);
    struct arena *arena = arena_new();
    const char *f = million.folder;
    size_t n;
    const struct fold *fold = split(
        arena,
        arena_printf(arena,
                     "{kind: given, train: %s/split-lightgcnpp/train.txt.gz, valid: "
                     "%s/split-lightgcnpp/valid.txt.gz, test: %s/split-lightgcnpp/test.txt.gz, ids: {users: "
                     "%s/split-lightgcnpp/user_map.tsv, items: %s/split-lightgcnpp/item_map.tsv, order: "
                     "id_publisher}, unknown: drop}",
                     f, f, f, f, f),
        NULL, million.d, &n);
    assert_int_equal(fold->train.n + fold->valid.n + fold->test.n + fold->n_unknown_dropped,
                     590733 + 80897 + 164848);
    assert_true(fold->n_unknown_dropped > 0 && fold->n_unknown_dropped < 200);
    assert_int_equal(fold->n_not_in_dataset, 0);
    assert_int_equal(fold->n_test_users, 6038);
    print_message("lightgcnpp: %lu train, %lu valid, %lu test, %lu dropped\n", (unsigned long)fold->train.n,
                  (unsigned long)fold->valid.n, (unsigned long)fold->test.n,
                  (unsigned long)fold->n_unknown_dropped);
    arena_free(arena);
}

/* MovieLens-100K: u1..u5 as given, and the five folds of the Surprise library. */
static void hundred_thousand(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *f = raw_folder(arena, "movielens-100k", "surprise-5fold.txt");
    NEED(f != NULL);
    struct dataset *d = read_ratings(arena, arena_printf(arena, "%s/u.data", f), "\t");
    size_t n;
    const struct fold *given =
        split(arena,
              arena_printf(
                  arena,
                  "{kind: given, test: [%s/u1.test, %s/u2.test, %s/u3.test, %s/u4.test, %s/u5.test], train: "
                  "[%s/u1.base, %s/u2.base, %s/u3.base, %s/u4.base, %s/u5.base]}",
                  f, f, f, f, f, f, f, f, f, f),
              NULL, d, &n);
    assert_int_equal(n, 5);
    uint8_t *seen = calloc(100000, 1);
    for (size_t k = 0; k < 5; k++) {
        assert_int_equal(given[k].test.n, 20000);
        assert_int_equal(given[k].train.n, 80000);
        assert_int_equal(given[k].n_train_test_pairs, 0);
        for (uint64_t r = 0; r < 20000; r++)
            seen[given[k].test.source_row[r]]++;
        assert_true(given[k].n_cold_test_items >= 22 && given[k].n_cold_test_items <= 36);
    }
    assert_int_equal(given[0].n_test_users, 459);
    for (size_t r = 0; r < 100000; r++) /* the five test files together are u.data */
        assert_int_equal(seen[r], 1);
    free(seen);
    given = split(
        arena,
        arena_printf(arena, "{kind: given, test: [%s/ua.test, %s/ub.test], train: [%s/ua.base, %s/ub.base]}",
                     f, f, f, f),
        NULL, d, &n);
    for (size_t k = 0; k < 2; k++) { /* exactly ten test rows of every user */
        assert_int_equal(given[k].test.n, 9430);
        assert_int_equal(given[k].train.n, 90570);
        assert_int_equal(given[k].n_test_users, 943);
        for (uint64_t r = 0; r < 9430; r++)
            assert_int_equal(given[k].test.user[r], given[k].test.user[r / 10 * 10]);
    }
    const struct fold *folds =
        split(arena, arena_printf(arena, "{kind: folds, file: %s/surprise-5fold.txt}", f), NULL, d, &n);
    assert_int_equal(n, 5);
    for (size_t k = 0; k < 5; k++)
        assert_int_equal(folds[k].test.n, 20000);
    arena_free(arena);
}

int main(void)
{
    status_set_handler(quiet, NULL, NULL, NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(elliot), cmocka_unit_test(ncf),
                                       cmocka_unit_test(colakg), cmocka_unit_test(lightgcnpp),
                                       cmocka_unit_test(hundred_thousand)};
    return cmocka_run_group_tests(tests, load_million, free_million);
}
