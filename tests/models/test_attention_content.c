/* test_attention_content.c - attention_content against its formula in double, and its two limits: the nearest item, the mean. */
#include "small_view.h"

#include <math.h>
#include <string.h>

#include "models/item_vectors.h"

extern const struct model_type model_attention_content;

enum { USERS = 9, ITEMS = 61, D = 12 };

static void set_params(void *params, const char *yaml, struct arena *arena)
{
    struct node *node;
    assert_int_equal(params_default(model_attention_content.params, arena, params), STATUS_OK);
    assert_int_equal(node_parse("t", yaml, strlen(yaml), arena, &node), STATUS_OK);
    assert_int_equal(params_set(model_attention_content.params, "attention_content", node, arena, params),
                     STATUS_OK);
}

static void check(const char *yaml, double temperature, double beta, bool rated)
{
    struct small s;
    struct item_vectors v;
    small_new(&s, USERS, ITEMS, 0.5, 1, 3, 2);
    void *params = arena_alloc(s.arena, 1, model_attention_content.params_size),
         *state = arena_alloc(s.arena, 1, model_attention_content.state_size);
    set_params(params, yaml, s.arena);
    assert_int_equal(model_attention_content.fit(state, params, &s.view, &s.run), STATUS_OK);
    const struct item_vectors_options options = {
        .encoder = ITEM_ENCODER_RANDOM, .dimensions = D, .center = true};
    assert_int_equal(item_vectors_build(&options, &s.view, &s.run, &v), STATUS_OK);
    float *scores = arena_alloc(s.arena, USERS * (ITEMS + 3), sizeof *scores);
    uint32_t users[USERS];
    for (uint32_t u = 0; u < USERS; u++)
        users[u] = USERS - 1 - u;
    const struct tile tile = {scores, ITEMS + 3, ITEMS};
    assert_int_equal(model_attention_content.score_users(state, users, USERS, &tile), STATUS_OK);
    for (uint32_t r = 0; r < USERS; r++)
        for (uint32_t i = 0; i < ITEMS; i++) {
            double total = 0, sum = 0;
            for (uint32_t j = 0; j < ITEMS; j++) {
                const double value = s.dense[(size_t)users[r] * ITEMS + j];
                double cosine = 0;
                for (uint32_t k = 0; k < D; k++)
                    cosine += (double)v.v[i * D + k] * (double)v.v[j * D + k];
                const double w = value > 0 ? (rated ? value : 1) * exp((cosine - 1) / temperature) : 0;
                total += w, sum += w * cosine;
            }
            assert_float_equal(scores[r * (ITEMS + 3) + i], total > 0 ? sum * pow(total, -beta) : 0,
                               1e-4 * (1 + total));
        }
    small_free(&s);
}

static void is_its_formula(void **state)
{
    (void)state;
    check("{encoder: random, dimensions: 12}", 0.2, 0.5, false);
    check("{encoder: random, dimensions: 12, temperature: 0.5, weights: rating, beta: 1}", 0.5, 1, true);
    check("{encoder: random, dimensions: 12, temperature: 1000000}", 1e6, 0.5, false);
    check("{encoder: random, dimensions: 12, temperature: 0.05, beta: 0}", 0.05, 0, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_its_formula)};
    return cmocka_run_group_tests_name("attention_content", tests, NULL, NULL);
}
