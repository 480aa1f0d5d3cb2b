/*
 * test_traps.c - what the published files throw at a reader, as the notes that came with them count it: encodings, line ends, quotes,
 * odd ids, rows that occur twice.  Counts of rows, users and items are in the test of each format and in test_datasets.sh.
 */
#include "importing.h"

static uint32_t rows_with(const struct interactions *x, float value)
{
    uint32_t n = 0;
    for (uint64_t r = 0; r < x->n; r++)
        n += x->value[r] == value;
    return n;
}

/* Items whose title another one has, by distinct title. */
static uint32_t titles_twice(const struct column *title)
{
    struct string_map *map = string_map_new();
    uint32_t n = 0;
    uint8_t *again = calloc(title->text.n, 1);
    for (uint64_t i = 0; i < title->text.n; i++) {
        const uint32_t before = string_map_size(map),
                       at = string_map_add(map, strings_at(&title->text, i), strings_length(&title->text, i));
        n += at < before && !again[at];
        again[at] |= at < before;
    }
    free(again);
    string_map_free(map);
    return n;
}

static uint32_t item_of(const struct dataset *d, const char *id)
{
    for (uint32_t i = 0; i < d->n_items; i++)
        if (strings_equal(&d->item_ids, i, id))
            return i;
    fail_msg("no item '%s'", id);
    return 0;
}

/* ISO-8859-1 titles, an item of no title and date, 18 titles twice; the same with CRLF line ends. */
static void movielens_100k(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *place = real("movielens-100k", "u.data");
    struct dataset *d = imported("movielens", place, NULL, arena);
    says(d, "lines_from_latin1", 9);
    assert_int_equal(titles_twice(item_column(d, "title")), 18);
    const uint32_t unknown = item_of(d, "267");
    is_string(&item_column(d, "title")->text, unknown, "unknown");
    assert_true(isnan(item_column(d, "year")->number[unknown]));
    const uint32_t misrables = item_of(d, "1057"); /* the bytes of an e with acute */
    assert_int_equal(utf8_valid_prefix(strings_at(&item_column(d, "title")->text, misrables),
                                       strings_length(&item_column(d, "title")->text, misrables)),
                     strings_length(&item_column(d, "title")->text, misrables));

    char path[4300], *bytes, *crlf;
    size_t n, m = 0;
    snprintf(path, sizeof path, "%s/u.data", place);
    d = imported("movielens", path, NULL, arena);
    assert_ok(read_whole_file(path, 1 << 24, arena, &bytes, &n));
    crlf = arena_alloc(arena, 2 * n + 1, 1);
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n')
            crlf[m++] = '\r';
        crlf[m++] = bytes[i];
    }
    assert_int_equal(m, 2079173); /* as copies of that kind have */
    struct dataset *other = imported("movielens", write_file("u.data", crlf), NULL, arena);
    assert_string_equal(other->content_sha256, d->content_sha256);
    arena_free(arena);
}

/* ISO-8859-1; ids with holes up to 3,952; ages are codes; 177 films that nobody rated; no times. */
static void movielens_1m(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d =
        imported("movielens", real("movielens-1m", "ratings_no_timestamp.dat.gz"), NULL, arena);
    says(d, "lines_from_latin1", 50);
    says(d, "items_without_interaction", 177);
    assert_true(item_of(d, "3952") < d->n_items);
    static const uint32_t published[6] = {0, 56174, 107557, 261197, 348971, 226310};
    for (int stars = 1; stars <= 5; stars++)
        assert_int_equal(rows_with(&d->interactions, (float)stars), published[stars]);
    const struct column *age = user_column(d, "age");
    for (uint32_t u = 0; u < d->n_users; u++) {
        const float a = age->number[u];
        assert_true(a == 1 || a == 18 || a == 25 || a == 35 || a == 45 || a == 50 || a == 56);
    }
    is_string(&user_column(d, "gender")->text, 0, "F");
    arena_free(arena);
}

/* CRLF, quotes doubled, half stars, ids with leading zeros, empty cells, tags of 58 users. */
static void movielens_latest_small(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported("movielens", real("movielens-latest-small", "ratings.csv"), NULL, arena);
    uint32_t n_half = 0, n_no_tmdb = 0, n_zero = 0, n_taggers = 0, n_tagged = 0;
    for (uint64_t r = 0; r < d->interactions.n; r++)
        n_half += d->interactions.value[r] != floorf(d->interactions.value[r]);
    assert_int_equal(n_half, 30398);
    const struct column *imdb = item_column(d, "imdb_id"), *tmdb = item_column(d, "tmdb_id");
    for (uint32_t i = 0; i < d->n_items; i++) {
        n_no_tmdb += strings_length(&tmdb->text, i) == 0;
        n_zero += strings_at(&imdb->text, i)[0] == '0';
        assert_int_equal(memchr(strings_at(&imdb->text, i), '\r', strings_length(&imdb->text, i)) != NULL, 0);
    }
    assert_int_equal(n_no_tmdb, 8);
    assert_true(n_zero > 1000);
    assert_int_equal(titles_twice(item_column(d, "title")), 5);
    uint8_t *of_user = arena_alloc(arena, d->n_users, 1), *of_item = arena_alloc(arena, d->n_items, 1);
    struct string_map *words = string_map_new();
    for (uint64_t t = 0; t < d->texts.n; t++) {
        n_taggers += !of_user[d->texts.user[t]];
        of_user[d->texts.user[t]] = 1;
        n_tagged += !of_item[d->texts.item[t]];
        of_item[d->texts.item[t]] = 1;
        string_map_add(words, strings_at(&d->texts.text, t), strings_length(&d->texts.text, t));
    }
    assert_int_equal(n_taggers, 58);
    assert_int_equal(n_tagged, 1572);
    assert_int_equal(string_map_size(words), 1589);
    string_map_free(words);
    is_string(&item_column(d, "title")->text, item_of(d, "11"), "American President, The (1995)");
    arena_free(arena);
}

/* Reviews without reviewText keep their summary; 93 % of ratings are 5. */
static void gift_cards(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported("amazon", real("amazon-gift-cards-5", "Gift_Cards_5.json.gz"), NULL, arena);
    says(d, "reviews_without_text", 0);
    assert_int_equal(rows_with(&d->interactions, 5), 2752);
    uint32_t n_summary_only = 0;
    for (uint64_t t = 0; t < d->texts.n; t++)
        n_summary_only +=
            memchr(strings_at(&d->texts.text, t), '\n', strings_length(&d->texts.text, t)) == NULL;
    assert_true(n_summary_only >= 6);
    const struct column *rank = item_column(d, "rank"); /* a list in some lines, a string in others */
    uint32_t n_ranks = 0;
    for (uint32_t i = 0; i < d->n_items; i++)
        n_ranks += !isnan(rank->number[i]);
    assert_true(n_ranks > 100);
    /* also_buy names products that are in no file. */
    assert_true(item_column(d, "also_bought")->names.n > d->n_items);
    arena_free(arena);
}

/* CRLF, doubled quotes, entities as published, whole days: ties keep the order of rows. */
static void musical_instruments(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *source = real("amazon-musical-instruments-5", "Musical_instruments_reviews.csv.gz");
    struct dataset *d = imported("amazon", source, NULL, arena);
    assert_int_equal(rows_with(&d->interactions, 5), 6938);
    uint32_t n_entities = 0, n_ties = 0;
    for (uint64_t t = 0; t < d->texts.n; t++) {
        const char *text = strings_at(&d->texts.text, t);
        const size_t n = strings_length(&d->texts.text, t);
        n_entities += memmem(text, n, "&#", 2) != NULL || memmem(text, n, "&quot;", 6) != NULL ||
                      memmem(text, n, "&amp;", 5) != NULL;
        assert_null(memchr(text, '\r', n));
        assert_int_equal(d->texts.time[t] % 86400, 0);
    }
    assert_true(n_entities > 400);
    for (uint64_t r = 1; r < d->interactions.n; r++)
        if (d->interactions.user[r] == d->interactions.user[r - 1] &&
            d->interactions.time[r] == d->interactions.time[r - 1]) {
            n_ties++;
            assert_true(d->interactions.source_row[r] > d->interactions.source_row[r - 1]);
        }
    assert_true(n_ties > 500);
    arena_free(arena);
}

/* An editor cut fields at "&amp;"; ISBNs end in X; ratings run to 10, ages to 239. */
static void book_crossing(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char history[4300];
    snprintf(history, sizeof history, "%s/book_history.dat.gz",
             real("book-crossing-core", "book_history.dat.gz"));
    struct dataset *d = imported("book-crossing", history, NULL, arena);
    const struct column *publisher = item_column(d, "publisher"), *isbn = item_column(d, "isbn"),
                        *age = user_column(d, "age");
    uint32_t n_norton = 0, n_x = 0;
    for (uint32_t i = 0; i < d->n_items; i++) {
        n_norton += strings_equal(&publisher->text, i, "W. W. Norton &amp; Company");
        n_x += strings_length(&isbn->text, i) > 0 && strings_at(&isbn->text, i + 1)[-1] == 'X';
    }
    assert_int_equal(n_norton, 45);
    assert_int_equal(n_x, 1402);
    for (uint32_t u = 0; u < d->n_users; u++)
        assert_true(isnan(age->number[u]) || age->number[u] <= 110);
    d = imported("book-crossing", real("book-crossing-core", "book_ratings.dat.gz"), NULL, arena);
    assert_true(rows_with(&d->interactions, 10) > 0 && rows_with(&d->interactions, 1) > 0);
    arena_free(arena);
}

/* Ids from 0; the first number of a line is a count; the last line has no end; tags such as no-tag. */
static void citeulike(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported("citeulike", real("citeulike-a", "users.dat.gz"), NULL, arena);
    is_string(&d->user_ids, 0, "0");
    is_string(&d->user_ids, 5550, "5550");
    assert_true(item_of(d, "0") < d->n_items && item_of(d, "16979") < d->n_items);
    /* "... 13574" ends the file. */
    const uint64_t last = d->interactions.n - 1;
    assert_int_equal(d->interactions.user[last], 5550);
    bool found = false;
    for (uint64_t r = last; d->interactions.user[r] == 5550; r--)
        found = found || d->interactions.item[r] == item_of(d, "13574");
    assert_true(found);
    arena_free(arena);
}

/* Quotes in names are no quotes of a csv; play counts from 1 on. */
static void lastfm(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported("lastfm", real("hetrec2011-lastfm-2k", "user_artists.dat"), NULL, arena);
    const struct column *name = item_column(d, "title");
    uint32_t n_quotes = 0;
    for (uint32_t i = 0; i < d->n_items; i++)
        n_quotes += memchr(strings_at(&name->text, i), '"', strings_length(&name->text, i)) != NULL;
    assert_int_equal(n_quotes, 16);
    double sum = 0;
    for (uint64_t r = 0; r < d->interactions.n; r++) {
        assert_true(d->interactions.value[r] >= 1);
        sum += (double)d->interactions.value[r];
    }
    assert_float_equal(sum / (double)d->interactions.n, 745, 0.5);
    arena_free(arena);
}

/* LF, CRLF and bare CR inside quoted fields; a score of 0.0 means none. */
static void douban_antspider(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported("douban", real("douban-antspider-small", "comments.csv.gz"), NULL, arena);
    uint32_t n_crlf = 0, n_cr = 0, n_lf = 0;
    for (uint64_t t = 0; t < d->texts.n; t++) {
        const char *text = strings_at(&d->texts.text, t);
        const size_t n = strings_length(&d->texts.text, t);
        bool crlf = false, cr = false, lf = false;
        for (size_t i = 0; i < n; i++) {
            crlf = crlf || (text[i] == '\r' && i + 1 < n && text[i + 1] == '\n');
            cr = cr || (text[i] == '\r' && !(i + 1 < n && text[i + 1] == '\n'));
            lf = lf || (text[i] == '\n' && !(i > 0 && text[i - 1] == '\r'));
        }
        n_crlf += crlf, n_cr += cr, n_lf += lf;
    }
    assert_int_equal(n_crlf, 87);
    assert_int_equal(n_cr, 2);
    assert_int_equal(n_lf, 87);
    assert_null(dataset_item_column(d, "score")); /* all 1,000 are 0.0 */
    arena_free(arena);
}

/* Emoji, full-width punctuation; dates from 2012-10-05 to 2021-03-31. */
static void douban_dmr(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported("douban", real("douban-dmr", "reviews.jsonl.gz"), NULL, arena);
    int64_t first = INT64_MAX, last = INT64_MIN;
    uint32_t n_emoji = 0;
    for (uint64_t r = 0; r < d->interactions.n; r++) {
        first = d->interactions.time[r] < first ? d->interactions.time[r] : first;
        last = d->interactions.time[r] > last ? d->interactions.time[r] : last;
    }
    assert_int_equal(first / 86400, import_day(2012, 10, 5) / 86400);
    assert_int_equal(last / 86400, import_day(2021, 3, 31) / 86400);
    for (uint64_t t = 0; t < d->texts.n; t++) /* U+1F300 and on: F0 9F 8C .. */
        n_emoji +=
            memmem(strings_at(&d->texts.text, t), strings_length(&d->texts.text, t), "\xf0\x9f", 2) != NULL;
    assert_true(n_emoji >= 20);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(movielens_100k),
                                       cmocka_unit_test(movielens_1m),
                                       cmocka_unit_test(movielens_latest_small),
                                       cmocka_unit_test(gift_cards),
                                       cmocka_unit_test(musical_instruments),
                                       cmocka_unit_test(book_crossing),
                                       cmocka_unit_test(citeulike),
                                       cmocka_unit_test(lastfm),
                                       cmocka_unit_test(douban_antspider),
                                       cmocka_unit_test(douban_dmr)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
