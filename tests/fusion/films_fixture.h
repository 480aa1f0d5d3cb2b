/*
 * films_fixture.h - a few users and films with titles and times, and a tiny decoder that reads them (tiny_speaker.h), in a folder of its own.
 */
#ifndef TESTS_FILMS_FIXTURE_H
#define TESTS_FILMS_FIXTURE_H
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

#include "../llm/tiny_speaker.h"
#include "../models/mf_fixture.h"

enum { N_USERS = 12, N_ITEMS = 18, COLD = 11, UNTITLED = 17 };
static char *folder;
static struct fixture f;
static struct column column;
static int64_t times[N_USERS * N_ITEMS];
static const char *const titles[N_ITEMS] = {"Alien (1979)",
                                            "Matrix, The (1999)",
                                            "Heat",
                                            "Big",
                                            "Up",
                                            "Them!",
                                            "Jaws",
                                            "Speed",
                                            "Rope",
                                            "Vertigo (1958)",
                                            "Léon",
                                            "Casablanca",
                                            "Bug's Life, A",
                                            "Babe",
                                            "Cube",
                                            "Drive",
                                            "Tron",
                                            ""};

static inline const char *write_model(uint32_t context, const char *name)
{
    size_t n;
    char *bytes = tiny_speaker(context, &n);
    const char *path = test_path(folder, name);
    FILE *stream = fopen(path, "wb");
    assert_true(fwrite(bytes, 1, n, stream) == n && fclose(stream) == 0);
    free(bytes);
    return path;
}

static inline int set_up(void **state)
{
    static uint32_t user[N_USERS * N_ITEMS], item[N_USERS * N_ITEMS];
    static float value[N_USERS * N_ITEMS];
    static const char *ids[N_ITEMS > N_USERS ? N_ITEMS : N_USERS];
    uint64_t n = 0;
    (void)state;
    folder = test_folder();
    test_quiet();
    for (uint32_t u = 0; u < N_USERS; u++)
        for (uint32_t i = 0; i < N_ITEMS; i++)
            if (u != COLD && random_unit(5, RANDOM_SYNTH, u, i) < 0.3)
                user[n] = u, item[n] = i, value[n++] = (float)(1 + (u + i) % 5);
    fixture_open(&f, N_USERS, N_ITEMS, n, user, item, value);
    for (uint64_t e = 0; e < n; e++) /* of the matrix, which is in this order */
        times[e] = (int64_t)(1000 * random_unit(6, RANDOM_SYNTH, user[e], item[e]));
    f.view.time = times;
    column =
        (struct column){.name = "title", .kind = COLUMN_TEXT, .text = test_strings(titles, N_ITEMS, f.arena)};
    f.view.n_item_columns = 1;
    f.view.item_columns = &column;
    for (int i = 0; i < N_ITEMS; i++)
        ids[i] = arena_printf(f.arena, "i%d", i);
    f.view.item_ids = test_strings(ids, N_ITEMS, f.arena);
    for (int u = 0; u < N_USERS; u++)
        ids[u] = arena_printf(f.arena, "u%d", u);
    f.view.user_ids = test_strings(ids, N_USERS, f.arena);
    f.run.models = arena_strdup(f.arena, folder);
    write_model(1024, "speaker.gguf");
    return 0;
}
static inline int tear_down(void **state)
{
    (void)state;
    fixture_close(&f);
    test_folder_remove(folder);
    return 0;
}

#endif
