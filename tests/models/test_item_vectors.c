/*
 * test_item_vectors.c - where item vectors come from beside a language model: columns, other sources shuffled, whitening.
 */
#include "mf_fixture.h"

#include <math.h>
#include <stdlib.h>

#include "models/item_columns.h"
#include "models/item_vectors.h"
#include "models/reduce.h"

enum { ITEMS = 40, GENRES = 3, WIDTH = 7 };

/* Genres i % 3 and (where i is even) (i + 1) % 3; years 1950 + i, unknown for item 4; a feature of ITEMS - 1 items. */
struct catalogue {
    struct fixture f;
    struct column columns[2];
    struct feature feature;
    float year[ITEMS], value[ITEMS * WIDTH];
};

static void open_catalogue(struct catalogue *c)
{
    static const uint32_t user[] = {0, 1}, item[] = {0, 1};
    static const float value[] = {4, 5};
    static const char *const names[GENRES] = {"Drama", "Comedy", "Crime"};
    uint32_t row[2 * ITEMS], col[2 * ITEMS], n = 0;
    struct string_builder b = {0};
    fixture_open(&c->f, 2, ITEMS, 2, user, item, value);
    for (uint32_t i = 0; i < ITEMS; i++) {
        row[n] = i, col[n++] = i % GENRES;
        if (i % 2 == 0)
            row[n] = i, col[n++] = (i + 1) % GENRES;
        c->year[i] = i == 4 ? NAN : 1950 + (float)i;
        for (uint32_t k = 0; k < WIDTH; k++) /* correlated, of unequal variance */
            c->value[i * WIDTH + k] = (float)(3 + random_normal(1, RANDOM_SYNTH, 0, i * WIDTH + k) * (k + 1) +
                                              random_normal(1, RANDOM_SYNTH, 1, i) * 2);
    }
    c->value[(ITEMS - 1) * WIDTH] = NAN;
    for (int g = 0; g < GENRES; g++)
        assert_int_equal(string_builder_add(&b, names[g], strlen(names[g])), STATUS_OK);
    c->columns[0] = (struct column){.name = "genres", .kind = COLUMN_LIST};
    c->columns[1] = (struct column){.name = "year", .kind = COLUMN_NUMBER, .number = c->year};
    assert_int_equal(string_builder_finish(&b, c->f.arena, &c->columns[0].names), STATUS_OK);
    assert_int_equal(
        csr_from_triples(ITEMS, GENRES, n, row, col, NULL, c->f.arena, &c->columns[0].list, NULL), STATUS_OK);
    c->f.view.item_columns = c->columns;
    c->f.view.n_item_columns = 2;
    c->feature = (struct feature){.name = "image", .width = WIDTH, .value = c->value};
    c->f.view.features = &c->feature;
    c->f.view.n_features = 1;
}

static void columns_are_names_and_periods(void **state)
{
    struct catalogue c;
    struct csr a;
    uint32_t in_period[ITEM_COLUMNS_PERIODS] = {0};
    (void)state;
    open_catalogue(&c);
    assert_int_equal(item_columns_build(&c.f.view, NULL, c.f.arena, c.f.arena, &a), STATUS_OK);
    assert_int_equal(a.n_cols, GENRES + ITEM_COLUMNS_PERIODS);
    for (uint32_t i = 0, last = 0; i < ITEMS; i++) {
        const int64_t at = a.ptr[i], genres = i % 2 == 0 ? 2 : 1;
        assert_int_equal(a.ptr[i + 1] - at, genres + (i != 4));
        for (int64_t e = 0; e < genres; e++) {
            assert_true(a.idx[at + e] == i % GENRES || a.idx[at + e] == (i + 1) % GENRES);
            assert_true(fabs((double)a.val[at + e] - 1.0 / (double)genres) < 1e-6);
        }
        if (i == 4)
            continue;
        const uint32_t period = a.idx[at + genres] - GENRES;
        assert_true(period >= last && period < ITEM_COLUMNS_PERIODS); /* years rise with i */
        assert_true(a.val[at + genres] == 1);
        in_period[last = period]++;
    }
    for (int k = 0; k < ITEM_COLUMNS_PERIODS; k++) /* 39 known years */
        assert_true(in_period[k] == 3 || in_period[k] == 4);
    assert_int_equal(item_columns_build(&c.f.view, "genres", c.f.arena, c.f.arena, &a), STATUS_OK);
    assert_int_equal(a.n_cols, GENRES);
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    assert_int_equal(item_columns_build(&c.f.view, "price", c.f.arena, c.f.arena, &a), STATUS_UNAVAILABLE);
    assert_non_null(strstr(status_sentence(), "price"));
    c.f.view.n_item_columns = 0;
    assert_int_equal(item_columns_build(&c.f.view, NULL, c.f.arena, c.f.arena, &a), STATUS_UNAVAILABLE);
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&c.f);
}

static struct item_vectors build(struct catalogue *c, const char *encoder, bool whiten)
{
    struct item_vectors out;
    const struct item_vectors_options options = {
        .encoder = encoder, .missing = ITEM_MISSING_ZERO, .center = true, .whiten = whiten};
    assert_int_equal(item_vectors_build(&options, &c->f.view, &c->f.run, &out), STATUS_OK);
    return out;
}

/* Every row is some row of the source, and not all stand where they did. */
static void whatever_there_is_can_be_shuffled(void **state)
{
    struct catalogue c;
    (void)state;
    open_catalogue(&c);
    for (int s = 0; s < 2; s++) {
        const struct item_vectors plain = build(&c, s ? "feature:image" : "columns", false),
                                  wrong = build(&c, s ? "shuffled:feature:image" : "shuffled:columns", false);
        const size_t bytes = plain.d * sizeof(float);
        int moved = 0;
        assert_int_equal(plain.d, wrong.d);
        for (size_t i = 0; i < ITEMS; i++) {
            int found = 0;
            for (size_t j = 0; j < ITEMS; j++) {
                double off = 0;
                for (size_t k = 0; k < plain.d; k++)
                    off += fabs((double)wrong.v[i * plain.d + k] - (double)plain.v[j * plain.d + k]);
                found += off < 1e-4;
            }
            assert_true(found >= 1);
            moved += memcmp(wrong.v + i * plain.d, plain.v + i * plain.d, bytes) != 0;
        }
        assert_true(moved > ITEMS / 2);
    }
    assert_null(item_vectors_folder("shuffled:columns:genres"));
    assert_null(item_vectors_folder("shuffled:feature:image"));
    assert_null(item_vectors_folder("columns:genres"));
    assert_string_equal(item_vectors_folder("shuffled:e5"), "e5");
    assert_string_equal(item_vectors_folder("shuffled"), "minilm");
    fixture_close(&c.f);
}

/* The covariance of whitened rows is the identity, and item vectors are those rows at length 1; by more than one thread too. */
static void side_by_side(void **state)
{
    struct catalogue c;
    struct item_vectors both, columns, random;
    (void)state;
    open_catalogue(&c);
    const struct item_vectors_options options = {
        .encoder = "columns+random", .dimensions = 5, .center = true};
    struct item_vectors_options one = options;
    assert_int_equal(item_vectors_build(&options, &c.f.view, &c.f.run, &both), STATUS_OK);
    one.encoder = "columns";
    assert_int_equal(item_vectors_build(&one, &c.f.view, &c.f.run, &columns), STATUS_OK);
    one.encoder = "random";
    assert_int_equal(item_vectors_build(&one, &c.f.view, &c.f.run, &random), STATUS_OK);
    assert_int_equal(both.d, columns.d + random.d);
    for (uint32_t i = 0; i < ITEMS; i++) {
        for (uint32_t k = 0; k < columns.d; k++)
            assert_float_equal(both.v[i * both.d + k], columns.v[i * columns.d + k] / sqrtf(2), 1e-6);
        for (uint32_t k = 0; k < random.d; k++)
            assert_float_equal(both.v[i * both.d + columns.d + k], random.v[i * random.d + k] / sqrtf(2),
                               1e-6);
    }
    one.encoder = "columns+";
    assert_int_equal(item_vectors_build(&one, &c.f.view, &c.f.run, &both), STATUS_USAGE);
    assert_true(item_vectors_reads_text("columns+tfidf") && item_vectors_reads_text("shuffled:e5+columns") &&
                !item_vectors_reads_text("columns+feature:image+random"));
    fixture_close(&c.f);
}

static void whitened_vectors_have_covariance_one(void **state)
{
    struct catalogue c;
    float X[(ITEMS - 1) * WIDTH], Y[(ITEMS - 1) * WIDTH];
    (void)state;
    open_catalogue(&c);
    for (uint32_t k = 0; k < WIDTH; k++) {
        double mean = 0;
        for (uint32_t i = 0; i < ITEMS - 1; i++)
            mean += (double)c.value[i * WIDTH + k] / (ITEMS - 1);
        for (uint32_t i = 0; i < ITEMS - 1; i++)
            X[i * WIDTH + k] = (float)((double)c.value[i * WIDTH + k] - mean);
    }
    assert_int_equal(reduce_whiten(c.f.backend, X, ITEMS - 1, WIDTH, WIDTH, ITEMS - 1, c.f.arena, Y, NULL),
                     STATUS_OK);
    for (uint32_t k = 0; k < WIDTH; k++)
        for (uint32_t l = 0; l < WIDTH; l++) {
            double covariance = 0;
            for (uint32_t i = 0; i < ITEMS - 1; i++)
                covariance += (double)Y[i * WIDTH + k] * (double)Y[i * WIDTH + l] / (ITEMS - 1);
            assert_true(fabs(covariance - (k == l)) < 1e-4);
        }
    const struct item_vectors v = build(&c, "feature:image", true);
    assert_int_equal(v.d, WIDTH);
    for (uint32_t i = 0; i < ITEMS; i++) {
        double length = 0;
        for (uint32_t k = 0; k < WIDTH && i < ITEMS - 1; k++)
            length += (double)Y[i * WIDTH + k] * (double)Y[i * WIDTH + k];
        for (uint32_t k = 0; k < WIDTH; k++)
            assert_true(fabs((double)v.v[i * WIDTH + k] -
                             (i < ITEMS - 1 ? (double)Y[i * WIDTH + k] / sqrt(length) : 0)) < 1e-4);
    }
    fixture_close(&c.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_names_and_periods), cmocka_unit_test(whatever_there_is_can_be_shuffled),
        cmocka_unit_test(side_by_side), cmocka_unit_test(whitened_vectors_have_covariance_one)};
    return cmocka_run_group_tests_name("item vectors", tests, NULL, NULL);
}
