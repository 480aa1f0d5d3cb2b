/*
 * test_probe.c - the memorisation probe finds what was planted, and nothing where nothing was.
 *
 * A decoder can't be taught a dataset here, so the dataset is made to be what the decoder (tiny_speaker.h) expects: each item gets that of eight
 * genres which its title makes likelier.  Ids and ratings are drawn, so the decoder can't know them.
 */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../llm/tiny_speaker.h"
#include "../models/mf_fixture.h"
#include "backend/backend.h"
#include "fusion/probe.h"
#include "llm/likelihood.h"

enum { N_USERS = 20, N_ITEMS = 120, N_ROWS = 600, N_GENRES = 8 };
static char *folder;
static struct arena *arena;
static const struct backend *backend;
static struct decoder *decoder;
static struct dataset data;
static struct column column[2];
static const char *titles[N_ITEMS], *ids[N_ITEMS];
static const char *const genres[N_GENRES] = {"Zebra quagga", "11-11-11", "ooooo", "Film-Noir",
                                             "x|y",          "Crime",    "AAA",   "the end."};

static struct strings strings(const char *const *all, size_t n)
{
    struct string_builder b = {0};
    struct strings out;
    for (size_t i = 0; i < n; i++)
        assert_ok(string_builder_add(&b, all[i], strlen(all[i])));
    assert_ok(string_builder_finish(&b, arena, &out));
    return out;
}

/* ln P("::GENRE\n" | "ID::TITLE") */
static double score(int item, int genre)
{
    struct likelihood_text t = {0};
    uint32_t *prompt, *rest;
    double out;
    size_t n;
    const char *a = arena_printf(arena, "%s::%s", ids[item], titles[item]),
               *b = arena_printf(arena, "::%s\n", genres[genre]);
    assert_ok(
        tokenizer_encode(decoder_tokenizer(decoder), a, strlen(a), TOKENIZER_BEGIN, arena, &prompt, &n));
    assert_ok(tokenizer_encode(decoder_tokenizer(decoder), b, strlen(b), 0, arena, &rest, &t.n));
    t.ids = rest;
    assert_ok(likelihood(decoder, prompt, n, &t, 1, false, &out));
    return out;
}

/* The genre of each item: the one that the decoder expects, or one drawn. */
static void give_genres(bool planted)
{
    static uint32_t row[N_ITEMS], name[N_ITEMS];
    static double of[N_ITEMS][N_GENRES], mean[N_GENRES];
    memset(mean, 0, sizeof mean);
    for (int i = 0; i < N_ITEMS && planted; i++)
        for (int g = 0; g < N_GENRES; g++)
            mean[g] += (of[i][g] = score(i, g)) / N_ITEMS;
    for (uint32_t i = 0; i < N_ITEMS; i++) {
        row[i] = i;
        name[i] = planted ? 0 : (uint32_t)(N_GENRES * random_unit(8, RANDOM_SYNTH, 5, i));
        for (uint32_t g = 1; g < N_GENRES && planted; g++)
            if (of[i][g] - mean[g] > of[i][name[i]] - mean[name[i]])
                name[i] = g;
    }
    assert_ok(csr_from_triples(N_ITEMS, N_GENRES, N_ITEMS, row, name, NULL, arena, &column[1].list, NULL));
}

static int set_up(void **state)
{
    static uint32_t user[N_ROWS], item[N_ROWS];
    static float value[N_ROWS];
    static uint64_t source[N_ROWS];
    static const char *users[N_USERS];
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz ,.:-QXZ0123456789";
    size_t n;
    (void)state;
    test_quiet();
    folder = test_folder();
    arena = arena_new();
    assert_ok(backend_open("cpu", 1, &backend));
    char *bytes = tiny_speaker(1024, &n);
    const char *path = test_path(folder, "speaker.gguf");
    FILE *stream = fopen(path, "wb");
    assert_true(fwrite(bytes, 1, n, stream) == n && fclose(stream) == 0);
    free(bytes);
    assert_ok(decoder_open(path, backend, &decoder));
    for (uint32_t i = 0; i < N_ITEMS; i++) {
        char title[9] = "";
        for (uint32_t k = 0; k < 8; k++)
            title[k] = letters[(size_t)(random_unit(8, RANDOM_SYNTH, 6 + i, k) * (sizeof letters - 1))];
        titles[i] = arena_strdup(arena, title);
        ids[i] = arena_printf(arena, "%u", 100 + i * 7);
    }
    for (uint32_t u = 0; u < N_USERS; u++)
        users[u] = arena_printf(arena, "u%02u", u);
    for (uint32_t r = 0; r < N_ROWS; r++) { /* sorted by user; low items are popular */
        user[r] = r * N_USERS / N_ROWS;
        const double x = random_unit(8, RANDOM_SYNTH, 1, r);
        item[r] = (uint32_t)(x * x * N_ITEMS);
        value[r] = (float)(1 + (int)(5 * random_unit(8, RANDOM_SYNTH, 2, r)));
        source[r] = r;
    }
    column[0] = (struct column){.name = "title", .kind = COLUMN_TEXT, .text = strings(titles, N_ITEMS)};
    column[1] = (struct column){.name = "genres", .kind = COLUMN_LIST, .names = strings(genres, N_GENRES)};
    data = (struct dataset){.name = "made",
                            .n_users = N_USERS,
                            .n_items = N_ITEMS,
                            .user_ids = strings(users, N_USERS),
                            .item_ids = strings(ids, N_ITEMS),
                            .interactions = {N_ROWS, user, item, value, NULL, source},
                            .n_item_columns = 2,
                            .item_columns = column};
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    decoder_close(decoder);
    arena_free(arena);
    test_folder_remove(folder);
    return 0;
}

static size_t probe(uint32_t rows, uint32_t context, struct probe_line *lines)
{
    const struct probe_options options = {.rows = rows, .context = context, .seed = 4};
    size_t n;
    assert_ok(probe_run(decoder, &data, &options, arena, lines, &n));
    return n;
}

static void finds_what_was_planted_and_no_more(void **state)
{
    struct probe_line lines[PROBE_LINES];
    (void)state;
    for (int planted = 0; planted < 2; planted++) {
        int found = 0;
        give_genres(planted == 1);
        const size_t n = probe(40, 0, lines);
        assert_int_equal(n, PROBE_LINES);
        for (size_t k = 0; k < n; k++) {
            const bool title = strcmp(lines[k].changed, "title") == 0;
            assert_true(lines[k].n > 1 && lines[k].n <= 40 && lines[k].p_holm >= lines[k].p);
            assert_true(lines[k].low <= lines[k].difference && lines[k].difference <= lines[k].high);
            found += lines[k].p_holm < 0.05 && title;
            if (!planted || strcmp(lines[k].rows, "ratings") == 0)
                assert_true(lines[k].p_holm > 0.01);
            if (title && planted)
                assert_true(lines[k].difference > 0 && lines[k].likelier > 0.5);
        }
        assert_true(planted ? found >= 2 : found == 0);
    }
}

static void threads_change_nothing(void **state)
{
    struct probe_line a[PROBE_LINES], b[PROBE_LINES];
    const struct backend *other;
    (void)state;
    give_genres(false);
    const size_t n = probe(2, 1, a);
    assert_ok(backend_open("cpu", 2, &other));
    assert_int_equal(probe(2, 1, b), n);
    assert_ok(backend_open("cpu", 1, &other));
    for (size_t k = 0; k < n; k++)
        assert_true(a[k].difference == b[k].difference && a[k].n == b[k].n && a[k].p_holm == b[k].p_holm);
}

static void sparse_data_is_told(void **state)
{
    struct dataset less = data;
    struct probe_line lines[PROBE_LINES];
    const struct probe_options options = {.rows = 3, .context = 1};
    size_t n;
    (void)state;
    less.n_item_columns = 0; /* no title: ratings alone */
    assert_ok(probe_run(decoder, &less, &options, arena, lines, &n));
    assert_int_equal(n, 2 * PROBE_STRATA);
    for (size_t k = 0; k < n; k++)
        assert_string_equal(lines[k].rows, "ratings");
    less.interactions.n = 0;
    test_fails(probe_run(decoder, &less, &options, arena, lines, &n), STATUS_DATA, "made", "nothing", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_planted_and_no_more),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(sparse_data_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
