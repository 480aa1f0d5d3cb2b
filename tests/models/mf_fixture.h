/*
 * mf_fixture.h - what the tests of the factor models share: a made-up view, a run, a fit from a line of YAML.
 */
#ifndef MF_FIXTURE_H
#define MF_FIXTURE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "models/model_io.h"

struct fixture {
    struct arena *arena;
    struct csr by_user, by_item;
    struct view view;
    struct run run;
    const struct backend *backend;
};

static volatile sig_atomic_t fixture_cancelled;

/* A train view of these triples. */
static inline void fixture_open(struct fixture *f, uint32_t n_users, uint32_t n_items, uint64_t n,
                                const uint32_t *user, const uint32_t *item, const float *value)
{
    memset(f, 0, sizeof *f);
    fixture_cancelled = 0;
    f->arena = arena_new();
    assert_non_null(f->arena);
    assert_int_equal(csr_from_triples(n_users, n_items, n, user, item, value, f->arena, &f->by_user, NULL),
                     STATUS_OK);
    assert_int_equal(csr_transpose(&f->by_user, f->arena, &f->by_item), STATUS_OK);
    f->view =
        (struct view){.n_users = n_users, .n_items = n_items, .by_user = &f->by_user, .by_item = &f->by_item};
    for (int64_t e = 0; e < f->by_user.nnz && f->by_user.val != NULL; e++) {
        const float v = f->by_user.val[e];
        f->view.minimum_value = e == 0 || v < f->view.minimum_value ? v : f->view.minimum_value;
        f->view.maximum_value = e == 0 || v > f->view.maximum_value ? v : f->view.maximum_value;
    }
    assert_int_equal(backend_open("cpu", 2, &f->backend), STATUS_OK);
    f->run = (struct run){.backend = f->backend,
                          .arena = f->arena,
                          .scratch = f->arena,
                          .seed = 42,
                          .cancelled = &fixture_cancelled};
}

static inline void fixture_close(struct fixture *f)
{
    arena_free(f->arena);
}

/* Parameters of the type, changed by a YAML map ("" for none). */
static inline void *fixture_params(struct fixture *f, const struct model_type *type, const char *yaml)
{
    struct node *map = NULL;
    void *params = arena_alloc(f->arena, 1, type->params_size);
    assert_non_null(params);
    assert_int_equal(params_default(type->params, f->arena, params), STATUS_OK);
    if (*yaml != '\0') {
        assert_int_equal(node_parse("test", yaml, strlen(yaml), f->arena, &map), STATUS_OK);
        assert_int_equal(params_set(type->params, type->name, map, f->arena, params), STATUS_OK);
    }
    return params;
}

static inline void *fixture_state(struct fixture *f, const struct model_type *type)
{
    void *state = arena_alloc(f->arena, 1, type->state_size);
    assert_non_null(state);
    return state;
}

static inline void *fixture_fit(struct fixture *f, const struct model_type *type, const char *yaml)
{
    void *state = fixture_state(f, type);
    assert_int_equal(type->fit(state, fixture_params(f, type, yaml), &f->view, &f->run), STATUS_OK);
    return state;
}

/* Keeps sentences off the terminal where a failure is what the test wants. */
static inline void fixture_quiet(void *context, enum status status, const char *sentence)
{
    (void)context, (void)status, (void)sentence;
}

#endif
