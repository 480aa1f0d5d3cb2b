/*
 * build.h - small datasets, configs and files for the tests of src/data.
 */
#ifndef TESTS_DATA_BUILD_H
#define TESTS_DATA_BUILD_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/node.h"
#include "base/strings.h"
#include "data/dataset.h"

static inline void quiet(void *context, enum status status, const char *sentence)
{
    (void)context, (void)status, (void)sentence;
}

static inline struct node *parse(struct arena *arena, const char *yaml)
{
    struct node *node = NULL;
    assert_int_equal(node_parse("test.yaml", yaml, strlen(yaml), arena, &node), STATUS_OK);
    return node;
}

static inline struct strings numbered_ids(struct arena *arena, const char *prefix, uint32_t n)
{
    struct string_builder b = {0};
    struct strings out;
    char id[32];
    for (uint32_t i = 0; i < n; i++) {
        const int length = snprintf(id, sizeof id, "%s%u", prefix, i + 1);
        assert_int_equal(string_builder_add(&b, id, (size_t)length), STATUS_OK);
    }
    assert_int_equal(string_builder_finish(&b, arena, &out), STATUS_OK);
    return out;
}

/* Rows {user, item, value}, sorted by user; published ids are u1.. and i1..; source rows count from 0. */
static inline struct dataset *build_dataset(struct arena *arena, uint32_t n_users, uint32_t n_items, size_t n,
                                            const float (*rows)[3])
{
    struct dataset *d = arena_alloc(arena, 1, sizeof *d);
    d->name = "tiny";
    d->source = d->policies = "";
    d->n_users = n_users;
    d->n_items = n_items;
    d->user_ids = numbered_ids(arena, "u", n_users);
    d->item_ids = numbered_ids(arena, "i", n_items);
    d->interactions = (struct interactions){.n = n};
    d->interactions.user = arena_alloc(arena, n, sizeof(uint32_t));
    d->interactions.item = arena_alloc(arena, n, sizeof(uint32_t));
    d->interactions.value = arena_alloc(arena, n, sizeof(float));
    d->interactions.source_row = arena_alloc(arena, n, sizeof(uint64_t));
    for (size_t r = 0; r < n; r++) {
        d->interactions.user[r] = (uint32_t)rows[r][0];
        d->interactions.item[r] = (uint32_t)rows[r][1];
        d->interactions.value[r] = rows[r][2];
        d->interactions.source_row[r] = r;
    }
    return d;
}

/* A pseudo-random dataset of distinct pairs with times: user u has 3 + u % 17 items (at most n_items). */
static inline struct dataset *build_random(struct arena *arena, uint32_t n_users, uint32_t n_items)
{
    size_t n = 0;
    float(*rows)[3] = malloc((size_t)n_users * n_items * sizeof *rows);
    for (uint32_t u = 0; u < n_users; u++) {
        const uint32_t n_rows = 3 + u % 17 < n_items ? 3 + u % 17 : n_items;
        for (uint32_t k = 0; k < n_rows; k++, n++) {
            rows[n][0] = (float)u;
            rows[n][1] = (float)((u * 7919u + k) % n_items);
            rows[n][2] = (float)(1 + (u + 3 * k) % 5);
        }
    }
    struct dataset *d = build_dataset(arena, n_users, n_items, n, (const float(*)[3])rows);
    d->interactions.time = arena_alloc(arena, n, sizeof(int64_t));
    for (size_t r = 0; r < n; r++)
        d->interactions.time[r] = 1000 + (int64_t)r;
    free(rows);
    return d;
}

/* A file of that content under /tmp, removed by the test; .gz names are packed. */
static inline const char *write_test_file(struct arena *arena, const char *name, const char *content)
{
    char *path = arena_printf(arena, "/tmp/recfuse-test-%ld-%s", (long)getpid(), name);
    const size_t n = strlen(name);
    if (n > 3 && strcmp(name + n - 3, ".gz") == 0) {
        gzFile file = gzopen(path, "wb");
        assert_non_null(file);
        gzputs(file, content);
        gzclose(file);
    } else {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(content, file);
        fclose(file);
    }
    return path;
}

static inline void assert_says(const char *part)
{
    if (strstr(status_sentence(), part) == NULL)
        fail_msg("the sentence \"%s\" does not hold \"%s\"", status_sentence(), part);
}

#endif
