/*
 * test_early.c - early stopping of the models that have it: the state kept is the one of the best epoch, to the bit that of a fit of so many epochs;
 * the fit goes on for `patience` epochs more and no further; without validation rows nothing changes.
 */
#include "small_view.h"

#include <string.h>

#include "registry.h"

/* Quality that an experiment of ours decides: rises to epoch BEST, then falls. */
enum { BEST = 4, PATIENCE = 3 };
struct judge {
    int asked;
};
static enum status judge(void *context, const void *state, double *quality)
{
    struct judge *j = context;
    (void)state;
    j->asked++;
    *quality = j->asked <= BEST ? j->asked : 2.0 * BEST - j->asked;
    return STATUS_OK;
}

static float *fit(const char *name, const char *yaml, struct small *s, struct judge *j, uint32_t *epochs)
{
    const struct model_type *type = model_find(name);
    struct node *node;
    void *params = arena_alloc(s->arena, 1, type->params_size),
         *state = arena_alloc(s->arena, 1, type->state_size);
    float *out = arena_alloc(s->arena, (size_t)s->view.n_users * s->view.n_items, sizeof *out);
    uint32_t users[32];
    assert_int_equal(params_default(type->params, s->arena, params), STATUS_OK);
    assert_int_equal(node_parse("test", yaml, strlen(yaml), s->arena, &node), STATUS_OK);
    assert_int_equal(params_set(type->params, type->name, node, s->arena, params), STATUS_OK);
    struct run run = s->run;
    run.validate = j != NULL ? judge : NULL;
    run.validate_context = j;
    assert_int_equal(type->fit(state, params, &s->view, &run), STATUS_OK);
    *epochs = run.epochs;
    for (uint32_t u = 0; u < s->view.n_users; u++)
        users[u] = u;
    const struct tile tile = {out, s->view.n_items, s->view.n_items};
    assert_int_equal(model_score_users(type, state, run.backend, users, s->view.n_users, &tile), STATUS_OK);
    return out;
}

/* more: further parameters, ", solver: sgd". */
static void stops(const char *name, const char *word, const char *more)
{
    struct small s;
    struct judge j = {0}, again = {0};
    uint32_t epochs, none;
    char yaml[128];
    small_new(&s, 30, 20, 0.3, 0, 4, 2);
    const size_t size = (size_t)s.view.n_users * s.view.n_items * sizeof(float);
    snprintf(yaml, sizeof yaml, "{%s: 30, patience: %d, factors: 8%s}", word, PATIENCE, more);
    const float *stopped = fit(name, yaml, &s, &j, &epochs);
    assert_int_equal(epochs, BEST);
    assert_int_equal(j.asked, BEST + PATIENCE);
    const float *plain_all = fit(name, yaml, &s, NULL, &none); /* no validation rows: all 30 */
    assert_int_equal(none, 0);
    snprintf(yaml, sizeof yaml, "{%s: %d, factors: 8%s}", word, BEST, more);
    const float *plain = fit(name, yaml, &s, &again, &none);
    assert_int_equal(again.asked, 0);
    assert_memory_equal(stopped, plain, size);
    snprintf(yaml, sizeof yaml, "{%s: 30, factors: 8%s}", word, more);
    assert_memory_equal(plain_all, fit(name, yaml, &s, NULL, &none), size);
    small_free(&s);
}

static void test_ials(void **state)
{
    (void)state;
    stops("ials", "iterations", "");
}
static void test_bpr_mf(void **state)
{
    (void)state;
    stops("bpr_mf", "epochs", "");
}
static void test_mf2020(void **state)
{
    (void)state;
    stops("mf2020", "epochs", "");
}
static void test_rating_models(void **state)
{
    (void)state;
    stops("svdpp", "epochs", "");
    stops("pmf", "epochs", "");
    stops("nmf", "epochs", "");
    stops("nmf", "epochs", ", biased: true");
}
static void test_fm(void **state)
{
    (void)state;
    stops("fm", "epochs", "");
    stops("fm", "epochs", ", solver: sgd, reg_weight: 0.02, reg_factor: 0.05");
    stops("fm_ranking", "epochs", "");
}
static void test_svd(void **state)
{
    (void)state;
    stops("svd", "epochs", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ials),          cmocka_unit_test(test_bpr_mf),
                                       cmocka_unit_test(test_mf2020),        cmocka_unit_test(test_svd),
                                       cmocka_unit_test(test_rating_models), cmocka_unit_test(test_fm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
