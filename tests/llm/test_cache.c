/*
 * test_cache.c - llm/encoder_cache.c: a hit is the miss bit for bit, and nothing that can happen to the file changes a
 * vector: damage, cuts, a kill while it was written, a full disk, another encoder in the same folder.
 */
#include "tiny_bert.h"

#include <glob.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { H = 96, N = 50, RECORD = 32 + 4 * H + 8 };

static struct arena *arena;
static char *model, *cache;
static const struct backend *backend;
static struct encoder *encoder;
static struct strings texts; /* [N], of which some occur twice */
static uint64_t n_different;
static float expected[N * H];

static int set_up(void **state)
{
    (void)state;
    struct tiny tiny;
    arena = arena_new();
    model = test_folder();
    assert_ok(backend_open("cpu", 2, &backend));
    tiny_make(&tiny, arena, 5, 40);
    tiny_write(&tiny, model);
    assert_ok(encoder_open(model, backend, &encoder));
    tiny_texts(arena, 3, N, 6, &texts);
    struct string_map *map = string_map_new();
    for (uint64_t i = 0; i < N; i++)
        string_map_add(map, strings_at(&texts, i), strings_length(&texts, i));
    n_different = string_map_size(map);
    string_map_free(map);
    assert_true(n_different > N / 2 && n_different < N);
    return encoder_embed(encoder, &texts, expected) != STATUS_OK;
}
static int tear_down(void **state)
{
    (void)state;
    encoder_close(encoder);
    test_folder_remove(model);
    arena_free(arena);
    return 0;
}
static int new_cache(void **state)
{
    (void)state;
    cache = test_folder();
    return 0;
}
static int drop_cache(void **state)
{
    (void)state;
    test_folder_remove(cache);
    return 0;
}

static void embeds_right(void)
{
    float out[N * H];
    memset(out, 0xFF, sizeof out);
    assert_ok(encoder_embed_cached(encoder, cache, &texts, out));
    assert_memory_equal(out, expected, sizeof out);
}

/* The one file of the cache. */
static const char *cache_file(void)
{
    glob_t found;
    assert_int_equal(glob(test_path(cache, "*.embeddings"), 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    const char *path = arena_strdup(arena, found.gl_pathv[0]);
    globfree(&found);
    return path;
}
static uint64_t size_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return (uint64_t)info.st_size;
}
static void change(const char *path, long at, const void *bytes, size_t n)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void a_hit_is_the_miss(void **state)
{
    (void)state;
    float out[N * H];
    assert_ok(encoder_embed_cached(encoder, NULL, &texts, out));
    assert_memory_equal(out, expected, sizeof out);
    embeds_right();
    const char *path = cache_file();
    assert_int_equal(size_of(path), n_different * RECORD);
    embeds_right();
    assert_int_equal(size_of(path), n_different * RECORD);
    /* A part of the texts first, the rest later. */
    assert_int_equal(unlink(path), 0);
    const struct strings few = {.n = 7, .offsets = texts.offsets, .bytes = texts.bytes};
    assert_ok(encoder_embed_cached(encoder, cache, &few, out));
    embeds_right();
    assert_int_equal(size_of(path), n_different * RECORD);
}

/* What is told of the cost: texts asked for, those of them that the cache didn't know, their tokens. */
static void use_is_counted(void **state)
{
    const struct encoder_use *use = encoder_used(encoder), before = *use;
    uint64_t n_tokens = 0;
    float out[N * H];
    (void)state;
    embeds_right();
    assert_int_equal(use->n_texts - before.n_texts, N);
    assert_int_equal(use->n_encoded - before.n_encoded, n_different);
    const uint64_t tokens_of_different = use->n_tokens - before.n_tokens;
    assert_true(use->cpu_seconds > before.cpu_seconds && use->seconds > before.seconds);
    embeds_right(); /* all from the cache */
    assert_int_equal(use->n_texts - before.n_texts, 2 * N);
    assert_int_equal(use->n_encoded - before.n_encoded, n_different);
    assert_ok(encoder_embed_cached(encoder, NULL, &texts, out)); /* none: each text, equal ones too */
    assert_int_equal(use->n_encoded - before.n_encoded, n_different + N);
    for (uint64_t i = 0; i < N; i++) {
        uint32_t *ids, n;
        assert_ok(
            encoder_tokenize(encoder, strings_at(&texts, i), strings_length(&texts, i), arena, &ids, &n));
        n_tokens += n;
    }
    assert_int_equal(use->n_tokens - before.n_tokens, tokens_of_different + n_tokens);
}

/* Puts the record with this vector and a right check into the file's first place. */
static void forge(unsigned char *record, const float *vector)
{
    char hex[SHA256_HEX];
    memcpy(record + 32, vector, H * sizeof *vector);
    sha256_hex(record, RECORD - 8, hex);
    for (int i = 0; i < 8; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        record[RECORD - 8 + i] = (unsigned char)byte;
    }
    change(cache_file(), 0, record, RECORD);
}

/* A record with a vector of our own and a right check comes back: hits are read, not computed. */
static void hits_are_read(void **state)
{
    (void)state;
    unsigned char record[RECORD];
    float out[H], forged[H];
    const struct strings first = {.n = 1, .offsets = texts.offsets, .bytes = texts.bytes};
    assert_ok(encoder_embed_cached(encoder, cache, &first, out));
    FILE *file = fopen(cache_file(), "rb");
    assert_int_equal(fread(record, 1, RECORD, file), RECORD);
    fclose(file);
    for (int i = 0; i < H; i++)
        forged[i] = (float)i;
    forge(record, forged);
    assert_ok(encoder_embed_cached(encoder, cache, &first, out));
    assert_memory_equal(out, forged, sizeof out);
    /* The same with a number that none can have is passed over. */
    forged[5] = NAN;
    forge(record, forged);
    assert_ok(encoder_embed_cached(encoder, cache, &first, out));
    assert_memory_equal(out, expected, sizeof out);
}

/* One bit changed, in a text's hash, a vector, a check: that record is computed again, once. */
static void damage_is_recomputed(void **state)
{
    (void)state;
    const long places[] = {0, 31, 32, 200, 32 + 4 * H, RECORD - 1, 3 * RECORD + 50};
    embeds_right();
    const char *path = cache_file();
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        assert_int_equal(unlink(path), 0);
        embeds_right();
        unsigned char byte;
        FILE *file = fopen(path, "rb");
        fseek(file, places[i], SEEK_SET);
        assert_int_equal(fread(&byte, 1, 1, file), 1);
        fclose(file);
        byte ^= 1;
        change(path, places[i], &byte, 1);
        embeds_right();
        assert_int_equal(size_of(path), (n_different + 1) * RECORD);
        embeds_right();
        assert_int_equal(size_of(path), (n_different + 1) * RECORD);
    }
    char noise[3 * RECORD + 17]; /* no record of ours at all */
    memset(noise, 'x', sizeof noise);
    assert_int_equal(unlink(path), 0);
    assert_ok(atomic_write(path, noise, sizeof noise));
    embeds_right();
    assert_int_equal(size_of(path), (n_different + 3) * RECORD);
}

/* What a kill or a power failure leaves: a file cut off anywhere. */
static void torn_records_are_cut_off(void **state)
{
    (void)state;
    const long lengths[] = {0, 1, 31, 32, RECORD - 1, RECORD, RECORD + 1, 5 * RECORD - 8, 20 * RECORD + 100};
    embeds_right();
    const char *path = cache_file();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        assert_int_equal(truncate(path, lengths[i]), 0);
        embeds_right();
        assert_int_equal(size_of(path), n_different * RECORD);
        embeds_right();
        assert_int_equal(size_of(path), n_different * RECORD);
    }
    /* A power failure can also leave zeros. */
    char zeros[4 * RECORD] = {0};
    change(path, 10 * RECORD, zeros, sizeof zeros);
    embeds_right();
    assert_int_equal(size_of(path), (n_different + 4) * RECORD);
}

static void encoders_do_not_mix(void **state)
{
    (void)state;
    struct tiny tiny;
    struct encoder *other;
    float alone[N * H], out[N * H];
    char *folder = test_folder();
    tiny_make(&tiny, arena, 77, 40);
    tiny_write(&tiny, folder);
    assert_ok(encoder_open(folder, backend, &other));
    assert_string_not_equal(encoder_sha256(other), encoder_sha256(encoder));
    assert_ok(encoder_embed(other, &texts, alone));
    assert_memory_not_equal(alone, expected, sizeof alone);
    for (int turn = 0; turn < 2; turn++) {
        embeds_right();
        assert_ok(encoder_embed_cached(other, cache, &texts, out));
        assert_memory_equal(out, alone, sizeof out);
    }
    glob_t found;
    assert_int_equal(glob(test_path(cache, "*.embeddings"), 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 2);
    globfree(&found);
    encoder_close(other);
    test_folder_remove(folder);
}

/* Files may not grow beyond ten records and a half: the work goes on, and no part of a record stays. */
static void a_full_disk_costs_the_cache_only(void **state)
{
    (void)state;
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    small = old;
    small.rlim_cur = 10 * RECORD + RECORD / 2;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    float out[N * H];
    const enum status status = encoder_embed_cached(encoder, cache, &texts, out);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_ok(status);
    assert_memory_equal(out, expected, sizeof out);
    assert_int_equal(size_of(cache_file()) % RECORD, 0);
    embeds_right();
    assert_int_equal(size_of(cache_file()), n_different * RECORD);
}

/* Two processes with one cache: every record of either is whole. */
static void two_processes(void **state)
{
    (void)state;
    const char *program = arena_strdup(arena, cache);
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) { /* this program again, since a fork keeps no threads */
            execl("/proc/self/exe", "test_cache", model, program, (char *)NULL);
            _exit(127);
        }
    }
    for (int i = 0; i < 2; i++) {
        int how;
        assert_int_equal(waitpid(children[i], &how, 0), children[i]);
        assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    }
    const uint64_t size = size_of(cache_file());
    assert_true(size % RECORD == 0 && size >= n_different * RECORD && size <= 2 * n_different * RECORD);
    embeds_right();
    assert_int_equal(size_of(cache_file()), size); /* nothing was missing */
}

/* The other process of two_processes(): the texts one at a time. */
static int child(const char *folder, const char *at)
{
    float out[H];
    arena = arena_new();
    if (backend_open("cpu", 1, &backend) != STATUS_OK || encoder_open(folder, backend, &encoder) != STATUS_OK)
        return 1;
    tiny_texts(arena, 3, N, 6, &texts);
    for (uint64_t i = 0; i < N; i++) {
        const uint64_t offsets[] = {0, strings_length(&texts, i)};
        const struct strings alone = {.n = 1, .offsets = offsets, .bytes = strings_at(&texts, i)};
        if (encoder_embed_cached(encoder, at, &alone, out) != STATUS_OK)
            return 1;
    }
    encoder_close(encoder);
    arena_free(arena);
    return 0;
}

int main(int argc, char **argv)
{
#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, new_cache, drop_cache)
    const struct CMUnitTest tests[] = {CACHE_TEST(use_is_counted),
                                       CACHE_TEST(a_hit_is_the_miss),
                                       CACHE_TEST(hits_are_read),
                                       CACHE_TEST(damage_is_recomputed),
                                       CACHE_TEST(torn_records_are_cut_off),
                                       CACHE_TEST(encoders_do_not_mix),
                                       CACHE_TEST(a_full_disk_costs_the_cache_only),
                                       CACHE_TEST(two_processes)};
    if (argc == 3)
        return child(argv[1], argv[2]);
    test_quiet();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
