/*
 * test_content.c - models of item text: tfidf_content, llm_content and the item vectors under it, on a
 * made-up catalogue of space and cooking.
 */
#include "mf_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "golden.h"
#include "models/item_vectors.h"
#include "models/reduce.h"

extern const struct model_type model_tfidf_content, model_bm25_content, model_llm_content, model_rocchio,
    model_naive_bayes_content;

enum { N_USERS = 4, N_ITEMS = 8 };
static const char *const titles[N_ITEMS] = {
    "Rocket to the Moon",   "Moon Rocket Engineers", "Astronauts of Mars",   "Mars Rocket",
    "Baking Bread at Home", "Bread and Pastry",      "Pastry Baking School", ""};

/* Users 0, 1: space and cooking; 2: nothing; 3: both, rated 5 and 1. */
static void open_catalogue(struct fixture *f, struct column *title)
{
    static const uint32_t user[] = {0, 0, 1, 1, 3, 3}, item[] = {0, 2, 4, 5, 0, 4};
    static const float value[] = {4, 5, 3, 4, 5, 1};
    struct string_builder b = {0};
    fixture_open(f, N_USERS, N_ITEMS, 6, user, item, value);
    for (int i = 0; i < N_ITEMS; i++)
        assert_int_equal(string_builder_add(&b, titles[i], strlen(titles[i])), STATUS_OK);
    *title = (struct column){.name = "title", .kind = COLUMN_TEXT};
    assert_int_equal(string_builder_finish(&b, f->arena, &title->text), STATUS_OK);
    f->view.item_columns = title;
    f->view.n_item_columns = 1;
}

static void score(const struct fixture *f, const struct model_type *type, const void *state, float *out)
{
    const uint32_t users[] = {0, 1, 2, 3};
    const struct tile tile = {out, N_ITEMS, N_ITEMS};
    assert_int_equal(model_score_users(type, state, f->backend, users, N_USERS, &tile), STATUS_OK);
    for (int i = 0; i < N_USERS * N_ITEMS; i++)
        assert_true(isfinite(out[i]) &&
                    (type == &model_bm25_content || fabsf(out[i]) < 1.0001F)); /* cosines */
}

/* By hand: with min_df 1, no stop words, item 1 is "moon rocket engineers"; user 0's profile is items 0
 * and 2. */
static void tfidf_scores_are_cosines(void **state)
{
    (void)state;
    struct fixture f;
    struct column title;
    float s[N_USERS * N_ITEMS];
    open_catalogue(&f, &title);
    score(&f, &model_tfidf_content, fixture_fit(&f, &model_tfidf_content, "{text: title, min_df: 1}"), s);
    /* idf = ln(9 / (1 + df)) + 1 (8 texts); item 0 = {rocket df 3, moon df 2}, item 1 = {moon, rocket,
     * engineers df 1}, item 2 = {astronauts df 1, mars df 2}. */
    const double once = log(9.0 / 2) + 1, twice = log(9.0 / 3) + 1, thrice = log(9.0 / 4) + 1;
    const double n0 = sqrt(thrice * thrice + twice * twice);
    const double n1 = sqrt(twice * twice + thrice * thrice + once * once);
    const double dot = (thrice * thrice + twice * twice) / n0 / n1; /* items 0 and 2 share no word */
    assert_true(fabs((double)s[1] - dot / sqrt(2.0)) < 1e-6);
    assert_true(s[1] > s[6] && s[3] > s[6]);                            /* user 0: space first */
    assert_true(s[N_ITEMS + 6] > s[N_ITEMS + 1] && s[N_ITEMS + 6] > 0); /* user 1: cooking first */
    for (int i = 0; i < N_ITEMS; i++)
        assert_true(s[2 * N_ITEMS + i] == 0); /* user 2 has no history */
    for (int u = 0; u < N_USERS; u++)
        assert_true(s[u * N_ITEMS + 7] == 0); /* item 7 has no text */
    fixture_close(&f);
}

static void ratings_weigh_the_profile(void **state)
{
    (void)state;
    struct fixture f;
    struct column title;
    float equal[N_USERS * N_ITEMS], rated[N_USERS * N_ITEMS];
    open_catalogue(&f, &title);
    score(&f, &model_tfidf_content, fixture_fit(&f, &model_tfidf_content, "{text: title, min_df: 1}"), equal);
    score(&f, &model_tfidf_content,
          fixture_fit(&f, &model_tfidf_content, "{text: title, min_df: 1, weights: rating}"), rated);
    const float *e = equal + 3 * N_ITEMS, *r = rated + 3 * N_ITEMS;
    assert_true(r[1] > e[1] && r[5] < e[5]); /* user 3 rated space 5 and bread 1 */
    fixture_close(&f);
}

/* By hand, lucene with k1 1.5 and b 0: a term that occurs once is worth idf / 2.5.  User 0's query is items 0 and 2:
 * rocket, to, the, moon, astronauts, of, mars once each; item 1 meets it in moon (df 2) and rocket (df 3). */
static void bm25_scores_are_sums_over_the_query(void **state)
{
    (void)state;
    struct fixture f;
    struct column title;
    float s[N_USERS * N_ITEMS];
    open_catalogue(&f, &title);
    score(&f, &model_bm25_content,
          fixture_fit(&f, &model_bm25_content, "{text: title, min_df: 1, stop_words: none, b: 0}"), s);
    const double moon = log(1 + 6.5 / 2.5), rocket = log(1 + 5.5 / 3.5), mars = moon;
    assert_true(fabs((double)s[1] - (moon + rocket) / 2.5 / sqrt(7.0)) < 1e-6);
    assert_true(fabs((double)s[3] - (mars + rocket) / 2.5 / sqrt(7.0)) < 1e-6);
    assert_true(s[6] == 0 && s[N_ITEMS + 6] > 0);
    fixture_close(&f);
}

/* alpha q + beta mean of liked - gamma mean of the rest, written down from the TF-IDF cosines that tfidf_content gives. */
static void rocchio_is_its_formula(void **state)
{
    (void)state;
    struct fixture f;
    struct column title;
    float s[N_USERS * N_ITEMS], plain[N_USERS * N_ITEMS], near[N_USERS * N_ITEMS];
    open_catalogue(&f, &title);
    score(&f, &model_tfidf_content, fixture_fit(&f, &model_tfidf_content, "{text: title, min_df: 1}"), plain);
    score(&f, &model_rocchio, fixture_fit(&f, &model_rocchio, "{text: title, min_df: 1, gamma: 0}"), s);
    for (int i = 0; i < N_USERS * N_ITEMS; i++) /* without gamma and query a cosine does not see beta */
        assert_true(fabsf(s[i] - plain[i]) < 1e-6F);
    score(&f, &model_rocchio,
          fixture_fit(&f, &model_rocchio, "{text: title, min_df: 1, gamma: 0.5, keep_negative: true}"), near);
    assert_true(near[1] > 0 && near[6] < 0); /* user 0 is pushed from cooking */
    score(&f, &model_rocchio, fixture_fit(&f, &model_rocchio, "{text: title, min_df: 1, gamma: 0.5}"), near);
    for (int i = 0; i < N_USERS * N_ITEMS; i++)
        assert_true(near[i] >= 0);
    /* User 3 rated space 5 and bread 1: liked and not, beta 1, gamma 1, both cosines of one item. */
    score(
        &f, &model_rocchio,
        fixture_fit(
            &f, &model_rocchio,
            "{text: title, min_df: 1, others: rated, liked_from: 4, beta: 1, gamma: 1, keep_negative: true}"),
        s);
    assert_true(fabsf(s[3 * N_ITEMS] + s[3 * N_ITEMS + 4]) < 1e-6F && s[3 * N_ITEMS] > 0.5F);
    fixture_close(&f);
}

/* A user without history who wrote of bread: the query alone makes the profile. */
static void rocchio_starts_from_what_the_user_wrote(void **state)
{
    (void)state;
    static const uint32_t writer[] = {2, 2}, about[] = {4, UINT32_MAX};
    static const uint8_t kinds[] = {TEXT_REVIEW, TEXT_QUERY};
    struct fixture f;
    struct column title;
    struct string_builder b = {0};
    float s[N_USERS * N_ITEMS];
    open_catalogue(&f, &title);
    assert_int_equal(string_builder_add(&b, "a rocket", 8), STATUS_OK);
    assert_int_equal(string_builder_add(&b, "where is bread unheardof", 24), STATUS_OK);
    f.view.texts = (struct texts){.n = 2, .user = writer, .item = about, .kind = kinds};
    assert_int_equal(string_builder_finish(&b, f.arena, &f.view.texts.text), STATUS_OK);
    score(&f, &model_rocchio, fixture_fit(&f, &model_rocchio, "{text: title, min_df: 1, query: [queries]}"),
          s);
    assert_true(s[2 * N_ITEMS + 4] > 0 && s[2 * N_ITEMS + 5] > 0 && s[2 * N_ITEMS] == 0);
    score(&f, &model_rocchio,
          fixture_fit(&f, &model_rocchio, "{text: title, min_df: 1, query: [queries, reviews]}"), s);
    assert_true(s[2 * N_ITEMS + 5] > 0 && s[2 * N_ITEMS] > 0);
    fixture_close(&f);
}

/* scikit-learn's MultinomialNB, BernoulliNB, ComplementNB on the same counts (tools/golden-models.py). */
static void naive_bayes_equals_scikit_learn(void **state)
{
    static const struct {
        const char *name, *yaml;
    } cases[] = {{"multinomial", "variant: multinomial"},
                 {"multinomial_flat", "variant: multinomial, alpha: 0.5, fit_prior: false"},
                 {"bernoulli", "variant: bernoulli, alpha: 0.5"},
                 {"complement", "variant: complement"},
                 {"complement_norm", "variant: complement, norm: true"}};
    static const uint32_t users[] = {0, 1, 2};
    uint32_t user[GOLDEN_USERS * GOLDEN_ITEMS], item[GOLDEN_USERS * GOLDEN_ITEMS];
    float value[GOLDEN_USERS * GOLDEN_ITEMS], got[3 * GOLDEN_ITEMS];
    double want[3 * GOLDEN_ITEMS];
    struct fixture f;
    struct string_builder b = {0};
    struct column title = {.name = "title", .kind = COLUMN_TEXT};
    uint64_t n = 0;
    (void)state;
    for (int u = 0; u < GOLDEN_USERS; u++)
        for (int i = 0; i < GOLDEN_ITEMS; i++)
            if (golden_rating(u, i) > 0)
                user[n] = (uint32_t)u, item[n] = (uint32_t)i, value[n++] = (float)golden_rating(u, i);
    fixture_open(&f, GOLDEN_USERS, GOLDEN_ITEMS, n, user, item, value);
    for (int i = 0; i < GOLDEN_ITEMS; i++) {
        for (int w = 0; w < GOLDEN_WORDS; w++)
            for (int c = 0; c < golden_count(i, w); c++) {
                const char word[4] = {'w', (char)('a' + w), (char)('a' + w), ' '};
                assert_int_equal(string_builder_append(&b, word, 4), STATUS_OK);
            }
        assert_int_equal(string_builder_end(&b), STATUS_OK);
    }
    assert_int_equal(string_builder_finish(&b, f.arena, &title.text), STATUS_OK);
    f.view.item_columns = &title, f.view.n_item_columns = 1;
    for (size_t c = 0; c < 2 * sizeof cases / sizeof *cases; c++) {
        const char *others = c % 2 ? "rated" : "rest";
        char yaml[200], name[64];
        snprintf(yaml, sizeof yaml,
                 "{text: title, min_df: 1, stop_words: none, liked_from: 4, others: %s, %s}", others,
                 cases[c / 2].yaml);
        snprintf(name, sizeof name, "%s_%s", cases[c / 2].name, others);
        assert_int_equal(golden_read(name, 3, GOLDEN_ITEMS, want), 3 * GOLDEN_ITEMS);
        const struct tile tile = {got, GOLDEN_ITEMS, GOLDEN_ITEMS};
        assert_int_equal(model_score_users(&model_naive_bayes_content,
                                           fixture_fit(&f, &model_naive_bayes_content, yaml), f.backend,
                                           users, 3, &tile),
                         STATUS_OK);
        for (int i = 0; i < 3 * GOLDEN_ITEMS; i++)
            if (!(fabs((double)got[i] - want[i]) < 1e-5 * (1 + fabs(want[i]))))
                fail_msg("%s: user %d, item %d: %g, scikit-learn says %g", name, i / GOLDEN_ITEMS,
                         i % GOLDEN_ITEMS, (double)got[i], want[i]);
    }
    fixture_close(&f);
}

static void sparse_and_dense_decompositions_agree(void **state)
{
    (void)state;
    enum { N = 40, M = 25, D = 6 };
    static float X[N * M], dense[N * D], sparse[N * D];
    static uint32_t row[N * M], col[N * M];
    static float value[N * M];
    struct fixture f;
    struct csr A;
    uint64_t n = 0;
    const uint32_t zero = 0;
    const float one = 1;
    fixture_open(&f, 1, 1, 1, &zero, &zero, &one);
    for (uint32_t i = 0; i < N * M; i++)
        if (random_unit(3, RANDOM_INIT, 0, i) <
            0.2) { /* columns of falling weight, so that components are distinct */
            X[i] = (float)(random_normal(4, RANDOM_INIT, 0, i) * pow(0.8, i % M));
            row[n] = i / M, col[n] = i % M, value[n++] = X[i];
        }
    assert_int_equal(csr_from_triples(N, M, n, row, col, value, f.arena, &A, NULL), STATUS_OK);
    assert_int_equal(reduce_dense(f.backend, X, N, M, D, f.arena, dense, NULL), STATUS_OK);
    assert_int_equal(reduce_sparse(f.backend, &A, D, REDUCE_ITERATIONS, 1, f.arena, sparse, NULL), STATUS_OK);
    double kept = 0, all = 0;
    for (int i = 0; i < N * D; i++)
        kept += (double)dense[i] * (double)dense[i];
    for (int i = 0; i < N * M; i++)
        all += (double)X[i] * (double)X[i];
    assert_true(kept < all && kept > 0.6 * all);
    for (int k = 0; k < D;
         k++) { /* the sign rule is on the right vectors, whose span differs by rounding only */
        double same = 0, length = 0;
        for (int i = 0; i < N; i++) {
            same += (double)dense[i * D + k] * (double)sparse[i * D + k];
            length += (double)dense[i * D + k] * (double)dense[i * D + k];
        }
        assert_true(fabs(fabs(same) / length - 1) < 1e-3);
    }
    fixture_close(&f);
}

static void build(struct fixture *f, const char *encoder, int dimensions, uint64_t seed,
                  struct item_vectors *out)
{
    static const char *fields[] = {"title"};
    const struct item_vectors_options options = {
        .encoder = encoder, .text = {1, fields}, .dimensions = dimensions, .center = false};
    f->run.seed = seed;
    assert_int_equal(item_vectors_build(&options, &f->view, &f->run, out), STATUS_OK);
}

static double cosine(const struct item_vectors *v, int i, int j)
{
    double s = 0;
    for (uint32_t k = 0; k < v->d; k++)
        s += (double)v->v[(uint32_t)i * v->d + k] * (double)v->v[(uint32_t)j * v->d + k];
    return s;
}

static void vectors_without_a_model(void **state)
{
    (void)state;
    struct fixture f;
    struct column title;
    struct item_vectors words, random, again, other, none;
    open_catalogue(&f, &title);
    build(&f, ITEM_ENCODER_TFIDF, 4, 1, &words);
    assert_int_equal(words.d, 4);
    assert_true(cosine(&words, 0, 1) > 0.9 && fabs(cosine(&words, 0, 5)) < 0.1);
    assert_true(fabs(cosine(&words, 0, 0) - 1) < 1e-5 && cosine(&words, 7, 7) == 0);
    build(&f, ITEM_ENCODER_RANDOM, 32, 1, &random);
    build(&f, ITEM_ENCODER_RANDOM, 32, 1, &again);
    build(&f, ITEM_ENCODER_RANDOM, 32, 2, &other);
    assert_memory_equal(random.v, again.v, N_ITEMS * 32 * sizeof(float));
    assert_memory_not_equal(random.v, other.v, N_ITEMS * 32 * sizeof(float));
    build(&f, ITEM_ENCODER_NONE, 32, 1, &none);
    assert_int_equal(none.d, 0);
    fixture_close(&f);
}

static void a_missing_language_model_is_unavailable(void **state)
{
    (void)state;
    struct fixture f;
    struct column title;
    status_handler *old;
    void *old_context;
    open_catalogue(&f, &title);
    f.run.models = "build/no-such-folder";
    status_set_handler(fixture_quiet, NULL, &old, &old_context);
    assert_int_equal(model_llm_content.fit(fixture_state(&f, &model_llm_content),
                                           fixture_params(&f, &model_llm_content, "{text: title}"), &f.view,
                                           &f.run),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(status_sentence(), "get-models.sh"));
    status_set_handler(old, old_context, NULL, NULL);
    fixture_close(&f);
}

/* Sentence meaning where no word is shared; skipped where the model is not set up. */
static void sentence_vectors_know_the_subject(void **state)
{
    (void)state;
    struct fixture f;
    struct column title;
    struct item_vectors llm, shuffled;
    float s[N_USERS * N_ITEMS];
    if (access("models/minilm/model.safetensors", R_OK) != 0) {
        print_message("skipped: run tools/get-models.sh minilm\n");
        skip();
    }
    open_catalogue(&f, &title);
    f.run.models = "models";
    build(&f, ITEM_ENCODER_MINILM, 0, 1, &llm);
    build(&f, ITEM_ENCODER_SHUFFLED, 0, 1, &shuffled);
    assert_true(cosine(&llm, 0, 2) > cosine(&llm, 0, 5)); /* moon and Mars share no word */
    for (int i = 0; i < N_ITEMS; i++) {                   /* each shuffled row is some row of the others */
        int found = 0;
        for (int j = 0; j < N_ITEMS; j++)
            found += memcmp(shuffled.v + (uint32_t)i * llm.d, llm.v + (uint32_t)j * llm.d,
                            llm.d * sizeof(float)) == 0;
        assert_int_equal(found, 1);
    }
    assert_memory_not_equal(shuffled.v, llm.v, N_ITEMS * llm.d * sizeof(float));
    score(&f, &model_llm_content, fixture_fit(&f, &model_llm_content, "{text: title}"), s);
    assert_true(s[3] > s[6] && s[N_ITEMS + 6] > s[N_ITEMS + 3]);
    fixture_close(&f);
}

static void files_come_back(void **state)
{
    (void)state;
    static const struct {
        const struct model_type *type;
        const char *yaml;
    } cases[] = {{&model_tfidf_content, "{text: title, weights: rating}"},
                 {&model_tfidf_content, "{text: title, min_df: 1000}"},
                 {&model_bm25_content, "{text: title, min_df: 1, stem: english}"},
                 {&model_bm25_content, "{text: title, query: presence, variant: plus, weights: rating}"},
                 {&model_llm_content, "{text: title, encoder: tfidf, dimensions: 3}"}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const struct model_type *type = cases[c].type;
        char path[] = "/tmp/recfuse-content-XXXXXX";
        struct fixture f;
        struct column title;
        float before[N_USERS * N_ITEMS], after[N_USERS * N_ITEMS];
        open_catalogue(&f, &title);
        const void *params = fixture_params(&f, type, cases[c].yaml);
        void *fitted = fixture_fit(&f, type, cases[c].yaml), *loaded = fixture_state(&f, type);
        assert_true(close(mkstemp(path)) == 0);
        assert_int_equal(model_save(path, type, params, fitted), STATUS_OK);
        assert_int_equal(model_load(path, type, params, &f.run, loaded), STATUS_OK);
        score(&f, type, fitted, before);
        score(&f, type, loaded, after);
        assert_memory_equal(before, after, sizeof before);
        unlink(path);
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tfidf_scores_are_cosines),
                                       cmocka_unit_test(ratings_weigh_the_profile),
                                       cmocka_unit_test(bm25_scores_are_sums_over_the_query),
                                       cmocka_unit_test(rocchio_is_its_formula),
                                       cmocka_unit_test(rocchio_starts_from_what_the_user_wrote),
                                       cmocka_unit_test(naive_bayes_equals_scikit_learn),
                                       cmocka_unit_test(sparse_and_dense_decompositions_agree),
                                       cmocka_unit_test(vectors_without_a_model),
                                       cmocka_unit_test(a_missing_language_model_is_unavailable),
                                       cmocka_unit_test(sentence_vectors_know_the_subject),
                                       cmocka_unit_test(files_come_back)};
    return cmocka_run_group_tests_name("content", tests, NULL, NULL);
}
