/*
 * test_lstm.c - the LSTM classifier: probabilities, loss and gradients against Keras (tests/golden/lstm.csv, made by tools/golden-lstm.py, which
 * names the version), gradients against gsl_deriv_central() of the network written out in double, what is read and learned.
 */
#include "../models/mf_fixture.h"

#include <gsl/gsl_deriv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fusion/lstm_net.h"
#include "fusion/text_corpus.h"
#include "fusion/text_factors.h"

extern const struct model_type model_lstm_text;

enum { WORDS = 7, EMBEDDING = 3, HIDDEN = 32, STEPS = 6, TEXTS = 3 };
static const uint32_t lengths[TEXTS] = {6, 3, 1};
static const float targets[TEXTS] = {1, 0, 1};

struct problem {
    struct lstm_net net;
    struct lstm_batch batch;
    uint32_t word[STEPS * TEXTS], start[TEXTS];
    double *weights;
    size_t at;
};

/* Weights and words by the formulas of tools/golden-lstm.py. */
static void open_problem(struct problem *p, struct arena *arena)
{
    const struct lstm_shape shape = {WORDS, EMBEDDING, HIDDEN};
    const struct backend *backend;
    memset(p, 0, sizeof *p);
    assert_int_equal(backend_open("cpu", 2, &backend), STATUS_OK);
    assert_int_equal(lstm_net_new(backend, &shape, TEXTS, STEPS, 1, arena, &p->net), STATUS_OK);
    p->weights = arena_alloc(arena, p->net.n_weights, sizeof *p->weights);
    for (size_t e = 0; e < p->net.n_weights; e++)
        p->weights[e] = p->net.weights[e] =
            (float)(0.3 * sin(1 + 0.7 * (double)e + fmod(0.01 * (double)e * (double)e, 50)));
    for (uint32_t r = 0; r < TEXTS; r++) {
        p->start[r] = STEPS - lengths[r];
        for (uint32_t t = p->start[r]; t < STEPS; t++)
            p->word[t * TEXTS + r] = 1 + (3 * r + 2 * t + r * t) % (WORDS - 1);
    }
    p->batch = (struct lstm_batch){TEXTS, STEPS, p->word, p->start, targets};
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* One layer over the steps of one sequence, from the definition: x [length][inputs] to h [length][HIDDEN]. */
static void layer(const struct problem *p, int l, const double *w, const double *x, uint32_t length,
                  double *h)
{
    const struct lstm_layer *a = &p->net.layer[l];
    double c[HIDDEN] = {0}, before[HIDDEN] = {0};
    for (uint32_t t = 0; t < length; t++) {
        for (uint32_t k = 0; k < HIDDEN; k++) {
            double z[4];
            for (uint32_t g = 0; g < 4; g++) {
                const uint32_t column = g * HIDDEN + k;
                z[g] = w[a->bias + column];
                for (uint32_t j = 0; j < a->inputs; j++)
                    z[g] += x[t * a->inputs + j] * w[a->W + j * 4 * HIDDEN + column];
                for (uint32_t j = 0; j < HIDDEN; j++)
                    z[g] += before[j] * w[a->U + j * 4 * HIDDEN + column];
            }
            c[k] = sigmoid(z[1]) * c[k] + sigmoid(z[0]) * tanh(z[2]);
            h[t * HIDDEN + k] = sigmoid(z[3]) * tanh(c[k]);
        }
        memcpy(before, h + (size_t)t * HIDDEN, sizeof before);
    }
}

static double loss(double value, void *problem)
{
    const struct problem *p = problem;
    double *w = p->weights, sum = 0, x[STEPS * EMBEDDING], h[2][STEPS * HIDDEN];
    const double kept = w[p->at];
    w[p->at] = value;
    for (uint32_t r = 0; r < TEXTS; r++) {
        for (uint32_t t = 0; t < lengths[r]; t++)
            for (uint32_t k = 0; k < EMBEDDING; k++)
                x[t * EMBEDDING + k] = w[p->word[(p->start[r] + t) * TEXTS + r] * EMBEDDING + k];
        layer(p, 0, w, x, lengths[r], h[0]);
        layer(p, 1, w, h[0], lengths[r], h[1]);
        double z = w[p->net.dense + HIDDEN];
        for (uint32_t k = 0; k < HIDDEN; k++)
            z += w[p->net.dense + k] * h[1][(lengths[r] - 1) * HIDDEN + k];
        const double q = sigmoid(z), y = (double)targets[r];
        sum -= (y * log(q) + (1 - y) * log(1 - q)) / TEXTS;
    }
    w[p->at] = kept;
    return sum;
}

static void gradients_are_the_derivatives_of_the_loss(void **state)
{
    struct arena *arena = arena_new();
    struct problem p;
    double ours, size = 0;
    (void)state;
    open_problem(&p, arena);
    assert_int_equal(lstm_net_forward(&p.net, &p.batch), STATUS_OK);
    assert_int_equal(lstm_net_backward(&p.net, &p.batch, &ours), STATUS_OK);
    assert_true(fabs(ours - loss(p.weights[0], &p)) < 1e-6);
    for (p.at = 0; p.at < p.net.n_weights; p.at += p.at < WORDS * EMBEDDING ? 1 : 41) {
        double want, error;
        const gsl_function f = {loss, &p};
        gsl_deriv_central(&f, p.weights[p.at], 1e-4, &want, &error);
        if (!(fabs(want - (double)p.net.gradient[p.at]) < 1e-6 + 10 * error))
            fail_msg("weight %zu: gradient %g, by GSL %g", p.at, (double)p.net.gradient[p.at], want);
        size += fabs(want);
    }
    assert_true(size > 0.1);
    arena_free(arena);
}

static void it_computes_what_keras_computes(void **state)
{
    struct arena *arena = arena_new();
    struct problem p;
    double ours;
    int n = 0;
    char line[256], name[32];
    FILE *file = fopen("tests/golden/lstm.csv", "r");
    (void)state;
    assert_non_null(file);
    open_problem(&p, arena);
    assert_int_equal(lstm_net_forward(&p.net, &p.batch), STATUS_OK);
    assert_int_equal(lstm_net_backward(&p.net, &p.batch, &ours), STATUS_OK);
    while (fgets(line, sizeof line, file) != NULL) {
        size_t at;
        double want, got;
        if (line[0] == '#' || sscanf(line, "%31[a-z],%zu,%lf", name, &at, &want) != 3)
            continue;
        got = strcmp(name, "p") == 0      ? (double)p.net.p[at]
              : strcmp(name, "loss") == 0 ? ours
                                          : (double)p.net.gradient[at];
        if (!(fabs(got - want) < 2e-6))
            fail_msg("%s %zu: %.9g, by Keras %.9g", name, at, got, want);
        n++;
    }
    fclose(file);
    assert_true(n > 300);
    arena_free(arena);
}

/* Layers' initial weights: recurrent ones with orthonormal rows, open forget gates. */
static void weights_start_as_in_keras(void **state)
{
    struct arena *arena = arena_new();
    const struct lstm_shape shape = {WORDS, EMBEDDING, HIDDEN};
    const struct backend *backend;
    struct lstm_net net;
    (void)state;
    assert_int_equal(backend_open("cpu", 1, &backend), STATUS_OK);
    assert_int_equal(lstm_net_new(backend, &shape, TEXTS, STEPS, 9, arena, &net), STATUS_OK);
    for (int l = 0; l < 2; l++) {
        const float *U = net.weights + net.layer[l].U, *bias = net.weights + net.layer[l].bias;
        for (int i = 0; i < HIDDEN; i++)
            for (int j = 0; j < HIDDEN; j++) {
                double dot = 0;
                for (int k = 0; k < 4 * HIDDEN; k++)
                    dot += (double)U[i * 4 * HIDDEN + k] * (double)U[j * 4 * HIDDEN + k];
                assert_true(fabs(dot - (i == j)) < 1e-5);
            }
        for (int k = 0; k < 4 * HIDDEN; k++)
            assert_true(bias[k] == (k / HIDDEN == 1 ? 1.0F : 0.0F));
    }
    arena_free(arena);
}

/* Reviews of users 0 .. 9 about items 0 .. 5: good of even items, bad of odd ones; the last item has none. */
enum { USERS = 10, ITEMS = 7 };

static void open_reviews(struct fixture *f, bool with_texts)
{
    static const char *const good[] = {"a joy I love it", "great and lovely", "love love great"},
                             *const bad[] = {"awful, broke at once", "broke and bad", "bad awful thing"};
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    static uint8_t kind[USERS * ITEMS];
    static float value[USERS * ITEMS];
    struct string_builder b = {0};
    uint64_t n = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS - 1; i++) {
            const char *text = (i % 2 == 0 ? good : bad)[(u + i) % 3];
            assert_int_equal(string_builder_add(&b, text, strlen(text)), STATUS_OK);
            user[n] = u, item[n] = i, kind[n] = TEXT_REVIEW, value[n++] = i % 2 == 0 ? 5 : 2;
        }
    fixture_open(f, USERS, ITEMS, n, user, item, value);
    f->view.texts = (struct texts){.n = with_texts ? n : 0, .user = user, .item = item, .kind = kind};
    assert_int_equal(string_builder_finish(&b, f->arena, &f->view.texts.text), STATUS_OK);
    log_set_verbose(false);
}

static void texts_are_read_as_numbers(void **state)
{
    struct fixture f;
    struct text_corpus c;
    const struct text_corpus_options options = {.max_words = 3, .min_df = 2, .liked_from = 4};
    (void)state;
    open_reviews(&f, true);
    assert_int_equal(text_corpus_read(&options, &f.view, f.arena, &c), STATUS_OK);
    assert_int_equal(c.n, USERS * (ITEMS - 1));
    assert_int_equal(c.n_words, TEXT_CORPUS_FIRST_WORD + 3);
    for (uint32_t t = 0; t < c.n; t++) {
        assert_true(c.label[t] == (c.item[t] % 2 == 0 ? 1.0F : 0.0F));
        for (int64_t k = c.ptr[t]; k < c.ptr[t + 1]; k++)
            assert_true(c.word[k] >= TEXT_CORPUS_RARE_WORD && c.word[k] < c.n_words);
    }
    /* "a joy I love it": words of one letter are none, so joy, love, it */
    for (uint32_t t = 0; t < c.n; t++)
        if (c.bytes_n[t] == strlen("a joy I love it") && c.bytes[t][0] == 'a' && c.bytes[t][1] == ' ')
            assert_int_equal(c.ptr[t + 1] - c.ptr[t], 3);
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    f.view.texts.n = 0;
    assert_int_equal(
        text_corpus_read(&(struct text_corpus_options){.source = TEXT_CORPUS_REVIEWS}, &f.view, f.arena, &c),
        STATUS_UNAVAILABLE);
    assert_int_equal(model_lstm_text.check(fixture_params(&f, &model_lstm_text, "{hidden: 33}"), NULL),
                     STATUS_USAGE);
    assert_non_null(strstr(status_sentence(), "multiple of 32"));
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&f);
}

/* Two words of friso's dictionary, or four characters. */
static void chinese_is_read_by_characters_or_words(void **state)
{
    static const char text[] = "电影好看";
    (void)state;
    for (int friso = 0; friso <= 1; friso++) {
        struct fixture f;
        struct text_corpus c;
        struct string_builder b = {0};
        const struct text_corpus_options options = {.max_words = 9, .min_df = 1, .chinese = friso};
        open_reviews(&f, true);
        for (uint64_t t = 0; t < f.view.texts.n; t++)
            assert_int_equal(string_builder_add(&b, text, strlen(text)), STATUS_OK);
        assert_int_equal(string_builder_finish(&b, f.arena, &f.view.texts.text), STATUS_OK);
        assert_int_equal(text_corpus_read(&options, &f.view, f.arena, &c), STATUS_OK);
        assert_int_equal(c.ptr[1] - c.ptr[0], friso ? 2 : 4);
        assert_int_equal(c.n_words, TEXT_CORPUS_FIRST_WORD + (friso ? 2 : 4));
        fixture_close(&f);
    }
}

struct heard {
    double loss[2], accuracy; /* first and last */
};
static void hear(void *context, const char *name, int step, double value)
{
    struct heard *h = context;
    if (strcmp(name, "loss") == 0)
        h->loss[step > 1] = value;
    else if (strcmp(name, "validation accuracy") == 0)
        h->accuracy = value;
}

static void what_is_liked_is_learned(void **state)
{
    struct factors one, two;
    struct fixture f;
    struct heard heard = {{0}, 0};
    static const char yaml[] = "{embedding: 8, hidden: 32, epochs: 20, batch_size: 8, learning_rate: 0.01}";
    (void)state;
    open_reviews(&f, true);
    f.run.curve = hear, f.run.curve_context = &heard;
    for (int threads = 1; threads <= 2; threads++) {
        assert_int_equal(backend_open("cpu", threads, &f.run.backend), STATUS_OK);
        assert_int_equal(
            model_lstm_text.factors(fixture_fit(&f, &model_lstm_text, yaml), threads == 1 ? &one : &two),
            STATUS_OK);
    }
    assert_memory_equal(one.item_bias, two.item_bias, ITEMS * sizeof(float));
    assert_true(heard.loss[1] < 0.1 * heard.loss[0] && heard.accuracy == 1);
    for (uint32_t i = 0; i < ITEMS - 1; i++) /* the ratings that go with it */
        assert_true(fabs((double)one.item_bias[i] - (i % 2 == 0 ? 5 : 2)) < 0.2);
    assert_true(one.item_bias[ITEMS - 1] > 2.5F &&
                one.item_bias[ITEMS - 1] < 4.5F); /* nothing is known of it */
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gradients_are_the_derivatives_of_the_loss),
                                       cmocka_unit_test(it_computes_what_keras_computes),
                                       cmocka_unit_test(weights_start_as_in_keras),
                                       cmocka_unit_test(texts_are_read_as_numbers),
                                       cmocka_unit_test(chinese_is_read_by_characters_or_words),
                                       cmocka_unit_test(what_is_liked_is_learned)};
    return cmocka_run_group_tests_name("lstm", tests, NULL, NULL);
}
