/*
 * test_two_tower.c - the gradient of both towers, the encoder's adapters among them, against gsl_deriv_central() of the loss written out in double on a
 * tiny random encoder; what training learns; threads, files, memory, what is refused.
 */
#include "../llm/double_bert.h"
#include "../models/mf_fixture.h"

#include <gsl/gsl_deriv.h>

#include "fusion/text_factors.h"
#include "fusion/two_tower_net.h"
#include "fusion/two_tower_text.h"

extern const struct model_type model_two_tower;

enum { USERS = 7, ITEMS = 9, PAIRS = 6, K = 5, LAYERS = 2, STEP = 4 };
static const double TEMPERATURE = 0.3;
static char *models; /* holds the encoder "tiny" */
static struct tiny tiny;
static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    models = test_folder();
    char *folder = arena_strdup(arena, test_path(models, "tiny"));
    assert_ok(make_folders(folder));
    tiny_make(&tiny, arena, 5, 40);
    tiny_write(&tiny, folder);
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(models);
    arena_free(arena);
    return 0;
}

/* User 6 has nothing, item 8 has nobody; user 5 has one item. */
static bool takes(uint32_t u, uint32_t i)
{
    return u < USERS - 1 && i < ITEMS - 1 && (u == 5 ? i == 2 : (u * 3 + i * 5 + u * i) % 4 < 2);
}

static void open_small(struct fixture *f, struct strings *texts)
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    static float value[USERS * ITEMS];
    static struct column title;
    uint64_t n = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            if (takes(u, i))
                user[n] = u, item[n] = i, value[n++] = 1;
    fixture_open(f, USERS, ITEMS, n, user, item, value);
    tiny_texts(f->arena, 1, ITEMS, 7, texts);
    f->run.models = models;
    title = (struct column){.name = "title", .kind = COLUMN_TEXT, .text = *texts};
    f->view.item_columns = &title;
    f->view.n_item_columns = 1;
}

/* ------------------------------------------------------------------ the loss in double */

struct problem {
    const struct fixture *f;
    struct two_tower_options o;
    struct double_lora lora;
    double *adapters, *weights, *varied; /* varied: where `at` counts */
    size_t at, query, users;
    const double *mean;
    const float *Y; /* the histories' cache */
    struct two_tower_batch batch;
    uint32_t *ids[ITEMS], n[ITEMS], place[ITEMS];
};

static size_t wide(const struct problem *p)
{
    return p->o.d > 0 ? p->o.d : p->o.k;
}

static void to_unit(double *x, size_t n)
{
    double squares = 0;
    for (size_t c = 0; c < n; c++)
        squares += x[c] * x[c];
    for (size_t c = 0; c < n; c++)
        x[c] = squares > 0 ? x[c] / sqrt(squares) : 0;
}

static void project(const struct problem *p, const double *x, double *out)
{
    const size_t d = wide(p), k = p->o.k;
    for (size_t c = 0; c < k; c++) {
        out[c] = p->o.d > 0 && p->o.projection ? 0 : x[c];
        for (size_t r = 0; r < d && p->o.d > 0 && p->o.projection; r++)
            out[c] += x[r] * p->weights[r * k + c];
    }
}

static void item_of(const struct problem *p, uint32_t i, double *out)
{
    double y[H];
    if (p->o.d == 0)
        memcpy(y, p->weights + i * p->o.k, p->o.k * sizeof *y);
    else {
        double_embed(&tiny, &p->lora, p->ids[i], p->n[i], p->place[i], y);
        for (int c = 0; c < H; c++)
            y[c] -= p->mean[c];
        to_unit(y, H);
    }
    project(p, y, out);
    to_unit(out, p->o.k);
}

static void user_of(const struct problem *p, uint32_t u, uint32_t skip, double *out)
{
    double h[H] = {0}, total = 0;
    const size_t d = wide(p);
    for (uint32_t j = 0; j < ITEMS; j++) {
        double score = 0;
        if (!takes(u, j) || j == skip)
            continue;
        for (size_t c = 0; c < d && p->o.attention; c++)
            score += (double)p->Y[j * d + c] * p->weights[p->query + c];
        total += exp(score);
        for (size_t c = 0; c < d; c++)
            h[c] += exp(score) * (double)p->Y[j * d + c];
    }
    for (size_t c = 0; c < d; c++)
        h[c] = total > 0 ? h[c] / total : 0;
    project(p, h, out);
    for (size_t c = 0; c < p->o.k && p->o.user_embedding; c++)
        out[c] += p->weights[p->users + u * p->o.k + c];
    to_unit(out, p->o.k);
}

static double log_share(const struct problem *p, uint32_t i)
{
    double n = 0, all = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t j = 0; j < ITEMS; j++)
            all += takes(u, j), n += j == i && takes(u, j);
    return p->o.log_q ? log(n / all) : 0;
}

/* A column a pair, as the batch was drawn. */
static double loss(double x, void *problem)
{
    struct problem *p = problem;
    const struct two_tower_batch *b = &p->batch;
    double kept = 0, sum = 0, v[PAIRS][H], u[H];
    if (p->varied != NULL)
        kept = p->varied[p->at], p->varied[p->at] = x;
    for (uint32_t j = 0; j < b->m; j++)
        item_of(p, b->item[j], v[j]);
    for (uint32_t q = 0; q < b->n; q++) {
        double own = 0, all = 0;
        user_of(p, b->user[q], b->item[b->place[q]], u);
        for (uint32_t r = 0; r < b->n; r++) {
            const uint32_t j = b->place[r];
            double s = 0;
            for (uint32_t c = 0; c < p->o.k; c++)
                s += u[c] * v[j][c];
            const double e = exp(s / TEMPERATURE - log_share(p, b->item[j]));
            own = r == q ? e : own;
            all += r == q || !takes(b->user[q], b->item[j]) ? e : 0;
        }
        sum -= log(own / all) / b->n;
    }
    if (p->varied != NULL)
        p->varied[p->at] = kept;
    return sum;
}

/* ------------------------------------------------------------------ gradients */

static void compare(struct problem *p, double *varied, const float *gradient, size_t n, size_t step,
                    const char *what, double *size)
{
    p->varied = varied;
    for (p->at = step / 3 % n; p->at < n; p->at += step) {
        double want, error;
        const gsl_function f = {loss, p};
        gsl_deriv_central(&f, varied[p->at], 1e-4, &want, &error);
        if (!(fabs(want - (double)gradient[p->at]) < 2e-5 + 10 * error))
            fail_msg("%s, weight %zu of %zu: gradient %g, by GSL %g", what, p->at, n, (double)gradient[p->at],
                     want);
        *size += fabs(want);
    }
    p->varied = NULL;
}

static void tokens_of(struct problem *p, const struct encoder *encoder, const struct strings *texts)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < ITEMS; i++) {
        assert_ok(encoder_tokenize(encoder, strings_at(texts, i), strings_length(texts, i), p->f->arena,
                                   &p->ids[i], &p->n[i]));
        p->place[i] = place;
        place += p->n[i];
    }
}

static void gradients_are_the_derivatives_of_the_loss(void **state)
{
    static const struct {
        const char *name;
        bool text, projection, attention, user_embedding, log_q;
        double dropout;
    } kinds[] = {{"LoRA and projection", true, true, false, false, true, 0},
                 {"LoRA, attention, users", true, true, true, true, false, 0.25},
                 {"LoRA alone", true, false, true, false, true, 0},
                 {"ids", false, true, true, true, true, 0}};
    static const uint32_t user[PAIRS] = {0, 1, 5, 3, 4, 1};
    (void)state;
    for (size_t c = 0; c < sizeof kinds / sizeof *kinds; c++) {
        struct fixture f;
        struct strings texts;
        struct two_tower_text text = {0};
        struct two_tower_net net;
        uint32_t place[PAIRS], item[PAIRS], m = 0;
        double ours, size = 0;
        open_small(&f, &texts);
        struct problem p = {.f = &f,
                            .o = {.d = kinds[c].text ? H : 0,
                                  .k = kinds[c].text && !kinds[c].projection ? H : K,
                                  .projection = kinds[c].projection,
                                  .attention = kinds[c].attention,
                                  .user_embedding = kinds[c].user_embedding,
                                  .log_q = kinds[c].log_q,
                                  .temperature = TEMPERATURE}};
        for (uint32_t q = 0; q < PAIRS; q++) {
            const int64_t from = f.by_user.ptr[user[q]], degree = f.by_user.ptr[user[q] + 1] - from;
            const uint32_t asked = f.by_user.idx[from + q / 2 % degree];
            uint32_t j = 0;
            while (j < m && item[j] != asked)
                j++;
            m += j == m;
            item[j] = asked, place[q] = j;
        }
        p.batch = (struct two_tower_batch){PAIRS, m, user, place, item};
        assert_true(m < PAIRS);
        assert_ok(two_tower_new(f.backend, &p.o, &f.by_user, &f.by_item, PAIRS, 5, f.arena, &net));
        p.weights = arena_alloc(f.arena, net.n_weights, sizeof *p.weights);
        for (size_t e = 0; e < net.n_weights; e++)
            p.weights[e] = net.weights[e] = (float)(0.5 * random_normal(4, RANDOM_SYNTH, 0, e));
        p.query = net.query, p.users = net.users;
        if (kinds[c].text) {
            const struct item_vectors_options vectors = {
                .encoder = "tiny", .prefix = "model", .text = {1, (const char *[]){"title"}}, .center = true};
            const struct encoder_lora_options lora = {.layers = LAYERS,
                                                      .rank = DOUBLE_RANK,
                                                      .alpha = 6,
                                                      .dropout = kinds[c].dropout,
                                                      .most_bytes = 1e9,
                                                      .seed = 9};
            assert_ok(two_tower_text_open(&vectors, &lora, PAIRS, &f.view, &f.run, &text));
            p.adapters = arena_alloc(f.arena, text.lora.n_weights, sizeof *p.adapters);
            for (size_t e = 0; e < text.lora.n_weights; e++)
                p.adapters[e] = text.lora.weights[e] = (float)(0.2 * random_normal(3, RANDOM_SYNTH, 0, e));
            assert_ok(encoder_lora_changed(&text.lora));
            assert_ok(two_tower_text_all(&text, net.Y));
            tokens_of(&p, text.encoder, &texts);
            p.lora = (struct double_lora){LAYERS, 6.0 / DOUBLE_RANK, kinds[c].dropout, 9, STEP, p.adapters};
            p.mean = text.mean;
            assert_ok(two_tower_text_forward(&text, item, m, STEP));
        }
        const size_t n_cached = ITEMS * wide(&p);
        p.Y = arena_copy(f.arena, net.Y, n_cached, sizeof *net.Y);
        assert_ok(two_tower_loss(&net, &p.batch, text.y, &ours, text.of_y));
        if (!(fabs(ours - loss(0, &p)) < 1e-5))
            fail_msg("%s: loss %g, in double %g", kinds[c].name, ours, loss(0, &p));
        compare(&p, p.weights, net.gradient, net.n_weights, kinds[c].text ? 67 : 3, kinds[c].name, &size);
        if (kinds[c].text) { /* a step of length 0 leaves the gradient */
            assert_ok(two_tower_text_step(&text, 1e-30, 0));
            compare(&p, p.adapters, text.lora.gradient, text.lora.n_weights, 137, kinds[c].name, &size);
        }
        assert_true(size > 0.1);
        two_tower_text_close(&text);
        fixture_close(&f);
    }
}

/* ------------------------------------------------------------------ the model */

/* Users like the items on their side of the first number of the vector; new items have no row. */
enum { MANY = 60, OF = 80, NEW = 20, D = 5 };

static void open_world(struct fixture *f, struct feature *feature, float *V)
{
    static uint32_t user[MANY * OF], item[MANY * OF];
    static float value[MANY * OF];
    uint64_t n = 0;
    for (uint32_t e = 0; e < OF * D; e++)
        V[e] = (float)random_normal(6, RANDOM_SYNTH, 0, e);
    for (uint32_t u = 0; u < MANY; u++)
        for (uint32_t i = 0; i < OF - NEW; i++)
            if ((V[i * D] > 0) == u % 2 && random_unit(7, RANDOM_SYNTH, u, i) < 0.25)
                user[n] = u, item[n] = i, value[n++] = 1;
    fixture_open(f, MANY, OF, n, user, item, value);
    *feature = (struct feature){.name = "x", .width = D, .value = V};
    f->view.features = feature;
    f->view.n_features = 1;
}

struct heard {
    double first, last;
};
static void hear(void *context, const char *name, int step, double value)
{
    struct heard *h = context;
    if (strcmp(name, "loss") == 0)
        h->first = step == 1 ? value : h->first, h->last = value;
}

/* Of pairs of new items, one on a user's side and one not, the share in the right order. */
static double right_order(const struct factors *f, const float *V)
{
    double right = 0, all = 0;
    for (uint32_t u = 0; u < MANY; u++)
        for (uint32_t i = OF - NEW; i < OF; i++)
            for (uint32_t j = OF - NEW; j < OF; j++) {
                double x = 0, y = 0;
                for (uint32_t k = 0; k < f->factors; k++) {
                    const double uk = (double)f->user[u * f->ld_user + k];
                    x += uk * (double)f->item[i * f->ld_item + k],
                        y += uk * (double)f->item[j * f->ld_item + k];
                }
                if ((V[i * D] > 0) == u % 2 && (V[j * D] > 0) != u % 2)
                    right += x > y, all++;
            }
    return right / all;
}

static void training_places_new_items(void **state)
{
    static const char *const kinds[] = {"history: mean", "history: attention, factors: 3",
                                        "history: mean, user_embedding: true, log_q: false"};
    (void)state;
    for (int m = 0; m < 3; m++) {
        float V[OF * D];
        struct fixture f;
        struct feature feature;
        struct heard heard = {0};
        struct factors factors[2];
        char yaml[300];
        open_world(&f, &feature, V);
        f.run.curve = hear, f.run.curve_context = &heard;
        snprintf(yaml, sizeof yaml,
                 "{encoder: 'feature:x', lora_rank: 0, center: false, epochs: 30, batch_size: 64, "
                 "learning_rate: 0.02, %s}",
                 kinds[m]);
        for (int threads = 1; threads <= 2; threads++) {
            assert_ok(backend_open("cpu", threads, &f.run.backend));
            assert_ok(
                model_two_tower.factors(fixture_fit(&f, &model_two_tower, yaml), &factors[threads - 1]));
        }
        assert_memory_equal(factors[0].item, factors[1].item, OF * factors[0].ld_item * sizeof(float));
        assert_memory_equal(factors[0].user, factors[1].user, MANY * factors[0].ld_user * sizeof(float));
        if (!(heard.last < heard.first))
            fail_msg("%s: loss %g at first, %g at last", kinds[m], heard.first, heard.last);
        const double right = right_order(&factors[0], V);
        print_message("  %s: of pairs of new items %.3f in the right order, loss %.3f to %.3f\n", kinds[m],
                      right, heard.first, heard.last);
        if (!(right > 0.75))
            fail_msg("%s: of pairs of new items %g stand in the right order", kinds[m], right);
        fixture_close(&f);
    }
}

/* With adapters: the loss falls, threads change nothing, a file brings the same state back, and memory is what the plan says. */
static void adapters_are_trained_and_kept(void **state)
{
    static const char yaml[] = "{encoder: tiny, text: [title], lora_rank: 3, lora_dropout: 0.1, epochs: 8, "
                               "batch_size: 8, lora_learning_rate: 0.01}";
    struct factors factors[3];
    struct heard heard = {0};
    struct fixture f;
    struct strings texts;
    void *trained = NULL;
    double bytes, flops;
    (void)state;
    open_small(&f, &texts);
    f.run.curve = hear, f.run.curve_context = &heard;
    void *params = fixture_params(&f, &model_two_tower, yaml);
    for (int threads = 1; threads <= 2; threads++) {
        const size_t before = arena_bytes(f.arena);
        assert_ok(backend_open("cpu", threads, &f.run.backend));
        trained = fixture_fit(&f, &model_two_tower, yaml);
        assert_ok(model_two_tower.factors(trained, &factors[threads - 1]));
        model_two_tower.cost(params, USERS, ITEMS, (uint64_t)f.by_user.nnz, &bytes, &flops);
        assert_true((double)(arena_bytes(f.arena) - before) < bytes);
        assert_true(flops > 0);
    }
    assert_true(heard.last < heard.first);
    const char *path = arena_strdup(f.arena, test_path(models, "model.h5"));
    void *loaded = fixture_state(&f, &model_two_tower);
    assert_ok(model_save(path, &model_two_tower, params, trained));
    assert_ok(model_load(path, &model_two_tower, params, &f.run, loaded));
    assert_ok(model_two_tower.factors(loaded, &factors[2]));
    for (int k = 1; k < 3; k++) {
        assert_memory_equal(factors[0].item, factors[k].item, ITEMS * H * sizeof(float));
        assert_memory_equal(factors[0].user, factors[k].user, USERS * H * sizeof(float));
    }
    fixture_close(&f);
}

/* Without a pass over the data adapters, projection and cache are as they begin: the item vectors are item_vectors_build()'s; shuffled
 * texts are at the items where its shuffled vectors are. */
static void untrained_vectors_are_the_encoders(void **state)
{
    static const char *const encoders[] = {"tiny", "shuffled:tiny"};
    (void)state;
    for (int s = 0; s < 2; s++) {
        struct fixture f;
        struct strings texts;
        struct item_vectors items;
        struct factors factors;
        char yaml[200];
        open_small(&f, &texts);
        snprintf(yaml, sizeof yaml, "{encoder: '%s', text: [title], epochs: 0}", encoders[s]);
        const struct item_vectors_options *vectors = fixture_params(&f, &model_two_tower, yaml);
        assert_ok(item_vectors_build(vectors, &f.view, &f.run, &items)); /* the parameters' first member */
        assert_ok(model_two_tower.factors(fixture_fit(&f, &model_two_tower, yaml), &factors));
        assert_int_equal(items.d, factors.factors);
        for (uint32_t e = 0; e < ITEMS * H; e++)
            if (!(fabs((double)items.v[e] - (double)factors.item[e]) < 1e-6))
                fail_msg("%s, number %u: %g, not %g", encoders[s], e, (double)factors.item[e],
                         (double)items.v[e]);
        fixture_close(&f);
    }
}

static void what_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *yaml, *word;
    } bad[] = {{"{encoder: tfidf}", "lora_rank: 0"},
               {"{encoder: 'shuffled:tfidf'}", "no encoder"},
               {"{encoder: 'minilm+columns'}", "no encoder"},
               {"{precision: int8}", "precision fp32"},
               {"{whiten: true}", "whitened"},
               {"{lora_rank: 0, projection: false}", "nothing is left to learn"}};
    struct fixture f;
    struct strings texts;
    (void)state;
    test_quiet();
    open_small(&f, &texts);
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++)
        test_fails(model_two_tower.check(fixture_params(&f, &model_two_tower, bad[b].yaml), NULL),
                   STATUS_USAGE, bad[b].word, NULL);
    void *few = fixture_params(&f, &model_two_tower, "{encoder: tiny, text: [title], lora_layers: 3}");
    test_fails(model_two_tower.fit(fixture_state(&f, &model_two_tower), few, &f.view, &f.run), STATUS_USAGE,
               "3 layers", "has 2", NULL);
    assert_ok(
        model_two_tower.check(fixture_params(&f, &model_two_tower, "{encoder: none, lora_rank: 0}"), NULL));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_the_derivatives_of_the_loss),
        cmocka_unit_test(training_places_new_items), cmocka_unit_test(adapters_are_trained_and_kept),
        cmocka_unit_test(untrained_vectors_are_the_encoders), cmocka_unit_test(what_cannot_be_is_refused)};
    return cmocka_run_group_tests_name("two_tower", tests, set_up, tear_down);
}
