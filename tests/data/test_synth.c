/*
 * The generator: as many rows as asked, the same bytes for any number of threads, and a signal that a
 * recommender finds in choices and in words, below the oracle's.  The models here are a few dense lines of
 * the test's own.
 */
#include <ctype.h>
#include <math.h>
#include <omp.h>

#include "backend/backend.h"
#include "build.h"
#include "data/split.h"
#include "data/synth.h"
#include "data/synth_choice.h"
#include "data/synth_text.h"
#include "data/synth_words.h"
#include "data/view.h"
#include "text/script.h"

static struct dataset *generate(struct arena *arena, const struct synth_options *options)
{
    struct dataset *d = NULL;
    if (synth_generate(options, arena, &d) != STATUS_OK)
        fail_msg("%s", status_sentence());
    return d;
}

static const struct synth_options small = {
    .n_users = 80, .n_items = 120, .n_interactions = 1703, .seed = 5, .signal = 1, .factors = 5};

/* A third of the default set, for speed. */
static const struct synth_options third_of_default = {
    .n_users = 500, .n_items = 700, .n_interactions = 25000, .seed = 1, .signal = 1, .factors = 8};

static void same_strings(const struct strings *a, const struct strings *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->offsets, b->offsets, (a->n + 1) * sizeof *a->offsets);
    assert_memory_equal(a->bytes, b->bytes, a->offsets[a->n]);
}

static void same_bytes_for_any_number_of_threads(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    const struct dataset *a = generate(arena, &small);
    omp_set_num_threads(3);
    const struct dataset *b = generate(arena, &small);
    omp_set_num_threads(threads);
    const struct interactions *x = &a->interactions, *y = &b->interactions;
    assert_memory_equal(x->user, y->user, x->n * sizeof *x->user);
    assert_memory_equal(x->item, y->item, x->n * sizeof *x->item);
    assert_memory_equal(x->value, y->value, x->n * sizeof *x->value);
    assert_memory_equal(x->time, y->time, x->n * sizeof *x->time);
    assert_memory_equal(a->truth->user, b->truth->user, sizeof(float) * 5 * 80);
    assert_memory_equal(a->texts.item, b->texts.item, a->texts.n * sizeof(uint32_t));
    same_strings(&a->texts.text, &b->texts.text);
    same_strings(&a->item_columns[0].text, &b->item_columns[0].text);
    same_strings(&a->item_columns[3].text, &b->item_columns[3].text);
    struct synth_options other = small;
    other.seed = 6;
    const struct dataset *c = generate(arena, &other);
    assert_memory_not_equal(x->item, c->interactions.item, x->n * sizeof *x->item);
    arena_free(arena);
}

static void rows_are_as_asked(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct dataset *d = generate(arena, &small);
    const struct interactions *in = &d->interactions;
    uint32_t n[80] = {0};
    uint8_t *seen = calloc(80 * 120, 1);
    assert_int_equal(in->n, 1703);
    for (uint64_t r = 0; r < in->n; r++) {
        assert_true(in->user[r] < 80 && in->item[r] < 120);
        assert_true(in->value[r] >= 1 && in->value[r] <= 5 && in->value[r] == floorf(in->value[r]));
        assert_int_equal(seen[in->user[r] * 120 + in->item[r]]++, 0);
        if (r > 0 && in->user[r] == in->user[r - 1])
            assert_true(in->time[r] > in->time[r - 1]);
        assert_true(r == 0 || in->user[r] >= in->user[r - 1]);
        n[in->user[r]]++;
    }
    for (size_t u = 0; u < 80; u++)
        assert_true(n[u] >= 5 && n[u] <= 72);
    free(seen);
    assert_true(strings_equal(&d->user_ids, 79, "u80"));
    assert_true(strings_equal(&d->item_ids, 0, "i1"));
    for (uint64_t t = 0; t < d->texts.n; t++) {
        assert_true(strings_length(&d->texts.text, t) > 2);
        assert_int_equal(utf8_valid_prefix(strings_at(&d->texts.text, t), strings_length(&d->texts.text, t)),
                         strings_length(&d->texts.text, t));
    }
    arena_free(arena);
}

static void the_extremes_work(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct synth_options o = {
        .n_users = 7, .n_items = 10, .n_interactions = 35, .seed = 1, .signal = 1, .factors = 2};
    assert_int_equal(generate(arena, &o)->interactions.n, 35);
    o.n_interactions = 42;
    o.factors = 16;
    assert_int_equal(generate(arena, &o)->interactions.n, 42);
    struct dataset *d;
    o.n_interactions = 43;
    assert_int_equal(synth_generate(&o, arena, &d), STATUS_USAGE);
    assert_says("35 to 42");
    o.n_interactions = 34;
    assert_int_equal(synth_generate(&o, arena, &d), STATUS_USAGE);
    o = small;
    o.factors = 17;
    assert_int_equal(synth_generate(&o, arena, &d), STATUS_USAGE);
    o = small;
    o.signal = NAN;
    assert_int_equal(synth_generate(&o, arena, &d), STATUS_USAGE);
    o = small;
    o.n_items = 9;
    assert_int_equal(synth_generate(&o, arena, &d), STATUS_USAGE);
    arena_free(arena);
}

static const char *theme_word(const struct synth_theme *theme, size_t w)
{
    return w < SYNTH_NOUNS                      ? theme->noun[w]
           : w < SYNTH_NOUNS + SYNTH_ADJECTIVES ? theme->adjective[w - SYNTH_NOUNS]
                                                : theme->tag[w - SYNTH_NOUNS - SYNTH_ADJECTIVES];
}

static void no_word_stands_in_two_themes(void **state)
{
    (void)state;
    struct string_map *map = string_map_new();
    for (size_t k = 0; k < 2 * SYNTH_THEMES; k++) {
        const struct synth_theme *theme =
            k < SYNTH_THEMES ? &synth_themes[k] : &synth_themes_zh[k - SYNTH_THEMES];
        for (size_t w = 0; w < SYNTH_NOUNS + SYNTH_ADJECTIVES + SYNTH_TAGS; w++) {
            const char *word = theme_word(theme, w);
            assert_non_null(word);
            const uint32_t before = string_map_size(map);
            if (string_map_add(map, word, strlen(word)) < before)
                fail_msg("'%s' stands twice", word);
        }
    }
    string_map_free(map);
}

/* The first four letters of the English words (by stems they would meet), whole words of the Chinese. */
static void dialects_share_no_word(void **state)
{
    (void)state;
    enum { N = SYNTH_NOUNS + SYNTH_ADJECTIVES + SYNTH_TAGS };
    for (size_t k = 0; k < SYNTH_THEMES; k++) {
        const struct synth_theme *theme = &synth_themes[k];
        struct string_map *map[2] = {string_map_new(), string_map_new()};
        size_t n[2] = {0, 0};
        for (size_t w = 0; w < N + 2; w++) {
            const int b = w < N ? theme->dialect[w] == 'b' : w == N + 1;
            char words[64];
            snprintf(words, sizeof words, "%s",
                     w < N ? theme_word(theme, w)
                     : b   ? theme->genre_b
                           : theme->genre);
            n[b] += w < N;
            for (char *rest = words, *word; (word = strsep(&rest, " -")) != NULL;) {
                static const char *const small_words[] = {"of", "the", "and", "to", "in", "out", "under"};
                size_t s = 0, length = strlen(word) < 4 ? strlen(word) : 4;
                for (; s < 7 && strcmp(word, small_words[s]) != 0; s++)
                    ;
                for (char *c = word; *c != '\0'; c++)
                    *c = (char)tolower((unsigned char)*c);
                if (s == 7)
                    string_map_add(map[b], word, length);
                if (s == 7 && string_map_find(map[!b], word, length) != UINT32_MAX)
                    fail_msg("'%s' of %s is in both dialects", word, theme->genre);
            }
        }
        assert_int_equal(strlen(theme->dialect), N);
        assert_int_equal(strlen(synth_themes_zh[k].dialect), N);
        assert_int_equal(n[0], N / 2);
        assert_int_equal(n[1], N / 2);
        string_map_free(map[0]);
        string_map_free(map[1]);
    }
}

/* A user of dialect b writes no word that one of dialect a writes; genres, titles and descriptions keep to the item's. */
static void dialects_are_written(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct synth_options o = small;
    o.dialects = true;
    const struct dataset *d = generate(arena, &o);
    assert_int_equal(d->n_user_columns, 1);
    assert_int_equal(d->item_columns[1].names.n, 10);
    uint64_t n[2] = {0, 0}, n_items[2] = {0, 0};
    for (uint64_t t = 0; t < d->texts.n; t++) {
        const bool b = strings_equal(&d->user_columns[0].text, d->texts.user[t], "b");
        if (d->texts.kind[t] != TEXT_TAG)
            continue;
        n[b]++;
        char found = 0;
        for (size_t k = 0; k < 5; k++)
            for (size_t w = 0; w < SYNTH_TAGS; w++)
                if (strings_equal(&d->texts.text, t, synth_themes[k].tag[w]))
                    found = synth_themes[k].dialect[SYNTH_NOUNS + SYNTH_ADJECTIVES + w];
        assert_int_equal(found, b ? 'b' : 'a');
    }
    for (uint32_t i = 0; i < d->n_items; i++) {
        const struct csr *g = &d->item_columns[1].list;
        for (int64_t e = g->ptr[i]; e < g->ptr[i + 1]; e++)
            assert_int_equal(g->idx[e] >= 5, g->idx[g->ptr[i]] >= 5);
        n_items[g->ptr[i + 1] > g->ptr[i] && g->idx[g->ptr[i]] >= 5]++;
    }
    assert_true(n[0] > 20 && n[1] > 20 && n_items[0] > 30 && n_items[1] > 30);
    const struct dataset *plain = generate(arena, &small); /* who takes what is not touched */
    assert_memory_equal(plain->interactions.item, d->interactions.item, d->interactions.n * sizeof(uint32_t));
    arena_free(arena);
}

static void chinese_is_written(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct synth_options o = small;
    o.language = SYNTH_CHINESE;
    o.fewer_texts = 0.5;
    const struct dataset *d = generate(arena, &o), *plain = generate(arena, &small);
    for (uint32_t i = 0; i < d->n_items; i++) {
        assert_int_equal(script_guess(strings_at(&d->item_columns[3].text, i),
                                      strings_length(&d->item_columns[3].text, i)),
                         SCRIPT_HAN);
        assert_int_equal(utf8_valid_prefix(strings_at(&d->item_columns[0].text, i),
                                           strings_length(&d->item_columns[0].text, i)),
                         strings_length(&d->item_columns[0].text, i));
    }
    assert_memory_equal(plain->interactions.item, d->interactions.item, d->interactions.n * sizeof(uint32_t));
    assert_true(d->texts.n > 0.35 * (double)plain->texts.n && d->texts.n < 0.65 * (double)plain->texts.n);
    o.fewer_texts = 1;
    assert_int_equal(generate(arena, &o)->texts.n, 0);
    arena_free(arena);
}

/* Items of one main theme are alike by image where the theme is even, by audio where it is odd. */
static void features_carry_half_of_the_themes(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct synth_options o = small;
    o.factors = 6;
    o.n_image = 24;
    o.n_audio = 12;
    const struct dataset *d = generate(arena, &o);
    const struct feature *image = dataset_feature(d, "image"), *audio = dataset_feature(d, "audio");
    assert_true(image != NULL && image->width == 24 && audio != NULL && audio->width == 12 &&
                !image->from_users);
    const struct feature *features[2] = {image, audio};
    for (int which = 0; which < 2; which++) {
        double same[2] = {0, 0}, n[2] = {0, 0}; /* by parity of a shared main theme; less that of all pairs */
        double all = 0, n_all = 0;
        const struct feature *x = features[which];
        for (uint32_t i = 0; i < d->n_items; i++)
            for (uint32_t j = 0; j < i; j++) {
                uint32_t main_theme[2] = {0, 0};
                double dot = 0, a = 0, b = 0;
                for (uint32_t f = 1; f < 6; f++)
                    for (int s = 0; s < 2; s++) {
                        const float *v = d->truth->item + (size_t)(s ? j : i) * 6;
                        main_theme[s] = v[f] > v[main_theme[s]] ? f : main_theme[s];
                    }
                for (uint32_t k = 0; k < x->width; k++) {
                    const double p = x->value[i * x->width + k], q = x->value[j * x->width + k];
                    dot += p * q, a += p * p, b += q * q;
                }
                const double cosine = dot / sqrt(a * b);
                all += cosine, n_all += 1;
                if (main_theme[0] == main_theme[1]) {
                    same[main_theme[0] % 2] += cosine;
                    n[main_theme[0] % 2] += 1;
                }
            }
        const double told = same[which] / n[which] - all / n_all,
                     untold = same[!which] / n[!which] - all / n_all;
        assert_true(told > 0.3 && told > 2 * untold);
    }
    arena_free(arena);
}

/* Early rows follow another taste than late ones, which follow the truth; without drift they are alike. */
static void tastes_drift(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    for (int drift = 0; drift < 2; drift++) {
        struct synth_options o = third_of_default;
        o.drift = drift;
        const struct dataset *d = generate(arena, &o);
        const struct interactions *in = &d->interactions;
        double early = 0, late = 0, n = 0;
        for (uint64_t begin = 0, end; begin < in->n; begin = end) {
            for (end = begin; end < in->n && in->user[end] == in->user[begin]; end++)
                ;
            const uint64_t fifth = (end - begin) / 5;
            for (uint64_t k = 0; k < fifth; k++, n++)
                for (uint32_t f = 0; f < o.factors; f++) {
                    const double taste = d->truth->user[in->user[begin] * o.factors + f];
                    early += taste * d->truth->item[in->item[begin + k] * o.factors + f];
                    late += taste * d->truth->item[in->item[end - 1 - k] * o.factors + f];
                }
        }
        print_message("drift %d: preference by the last taste, first fifth %.3f, last fifth %.3f\n", drift,
                      early / n, late / n);
        assert_true(late / n > 1);
        assert_true(drift ? early < 0.5 * late : fabs(early - late) < 0.1 * late);
    }
    arena_free(arena);
}

/* Without exposure the best ranking of what is observed is preference itself. */
static void exposure_can_be_taken_away(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct synth_options o = small;
    o.less_exposure = 1;
    const struct dataset *d = generate(arena, &o);
    for (uint32_t i = 0; i < d->n_items; i++)
        assert_true(d->truth->exposure[i] == 0);
    o.less_exposure = -0.5; /* half as steep again */
    const struct dataset *steep = generate(arena, &o), *plain = generate(arena, &small);
    for (uint32_t i = 0; i < d->n_items; i++)
        assert_float_equal(steep->truth->exposure[i], 1.5 * (double)plain->truth->exposure[i], 1e-5);
    assert_non_null(strstr(steep->source, "--exposure 1.5"));
    struct dataset *never;
    o.less_exposure = -3.5;
    assert_int_equal(synth_generate(&o, arena, &never), STATUS_USAGE);
    assert_says("0 to 4 times");
    arena_free(arena);
}

/* The heap and its table against sorting all keys. */
static void choosing_is_sorting(void **state)
{
    (void)state;
    enum { N = 3000 };
    static double preference[N], bound[SYNTH_BINS];
    static float exposure[N];
    static uint8_t taken[N];
    static struct synth_ticket heap[N], all[N];
    for (uint32_t i = 0; i < N; i++) {
        preference[i] = 2 * random_normal(3, RANDOM_INIT, 0, i);
        exposure[i] = (float)random_normal(3, RANDOM_INIT, 1, i);
        taken[i] = i % 7 == 3;
    }
    synth_bounds(bound);
    for (uint32_t user = 0; user < 20; user++) {
        const struct synth_choice choice = {N, preference, exposure, taken, 5 * (uint64_t)N, bound};
        const uint64_t n = user == 0 ? 1 : 61 * user;
        uint32_t n_all = 0;
        synth_choose(&choice, 9, user, n, heap);
        for (uint32_t i = 0; i < N; i++)
            if (!taken[i])
                all[n_all++] = (struct synth_ticket){
                    preference[i] + (double)exposure[i] -
                        log(-log(synth_unit(9, SYNTH_CHOICE, user, 5 * (uint64_t)N + i))),
                    i};
        qsort(all, n_all, sizeof *all, synth_ticket_compare);
        qsort(heap, n, sizeof *heap, synth_ticket_compare);
        for (uint64_t k = 0; k < n; k++)
            assert_int_equal(heap[k].item, all[k].item);
    }
}

/* Many draws at once are the draws one by one. */
static void units_are_unit(void **state)
{
    (void)state;
    double out[77];
    random_units(3, RANDOM_SYNTH, 4, ((uint64_t)1 << 32) - 40, 77, out); /* over the edge of 32 bits */
    for (uint64_t k = 0; k < 77; k++)
        assert_true(out[k] == random_unit(3, RANDOM_SYNTH, 4, ((uint64_t)1 << 32) - 40 + k));
}

/* What a test ranks by: scores of one user for all items. */
struct bed {
    const struct dataset *d;
    const struct fold *fold;
    const struct view *v;
    const float *similarity; /* [n_items x n_items] */
    uint32_t dimensions;
    const float *words; /* [n_items x dimensions], rows of length 1 */
};
typedef void score_user(const struct bed *bed, uint32_t user, double *scores);

static void score_random(const struct bed *bed, uint32_t user, double *scores)
{
    for (uint32_t i = 0; i < bed->d->n_items; i++)
        scores[i] = random_unit(99, RANDOM_MODEL, user, i);
}
static void score_popularity(const struct bed *bed, uint32_t user, double *scores)
{
    for (uint32_t i = 0; i < bed->d->n_items; i++)
        scores[i] = (double)(bed->v->by_item->ptr[i + 1] - bed->v->by_item->ptr[i]) +
                    1e-3 * random_unit(99, RANDOM_TIES, user, i);
}
static void score_oracle(const struct bed *bed, uint32_t user, double *scores)
{
    const struct truth *t = bed->d->truth;
    for (uint32_t i = 0; i < bed->d->n_items; i++) {
        scores[i] = (double)t->item_bias[i] + t->exposure[i] + 1e-9 * random_unit(99, RANDOM_TIES, user, i);
        for (uint32_t f = 0; f < t->factors; f++)
            scores[i] += (double)t->user[user * t->factors + f] * t->item[i * t->factors + f];
    }
}
static void score_neighbours(const struct bed *bed, uint32_t user, double *scores)
{
    const struct csr *a = bed->v->by_user;
    for (uint32_t i = 0; i < bed->d->n_items; i++) {
        scores[i] = 1e-6 * random_unit(99, RANDOM_TIES, user, i);
        for (int64_t e = a->ptr[user]; e < a->ptr[user + 1]; e++)
            scores[i] += bed->similarity[(size_t)a->idx[e] * bed->d->n_items + i];
    }
}
static void score_words(const struct bed *bed, uint32_t user, double *scores)
{
    const struct csr *a = bed->v->by_user;
    float *profile = calloc(bed->dimensions, sizeof *profile);
    for (int64_t e = a->ptr[user]; e < a->ptr[user + 1]; e++)
        for (uint32_t w = 0; w < bed->dimensions; w++)
            profile[w] += bed->words[(size_t)a->idx[e] * bed->dimensions + w];
    for (uint32_t i = 0; i < bed->d->n_items; i++) {
        scores[i] = 1e-6 * random_unit(99, RANDOM_TIES, user, i);
        for (uint32_t w = 0; w < bed->dimensions; w++)
            scores[i] += (double)profile[w] * bed->words[(size_t)i * bed->dimensions + w];
    }
    free(profile);
}

/* Mean NDCG@10 over users with test rows; train items masked. */
static double ndcg(const struct bed *bed, score_user *score)
{
    const uint32_t n_items = bed->d->n_items;
    const struct csr *train = bed->v->by_user;
    const struct interactions *test = &bed->fold->test;
    double *scores = malloc(n_items * sizeof *scores), total = 0;
    uint8_t *relevant = calloc(n_items, 1);
    uint32_t n_users = 0;
    for (uint64_t begin = 0, end; begin < test->n; begin = end, n_users++) {
        const uint32_t user = test->user[begin];
        for (end = begin; end < test->n && test->user[end] == user; end++)
            relevant[test->item[end]] = 1;
        score(bed, user, scores);
        for (int64_t e = train->ptr[user]; e < train->ptr[user + 1]; e++)
            scores[train->idx[e]] = -1e30;
        double gain = 0, ideal = 0;
        for (uint32_t k = 0; k < 10; k++) {
            uint32_t best = 0;
            for (uint32_t i = 1; i < n_items; i++)
                best = scores[i] > scores[best] ? i : best;
            scores[best] = -1e30;
            gain += relevant[best] / log2(k + 2);
            ideal += k < end - begin ? 1 / log2(k + 2) : 0;
        }
        total += gain / ideal;
        for (uint64_t r = begin; r < end; r++)
            relevant[test->item[r]] = 0;
    }
    free(scores);
    free(relevant);
    return total / n_users;
}

/* Cosines of items by who has them. */
static void build_similarity(struct arena *arena, struct bed *bed)
{
    const uint32_t n = bed->d->n_items;
    const struct csr *a = bed->v->by_user, *t = bed->v->by_item;
    float *s = arena_alloc(arena, (size_t)n * n, sizeof *s);
    for (uint32_t u = 0; u < a->n_rows; u++)
        for (int64_t x = a->ptr[u]; x < a->ptr[u + 1]; x++)
            for (int64_t y = a->ptr[u]; y < a->ptr[u + 1]; y++)
                s[(size_t)a->idx[x] * n + a->idx[y]] += 1;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            const double ni = (double)(t->ptr[i + 1] - t->ptr[i]), nj = (double)(t->ptr[j + 1] - t->ptr[j]);
            s[(size_t)i * n + j] = i == j || ni * nj == 0 ? 0 : (float)(s[(size_t)i * n + j] / sqrt(ni * nj));
        }
    bed->similarity = s;
}

/* TF-IDF of the words of titles, genres and tags. */
static void build_words(struct arena *arena, struct bed *bed)
{
    const uint32_t n = bed->d->n_items, most = 2000;
    const char *fields[] = {"title", "genres", "tags"};
    struct strings texts;
    assert_int_equal(view_item_texts(bed->v, &(struct param_list){3, fields}, 0, arena, &texts), STATUS_OK);
    float *x = arena_alloc(arena, (size_t)n * most, sizeof *x);
    struct string_map *map = string_map_new();
    for (uint32_t i = 0; i < n; i++) {
        const char *s = strings_at(&texts, i);
        const size_t length = strings_length(&texts, i);
        for (size_t k = 0; k < length;) {
            char word[64];
            size_t m = 0;
            for (; k < length && isalpha((unsigned char)s[k]) && m < 63; k++)
                word[m++] = (char)tolower((unsigned char)s[k]);
            k += m == 0;
            const uint32_t at = m > 0 ? string_map_add(map, word, m) : most;
            if (at < most)
                x[(size_t)i * most + at] += 1;
        }
    }
    assert_true(string_map_size(map) < most);
    for (uint32_t w = 0; w < most; w++) {
        uint32_t df = 0;
        for (uint32_t i = 0; i < n; i++)
            df += x[(size_t)i * most + w] > 0;
        for (uint32_t i = 0; i < n; i++)
            x[(size_t)i * most + w] *= logf((float)(n + 1) / (float)(df + 1));
    }
    for (uint32_t i = 0; i < n; i++) {
        double sum = 0;
        for (uint32_t w = 0; w < most; w++)
            sum += (double)x[(size_t)i * most + w] * x[(size_t)i * most + w];
        for (uint32_t w = 0; w < most && sum > 0; w++)
            x[(size_t)i * most + w] /= (float)sqrt(sum);
    }
    string_map_free(map);
    bed->words = x;
    bed->dimensions = most;
}

static struct bed build_bed(struct arena *arena, const struct synth_options *options)
{
    struct bed bed = {.d = generate(arena, options)};
    struct split split;
    struct fold *fold;
    struct view *v;
    size_t n;
    assert_int_equal(split_parse(parse(arena, "{kind: random, test: 0.2, seed: 42}"), arena, &split),
                     STATUS_OK);
    assert_int_equal(split_apply(&split, bed.d, &bed.d->interactions, arena, &fold, &n), STATUS_OK);
    assert_int_equal(view_build(bed.d, fold, arena, &v), STATUS_OK);
    bed.fold = fold;
    bed.v = v;
    build_similarity(arena, &bed);
    build_words(arena, &bed);
    return bed;
}

static void each_signal_is_there(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct bed bed = build_bed(arena, getenv("FULL") ? &SYNTH_DEFAULTS : &third_of_default);
    const double random = ndcg(&bed, score_random), popularity = ndcg(&bed, score_popularity);
    const double neighbours = ndcg(&bed, score_neighbours), words = ndcg(&bed, score_words);
    const double oracle = ndcg(&bed, score_oracle);
    print_message("NDCG@10: random %.4f popularity %.4f words %.4f neighbours %.4f oracle %.4f\n", random,
                  popularity, words, neighbours, oracle);
    assert_true(popularity > 2 * random);
    assert_true(words > 1.15 * popularity);
    assert_true(neighbours > 1.3 * popularity);
    assert_true(oracle > 1.1 * neighbours && oracle > 1.1 * words);
    assert_true(oracle < 0.8);
    uint64_t stars[6] = {0};
    for (uint64_t r = 0; r < bed.d->interactions.n; r++)
        stars[(int)bed.d->interactions.value[r]]++;
    print_message(
        "ratings: %.3f %.3f %.3f %.3f %.3f\n", (double)stars[1] / (double)bed.d->interactions.n,
        (double)stars[2] / (double)bed.d->interactions.n, (double)stars[3] / (double)bed.d->interactions.n,
        (double)stars[4] / (double)bed.d->interactions.n, (double)stars[5] / (double)bed.d->interactions.n);
    for (int s = 1; s <= 5; s++)
        assert_true(stars[s] > bed.d->interactions.n / 50);
    arena_free(arena);
}

static void without_signal_nothing_beats_random(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct synth_options o = third_of_default;
    o.signal = 0;
    struct bed bed = build_bed(arena, &o);
    const double random = ndcg(&bed, score_random);
    score_user *const models[] = {score_popularity, score_neighbours, score_words, score_oracle};
    for (size_t k = 0; k < 4; k++) {
        const double value = ndcg(&bed, models[k]);
        print_message("NDCG@10 without signal: random %.4f, model %zu %.4f\n", random, k, value);
        assert_true(value < 1.35 * random && value > 0.65 * random);
    }
    arena_free(arena);
}

int main(void)
{
    status_set_handler(quiet, NULL, NULL, NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bytes_for_any_number_of_threads),
                                       cmocka_unit_test(rows_are_as_asked),
                                       cmocka_unit_test(the_extremes_work),
                                       cmocka_unit_test(no_word_stands_in_two_themes),
                                       cmocka_unit_test(dialects_share_no_word),
                                       cmocka_unit_test(dialects_are_written),
                                       cmocka_unit_test(chinese_is_written),
                                       cmocka_unit_test(features_carry_half_of_the_themes),
                                       cmocka_unit_test(tastes_drift),
                                       cmocka_unit_test(exposure_can_be_taken_away),
                                       cmocka_unit_test(choosing_is_sorting),
                                       cmocka_unit_test(units_are_unit),
                                       cmocka_unit_test(each_signal_is_there),
                                       cmocka_unit_test(without_signal_nothing_beats_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
