/*
 * test_synth_friends.c - friends of generated sets: mutual, about as many as asked for, of one taste as far as homophily says, and nothing else
 * of the set changes.
 */
#include "../test.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "data/store.h"
#include "data/synth.h"

static const struct synth_options base = {.n_users = 700,
                                          .n_items = 200,
                                          .n_interactions = 7000,
                                          .seed = 3,
                                          .signal = 1,
                                          .factors = 6,
                                          .n_friends = 7,
                                          .homophily = 4};

static const struct dataset *generate(struct arena *arena, const struct synth_options *options)
{
    struct dataset *d;
    assert_ok(synth_generate(options, arena, &d));
    return d;
}

static const struct csr *friends_of(const struct dataset *d)
{
    const struct column *column = dataset_user_column(d, "friends");
    assert_non_null(column);
    assert_int_equal(column->kind, COLUMN_LIST);
    assert_int_equal(column->names.n, d->n_users);
    assert_memory_equal(column->names.bytes, d->user_ids.bytes, d->user_ids.offsets[d->n_users]);
    return &column->list;
}

static double cosine(const struct dataset *d, uint32_t u, uint32_t v)
{
    double dot = 0, uu = 0, vv = 0;
    for (uint32_t f = 0; f < d->truth->factors; f++) {
        const double a = (double)d->truth->user[u * d->truth->factors + f],
                     b = (double)d->truth->user[v * d->truth->factors + f];
        dot += a * b, uu += a * a, vv += b * b;
    }
    return dot / sqrt(uu * vv);
}

static double mean_cosine(const struct dataset *d)
{
    const struct csr *f = friends_of(d);
    double sum = 0;
    for (uint32_t u = 0; u < d->n_users; u++)
        for (int64_t e = f->ptr[u]; e < f->ptr[u + 1]; e++)
            sum += cosine(d, u, f->idx[e]);
    return sum / (double)f->nnz;
}

static void mutual_and_as_many_as_asked(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    for (uint32_t n = 1; n < 10; n += 4) {
        struct synth_options options = base;
        options.n_friends = n;
        const struct csr *f = friends_of(generate(arena, &options));
        for (uint32_t u = 0; u < f->n_rows; u++)
            for (int64_t e = f->ptr[u]; e < f->ptr[u + 1]; e++) {
                assert_true(f->idx[e] != u);
                assert_true(csr_has(f, f->idx[e], u));
            }
        const double mean = (double)f->nnz / f->n_rows;
        if (!(mean <= n && mean > 0.85 * n)) /* two who pick each other are one pair */
            fail_msg("%g friends a user, asked for %u", mean, n);
    }
    arena_free(arena);
}

static void of_one_taste(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct synth_options options = base;
    const double alike = mean_cosine(generate(arena, &options));
    options.homophily = 0;
    const double chance = mean_cosine(generate(arena, &options));
    /* By chance: 4,800 cosines of mean 0 and variance 1 / 6, in pairs of equal ones. */
    if (!(fabs(chance) < 4 * sqrt(2.0 / 6 / 4800)) || !(alike > 0.5))
        fail_msg("mean cosine of friends %g, without homophily %g", alike, chance);
    arena_free(arena);
}

static void nothing_else_changes(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct synth_options options = base;
    const struct dataset *with = generate(arena, &options);
    options.n_friends = 0;
    const struct dataset *without = generate(arena, &options);
    assert_null(dataset_user_column(without, "friends"));
    assert_memory_equal(with->interactions.item, without->interactions.item, 7000 * sizeof(uint32_t));
    assert_memory_equal(with->texts.text.bytes, without->texts.text.bytes,
                        without->texts.text.offsets[without->texts.n]);
    assert_non_null(strstr(with->source, "--friends 7 --homophily 4"));
    assert_null(strstr(without->source, "homophily"));
    options = base;
    options.dialects = true; /* beside the users' other column */
    const struct dataset *both = generate(arena, &options);
    assert_int_equal(both->n_user_columns, 2);
    assert_memory_equal(friends_of(both)->idx, friends_of(with)->idx,
                        (size_t)friends_of(with)->nnz * sizeof(uint32_t));
    arena_free(arena);
}

static void same_bytes_for_any_number_of_threads(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    const struct csr *a = friends_of(generate(arena, &base));
    omp_set_num_threads(3);
    const struct csr *b = friends_of(generate(arena, &base));
    omp_set_num_threads(threads);
    assert_int_equal(a->nnz, b->nnz);
    assert_memory_equal(a->idx, b->idx, (size_t)a->nnz * sizeof *a->idx);
    arena_free(arena);
}

/* The streamed file holds the same column, and its hash is that of the set in memory. */
static void written_and_read(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char *folder = test_folder();
    struct synth_counts counts;
    struct dataset *d, *whole;
    assert_ok(synth_write(&base, test_path(folder, "s.h5"), &counts));
    assert_ok(store_read(test_path(folder, "s.h5"), arena, &d));
    assert_ok(synth_generate(&base, arena, &whole));
    assert_int_equal(friends_of(d)->nnz, friends_of(whole)->nnz);
    assert_memory_equal(friends_of(d)->idx, friends_of(whole)->idx,
                        (size_t)friends_of(d)->nnz * sizeof(uint32_t));
    assert_ok(store_write(test_path(folder, "w.h5"), whole));
    assert_string_equal(whole->content_sha256, counts.content_sha256);
    test_folder_remove(folder);
    arena_free(arena);
}

static void out_of_range(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d;
    struct synth_options options = base;
    test_quiet();
    options.n_friends = SYNTH_FRIENDS_MOST + 1;
    assert_int_equal(synth_generate(&options, arena, &d), STATUS_USAGE);
    options = base;
    options.homophily = NAN;
    assert_int_equal(synth_generate(&options, arena, &d), STATUS_USAGE);
    options = base;
    options.n_users = 3, options.n_interactions = 300, options.n_friends = 200; /* more than there are */
    assert_ok(synth_generate(&options, arena, &d));
    assert_int_equal(friends_of(d)->nnz, 6);
    options.n_users = 1, options.n_interactions = 100;
    assert_ok(synth_generate(&options, arena, &d));
    assert_int_equal(friends_of(d)->nnz, 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(mutual_and_as_many_as_asked),
                                       cmocka_unit_test(of_one_taste),
                                       cmocka_unit_test(nothing_else_changes),
                                       cmocka_unit_test(same_bytes_for_any_number_of_threads),
                                       cmocka_unit_test(written_and_read),
                                       cmocka_unit_test(out_of_range)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
