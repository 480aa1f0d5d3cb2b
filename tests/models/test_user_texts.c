/*
 * test_user_texts.c - what users wrote as vectors among the items': means, fading, what is left out of a
 * question, controls, and that a held-out pair's text is nowhere.  The models: tests/fusion/test_user_text_models.c.
 */
#include "shelf_fixture.h"

#include <math.h>

#include "data/view.h"
#include "fusion/intent.h"
#include "models/user_texts.h"

static const char *title_field[] = {"title"};
static const struct item_vectors_options by_words = {
    .encoder = ITEM_ENCODER_TFIDF, .text = {1, title_field}, .dimensions = 6, .center = true};
static const struct history_fading no_fading = {1, 0, false};
static const char *kinds_all[] = {"reviews", "tags", "queries", "posts"};

static enum status build(struct shelf *s, const struct item_vectors_options *vectors,
                         const struct history_fading *fading, size_t n_kinds, bool shuffled,
                         struct item_vectors *items, struct user_texts *out)
{
    const struct user_texts_options options = {
        .kinds = {n_kinds, kinds_all}, .weight = 0.25, .shuffled = shuffled};
    return user_texts_build(&options, vectors, fading, &s->f.view, &s->f.run, items, out);
}

static double dot(const float *a, const float *b, uint32_t d)
{
    double sum = 0;
    for (uint32_t k = 0; k < d; k++)
        sum += (double)a[k] * (double)b[k];
    return sum;
}

/* The same vectors of items with and without; a text that is an item's title word for word lies where the
 * items do, but for the two means. */
static void texts_lie_among_the_items(void **state)
{
    struct shelf s;
    struct item_vectors alone, items;
    struct user_texts t;
    (void)state;
    open_shelf(&s, 2);
    write_some(&s);
    assert_int_equal(item_vectors_build(&by_words, &s.f.view, &s.f.run, &alone), STATUS_OK);
    assert_int_equal(build(&s, &by_words, &no_fading, 4, false, &items, &t), STATUS_OK);
    assert_int_equal(items.d, 6);
    assert_memory_equal(alone.v, items.v, sizeof(float) * ITEMS * 6);
    assert_int_equal(t.of.ptr[USERS], 7); /* the empty one is none */
    assert_int_equal(t.of.ptr[1], 3);
    for (uint32_t u = 0; u < USERS; u++) {
        const bool wrote = u <= 1 || u >= COLD;
        assert_int_equal(user_texts_has(&t, u), wrote);
        assert_true(fabs(dot(t.v + u * t.d, t.v + u * t.d, t.d) - wrote) < 1e-5);
    }
    for (uint32_t u = 0; u < 2;
         u++) { /* space is nearer to space, cooking to cooking; so for those without a row */
        double own = 0, other = 0;
        for (uint32_t i = 0; i < SUBJECT; i++) {
            own += dot(t.v + (COLD + u) * t.d, items.v + (u * SUBJECT + i) * t.d, t.d);
            other += dot(t.v + (COLD + u) * t.d, items.v + ((1 - u) * SUBJECT + i) * t.d, t.d);
        }
        assert_true(own > other + 1);
    }
    /* Uncentred and of all dimensions, the text of an item's title is that item's vector. */
    struct item_vectors_options plain = by_words;
    plain.center = false, plain.dimensions = 0;
    s.n = 0;
    writes(&s, 0, 0, TEXT_REVIEW, "rocket moon");
    publish(&s);
    assert_int_equal(build(&s, &plain, &no_fading, 4, false, &items, &t), STATUS_OK);
    assert_true(fabs(dot(t.v, items.v, t.d) - 1) < 1e-4);
    plain.encoder = "tfidf+random";
    assert_int_equal(build(&s, &plain, &no_fading, 4, false, &items, &t), STATUS_OK);
    assert_int_equal(t.d, 256); /* the part that reads nothing is zero */
    assert_true(dot(t.v + 128, t.v + 128, 128) == 0 && fabs(dot(t.v, t.v, 128) - 1) < 1e-5);
    fixture_close(&s.f);
}

/* Only the kinds asked for; the later of two texts counts more. */
static void kinds_and_recency_count(void **state)
{
    struct shelf s;
    struct item_vectors items;
    struct user_texts t;
    const struct history_fading by_rank = {0.5, 0, false}, by_days = {1, 2, false};
    (void)state;
    open_shelf(&s, 1);
    write_some(&s);
    assert_int_equal(build(&s, &by_words, &no_fading, 1, false, &items, &t), STATUS_OK); /* reviews */
    assert_int_equal(t.of.nnz, 3);
    assert_true(user_texts_has(&t, 0) && user_texts_has(&t, 1) && !user_texts_has(&t, COLD));
    assert_int_equal(build(&s, &by_words, &by_rank, 4, false, &items, &t), STATUS_OK);
    assert_true(t.of.val[0] == 0.25F && t.of.val[1] == 0.5F && t.of.val[2] == 1.0F);
    assert_int_equal(build(&s, &by_words, &by_days, 4, false, &items, &t), STATUS_OK);
    assert_true(t.of.val[0] == 0.5F && t.of.val[2] == 1.0F); /* written two days before the last */
    s.f.view.texts.time = NULL;
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    assert_int_equal(build(&s, &by_words, &by_days, 4, false, &items, &t), STATUS_UNAVAILABLE);
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&s.f);
}

/* The features of a question are those of a view in which neither the row nor its texts exist. */
static void a_question_leaves_its_texts_out(void **state)
{
    enum { D = 6 };
    struct shelf s;
    struct item_vectors items;
    struct user_texts t;
    struct intent_groups g;
    uint32_t *row, n_without = 0;
    float *v, *sums, *q, *target;
    const struct intent_options options = {.n_negatives = 2, .n_folds = 2, .seed = 3};
    (void)state;
    open_shelf(&s, 2);
    writes(&s, 2, 8, TEXT_REVIEW, "astronaut comet"); /* of an item that he has, and nothing else */
    write_some(&s);
    assert_int_equal(build(&s, &by_words, &no_fading, 4, false, &items, &t), STATUS_OK);
    sums = arena_alloc(s.f.arena, USERS * D, sizeof *sums);
    assert_int_equal(item_vectors_profiles(s.f.backend, &s.f.by_user, &items, NULL, USERS, false, sums),
                     STATUS_OK);
    assert_int_equal(intent_sample(&s.f.by_user, &options, s.f.arena, &g), STATUS_OK);
    assert_int_equal(user_texts_without(&t, g.user, g.item, g.n_candidates, g.n, s.f.arena, &row, &v),
                     STATUS_OK);
    uint64_t *all = arena_alloc(s.f.arena, g.n, sizeof *all);
    q = arena_alloc(s.f.arena, g.n * 3, sizeof *q), target = arena_alloc(s.f.arena, g.n * 3, sizeof *target);
    for (uint64_t i = 0; i < g.n; i++)
        all[i] = i;
    const struct intent_source source = {.backend = s.f.backend,
                                         .items = &items,
                                         .sums = sums,
                                         .texts = v,
                                         .text_row = row,
                                         .text_weight = t.weight,
                                         .groups = &g,
                                         .features = {.cosine = true},
                                         .chosen = all};
    assert_int_equal(intent_fill(&source, all, g.n, q, target), STATUS_OK);
    for (uint64_t i = 0; i < g.n; i++) {
        const uint32_t u = g.user[i], positive = g.item[3 * i];
        double own[D] = {0}, history[D] = {0}, u_q[D], of_own = 0, of_history = 0, norm = 0;
        bool about = false;
        for (int64_t e = t.of.ptr[u]; e < t.of.ptr[u + 1]; e++) {
            about = about || t.about[e] == positive;
            for (uint32_t k = 0; t.about[e] != positive && k < D; k++)
                own[k] += (double)t.each[t.of.idx[e] * D + k];
        }
        for (int64_t e = s.f.by_user.ptr[u]; e < s.f.by_user.ptr[u + 1]; e++)
            for (uint32_t k = 0; s.f.by_user.idx[e] != positive && k < D; k++)
                history[k] += 4 * (double)items.v[s.f.by_user.idx[e] * D + k];
        for (uint32_t k = 0; k < D; k++)
            of_own += own[k] * own[k], of_history += history[k] * history[k];
        for (uint32_t k = 0; k < D; k++) {
            u_q[k] = (of_own > 0 ? 0.75 : 1) * history[k] / sqrt(of_history) +
                     (of_own > 0 ? 0.25 * own[k] / sqrt(of_own) : 0);
            norm += u_q[k] * u_q[k];
        }
        n_without += about;
        for (uint32_t c = 0; c < 3; c++) {
            double want = 0;
            for (uint32_t k = 0; k < D; k++)
                want += u_q[k] / sqrt(norm) * (double)items.v[g.item[3 * i + c] * D + k];
            assert_true(fabs((double)q[3 * i + c] - want) < 1e-5);
        }
        assert_int_equal(row[i] >= USERS, about);
        if (u == 2 && positive == 8)
            assert_true(dot(v + row[i] * D, v + row[i] * D, D) == 0);
    }
    assert_int_equal(n_without, 4); /* of user 0 the items 0 and 3, of 1 the item 11, of 2 the item 8 */
    fixture_close(&s.f);
}

/* A view that lacks a part of train: what was written about a row that it lacks says nothing of its user;
 * what is about no row does. */
static void texts_of_rows_left_out_are_not_read(void **state)
{
    struct shelf s;
    struct item_vectors items;
    struct user_texts t;
    struct csr part;
    static const uint32_t user[] = {0, 1, 1}, item[] = {0, 11, 14};
    (void)state;
    open_shelf(&s, 1);
    write_some(&s);
    assert_int_equal(csr_from_triples(USERS, ITEMS, 3, user, item, NULL, s.f.arena, &part, NULL), STATUS_OK);
    s.f.view.whole = s.f.view.by_user;
    s.f.view.by_user = &part;
    assert_int_equal(build(&s, &by_words, &no_fading, 4, false, &items, &t), STATUS_OK);
    assert_int_equal(t.of.ptr[1], 1); /* of item 0; item 3 is a row that is left out */
    assert_int_equal(t.about[0], 0);
    assert_int_equal(t.of.ptr[2], 3);
    assert_int_equal(t.of.nnz, 5); /* those of users without rows too */
    fixture_close(&s.f);
}

/* The kernel of questions and the blend of ranking are one formula. */
static void missing_parts_leave_the_other_alone(void **state)
{
    enum { D = 3 };
    const float v[4 * D] = {0, 1, 0, 0, 0, 0, 0, 1, 0, -1, 0, 0};
    const struct user_texts t = {.n_users = 4, .d = D, .weight = 0.5F, .v = v};
    float U[4 * D] = {1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0};
    (void)state;
    user_texts_blend(&t, NULL, 4, U);
    assert_true(fabsf(U[0] - sqrtf(0.5F)) < 1e-6F && fabsf(U[1] - sqrtf(0.5F)) < 1e-6F); /* both */
    assert_true(U[D] == 1 && U[D + 1] == 0);                                             /* no texts */
    assert_true(U[2 * D] == 0 && U[2 * D + 1] == 1);                                     /* no history */
    assert_true(U[3 * D] == 0 && U[3 * D + 1] == 0); /* opposed: nothing is left */
    const struct user_texts none = {.n_users = 4};
    user_texts_blend(&none, NULL, 4, U);
    assert_true(U[D] == 1);
}

/* Shuffled: who wrote something gets what another wrote; encoders without words leave users without. */
static void controls_take_the_texts_away(void **state)
{
    struct shelf s;
    struct item_vectors items;
    struct user_texts right, wrong;
    struct item_vectors_options other = by_words;
    (void)state;
    open_shelf(&s, 2);
    write_some(&s);
    for (int way = 0; way < 2; way++) { /* the option; an encoder whose items are shuffled */
        other.encoder = way == 0 ? "tfidf" : "shuffled:tfidf";
        assert_int_equal(build(&s, &by_words, &no_fading, 4, false, &items, &right), STATUS_OK);
        assert_int_equal(build(&s, &other, &no_fading, 4, way == 0, &items, &wrong), STATUS_OK);
        for (uint32_t u = 0; u < USERS; u++) {
            assert_int_equal(user_texts_has(&right, u), user_texts_has(&wrong, u));
            if (user_texts_has(&right, u))
                assert_true(fabs(dot(right.v + u * 6, wrong.v + u * 6, 6) - 1) > 1e-3);
        }
    }
    static const char *const wordless[] = {"none", "random", "shuffled:random"};
    for (size_t e = 0; e < sizeof wordless / sizeof *wordless; e++) {
        other.encoder = wordless[e];
        assert_int_equal(build(&s, &other, &no_fading, 4, false, &items, &right), STATUS_OK);
        assert_true(right.d == 0 && right.v == NULL && !user_texts_has(&right, 0));
    }
    fixture_close(&s.f);
}

static void mistakes_are_named(void **state)
{
    struct shelf s;
    struct item_vectors items;
    struct user_texts t;
    float image[ITEMS] = {1};
    const struct feature feature = {.name = "image", .width = 1, .value = image};
    struct item_vectors_options other = by_words;
    (void)state;
    open_shelf(&s, 1);
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    assert_int_equal(build(&s, &by_words, &no_fading, 2, false, &items, &t), STATUS_UNAVAILABLE);
    assert_non_null(strstr(status_sentence(), "reviews and others"));
    write_some(&s);
    s.f.view.features = &feature, s.f.view.n_features = 1;
    other.encoder = "feature:image";
    assert_int_equal(build(&s, &other, &no_fading, 4, false, &items, &t), STATUS_UNAVAILABLE);
    assert_non_null(strstr(status_sentence(), "minilm+feature:image"));
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&s.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_lie_among_the_items),
                                       cmocka_unit_test(kinds_and_recency_count),
                                       cmocka_unit_test(a_question_leaves_its_texts_out),
                                       cmocka_unit_test(texts_of_rows_left_out_are_not_read),
                                       cmocka_unit_test(missing_parts_leave_the_other_alone),
                                       cmocka_unit_test(controls_take_the_texts_away),
                                       cmocka_unit_test(mistakes_are_named)};
    return cmocka_run_group_tests_name("user_texts", tests, NULL, NULL);
}
