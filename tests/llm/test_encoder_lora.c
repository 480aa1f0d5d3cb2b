/*
 * test_encoder_lora.c - adapters on a tiny random BERT: the plain encoder's bits while B is 0; vectors against the model in double, gradients against
 * gsl_deriv_central() of it, with and without dropout; both against PyTorch; threads; what is refused.
 *
 * Origin of the golden values: tests/golden/lora.jsonl, by tools/golden-lora.py (torch 2.15.0, transformers 5.24.0, peft 0.21.2, in double).
 */
#include "double_bert.h"

#include <gsl/gsl_deriv.h>
#include <jansson.h>

#include "llm/encoder_internal.h"
#include "llm/encoder_lora.h"

enum { TEXTS = 7, BATCH = 4, STEP = 3 };
static const uint32_t chosen[BATCH] = {5, 1, 6, 2};

static struct arena *arena;
static char *folder;
static struct tiny tiny;
static const struct backend *two;
static struct encoder *encoder;
static struct strings texts;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    folder = test_folder();
    assert_ok(backend_open("cpu", 2, &two));
    tiny_make(&tiny, arena, 5, 40);
    tiny_write(&tiny, folder);
    assert_ok(encoder_open(folder, two, &encoder));
    tiny_texts(arena, 1, TEXTS, 9, &texts);
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    encoder_close(encoder);
    test_folder_remove(folder);
    arena_free(arena);
    return 0;
}

static struct encoder_lora_options options_of(int layers, double dropout)
{
    return (struct encoder_lora_options){
        .layers = layers, .rank = DOUBLE_RANK, .alpha = 6, .dropout = dropout, .most_bytes = 1e9, .seed = 9};
}

static void open_lora(int layers, double dropout, struct encoder_lora *lora)
{
    const struct encoder_lora_options options = options_of(layers, dropout);
    assert_ok(encoder_lora_new(encoder, &texts, BATCH, &options, arena, lora));
    assert_int_equal(lora->n_weights, (size_t)layers * 4 * DOUBLE_RANK * H);
}

static void adapters_of_zeros_change_no_bit(void **state)
{
    float plain[TEXTS * H], mine[TEXTS * H];
    (void)state;
    assert_ok(encoder_embed(encoder, &texts, plain));
    for (int layers = 1; layers <= 2; layers++) {
        struct encoder_lora lora;
        open_lora(layers, 0.5, &lora);
        assert_ok(encoder_lora_vectors(&lora, mine));
        assert_memory_equal(mine, plain, sizeof plain);
        assert_ok(encoder_lora_forward(&lora, chosen, BATCH, STEP, mine));
        for (int i = 0; i < BATCH; i++)
            assert_memory_equal(mine + i * H, plain + chosen[i] * H, H * sizeof *plain);
    }
}

/* The sum over the batch of c . vector, by weight `at`. */
struct problem {
    struct double_lora lora;
    double *weights;
    size_t at;
    const float *c;
    uint32_t *ids[TEXTS], n[TEXTS], place[TEXTS];
};

static double loss(double x, void *problem)
{
    struct problem *p = problem;
    const double kept = p->weights[p->at];
    double sum = 0, vector[H];
    p->weights[p->at] = x;
    for (int i = 0; i < BATCH; i++) {
        const uint32_t text = chosen[i];
        double_embed(&tiny, &p->lora, p->ids[text], p->n[text], p->place[text], vector);
        for (int j = 0; j < H; j++)
            sum += (double)p->c[i * H + j] * vector[j];
    }
    p->weights[p->at] = kept;
    return sum;
}

static void open_problem(struct problem *p, int layers, double dropout, struct encoder_lora *lora)
{
    uint32_t place = 0;
    *p = (struct problem){.weights = arena_alloc(arena, lora->n_weights, sizeof *p->weights)};
    float *c = arena_alloc(arena, BATCH * H, sizeof *c);
    for (size_t e = 0; e < BATCH * H; e++)
        c[e] = (float)random_normal(2, RANDOM_SYNTH, 0, e);
    for (size_t e = 0; e < lora->n_weights; e++)
        p->weights[e] = lora->weights[e] = (float)(0.2 * random_normal(3, RANDOM_SYNTH, 0, e));
    p->c = c;
    p->lora = (struct double_lora){layers, 6.0 / DOUBLE_RANK, dropout, 9, STEP, p->weights};
    for (uint32_t i = 0; i < TEXTS; i++) {
        assert_ok(encoder_tokenize(encoder, strings_at(&texts, i), strings_length(&texts, i), arena,
                                   &p->ids[i], &p->n[i]));
        p->place[i] = place;
        place += p->n[i];
    }
    assert_ok(encoder_lora_changed(lora));
}

static void gradients_are_the_derivatives(void **state)
{
    static const struct {
        int layers;
        double dropout;
    } kinds[] = {{1, 0}, {2, 0}, {2, 0.25}};
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct encoder_lora lora;
        struct problem p;
        float vectors[BATCH * H];
        double worst = 0, size = 0;
        open_lora(kinds[k].layers, kinds[k].dropout, &lora);
        open_problem(&p, kinds[k].layers, kinds[k].dropout, &lora);
        assert_ok(encoder_lora_forward(&lora, chosen, BATCH, STEP, vectors));
        for (int i = 0; i < BATCH; i++) {
            double want[H];
            double_embed(&tiny, &p.lora, p.ids[chosen[i]], p.n[chosen[i]], p.place[chosen[i]], want);
            for (int j = 0; j < H; j++)
                if (!(fabs(want[j] - (double)vectors[i * H + j]) < 1e-5))
                    fail_msg("case %zu, text %d: %g, in double %g", k, i, (double)vectors[i * H + j],
                             want[j]);
        }
        assert_ok(encoder_lora_backward(&lora, p.c));
        for (p.at = k; p.at < lora.n_weights; p.at += 29) {
            double want, error;
            const gsl_function f = {loss, &p};
            gsl_deriv_central(&f, p.weights[p.at], 1e-4, &want, &error);
            worst = fmax(worst, fabs(want - (double)lora.gradient[p.at]));
            size = fmax(size, fabs(want));
            if (!(fabs(want - (double)lora.gradient[p.at]) < 2e-5 + 10 * error))
                fail_msg("case %zu, weight %zu: gradient %g, by GSL %g", k, p.at, (double)lora.gradient[p.at],
                         want);
        }
        print_message("case %zu: largest derivative %.3f, worst difference %.1e\n", k, size, worst);
        assert_true(size > 0.1);
    }
}

static void threads_and_company_change_no_bit(void **state)
{
    float vectors[2][BATCH * H], all[TEXTS * H], *gradient[2];
    (void)state;
    for (int threads = 1; threads <= 2; threads++) {
        struct encoder_lora lora;
        struct problem p;
        assert_ok(backend_open("cpu", threads, &encoder->backend));
        open_lora(2, 0.25, &lora);
        open_problem(&p, 2, 0.25, &lora);
        gradient[threads - 1] = lora.gradient;
        assert_ok(encoder_lora_forward(&lora, chosen, BATCH, STEP, vectors[threads - 1]));
        assert_ok(encoder_lora_backward(&lora, p.c));
        assert_int_equal(memcmp(gradient[0], lora.gradient, lora.n_weights * sizeof(float)), 0);
        assert_ok(encoder_lora_forward(&lora, chosen + 2, 1, STEP, all));
        assert_memory_equal(all, vectors[0] + 2 * H, H * sizeof *all);
        assert_ok(encoder_lora_vectors(&lora, all)); /* another step's, and none */
        assert_memory_not_equal(all + chosen[0] * H, vectors[0], H * sizeof *all);
    }
    assert_memory_equal(vectors[0], vectors[1], sizeof *vectors);
    encoder->backend = two;
}

static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

/* The golden file's formula. */
static void fill(float *to, size_t n, uint64_t tensor, double mean, double spread)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)(mean + spread * ((double)(mix((tensor << 32) + i) >> 40) / (1 << 23) - 1));
}

static void open_golden(const char *where, struct encoder **out)
{
    struct tiny model;
    tiny_make(&model, arena, 1, 40);
    for (size_t t = 0; t < model.n; t++) {
        const struct tiny_tensor *tensor = &model.tensor[t];
        const bool norm = strstr(tensor->name, "LayerNorm.weight") != NULL;
        fill(tensor->value, (size_t)(tensor->rows * (tensor->cols > 0 ? tensor->cols : 1)), t, norm ? 1 : 0,
             0.25);
    }
    tiny_write(&model, where);
    assert_ok(encoder_open(where, two, out));
}

static void as_pytorch_and_peft(void **state)
{
    char *bytes, *line, *rest = NULL;
    char *where = test_folder();
    struct encoder *e;
    size_t n, n_cases = 0;
    (void)state;
    open_golden(where, &e);
    assert_ok(read_whole_file("tests/golden/lora.jsonl", 1 << 20, arena, &bytes, &n));
    for (line = strtok_r(bytes, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest), n_cases++) {
        json_t *golden = json_loads(line, 0, NULL);
        const json_t *rows = json_object_get(golden, "texts"),
                     *gradient = json_object_get(golden, "gradient");
        const uint32_t n_texts = (uint32_t)json_array_size(rows);
        const struct encoder_lora_options options =
            options_of((int)json_integer_value(json_object_get(golden, "layers")), 0);
        struct string_builder builder = {0};
        struct strings all;
        struct encoder_lora lora;
        uint32_t order[8];
        float vectors[8 * H], c[8 * H];
        double worst = 0, worst_gradient = 0, largest = 0;
        assert_true(n_texts >= 4 && n_texts <= 8);
        for (uint32_t i = 0; i < n_texts; i++) {
            const json_t *row = json_array_get(rows, i), *ids = json_object_get(row, "ids");
            const char *text = json_string_value(json_object_get(row, "text"));
            uint32_t *got, n_got;
            assert_ok(string_builder_add(&builder, text, strlen(text)));
            assert_ok(encoder_tokenize(e, text, strlen(text), arena, &got, &n_got));
            assert_int_equal(n_got, json_array_size(ids));
            for (uint32_t t = 0; t < n_got; t++)
                assert_int_equal(got[t], json_integer_value(json_array_get(ids, t)));
            order[i] = i;
            fill(c + i * H, H, 2000 + i, 0, 1);
        }
        assert_ok(string_builder_finish(&builder, arena, &all));
        assert_ok(encoder_lora_new(e, &all, n_texts, &options, arena, &lora));
        assert_int_equal(lora.n_weights, json_array_size(gradient));
        for (size_t part = 0; part < 4 * (size_t)options.layers; part++) /* A or B, each rank x H numbers */
            fill(lora.weights + part * DOUBLE_RANK * H, DOUBLE_RANK * H, 1000 + part, 0, 0.3);
        assert_ok(encoder_lora_changed(&lora));
        assert_ok(encoder_lora_forward(&lora, order, n_texts, 0, vectors));
        assert_ok(encoder_lora_backward(&lora, c));
        for (uint32_t i = 0; i < n_texts; i++)
            for (uint32_t j = 0; j < H; j++) {
                const json_t *vector = json_object_get(json_array_get(rows, i), "vector");
                worst = fmax(worst,
                             fabs((double)vectors[i * H + j] - json_number_value(json_array_get(vector, j))));
            }
        for (size_t k = 0; k < lora.n_weights; k++) {
            const double want = json_number_value(json_array_get(gradient, k));
            largest = fmax(largest, fabs(want));
            worst_gradient = fmax(worst_gradient, fabs((double)lora.gradient[k] - want));
        }
        print_message("%d layers: vectors within %.1e, gradients (up to %.2f) within %.1e\n", options.layers,
                      worst, largest, worst_gradient);
        assert_true(worst < 1e-6 && worst_gradient < 1e-5 * (1 + largest) && largest > 0.1);
        json_decref(golden);
    }
    assert_int_equal(n_cases, 2);
    encoder_close(e);
    test_folder_remove(where);
}

static void what_cannot_be_is_refused(void **state)
{
    struct encoder_lora lora;
    struct encoder *rounded;
    struct encoder_lora_options options = options_of(3, 0);
    (void)state;
    test_quiet();
    test_fails(encoder_lora_new(encoder, &texts, BATCH, &options, arena, &lora), STATUS_USAGE, "3 layers",
               "has 2", NULL);
    options = options_of(1, 0);
    options.most_bytes = 1e5;
    test_fails(encoder_lora_new(encoder, &texts, BATCH, &options, arena, &lora), STATUS_USAGE, "MiB allowed",
               "smaller batches", NULL);
    options.most_bytes = 1e9;
    assert_ok(encoder_lora_new(encoder, &texts, BATCH, &options, arena, &lora));
    assert_true(encoder_lora_bytes(&lora) > 1e5 && encoder_lora_bytes(&lora) < 1e9);
    assert_ok(encoder_open_with(folder, &(struct encoder_options){.precision = ENCODER_INT8}, two, &rounded));
    test_fails(encoder_lora_new(rounded, &texts, BATCH, &options, arena, &lora), STATUS_USAGE, "fp32", NULL);
    encoder_close(rounded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adapters_of_zeros_change_no_bit), cmocka_unit_test(gradients_are_the_derivatives),
        cmocka_unit_test(as_pytorch_and_peft), cmocka_unit_test(threads_and_company_change_no_bit),
        cmocka_unit_test(what_cannot_be_is_refused)};
    return cmocka_run_group_tests_name("encoder_lora", tests, set_up, tear_down);
}
