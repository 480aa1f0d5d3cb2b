/*
 * test_streaming.c - memory doesn't grow with the file: rows whose columns and keys nobody asked for make files of 40 MB, plain and gzip, and
 * importing them takes no more than a small one and its result do.
 */
#include "importing.h"

#include <sys/resource.h>
#include <sys/wait.h>

enum {
    FILLER = 2000,
    ROWS = 20000,
    A_RESULT = 16 << 10 /* KiB: rows, ids, texts, the packed file and their buffers */
};

/* n rows of `before`, the row's number, `between`, filler, `after`. */
static const char *make(const char *name, int n, const char *head, const char *before, const char *between,
                        const char *after)
{
    static char fillers[16][FILLER + 1];
    const char *path = lasting_path(name);
    const size_t length = strlen(name);
    gzFile file = gzopen(path, length > 3 && strcmp(name + length - 3, ".gz") == 0 ? "wb1" : "wbT");
    assert_non_null(file);
    gzputs(file, head);
    for (int k = 0; k < 16 * FILLER; k++) /* packs some ten times: no bomb */
        fillers[k / FILLER][k % FILLER] = (char)('a' + (unsigned)(k * 31 + k % 97 * k) % 26);
    for (int i = 0; i < n; i++) {
        assert_true(gzprintf(file, "%s%d%s", before, i % 500, between) > 0 &&
                    gzputs(file, fillers[i % 16]) > 0 && gzputs(file, after) > 0);
    }
    assert_int_equal(gzclose(file), Z_OK);
    return path;
}

/* KiB that a process of its own takes to import it. */
static long peak(const char *format, const char *path, const struct import_options *options, uint64_t rows)
{
    int pipes[2], status = 1;
    long kib = 0;
    assert_int_equal(pipe(pipes), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rusage use;
        struct arena *arena = arena_new();
        struct dataset *d;
        char out[4200];
        snprintf(out, sizeof out, "%s/s.h5", folder);
        const bool fine = import_run(format, path, options, out) == STATUS_OK;
        if (!fine)
            fprintf(stderr, "%s\n", status_sentence());
        getrusage(RUSAGE_SELF, &use);
        _exit(fine && store_read(out, arena, &d) == STATUS_OK && d->interactions.n == rows &&
                      write(pipes[1], &use.ru_maxrss, sizeof use.ru_maxrss) == sizeof use.ru_maxrss
                  ? 0
                  : 1);
    }
    close(pipes[1]);
    assert_int_equal(read(pipes[0], &kib, sizeof kib), sizeof kib);
    close(pipes[0]);
    assert_true(waitpid(child, &status, 0) == child && status == 0);
    return kib;
}

static const struct {
    const char *format, *name, *head, *before, *between, *after;
    struct import_options options;
} cases[] = {
    {"csv", "s.csv", "user,item,comment\n", "u,", ",\"", "\"\n", {.header = true}},
    {"csv", "s.csv.gz", "user,item,comment\n", "u,", ",\"", "\"\n", {.header = true}},
    {"tsv", "s.tsv.gz", "user\titem\tcomment\n", "u\t", "\t", "\n", {.header = true}},
    {"recbole", "s.inter.gz", "user_id:token\titem_id:token\tcomment:token_seq\n", "u\t", "\t", "\n", {0}},
    {"amazon",
     "s.json",
     "",
     "{\"reviewerID\": \"u\", \"overall\": 4, \"asin\": \"a",
     "\", \"other\": [\"",
     "\"]}\n",
     {0}},
    {"amazon",
     "s.json.gz",
     "",
     "{\"reviewerID\": \"u\", \"overall\": 4, \"asin\": \"a",
     "\", \"other\": [\"",
     "\"]}\n",
     {0}},
};

static void memory_does_not_grow(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        long kib[2];
        for (int large = 0; large < 2; large++) {
            const int rows = large ? ROWS : 500;
            const char *path =
                make(cases[k].name, rows, cases[k].head, cases[k].before, cases[k].between, cases[k].after);
            kib[large] = peak(cases[k].format, path, &cases[k].options, (uint64_t)rows);
        }
        if (kib[1] > kib[0] + A_RESULT)
            fail_msg("%s: %ld KiB, and %ld for a small one", cases[k].name, kib[1], kib[0]);
    }
}

/* The number reader: plain and gzip, 400,000 rows; what stays is 28 bytes a row and the packed file. */
static void rows_take_their_own_size(void **state)
{
    enum { N = 400000 };
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        long kib[2];
        for (int large = 0; large < 2; large++) {
            const char *path = lasting_path(packed ? "n.tsv.gz" : "n.tsv");
            const int rows = large ? N : 1000;
            char *text = malloc(N * 40u);
            size_t n = 0;
            for (int i = 0; i < rows; i++)
                n += (size_t)sprintf(text + n, "%d\t%d\t%d.5\t%d\n", i / 100, (int)(i * 7919L % 20011), i % 5,
                                     1000000000 + i);
            gzFile file = gzopen(path, packed ? "wb1" : "wbT");
            assert_int_equal(gzwrite(file, text, (unsigned)n), n);
            assert_int_equal(gzclose(file), Z_OK);
            free(text);
            kib[large] = peak("tsv", path, &(struct import_options){0}, (uint64_t)rows);
        }
        if (kib[1] > kib[0] + A_RESULT + (long)(2.2 * 28 * N / 1024))
            fail_msg("%d rows, packed %d: %ld KiB, and %ld for a few", N, packed, kib[1], kib[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_does_not_grow),
                                       cmocka_unit_test(rows_take_their_own_size)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
