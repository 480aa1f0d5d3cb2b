/* small_view.h - a train view and a run made of triples, for tests of models that see interactions only. */
#ifndef TESTS_SMALL_VIEW_H
#define TESTS_SMALL_VIEW_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "models/model_io.h"

struct small {
    struct view view;
    struct csr by_user, by_item;
    struct run run;
    struct arena *arena, *scratch;
    double *dense; /* [n_users x n_items] values, 0 where there is none */
};

static const volatile sig_atomic_t small_not_cancelled = 0;

/* About `density` of all pairs, with values in (0, 5]; the last user and the last item stay empty when
 * asked. */
static inline void small_new(struct small *s, uint32_t n_users, uint32_t n_items, double density,
                             int with_empty, uint64_t seed, int threads)
{
    *s = (struct small){.arena = arena_new(), .scratch = arena_new()};
    const size_t most = (size_t)n_users * n_items;
    uint32_t *user = arena_alloc(s->arena, most, sizeof *user),
             *item = arena_alloc(s->arena, most, sizeof *item);
    float *value = arena_alloc(s->arena, most, sizeof *value);
    size_t n = 0;
    s->dense = arena_alloc(s->arena, most, sizeof *s->dense);
    for (uint32_t u = 0; u + (with_empty != 0) < n_users; u++)
        for (uint32_t i = 0; i + (with_empty != 0) < n_items; i++)
            if (random_unit(seed, RANDOM_SYNTH, 0, (uint64_t)u * n_items + i) < density) {
                user[n] = u;
                item[n] = i;
                value[n] = (float)(5 * random_unit(seed, RANDOM_SYNTH, 1, (uint64_t)u * n_items + i));
                s->dense[(size_t)u * n_items + i] = (double)value[n];
                n++;
            }
    assert_int_equal(csr_from_triples(n_users, n_items, n, user, item, value, s->arena, &s->by_user, NULL),
                     STATUS_OK);
    assert_int_equal(csr_transpose(&s->by_user, s->arena, &s->by_item), STATUS_OK);
    s->view =
        (struct view){.n_users = n_users, .n_items = n_items, .by_user = &s->by_user, .by_item = &s->by_item};
    s->run = (struct run){
        .arena = s->arena, .scratch = s->scratch, .seed = seed, .cancelled = &small_not_cancelled};
    assert_int_equal(backend_open("cpu", threads, &s->run.backend), STATUS_OK);
}

static inline void small_free(struct small *s)
{
    arena_free(s->scratch);
    arena_free(s->arena);
}

/* Fits and scores all users: [n_users x n_items], in the arena. */
static inline float *small_scores(struct small *s, const struct model_type *type, const void *params,
                                  void **state_out)
{
    const uint32_t n_users = s->view.n_users, n_items = s->view.n_items;
    void *state = arena_alloc(s->arena, 1, type->state_size);
    uint32_t *users = arena_alloc(s->arena, n_users, sizeof *users);
    float *scores = arena_alloc(s->arena, (size_t)n_users * n_items, sizeof *scores);

    assert_int_equal(type->fit(state, params, &s->view, &s->run), STATUS_OK);
    for (uint32_t u = 0; u < n_users; u++)
        users[u] = u;
    const struct tile tile = {.scores = scores, .ld = n_items, .n_items = n_items};
    assert_int_equal(type->score_users(state, users, n_users, &tile), STATUS_OK);
    if (state_out != NULL)
        *state_out = state;
    return scores;
}

/* Scores after a save and a load must be the same bytes. */
static inline void small_round_trip(struct small *s, const struct model_type *type, const void *params,
                                    const void *state, const float *scores)
{
    const uint32_t n_users = s->view.n_users, n_items = s->view.n_items;
    void *loaded = arena_alloc(s->arena, 1, type->state_size);
    uint32_t *users = arena_alloc(s->arena, n_users, sizeof *users);
    float *again = arena_alloc(s->arena, (size_t)n_users * n_items, sizeof *again);
    char folder[] = "/tmp/recfuse-model-XXXXXX", path[64];

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.h5", folder);
    assert_int_equal(model_save(path, type, params, state), STATUS_OK);
    assert_int_equal(model_load(path, type, params, &s->run, loaded), STATUS_OK);
    for (uint32_t u = 0; u < n_users; u++)
        users[u] = u;
    const struct tile tile = {.scores = again, .ld = n_items, .n_items = n_items};
    assert_int_equal(type->score_users(loaded, users, n_users, &tile), STATUS_OK);
    assert_memory_equal(scores, again, (size_t)n_users * n_items * sizeof *again);
    remove(path);
    rmdir(folder);
}

#endif
