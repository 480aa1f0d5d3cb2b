/*
 * test_llm_rerank.c - the model `llm_rerank`: its scores are what the decoder says of each candidate read alone, whatever the first stage's
 * order; controls change the history and nothing else; nothing invalid can come.
 *
 * The decoder is films_fixture.h's, in float32.  The oracle runs prompt and candidate together, one at a time, through decoder_logits().
 */
#include "films_fixture.h"

#include <math.h>
#include <unistd.h>

#include "fusion/llm_rerank.h"

extern const struct model_type model_llm_rerank;

/* Parameters over the tiny decoder in float32 and `rest`. */
static struct llm_rerank *fit(const char *rest)
{
    const char *yaml = arena_printf(f.arena, "{decoder: %s/speaker.gguf, activations: float32%s%s}", folder,
                                    strstr(rest, "base:") != NULL ? "" : ", base: popularity", rest);
    struct llm_rerank *m = fixture_state(&f, &model_llm_rerank);
    const enum status status =
        model_llm_rerank.fit(m, fixture_params(&f, &model_llm_rerank, yaml), &f.view, &f.run);
    if (status != STATUS_OK)
        fail_msg("%s: %s", yaml, status_sentence());
    return m;
}
static void drop(struct llm_rerank *m)
{
    model_llm_rerank.free(m);
}
static float *score_all(const struct llm_rerank *m)
{
    float *scores = arena_alloc(f.arena, (size_t)N_USERS * N_ITEMS, sizeof *scores);
    uint32_t users[N_USERS];
    const struct tile tile = {scores, N_ITEMS, N_ITEMS};
    for (uint32_t u = 0; u < N_USERS; u++)
        users[u] = u;
    assert_ok(model_llm_rerank.score_users(m, users, N_USERS, &tile));
    return scores;
}

static size_t count_tokens(const struct llm_rerank *m, const char *text)
{
    uint32_t *ids;
    size_t n;
    assert_ok(
        tokenizer_encode(decoder_tokenizer(m->cross.decoder), text, strlen(text), 0, f.arena, &ids, &n));
    return n;
}

/* ln P(text | prompt), everything read at once and nothing shared; of the tokens behind the text's first `from`. */
static double oracle(const struct llm_rerank *m, const char *prompt, const char *text, size_t from)
{
    struct decoder_cache *cache;
    uint32_t *ids, *more, wanted[1024];
    size_t n, k;
    const size_t vocabulary = decoder_vocabulary(m->cross.decoder), hidden = decoder_hidden(m->cross.decoder);
    assert_ok(tokenizer_encode(decoder_tokenizer(m->cross.decoder), prompt, strlen(prompt), TOKENIZER_BEGIN,
                               f.arena, &ids, &n));
    assert_ok(
        tokenizer_encode(decoder_tokenizer(m->cross.decoder), text, strlen(text), 0, f.arena, &more, &k));
    assert_true(ids[0] == 0 && n + k <= 1024);
    uint32_t *all = arena_alloc(f.arena, n + k, sizeof *all);
    memcpy(all, ids, n * sizeof *all);
    memcpy(all + n, more, k * sizeof *all);
    float *states = malloc((n + k) * hidden * sizeof *states), *logits = malloc(vocabulary * sizeof *logits);
    for (uint32_t i = 0; i < n + k; i++)
        wanted[i] = i;
    const struct decoder_run run = {.n = (uint32_t)(n + k)};
    assert_ok(decoder_cache_new(m->cross.decoder, (uint32_t)(n + k), &cache));
    assert_ok(decoder_forward(m->cross.decoder, cache, all, &run, 1, wanted, n + k, states));
    double sum = 0;
    for (size_t i = n + from; i < n + k; i++) {
        double total = 0;
        assert_ok(decoder_logits(m->cross.decoder, states + (i - 1) * hidden, 1, logits));
        for (size_t v = 0; v < vocabulary; v++)
            total += exp((double)logits[v]);
        sum += (double)logits[all[i]] - log(total);
    }
    decoder_cache_free(cache);
    free(states);
    free(logits);
    return sum;
}

/* "'Alien', 'The Matrix'": the user's latest `most` items of at least that rating, before the last `skip`, the latest last. */
static const char *told(uint32_t user, uint32_t most, double minimum, uint32_t skip)
{
    static const char *const plain[N_ITEMS] = {
        "Alien",   "The Matrix", "Heat",       "Big",          "Up",   "Them!", "Jaws",  "Speed", "Rope",
        "Vertigo", "Léon",       "Casablanca", "A Bug's Life", "Babe", "Cube",  "Drive", "Tron",  ""};
    const char *out = "";
    uint32_t order[N_ITEMS], n = 0;
    for (int64_t e = f.by_user.ptr[user]; e < f.by_user.ptr[user + 1]; e++)
        if ((double)f.by_user.val[e] >= minimum && f.by_user.idx[e] != UNTITLED)
            order[n++] = (uint32_t)e;
    for (uint32_t a = 0; a < n; a++)
        for (uint32_t b = a + 1; b < n; b++)
            if (times[order[b]] < times[order[a]]) {
                const uint32_t swap = order[a];
                order[a] = order[b], order[b] = swap;
            }
    for (uint32_t k = n > most ? n - most : 0; k + skip < n; k++)
        out =
            arena_printf(f.arena, "%s%s'%s'", out, *out != '\0' ? ", " : "", plain[f.by_user.idx[order[k]]]);
    return out;
}

static void scores_are_the_decoders(void **state)
{
    static const char after[] = "The movie that I will watch next is";
    struct llm_rerank *m = fit(", candidates: 100, history_length: 3, minimum_rating: 2, calibration: 0.5");
    float *scores = score_all(m);
    (void)state;
    for (uint32_t u = 0; u < N_USERS; u += 3) {
        const char *history = told(u, 3, 2, 0);
        const char *prompt = arena_printf(
            f.arena, "I've watched the following movies in the past in order:\n%s.\n\n%s", history, after);
        for (uint32_t i = 0; i < N_ITEMS; i++) {
            const double score = (double)scores[u * N_ITEMS + i];
            if (*history == '\0' || csr_has(&f.by_user, u, i) || i == UNTITLED) {
                assert_true(score <= -1001); /* not asked about */
                continue;
            }
            char *answer = strings_copy(&m->cross.ask, i, f.arena);
            const double expected = (oracle(m, prompt, answer, 0) - 0.5 * oracle(m, after, answer, 0)) /
                                    (double)count_tokens(m, answer);
            if (!(fabs(score - expected) < 1e-4))
                fail_msg("user %u, item %u: %g, the decoder says %g", u, i, score, expected);
        }
    }
    drop(m);
}

static void yes_and_no_are_the_decoders(void **state)
{
    struct llm_rerank *m = fit(", candidates: 100, prompt: rerank-yes-no, history_length: 2, calibration: 1");
    float *scores = score_all(m);
    (void)state;
    for (uint32_t u = 0; u < 2; u++)
        for (uint32_t i = 0; i < N_ITEMS; i += 2) {
            if (csr_has(&f.by_user, u, i) || i == UNTITLED)
                continue;
            const char *with =
                arena_printf(f.arena, "A user liked the following movies: %s.", told(u, 2, 0, 0));
            double value = 0;
            for (int k = 0; k < 4; k++) {
                const char *question = strings_copy(&m->cross.ask, i, f.arena);
                const char *text = arena_printf(f.arena, "%s%s", question, k % 2 == 0 ? " Yes" : " No");
                const double x = oracle(m, k < 2 ? with : "A user is looking for a movie.", text,
                                        count_tokens(m, question));
                value += k == 0 || k == 3 ? x : -x;
            }
            assert_true(fabs((double)scores[u * N_ITEMS + i] - value) < 2e-4);
        }
    drop(m);
}

/* The order in which candidates come, from a model or a file, is nothing that scores know; what comes with them moves them by rounding. */
static void order_of_candidates_is_nothing(void **state)
{
    const char *lines[2] = {"u0 i1 i2 i3 i4 i6 i9\nu1 i16 i2\n", "u1 i2 i16\nu0 i9 i3 i2 i6 i1 i4\n"};
    float *scores[4];
    (void)state;
    static const char *const bases[] = {"popularity", "random"};
    for (int k = 0; k < 2; k++) {
        struct llm_rerank *m =
            fit(arena_printf(f.arena, ", candidates: 100, history_length: 4, base: %s", bases[k]));
        scores[k] = score_all(m);
        drop(m);
    }
    for (int k = 0; k < 2; k++) {
        test_write(test_path(folder, "given"), lines[k]);
        struct llm_rerank *m =
            fit(arena_printf(f.arena, ", history_length: 4, candidates_file: %s/given", folder));
        scores[2 + k] = score_all(m);
        drop(m);
    }
    for (uint32_t u = 0; u < N_USERS; u++)
        for (uint32_t i = 0; i < N_ITEMS; i++) {
            const float *const at[] = {scores[0] + u * N_ITEMS + i, scores[1] + u * N_ITEMS + i,
                                       scores[2] + u * N_ITEMS + i, scores[3] + u * N_ITEMS + i};
            if (*at[0] > -1000)
                assert_true(*at[0] == *at[1]);
            assert_true(*at[2] == *at[3]);
            if (*at[2] > -1000)
                assert_true(fabsf(*at[2] - *at[0]) < 1e-4f);
        }
    assert_true(scores[2][2] > -1000 || csr_has(&f.by_user, 0, 2));
    assert_true(scores[2][N_ITEMS * 2 + 2] < -1000); /* no line for u2 */
}

/* Every item is ranked, candidates first, the others as the base model has them, and a user without history wholly so. */
static void rankings_are_whole(void **state)
{
    struct llm_rerank *m = fit(", candidates: 4, history_length: 2");
    float *scores = score_all(m);
    (void)state;
    for (uint32_t u = 0; u < N_USERS; u++) {
        uint32_t asked = 0;
        for (uint32_t i = 0; i < N_ITEMS; i++) {
            const float x = scores[u * N_ITEMS + i];
            assert_true(isfinite(x));
            asked += x > -1000;
            assert_false(x > -1000 && csr_has(&f.by_user, u, i));
            for (uint32_t j = 0; j < N_ITEMS && x < -1000; j++) {
                const int64_t a = f.by_item.ptr[i + 1] - f.by_item.ptr[i],
                              b = f.by_item.ptr[j + 1] - f.by_item.ptr[j];
                if (scores[u * N_ITEMS + j] < -1000 && a != b)
                    assert_true((x > scores[u * N_ITEMS + j]) == (a > b));
            }
        }
        assert_int_equal(asked, u == COLD ? 0 : 4);
    }
    drop(m);
}

static void controls_change_the_history(void **state)
{
    static const char common[] = ", candidates: 100, history_length: 3, calibration: 0, history: ";
    (void)state;
    struct llm_rerank *own = fit(arena_printf(f.arena, "%sown", common)),
                      *other = fit(arena_printf(f.arena, "%sother_user", common)),
                      *none = fit(arena_printf(f.arena, "%snone", common));
    float *c = score_all(none);
    for (uint32_t u = 0; u < N_USERS; u++) {
        uint32_t items[N_ITEMS], n = 0;
        bool known;
        char *mine, *theirs, *nobodys;
        for (uint32_t i = 0; i < N_ITEMS && n < 4; i++)
            if (!csr_has(&f.by_user, u, i) && i != UNTITLED)
                items[n++] = i;
        assert_ok(cross_encoder_prompt(&own->cross, u, items, n, f.arena, &mine, &known));
        assert_true(known == (u != COLD));
        assert_ok(cross_encoder_prompt(&other->cross, u, items, n, f.arena, &theirs, &known));
        assert_ok(cross_encoder_prompt(&none->cross, u, items, n, f.arena, &nobodys, &known));
        assert_string_equal(nobodys, "The movie that I will watch next is");
        assert_string_not_equal(mine, theirs);
        for (uint32_t k = 0; k < n; k++) { /* no candidate of the user in a stranger's history */
            char *quoted = strings_copy(&own->cross.line, items[k], f.arena);
            assert_null(strstr(theirs, quoted));
            assert_true(c[u * N_ITEMS + items[k]] > -1000);
            if (u > 0 && !csr_has(&f.by_user, 0, items[k]) &&
                n > 0) /* none: the same for all, whoever asks */
                assert_true(fabsf(c[u * N_ITEMS + items[k]] - c[items[k]]) < 1e-4f);
        }
    }
    drop(own);
    drop(other);
    drop(none);
}

static void saved_and_counted(void **state)
{
    char path[] = "/tmp/recfuse-rerank-XXXXXX";
    const char *yaml = arena_printf(
        f.arena, "{decoder: %s/speaker.gguf, base: random, candidates: 5, history: other_user}", folder);
    struct llm_rerank *m = fixture_state(&f, &model_llm_rerank),
                      *again = fixture_state(&f, &model_llm_rerank);
    const void *params = fixture_params(&f, &model_llm_rerank, yaml);
    struct model_usage first, second;
    (void)state;
    assert_ok(model_llm_rerank.fit(m, params, &f.view, &f.run));
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    assert_ok(model_save(path, &model_llm_rerank, params, m));
    if (model_load(path, &model_llm_rerank, params, &f.run, again) != STATUS_OK)
        fail_msg("%s", status_sentence());
    assert_memory_equal(score_all(m), score_all(again), (size_t)N_USERS * N_ITEMS * sizeof(float));
    model_llm_rerank.usage(m, &first);
    assert_int_equal(first.n_users, N_USERS);
    assert_true(first.n_items > 4 * N_USERS && first.n_tokens < first.n_tokens_unshared && first.seconds > 0);
    score_all(m); /* asked again: nothing is read again */
    model_llm_rerank.usage(m, &second);
    assert_int_equal(first.n_tokens, second.n_tokens);
    unlink(path);
    drop(m);
    drop(again);
}

/* A context of 160 tokens: the oldest items go until prompt and candidate have room. */
static void long_histories_lose_their_oldest(void **state)
{
    write_model(160, "short.gguf");
    const char *yaml = arena_printf(
        f.arena,
        "{decoder: %s/short.gguf, base: popularity, candidates: 3, history_length: 9, calibration: 0}",
        folder);
    struct llm_rerank *m = fixture_state(&f, &model_llm_rerank);
    uint32_t shorter = 0;
    (void)state;
    assert_ok(model_llm_rerank.fit(m, fixture_params(&f, &model_llm_rerank, yaml), &f.view, &f.run));
    score_all(m);
    for (uint32_t u = 0; u < N_USERS; u++) {
        char *text;
        bool known;
        assert_ok(cross_encoder_prompt(&m->cross, u, NULL, 0, f.arena, &text, &known));
        assert_true(count_tokens(m, text) + 1 <= 160);
        const char *all = told(u, 9, 0, 0);
        if (known && strstr(text, all) == NULL) {
            const char *from = strstr(text, "order:\n") + strlen("order:\n"), *end = strstr(from, ".\n\n");
            assert_non_null(end);
            assert_memory_equal(from, all + strlen(all) - (size_t)(end - from), (size_t)(end - from));
            shorter++;
        }
    }
    assert_true(shorter > 0);
    drop(m);
}

/* What a user can get wrong: each refused with a sentence. */
static void mistakes_are_told(void **state)
{
    static const struct {
        const char *prompt, *rest;
        enum status status;
        const char *word;
    } wrong[] = {
        {"[item]\n{title}\n[prompt]\n{history}\n[empty]\n\n", "", STATUS_DATA, "[answer]"},
        {"[item]\n{title}\n[prompt]\n{history}\n[empty]\n\n[question]\n{title}\n[yes]\ny\n", "", STATUS_DATA,
         "[no]"},
        {"[item]\n{director}\n[prompt]\n{history}\n[empty]\n\n[answer]\n{title}\n", "", STATUS_UNAVAILABLE,
         "{title}"},
        {"[item]\n{title}\n[prompt]\n{hystory}\n[empty]\nx\n[answer]\n{title}\n", "", STATUS_DATA, "hystory"},
        {NULL, ", candidates_file: nowhere", STATUS_UNAVAILABLE, "nowhere"},
        {NULL, ", decoder: /nowhere.gguf", STATUS_UNAVAILABLE, "nowhere"}};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (wrong[i].prompt != NULL)
            test_write(test_path(folder, "mine.txt"), wrong[i].prompt);
        const char *decoder = strstr(wrong[i].rest, "decoder") == NULL
                                  ? arena_printf(f.arena, ", decoder: %s/speaker.gguf", folder)
                                  : "";
        const char *yaml = arena_printf(f.arena, "{prompt: %s/mine.txt%s%s, base: popularity}", folder,
                                        wrong[i].rest, decoder);
        if (wrong[i].prompt == NULL)
            yaml = arena_printf(f.arena, "{base: popularity%s%s}", wrong[i].rest, decoder);
        struct llm_rerank *m = fixture_state(&f, &model_llm_rerank);
        enum status status =
            model_llm_rerank.fit(m, fixture_params(&f, &model_llm_rerank, yaml), &f.view, &f.run);
        if (status == STATUS_OK) { /* places of the history are found when it is told */
            float row[N_ITEMS];
            const uint32_t user = 0;
            const struct tile tile = {row, N_ITEMS, N_ITEMS};
            status = model_llm_rerank.score_users(m, &user, 1, &tile);
        }
        test_fails(status, wrong[i].status, wrong[i].word, NULL);
        drop(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_the_decoders),          cmocka_unit_test(yes_and_no_are_the_decoders),
        cmocka_unit_test(order_of_candidates_is_nothing),   cmocka_unit_test(rankings_are_whole),
        cmocka_unit_test(controls_change_the_history),      cmocka_unit_test(saved_and_counted),
        cmocka_unit_test(long_histories_lose_their_oldest), cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
