/*
 * audit.c - see audit.h.
 *
 * What counts as a leak follows Ji, Sun, Zhang, Li 2023 ("A critical study on data leakage in recommender system offline
 * evaluation", on time) and Kaufman, Rosset, Perlich, Stitelman 2012 ("Leakage in data mining": what would not be known when the
 * question is asked).  Texts are compared by their pair and time alone, titles by their bytes with ASCII letters in one case:
 * a film under two titles isn't found.
 */
#include "data/audit.h"

#include <string.h>

#include "base/csr.h"
#include "base/strings.h"
#include "data/audit_parts.h"
#include "data/view.h"

const struct audit_check audit_checks[N_AUDITS] = {
    [AUDIT_TRAIN_TEST_PAIRS] =
        {"train_test_pairs", AUDIT_LEAK,
         "test rows whose (user, item) is in train too: masked when ranking, so missed; of test rows"},
    [AUDIT_TRAIN_VALID_PAIRS] = {"train_valid_pairs", AUDIT_LEAK,
                                 "validation rows whose (user, item) is in train too; of validation rows"},
    [AUDIT_VALID_TEST_PAIRS] = {"valid_test_pairs", AUDIT_LEAK,
                                "test rows whose (user, item) is in validation too; of test rows"},
    [AUDIT_LATER_ROWS] = {"later_rows", AUDIT_LEAK,
                          "train rows later than a test row of the same user; of train rows"},
    [AUDIT_TIED_ROWS] =
        {"tied_rows", AUDIT_FACT,
         "train rows at the very time of a test row of the same user: their order is the source's; of train "
         "rows"},
    [AUDIT_LATER_ROWS_OF_OTHERS] =
        {"rows_after_test_begins", AUDIT_LEAK,
         "train rows, of whomever, later than the first test row of all; of train rows"},
    [AUDIT_HELD_OUT_REVIEWS] = {"held_out_reviews", AUDIT_HIDDEN,
                                "reviews about held-out pairs, which no model sees; of reviews"},
    [AUDIT_HELD_OUT_TAGS] = {"held_out_tags", AUDIT_HIDDEN,
                             "tags of held-out pairs, which no model sees; of tags"},
    [AUDIT_HELD_OUT_POSTS] = {"held_out_posts", AUDIT_HIDDEN,
                              "posts about held-out pairs, which no model sees; of posts"},
    [AUDIT_DROPPED_TEXTS] =
        {"dropped_texts", AUDIT_HIDDEN,
         "texts about train pairs that keep_train left out, which no model sees; of texts"},
    [AUDIT_TEXTS_AFTER_CUT] =
        {"texts_after_cut", AUDIT_HIDDEN,
         "texts about other pairs from the moment of a split by time on, which no model sees; of texts"},
    [AUDIT_LATER_TEXTS] =
        {"later_texts", AUDIT_LEAK,
         "texts that models see, later than a test row of their writer; of texts that models see"},
    [AUDIT_USER_MADE] =
        {"user_made_columns", AUDIT_LEAK,
         "item columns and vectors made from what all users did, test rows included (genome scores, "
         "also-bought lists, ranks, mean scores, tags); of columns and vectors"},
    [AUDIT_LINKED_ROWS] =
        {"linked_rows", AUDIT_LEAK,
         "test rows whose item an also-bought list joins with a train item of the user; of test rows"},
    [AUDIT_SAME_TITLE_ITEMS] = {"same_title_items", AUDIT_FACT,
                                "items whose title another item has; of items with a title"},
    [AUDIT_SAME_TITLE_ROWS] = {"same_title_rows", AUDIT_LEAK,
                               "test rows of items whose title a train item of the user has; of test rows"},
    [AUDIT_COLD_USERS] = {"cold_users", AUDIT_FACT, "test users without a train row; of test users"},
    [AUDIT_COLD_ITEMS] = {"cold_items", AUDIT_FACT, "test items without a train row; of test items"},
};

const char *audit_verdict(const struct audit *a, enum audit_id id)
{
    static const char *const words[] = {"leak", "hidden", "fact"};
    if (a->of[id] == 0 && a->detail[id][0] != '\0')
        return "unknown";
    return a->count[id] == 0 ? "none" : words[audit_checks[id].kind];
}

static void set(struct audit *a, enum audit_id id, uint64_t count, uint64_t of)
{
    a->count[id] = count;
    a->of[id] = of;
}

static enum status pairs_of(const struct dataset *d, const struct interactions *rows, struct arena *arena,
                            struct csr *out)
{
    return csr_from_triples(d->n_users, d->n_items, rows->n, rows->user, rows->item, NULL, arena, out, NULL);
}

static uint64_t rows_in(const struct interactions *rows, const struct csr *pairs)
{
    uint64_t n = 0;
    for (uint64_t r = 0; r < rows->n; r++)
        n += csr_has(pairs, rows->user[r], rows->item[r]) != 0;
    return n;
}

/* first[u]: the time of user u's first test row; INT64_MAX: none. */
static enum status first_test_times(const struct dataset *d, const struct interactions *test,
                                    struct arena *arena, int64_t **first)
{
    ARENA_NEW(*first, arena, d->n_users);
    for (uint32_t u = 0; u < d->n_users; u++)
        (*first)[u] = INT64_MAX;
    for (uint64_t r = 0; r < test->n; r++)
        if (test->time[r] < (*first)[test->user[r]])
            (*first)[test->user[r]] = test->time[r];
    return STATUS_OK;
}

static void audit_times(const struct dataset *d, const struct interactions *train, const int64_t *first,
                        struct audit *out)
{
    int64_t begin = INT64_MAX;
    uint64_t n_later = 0, n_tied = 0, n_after = 0;
    for (uint32_t u = 0; u < d->n_users; u++)
        begin = first[u] < begin ? first[u] : begin;
    for (uint64_t r = 0; r < train->n; r++) {
        n_later += train->time[r] > first[train->user[r]];
        n_tied += train->time[r] == first[train->user[r]];
        n_after += train->time[r] > begin;
    }
    set(out, AUDIT_LATER_ROWS, n_later, train->n);
    set(out, AUDIT_TIED_ROWS, n_tied, train->n);
    set(out, AUDIT_LATER_ROWS_OF_OTHERS, n_after, train->n);
}

/* first NULL: no times. */
static void audit_texts(const struct dataset *d, const struct fold *fold, const struct csr *valid,
                        const struct csr *test, const struct csr *dropped, const int64_t *first,
                        struct audit *out)
{
    static const enum audit_id ids[] = {[TEXT_REVIEW] = AUDIT_HELD_OUT_REVIEWS,
                                        [TEXT_TAG] = AUDIT_HELD_OUT_TAGS,
                                        [TEXT_QUERY] = N_AUDITS,
                                        [TEXT_POST] = AUDIT_HELD_OUT_POSTS};
    const struct texts *t = &d->texts;
    uint64_t n_seen = 0, n_later = 0;
    for (uint64_t k = 0; k < t->n; k++) {
        const uint32_t user = t->user[k], item = t->item[k];
        const bool held_out = item != UINT32_MAX && (csr_has(test, user, item) || csr_has(valid, user, item));
        if (ids[t->kind[k]] != N_AUDITS) {
            out->of[ids[t->kind[k]]]++;
            out->count[ids[t->kind[k]]] += held_out;
        }
        const bool thinned = item != UINT32_MAX && !held_out && csr_has(dropped, user, item);
        const bool hidden = held_out || thinned || view_hides_text(t, k, test, fold);
        if (fold->dropped.n > 0)
            set(out, AUDIT_DROPPED_TEXTS, out->count[AUDIT_DROPPED_TEXTS] + thinned, t->n);
        set(out, AUDIT_TEXTS_AFTER_CUT, out->count[AUDIT_TEXTS_AFTER_CUT] + (hidden && !held_out && !thinned),
            t->n);
        n_seen += !hidden;
        n_later += !hidden && first != NULL && t->time != NULL && t->time[k] > first[user];
    }
    if (t->n > 0 && (first == NULL || t->time == NULL))
        out->detail[AUDIT_LATER_TEXTS] = "no times";
    else
        set(out, AUDIT_LATER_TEXTS, n_later, n_seen);
}

static enum status audit_cold(const struct dataset *d, const struct fold *fold, struct arena *arena,
                              struct audit *out)
{
    uint8_t *tested;
    uint64_t n_items = 0;
    ARENA_NEW(tested, arena, d->n_items);
    for (uint64_t r = 0; r < fold->test.n; r++) {
        n_items += !tested[fold->test.item[r]];
        tested[fold->test.item[r]] = 1;
    }
    set(out, AUDIT_COLD_USERS, fold->n_cold_test_users, fold->n_test_users);
    set(out, AUDIT_COLD_ITEMS, fold->n_cold_test_items, n_items);
    return STATUS_OK;
}

enum status audit_fold(const struct dataset *d, const struct fold *fold, struct arena *arena,
                       struct audit *out)
{
    struct csr train, valid, test, dropped;
    int64_t *first = NULL;
    *out = (struct audit){0};
    for (size_t k = 0; k < N_AUDITS; k++)
        out->detail[k] = "";
    TRY(pairs_of(d, &fold->train, arena, &train));
    TRY(pairs_of(d, &fold->valid, arena, &valid));
    TRY(pairs_of(d, &fold->test, arena, &test));
    TRY(pairs_of(d, &fold->dropped, arena, &dropped));
    set(out, AUDIT_TRAIN_TEST_PAIRS, rows_in(&fold->test, &train), fold->test.n);
    set(out, AUDIT_TRAIN_VALID_PAIRS, rows_in(&fold->valid, &train), fold->valid.n);
    set(out, AUDIT_VALID_TEST_PAIRS, rows_in(&fold->test, &valid), fold->valid.n > 0 ? fold->test.n : 0);
    if (fold->test.time != NULL)
        TRY(first_test_times(d, &fold->test, arena, &first));
    if (first != NULL && fold->train.time != NULL)
        audit_times(d, &fold->train, first, out);
    else
        out->detail[AUDIT_LATER_ROWS] = out->detail[AUDIT_TIED_ROWS] =
            out->detail[AUDIT_LATER_ROWS_OF_OTHERS] = "no times";
    audit_texts(d, fold, &valid, &test, &dropped, first, out);
    TRY(audit_user_made(d, arena, out));
    TRY(audit_links(d, &fold->test, &train, arena, out));
    TRY(audit_titles(d, &fold->test, &train, arena, out));
    return audit_cold(d, fold, arena, out);
}
