/* The oracle scores by the generator's truth, to the last factor, and says so where there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/synth.h"
#include "models/model_io.h"
#include "registry.h"

static void quiet(void *context, enum status status, const char *sentence)
{
    (void)context, (void)status, (void)sentence;
}

static const struct synth_options options = {
    .n_users = 40, .n_items = 60, .n_interactions = 600, .seed = 3, .signal = 1, .factors = 4};

struct fitted {
    struct arena *arena;
    const struct backend *backend;
    const struct model_type *type;
    struct dataset *d;
    struct view *v;
    struct run run;
    int params[1]; /* truth: 0 observed, 1 preference */
    void *state;
};

static struct fitted prepare(const char *truth)
{
    static const volatile sig_atomic_t never = 0;
    struct fitted f = {.arena = arena_new(), .type = model_find("oracle")};
    struct node *node = NULL;
    const char *yaml = arena_printf(f.arena, "{truth: %s}", truth);
    assert_non_null(f.type);
    assert_true(f.type->params_size <= sizeof f.params);
    assert_int_equal(backend_open("cpu", 1, &f.backend), STATUS_OK);
    assert_int_equal(synth_generate(&options, f.arena, &f.d), STATUS_OK);
    const struct fold fold = {.train = f.d->interactions};
    assert_int_equal(view_build(f.d, &fold, f.arena, &f.v), STATUS_OK);
    assert_int_equal(node_parse("test.yaml", yaml, strlen(yaml), f.arena, &node), STATUS_OK);
    assert_int_equal(params_default(f.type->params, f.arena, f.params), STATUS_OK);
    assert_int_equal(params_set(f.type->params, "oracle", node, f.arena, f.params), STATUS_OK);
    f.run = (struct run){.backend = f.backend, .arena = f.arena, .scratch = f.arena, .cancelled = &never};
    f.state = arena_alloc(f.arena, 1, f.type->state_size);
    return f;
}

/* In double, in another order than GEMM's: within c eps sum |x y|. */
static void assert_scores(const struct fitted *f, const void *state, bool exposure)
{
    const struct truth *t = f->d->truth;
    const uint32_t users[] = {0, 7, 39};
    float scores[3 * 60];
    const struct tile tile = {.scores = scores, .ld = 60, .n_items = 60};
    assert_int_equal(model_score_users(f->type, state, f->backend, users, 3, &tile), STATUS_OK);
    for (uint32_t r = 0; r < 3; r++) {
        for (uint32_t i = 0; i < 60; i++) {
            double want = (double)t->item_bias[i] + (exposure ? t->exposure[i] : 0), size = 4;
            for (uint32_t k = 0; k < t->factors; k++) {
                const double part = (double)t->user[users[r] * t->factors + k] * t->item[i * t->factors + k];
                want += part;
                size += part < 0 ? -part : part;
            }
            assert_true(scores[r * 60 + i] - want < 1e-6 * size && want - scores[r * 60 + i] < 1e-6 * size);
        }
    }
}

static void scores_are_the_truth(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct fitted f = prepare(k == 0 ? "observed" : "preference");
        assert_int_equal(f.type->fit(f.state, f.params, f.v, &f.run), STATUS_OK);
        assert_scores(&f, f.state, k == 0);
        char path[64];
        snprintf(path, sizeof path, "/tmp/recfuse-oracle-%ld.h5", (long)getpid());
        void *again = arena_alloc(f.arena, 1, f.type->state_size);
        assert_int_equal(model_save(path, f.type, f.params, f.state), STATUS_OK);
        assert_int_equal(model_load(path, f.type, f.params, &f.run, again), STATUS_OK);
        assert_scores(&f, again, k == 0);
        unlink(path);
        arena_free(f.arena);
    }
}

static void real_data_has_no_oracle(void **state)
{
    (void)state;
    struct fitted f = prepare("observed");
    f.v->truth = NULL;
    assert_int_equal(f.type->fit(f.state, f.params, f.v, &f.run), STATUS_UNAVAILABLE);
    assert_non_null(strstr(status_sentence(), "recfuse synth"));
    assert_true(f.type->needs & NEEDS_TRUTH);
    arena_free(f.arena);
}

int main(void)
{
    status_set_handler(quiet, NULL, NULL, NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(scores_are_the_truth),
                                       cmocka_unit_test(real_data_has_no_oracle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
