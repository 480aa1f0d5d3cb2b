/*
 * test_conformance.c - what DESIGN.md section 4 asks of every model, over the whole registry: a new model is tested by
 * its registry line alone.
 *
 * Data: the generator's, with a known truth.  Where models/minilm is not there, models with an encoder take TF-IDF.  Models with a decoder
 * take a small one that says nothing of meaning (tiny_speaker.h), so they hold the contracts but need not find what was planted.
 */
#include "../test.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../llm/tiny_speaker.h"
#include "data/synth.h"
#include "eval/ratings.h"
#include "eval/significance.h"
#include "models/model_io.h"
#include "registry.h"

static const volatile sig_atomic_t never = 0;
static char *folder;
static struct arena *shared; /* the datasets below */

/* A fitted model and all that it stands on. */
struct fitted {
    const struct model_type *type;
    struct arena *arena, *scratch;
    struct run run;
    void *params, *state;
};

/* Short prompts for a small decoder. */
static const char *small_decoder(struct arena *arena)
{
    const char *path = arena_strdup(arena, test_path(folder, "speaker.gguf"));
    size_t n;
    if (access(path, R_OK) != 0) {
        char *bytes = tiny_speaker(4096, &n);
        FILE *stream = fopen(path, "wb");
        assert_true(stream != NULL && fwrite(bytes, 1, n, stream) == n && fclose(stream) == 0);
        free(bytes);
    }
    const char *prompt = arena_strdup(arena, test_path(folder, "prompt.txt"));
    test_write(prompt, "[item]\n{title}\n[prompt]\n{history}>\n[empty]\n>\n[answer]\n{title}\n");
    return arena_printf(arena, "{decoder: %s, prompt: %s, candidates: 2, history_length: 1}", path, prompt);
}

static void params_of(const struct model_type *type, const char *yaml, struct arena *arena, void **params)
{
    struct node *node;
    *params = arena_alloc(arena, type->params_size > 0 ? type->params_size : 1, 1);
    assert_ok(params_default(type->params, arena, *params));
    if (param_find(type->params, "encoder") != NULL && access("models/minilm/model.safetensors", R_OK) != 0) {
        assert_ok(node_parse("test", "{encoder: tfidf}", 16, arena, &node));
        assert_ok(params_set(type->params, type->name, node, arena, *params));
    }
    if (type->needs & NEEDS_DECODER) {
        const char *small = small_decoder(arena);
        assert_ok(node_parse("test", small, strlen(small), arena, &node));
        assert_ok(params_set(type->params, type->name, node, arena, *params));
    }
    /* In miniature, those that take minutes at their usual size. */
    static const char *const small[][2] = {
        {"lstm_text", "{embedding: 16, hidden: 32, epochs: 2, max_length: 12}"},
        {"alpha_rec", "{hidden: 32, epochs: 20}"},
        /* adapters: tests/fusion/test_two_tower.c, on an encoder of some thousand weights */
        {"two_tower", "{lora_rank: 0, epochs: 2, batch_size: 256, learning_rate: 0.003}"}};
    for (size_t m = 0; m < sizeof small / sizeof *small; m++)
        if (strcmp(type->name, small[m][0]) == 0) {
            assert_ok(node_parse("test", small[m][1], strlen(small[m][1]), arena, &node));
            assert_ok(params_set(type->params, type->name, node, arena, *params));
        }
    if (yaml != NULL) {
        assert_ok(node_parse("test", yaml, strlen(yaml), arena, &node));
        assert_ok(params_set(type->params, type->name, node, arena, *params));
    }
}

static void prepare(struct fitted *f, const struct model_type *type, const char *yaml, int threads)
{
    *f = (struct fitted){.type = type, .arena = arena_new(), .scratch = arena_new()};
    f->run = (struct run){.arena = f->arena,
                          .scratch = f->scratch,
                          .seed = 7,
                          .cache = test_path(folder, "cache"),
                          .models = "models",
                          .cancelled = &never};
    f->run.cache = arena_strdup(f->arena, f->run.cache);
    assert_ok(backend_open("cpu", threads, &f->run.backend));
    params_of(type, yaml, f->arena, &f->params);
    f->state = arena_alloc(f->arena, type->state_size > 0 ? type->state_size : 1, 1);
}

static void fit(struct fitted *f, const struct model_type *type, const struct view *view, const char *yaml,
                int threads)
{
    prepare(f, type, yaml, threads);
    const enum status s = type->fit(f->state, f->params, view, &f->run);
    if (s != STATUS_OK)
        fail_msg("%s: fit returned %d: %s", type->name, s, status_sentence());
    arena_free(f->scratch);
    f->scratch = NULL;
}

static void drop(struct fitted *f)
{
    if (f->type->free != NULL)
        f->type->free(f->state);
    arena_free(f->arena);
    arena_free(f->scratch);
}

/* All scores [n_users x n_items]; malloc'ed. */
static float *scores_of(const struct fitted *f, const struct view *v)
{
    const size_t n = (size_t)v->n_users * v->n_items;
    float *out = calloc(n > 0 ? n : 1, sizeof *out);
    uint32_t *users = malloc(v->n_users * sizeof *users);
    for (uint32_t u = 0; u < v->n_users; u++)
        users[u] = u;
    const struct tile tile = {out, v->n_items, v->n_items};
    assert_ok(model_score_users(f->type, f->state, f->run.backend, users, v->n_users, &tile));
    for (size_t e = 0; e < n; e++)
        if (!isfinite(out[e]))
            fail_msg("%s: score of user %zu, item %zu is %g", f->type->name, e / v->n_items, e % v->n_items,
                     (double)out[e]);
    free(users);
    return out;
}

static struct dataset *generate(uint32_t n_users, uint32_t n_items, uint64_t n, double signal, uint64_t seed)
{
    struct synth_options options = SYNTH_DEFAULTS;
    struct dataset *d;
    options.n_users = n_users;
    options.n_items = n_items;
    options.n_interactions = n;
    options.signal = signal;
    options.seed = seed;
    options.n_friends = 10;
    assert_ok(synth_generate(&options, shared, &d));
    return d;
}

static struct fold *split(const struct dataset *d)
{
    static const char yaml[] = "{kind: random, test: 0.2, scope: per_user, seed: 42}";
    struct node *node;
    struct split s;
    struct fold *folds;
    size_t n;
    assert_ok(node_parse("test", yaml, sizeof yaml - 1, shared, &node));
    assert_ok(split_parse(node, shared, &s));
    assert_ok(split_apply(&s, d, &d->interactions, shared, &folds, &n));
    assert_int_equal(n, 1);
    return folds;
}

static struct view *view_of(const struct dataset *d, const struct fold *fold)
{
    struct view *v;
    assert_ok(view_build(d, fold, shared, &v));
    return v;
}

/* RECFUSE_TEST_MODELS="svd pmf": only these, while one is being written. */
static int wanted(const struct model_type *type)
{
    const char *list = getenv("RECFUSE_TEST_MODELS");
    const size_t n = strlen(type->name);
    for (const char *at = list; at != NULL && (at = strstr(at, type->name)) != NULL; at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return 1;
    return list == NULL;
}
#define FOR_EACH_MODEL(type)                                                                                 \
    for (const struct model_type *type, *const *at_ = model_types; (type = *at_) != NULL; at_++)             \
        if (!(type->needs & NEEDS_FILE) &&                                                                   \
            wanted(type)) /* lists of other systems: tests/models/test_external.c */

/* ------------------------------------------------------------------------------------------------- contracts */

static void tables_are_complete(void **state)
{
    (void)state;
    FOR_EACH_MODEL(type)
    {
        assert_ptr_equal(model_find(type->name), type);
        assert_non_null(type->family);
        assert_non_null(type->source);
        assert_non_null(type->help);
        assert_true(type->version >= 1);
        assert_true(type->score_users != NULL || type->score_pairs != NULL || type->factors != NULL);
        assert_true((type->save == NULL) == (type->load == NULL));
        for (const struct param *p = type->params; p != NULL && p->name != NULL; p++) {
            assert_non_null(p->help);
            if (p->kind == PARAM_KIND_INT || p->kind == PARAM_KIND_REAL)
                assert_true(p->minimum <= p->number && p->number <= p->maximum);
        }
    }
    assert_null(model_find("no such model"));
    assert_string_equal(model_nearest("item_kn"), "item_knn");
}

static void pairs_agree_with_tiles(void **state)
{
    struct dataset *d = generate(120, 90, 2000, 1, 3);
    struct view *v = view_of(d, split(d));
    (void)state;
    FOR_EACH_MODEL(type)
    {
        struct fitted f;
        fit(&f, type, v, NULL, 2);
        float *all = scores_of(&f, v), pair[64];
        uint32_t users[64], items[64];
        for (uint32_t e = 0; e < 64; e++) {
            users[e] = e * 37 % v->n_users;
            items[e] = e * 53 % v->n_items;
        }
        assert_ok(model_score_pairs(type, f.state, f.run.backend, users, items, 64, v->n_items, pair));
        for (int e = 0; e < 64; e++) {
            const double x = all[users[e] * v->n_items + items[e]];
            if (fabs(x - (double)pair[e]) > 1e-4 * (1 + fabs(x)))
                fail_msg("%s: user %u, item %u: %g in a tile, %g as a pair", type->name, users[e], items[e],
                         x, (double)pair[e]);
        }
        free(all);
        drop(&f);
    }
}

static void same_bytes_with_one_and_two_threads(void **state)
{
    struct dataset *d = generate(150, 110, 3000, 1, 4);
    struct view *v = view_of(d, split(d));
    (void)state;
    FOR_EACH_MODEL(type)
    {
        struct fitted one, two;
        fit(&one, type, v, NULL, 1);
        float *a = scores_of(&one, v);
        fit(&two, type, v, NULL, 2);
        float *b = scores_of(&two, v);
        if (memcmp(a, b, (size_t)v->n_users * v->n_items * sizeof *a) != 0)
            fail_msg("%s: scores differ between 1 and 2 threads", type->name);
        free(a);
        free(b);
        drop(&one);
        drop(&two);
    }
}

static void saved_models_score_the_same(void **state)
{
    struct dataset *d = generate(100, 80, 1500, 1, 5);
    struct view *v = view_of(d, split(d));
    const char *path = arena_strdup(shared, test_path(folder, "model.h5"));
    (void)state;
    FOR_EACH_MODEL(type)
    {
        struct fitted f, g;
        if (type->save == NULL)
            continue;
        fit(&f, type, v, NULL, 2);
        assert_ok(model_save(path, type, f.params, f.state));
        prepare(&g, type, NULL, 2);
        const enum status s = model_load(path, type, g.params, &g.run, g.state);
        if (s != STATUS_OK)
            fail_msg("%s: load: %s", type->name, status_sentence());
        float *a = scores_of(&f, v), *b = scores_of(&g, v);
        if (memcmp(a, b, (size_t)v->n_users * v->n_items * sizeof *a) != 0)
            fail_msg("%s: a loaded model scores differently", type->name);
        free(a);
        free(b);
        drop(&f);
        drop(&g);
    }
}

/* The rows of `in` that `keep` wants. */
static struct interactions rows_where(const struct interactions *in,
                                      int (*keep)(uint32_t user, uint32_t item))
{
    struct interactions out = {.user = arena_alloc(shared, in->n, sizeof *out.user),
                               .item = arena_alloc(shared, in->n, sizeof *out.item),
                               .value = arena_alloc(shared, in->n, sizeof *out.value),
                               .time = in->time != NULL ? arena_alloc(shared, in->n, sizeof *out.time) : NULL,
                               .source_row = arena_alloc(shared, in->n, sizeof *out.source_row)};
    for (uint64_t r = 0; r < in->n; r++) {
        if (!keep(in->user[r], in->item[r]))
            continue;
        out.user[out.n] = in->user[r];
        out.item[out.n] = in->item[r];
        out.value[out.n] = in->value[r];
        if (out.time != NULL)
            out.time[out.n] = in->time[r];
        out.source_row[out.n++] = in->source_row[r];
    }
    return out;
}

static int not_user_3_nor_item_5(uint32_t user, uint32_t item)
{
    return user != 3 && item != 5;
}
static int only_user_0(uint32_t user, uint32_t item)
{
    (void)item;
    return user == 0;
}

static void survives_empty_rows_and_one_user(void **state)
{
    struct dataset *d = generate(60, 50, 900, 1, 6);
    const struct fold *fold = split(d);
    (void)state;
    for (int one = 0; one < 2; one++) {
        struct fold thin = *fold;
        thin.train = rows_where(&fold->train, one ? only_user_0 : not_user_3_nor_item_5);
        struct view *v = view_of(d, &thin);
        FOR_EACH_MODEL(type)
        {
            struct fitted f;
            fit(&f, type, v, NULL, 2);
            free(scores_of(&f, v));
            drop(&f);
        }
    }
}

/* ------------------------------------------------------------------------------------------------- what is learned */

/* ndcg@10 of every user with test rows; *n of them; malloc'ed. */
static double *quality(const struct fitted *f, const struct view *v, const struct csr *test, uint32_t *n)
{
    static const uint32_t k = 10;
    const struct metric_type *metric = metric_find("ndcg");
    uint32_t *users = malloc(v->n_users * sizeof *users);
    struct lists lists;
    *n = 0;
    for (uint32_t u = 0; u < v->n_users; u++)
        if (test->ptr[u + 1] > test->ptr[u])
            users[(*n)++] = u;
    double *values = malloc(*n * sizeof *values);
    assert_ok(rank_users(f->type, f->state, f->run.backend, v->n_items, users, *n,
                         &(struct rank_options){.k = k, .seed = 1, .masks = {v->by_user, NULL}}, f->arena,
                         &lists));
    assert_ok(metrics_compute(&lists, users, test, &metric, 1, &k, 1, values));
    free(users);
    return values;
}

static struct csr test_matrix(const struct view *v, const struct fold *fold)
{
    struct csr out;
    assert_ok(csr_from_triples(v->n_users, v->n_items, fold->test.n, fold->test.user, fold->test.item,
                               fold->test.value, shared, &out, NULL));
    return out;
}

/* Share of a user's pairs of held-out rows with different ratings that the scores put in the ratings' order (a tie: one
 * half); NaN for a user without such a pair. */
static double concordance(const float *score, const struct csr *test, uint32_t user)
{
    double right = 0, pairs = 0;
    for (int64_t a = test->ptr[user]; a < test->ptr[user + 1]; a++)
        for (int64_t b = test->ptr[user]; b < test->ptr[user + 1]; b++)
            if (test->val[a] > test->val[b]) {
                const float x = score[test->idx[a]], y = score[test->idx[b]];
                pairs++;
                right += x > y ? 1 : x == y ? 0.5 : 0;
            }
    return pairs > 0 ? right / pairs : NAN;
}

/* A model of ratings predicts held-out ones better than their mean over the train rows does, user by user. */
static void predicts_ratings(const struct fitted *f, const struct view *v, const struct csr *test)
{
    const struct metric_at rmse = {metric_find("rmse"), 0, DIALECT_DEFAULT};
    double pooled;
    double *mine = malloc(v->n_users * sizeof *mine), *flat = malloc(v->n_users * sizeof *flat), mean = 0;
    uint32_t *users = malloc(v->n_users * sizeof *users), n = 0;
    struct paired_test t;
    for (uint32_t u = 0; u < v->n_users; u++)
        if (test->ptr[u + 1] > test->ptr[u])
            users[n++] = u;
    assert_ok(ratings_compute(f->type, f->state, f->run.backend, users, n, test, v->minimum_value,
                              v->maximum_value, &rmse, 1, mine, &pooled, NULL));
    for (int64_t e = 0; e < v->by_user->nnz; e++)
        mean += (double)v->by_user->val[e] / (double)v->by_user->nnz;
    for (uint32_t u = 0; u < n; u++) {
        double sum = 0;
        for (int64_t e = test->ptr[users[u]]; e < test->ptr[users[u] + 1]; e++)
            sum += pow((double)test->val[e] - mean, 2);
        flat[u] = sqrt(sum / (double)(test->ptr[users[u] + 1] - test->ptr[users[u]]));
    }
    assert_ok(significance_paired_t(flat, mine, n, &t));
    print_message("  %-16s a user's rmse %.4f (mean rating %.4f), p %.2g\n", f->type->name,
                  metrics_mean(mine, n), metrics_mean(flat, n), t.p);
    if (!(t.mean_difference > 0 && t.p < 0.01))
        fail_msg("%s predicts ratings no better than their mean", f->type->name);
    free(mine);
    free(flat);
    free(users);
}

/* A model of ratings has its signal in the ratings: it orders held-out ratings better than popularity does.  At 0.05, for
 * a user has few pairs of different ratings among the held-out ones. */
static void orders_ratings(const struct fitted *model, const struct fitted *popularity, const struct view *v,
                           const struct csr *test)
{
    float *x = scores_of(model, v), *y = scores_of(popularity, v);
    double *a = malloc(v->n_users * sizeof *a), *b = malloc(v->n_users * sizeof *b);
    struct paired_test t;
    size_t n = 0;
    for (uint32_t u = 0; u < v->n_users; u++) {
        a[n] = concordance(x + (size_t)u * v->n_items, test, u);
        b[n] = concordance(y + (size_t)u * v->n_items, test, u);
        n += !isnan(a[n]);
    }
    assert_ok(significance_paired_t(a, b, n, &t));
    print_message("  %-16s concordance with held-out ratings %.4f (popularity %.4f), p %.2g\n",
                  model->type->name, metrics_mean(a, (uint32_t)n), metrics_mean(b, (uint32_t)n), t.p);
    if (!(t.mean_difference > 0 && t.p < 0.05))
        fail_msg("%s does not order ratings better than popularity", model->type->name);
    free(x);
    free(y);
    free(a);
    free(b);
}

/* Where taste was planted, in rows, words and ratings, whoever reads them beats popularity: models of what is taken by
 * their lists; models of ratings by the order and the size of held-out ratings.  Their lists are not judged: what a
 * user would like is not what she takes, and those that don't damp few ratings (slope_one, knn_ratings) rank items that
 * one user rated high above all others, below random where test rows follow popularity (Cremonesi et al. 2010). */
static void planted_signal_is_found(void **state)
{
    struct dataset *d = generate(500, 400, 20000, 1, 11);
    const struct fold *fold = split(d);
    struct view *v = view_of(d, fold);
    const struct csr test = test_matrix(v, fold);
    struct fitted f, popular;
    struct paired_test t;
    uint32_t n;
    (void)state;
    fit(&f, model_find("random"), v, NULL, 2);
    double *random = quality(&f, v, &test, &n);
    drop(&f);
    fit(&popular, model_find("popularity"), v, NULL, 2);
    double *popularity = quality(&popular, v, &test, &n);
    assert_ok(significance_paired_t(popularity, random, n, &t));
    assert_true(t.mean_difference > 0 && t.p < 1e-6);
    FOR_EACH_MODEL(type)
    {
        if (strcmp(type->name, "random") == 0 || strcmp(type->name, "popularity") == 0 ||
            (type->needs & NEEDS_DECODER))
            continue;
        if (strcmp(type->name, "lstm_text") == 0) /* how liked an item is says little of one user's order: */
            continue;                             /* what it learns is asked in tests/fusion/test_lstm.c */
        const int ratings = (type->needs & NEEDS_RATINGS) != 0;
        /* No more can be asked than to beat random: of one list for all users, from texts alone; and of a model that looks for items near
         * to some of the history, where the planted taste is a sum over all of it. */
        const int random_is_enough =
            strcmp(type->name, "predicted_popularity") == 0 || strcmp(type->name, "attention_content") == 0;
        fit(&f, type, v, NULL, 2);
        double *mine = quality(&f, v, &test, &n);
        assert_ok(significance_paired_t(mine, random_is_enough ? random : popularity, n, &t));
        print_message("  %-16s ndcg@10 %.4f (popularity %.4f, random %.4f), p %.2g\n", type->name,
                      metrics_mean(mine, n), metrics_mean(popularity, n), metrics_mean(random, n), t.p);
        if (!ratings && !(t.mean_difference > 0 && t.p < 0.01))
            fail_msg("%s does not beat %s where a signal was planted", type->name,
                     random_is_enough ? "random" : "popularity");
        if (ratings) {
            orders_ratings(&f, &popular, v, &test);
            predicts_ratings(&f, v, &test);
        }
        free(mine);
        drop(&f);
    }
    free(random);
    free(popularity);
    drop(&popular);
}

static void nothing_is_found_where_nothing_is(void **state)
{
    struct dataset *d = generate(500, 400, 20000, 0, 12);
    const struct fold *fold = split(d);
    struct view *v = view_of(d, fold);
    const struct csr test = test_matrix(v, fold);
    struct fitted f;
    struct paired_test t;
    uint32_t n;
    size_t n_models = 0;
    (void)state;
    FOR_EACH_MODEL(type) n_models++;
    fit(&f, model_find("random"), v, NULL, 2);
    double *random = quality(&f, v, &test, &n);
    drop(&f);
    FOR_EACH_MODEL(type)
    {
        fit(&f, type, v, NULL, 2);
        double *mine = quality(&f, v, &test, &n);
        assert_ok(significance_paired_t(mine, random, n, &t));
        print_message("  %-16s ndcg@10 %.4f (random %.4f), p %.2g\n", type->name, metrics_mean(mine, n),
                      metrics_mean(random, n), t.p);
        if (t.mean_difference > 0 && t.p < 0.01 / (double)n_models) /* Bonferroni */
            fail_msg("%s beats random by %g (p %g) where there is nothing to find: something leaks",
                     type->name, t.mean_difference, t.p);
        free(mine);
        drop(&f);
    }
    free(random);
}

/* ------------------------------------------------------------------------------------------------- leakage */

static const struct csr *leak_test;
static int not_held_out(uint32_t user, uint32_t item)
{
    return !csr_has(leak_test, user, item);
}

/* The dataset as it would be had the held-out pairs never happened: no rows, no texts of theirs. */
static struct dataset *without_held_out(const struct dataset *d)
{
    struct dataset *out = arena_copy(shared, d, 1, sizeof *d);
    struct string_builder text = {0};
    uint32_t *user = arena_alloc(shared, d->texts.n, sizeof *user),
             *item = arena_alloc(shared, d->texts.n, sizeof *item);
    int64_t *time = d->texts.time != NULL ? arena_alloc(shared, d->texts.n, sizeof *time) : NULL;
    uint8_t *kind = arena_alloc(shared, d->texts.n, sizeof *kind);
    uint64_t n = 0;
    out->interactions = rows_where(&d->interactions, not_held_out);
    for (uint64_t t = 0; t < d->texts.n; t++) {
        if (d->texts.item[t] != UINT32_MAX && !not_held_out(d->texts.user[t], d->texts.item[t]))
            continue;
        user[n] = d->texts.user[t];
        item[n] = d->texts.item[t];
        if (time != NULL)
            time[n] = d->texts.time[t];
        kind[n++] = d->texts.kind[t];
        assert_ok(
            string_builder_add(&text, strings_at(&d->texts.text, t), strings_length(&d->texts.text, t)));
    }
    out->texts = (struct texts){.n = n, .user = user, .item = item, .time = time, .kind = kind};
    assert_ok(string_builder_finish(&text, shared, &out->texts.text));
    return out;
}

/* Do scores differ between a view made where held-out pairs exist and one where they never did? */
static int leaks(const struct model_type *type, const struct view *with, const struct view *without,
                 const char *yaml)
{
    struct fitted a, b;
    fit(&a, type, with, yaml, 2);
    fit(&b, type, without, yaml, 2);
    float *x = scores_of(&a, with), *y = scores_of(&b, without);
    const int differ = memcmp(x, y, (size_t)with->n_users * with->n_items * sizeof *x) != 0;
    free(x);
    free(y);
    drop(&a);
    drop(&b);
    return differ;
}

static void no_model_sees_what_is_held_out(void **state)
{
    struct dataset *d = generate(80, 60, 1200, 1, 8);
    const struct fold *fold = split(d);
    struct view *v = view_of(d, fold);
    const struct csr test = test_matrix(v, fold);
    struct fold nothing = {.train = fold->train};
    (void)state;
    leak_test = &test;
    struct view *clean = view_of(without_held_out(d), &nothing);
    static const char reviews[] = "{text: [title, genres, tags, reviews]}",
                      own[] = "{text: [title, genres, tags, reviews], user_text: [reviews, tags]}";
    FOR_EACH_MODEL(type)
    {
        const char *yaml = param_find(type->params, "user_text") != NULL ? own
                           : param_find(type->params, "text") != NULL    ? reviews
                                                                         : NULL;
        if (leaks(type, v, clean, yaml))
            fail_msg("%s: scores depend on held-out rows or texts", type->name);
    }
    /* The same test finds a model that was handed held-out texts, and one that was handed held-out rows. */
    struct view *unmasked = view_of(d, &nothing);
    assert_true(leaks(model_find("tfidf_content"), unmasked, clean, reviews));
    assert_true(leaks(model_find("llm_content"), unmasked, clean,
                      "{encoder: tfidf, text: [title, genres], user_text: [reviews, tags]}"));
    struct fold all = {.train = d->interactions};
    struct view *told = view_of(d, &all);
    told->texts = clean->texts;
    assert_true(leaks(model_find("item_knn"), told, clean, NULL));
    assert_true(leaks(model_find("popularity"), told, clean, NULL));
}

static int set_up(void **state)
{
    (void)state;
    folder = test_folder();
    shared = arena_new();
    return shared == NULL;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(shared);
    test_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_complete),
        cmocka_unit_test(pairs_agree_with_tiles),
        cmocka_unit_test(same_bytes_with_one_and_two_threads),
        cmocka_unit_test(saved_models_score_the_same),
        cmocka_unit_test(survives_empty_rows_and_one_user),
        cmocka_unit_test(planted_signal_is_found),
        cmocka_unit_test(nothing_is_found_where_nothing_is),
        cmocka_unit_test(no_model_sees_what_is_held_out),
    };
    test_quiet();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
