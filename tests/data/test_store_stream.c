/*
 * The file written a range at a time holds what the file written whole holds; nothing is left behind where the disk is full or rows
 * are not as said; synth's file has the same bytes for any number of threads, over several ranges.
 */
#include "data/store_stream.h"

#include <dirent.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../test.h"
#include "base/fsio.h"
#include "data/store.h"
#include "data/synth.h"

static char *folder;

static const struct synth_options small = {.n_users = 80,
                                           .n_items = 120,
                                           .n_interactions = 1703,
                                           .seed = 5,
                                           .signal = 1,
                                           .factors = 5,
                                           .n_image = 3};

static struct dataset *generated(struct arena *arena)
{
    struct dataset *d = NULL;
    assert_ok(synth_generate(&small, arena, &d));
    return d;
}

/* Rows from .. to - 1, as a part of their own. */
static struct interactions rows_of(const struct interactions *x, uint64_t from, uint64_t to)
{
    return (struct interactions){to - from,       x->user + from, x->item + from,
                                 x->value + from, x->time + from, x->source_row + from};
}
static struct texts texts_of(const struct texts *t, uint64_t from, uint64_t to, struct arena *arena)
{
    uint64_t *offsets = arena_alloc(arena, to - from + 1, sizeof *offsets);
    for (uint64_t k = from; k <= to; k++)
        offsets[k - from] = t->text.offsets[k] - t->text.offsets[from];
    return (struct texts){to - from,      t->user + from,
                          t->item + from, t->time + from,
                          t->kind + from, {to - from, offsets, t->text.bytes + t->text.offsets[from]}};
}

/* d in n parts, cut between users. */
static enum status write_in_parts(const char *path, struct dataset *d, int n, struct arena *arena)
{
    struct store_stream *s;
    uint64_t row = 0, text = 0;
    char hex[SHA256_HEX];
    TRY(store_stream_open(path, d, &s));
    enum status status = STATUS_OK;
    for (int k = 1; status == STATUS_OK && k <= n; k++) {
        const uint32_t end = k == n ? d->n_users : d->n_users * (uint32_t)k / (uint32_t)n;
        uint64_t row_end = row, text_end = text;
        while (row_end < d->interactions.n && d->interactions.user[row_end] < end)
            row_end++;
        while (text_end < d->texts.n && d->texts.user[text_end] < end)
            text_end++;
        const struct interactions rows = rows_of(&d->interactions, row, row_end);
        const struct texts texts = texts_of(&d->texts, text, text_end, arena);
        status = store_stream_add(s, &rows, &texts);
        row = row_end, text = text_end;
    }
    return store_stream_close(s, status, hex);
}

static void parts_make_the_whole(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = generated(arena), *again;
    const char *whole = test_path(folder, "whole.h5"), *parts = test_path(folder, "parts.h5");
    assert_ok(store_write(whole, d));
    for (int n = 1; n <= 7; n += 3) {
        assert_ok(write_in_parts(parts, d, n, arena));
        assert_ok(store_read(parts, arena,
                             &again)); /* with every check of a reader, seal and content hash among them */
        assert_string_equal(again->content_sha256, d->content_sha256);
        assert_string_equal(again->source, d->source);
        assert_int_equal(again->texts.n, d->texts.n);
        assert_memory_equal(again->truth->user, d->truth->user, sizeof(float) * 5 * 80);
        assert_int_equal(again->features[0].width, 3);
    }
    arena_free(arena);
}

/* More bytes of text than are packed at a time: arrays that grow, and one whose size is known, over several batches. */
static void arrays_grow(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = generated(arena), *again;
    const uint64_t n = d->texts.n;
    char *bytes = arena_alloc(arena, n * 20000, 1);
    uint64_t *offsets = arena_alloc(arena, n + 1, sizeof *offsets);
    for (uint64_t k = 0; k < n; k++) {
        memset(bytes + k * 20000, 'a' + (int)(k % 26), 20000);
        offsets[k + 1] = (k + 1) * 20000;
    }
    d->texts.text = (struct strings){n, offsets, bytes};
    assert_true(n * 20000 > 2 * (4 << 20));
    const char *path = test_path(folder, "grown.h5");
    assert_ok(write_in_parts(path, d, 5, arena));
    assert_ok(store_read(path, arena, &again));
    assert_memory_equal(again->texts.text.bytes, bytes, n * 20000);
    arena_free(arena);
}

static void no_texts_at_all(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = generated(arena), *again;
    d->texts = (struct texts){0};
    static const uint64_t zero[1];
    d->texts.text.offsets = zero;
    const char *path = test_path(folder, "none.h5");
    assert_ok(write_in_parts(path, d, 2, arena));
    assert_ok(store_read(path, arena, &again));
    assert_int_equal(again->texts.n, 0);
    assert_ok(store_write(test_path(folder, "whole.h5"), d));
    assert_string_equal(again->content_sha256, d->content_sha256);
    arena_free(arena);
}

static int files_in(const char *place)
{
    DIR *open = opendir(place);
    const struct dirent *entry;
    int n = 0;
    while ((entry = readdir(open)) != NULL)
        n += entry->d_name[0] != '.';
    closedir(open);
    return n;
}

static void wrong_rows_leave_nothing(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char *place = test_folder();
    const char *path = test_path(place, "x.h5");
    struct dataset *d = generated(arena);
    d->interactions.n++; /* said to be one more than come */
    struct store_stream *s;
    char hex[SHA256_HEX];
    const struct texts none = {.text = {0, (const uint64_t[]){0}, ""}};
    struct interactions rows = rows_of(&d->interactions, 0, d->interactions.n - 1);
    assert_ok(store_stream_open(path, d, &s));
    assert_ok(store_stream_add(s, &rows, &none));
    test_fails(store_stream_close(s, STATUS_OK, hex), STATUS_DATA, "1703 rows came, 1704 were said to", NULL);
    assert_int_equal(files_in(place), 0);
    /* The same users twice. */
    assert_ok(store_stream_open(path, d, &s));
    assert_ok(store_stream_add(s, &rows, &none));
    test_fails(store_stream_add(s, &rows, &none), STATUS_DATA, "user 0 comes after user 79", NULL);
    assert_int_equal(store_stream_close(s, STATUS_DATA, hex), STATUS_DATA);
    rows.item[3] = 120;
    assert_ok(store_stream_open(path, d, &s));
    test_fails(store_stream_add(s, &rows, &none), STATUS_DATA, "/interactions/item", "row 3", NULL);
    assert_int_equal(store_stream_close(s, STATUS_DATA, hex), STATUS_DATA);
    assert_int_equal(files_in(place), 0);
    test_folder_remove(place);
    arena_free(arena);
}

/* In a child, since a limit can't be lifted again; it leaves through exit(), where HDF5 cleans up: that must not crash. */
static int write_with_limit(const char *path, rlim_t limit)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        struct synth_counts counts;
        omp_set_num_threads(1);
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, limit});
        const enum status status = synth_write(&small, path, &counts);
        exit(strstr(status_sentence(), "File too large") != NULL || status == STATUS_OK ? (int)status : 99);
    }
    int result = 0;
    waitpid(child, &result, 0);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static void full_disk(void **state)
{
    (void)state;
    char *place = test_folder();
    const char *path = test_path(place, "full.h5");
    for (rlim_t limit = 0; limit < 40000; limit += 3000) {
        assert_int_equal(write_with_limit(path, limit), STATUS_SYSTEM);
        assert_int_equal(files_in(place), 0);
    }
    assert_int_equal(write_with_limit(path, 1 << 20), STATUS_OK);
    assert_int_equal(files_in(place), 1);
    struct synth_counts counts;
    test_fails(synth_write(&small, test_path(place, "full.h5/x.h5"), &counts), STATUS_SYSTEM,
               "full.h5: is a file", "a folder is wanted", NULL);
    assert_ok(synth_write(&small, test_path(place, "made/here/x.h5"), &counts));
    assert_true(file_exists(test_path(place, "made/here/x.h5")));
    test_folder_remove(place);
}

/* 600,000 rows: more than one range (2^19). */
static void same_bytes_for_any_number_of_threads(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct synth_options o = {.n_users = 20000,
                                    .n_items = 60,
                                    .n_interactions = 600000,
                                    .seed = 2,
                                    .signal = 1,
                                    .factors = 2,
                                    .fewer_texts = 0.98};
    const int threads = omp_get_max_threads();
    struct synth_counts counts;
    char hash[2][SHA256_HEX];
    for (int k = 0; k < 2; k++) {
        const char *path = test_path(folder, k == 0 ? "one.h5" : "three.h5");
        omp_set_num_threads(1 + 2 * k);
        assert_ok(synth_write(&o, path, &counts));
        assert_ok(sha256_file(path, hash[k]));
    }
    omp_set_num_threads(threads);
    assert_string_equal(hash[0], hash[1]);
    struct dataset *d;
    assert_ok(synth_generate(&o, arena, &d));
    assert_ok(store_write(test_path(folder, "whole.h5"), d));
    assert_string_equal(counts.content_sha256, d->content_sha256);
    assert_int_equal(counts.n_texts, d->texts.n);
    arena_free(arena);
}

static int set_up(void **state)
{
    (void)state;
    test_quiet();
    folder = test_folder();
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parts_make_the_whole),
                                       cmocka_unit_test(arrays_grow),
                                       cmocka_unit_test(no_texts_at_all),
                                       cmocka_unit_test(wrong_rows_leave_nothing),
                                       cmocka_unit_test(full_disk),
                                       cmocka_unit_test(same_bytes_for_any_number_of_threads)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
