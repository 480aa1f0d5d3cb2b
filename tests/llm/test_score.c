/*
 * test_score.c - `recfuse score`: what a continuation scores does not depend on the others beside it, on their order, or on whether they are
 * there.  Models: tiny_decoder.h.
 */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "llm/language_command.h"
#include "llm/likelihood.h"
#include "tiny_decoder.h"

enum { N = 7 };
static const char *const continuations[N] = {
    "a", "abc", "", "the quick brown fox", "abc", "\xff\xfe", "zz zz zz zz zz zz zz zz"};
static struct arena *arena;
static const struct backend *backend;
static char *folder;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    folder = test_folder();
    test_quiet();
    return backend_open("cpu", 2, &backend) != STATUS_OK;
}
static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(folder);
    arena_free(arena);
    return 0;
}

static const char *family(const char *name)
{
    size_t n;
    char *bytes = tiny_decoder(name, &n);
    const char *path = arena_strdup(arena, test_path(folder, arena_printf(arena, "%s.gguf", name)));
    FILE *stream = fopen(path, "wb");
    assert_true(fwrite(bytes, 1, n, stream) == n && fclose(stream) == 0);
    free(bytes);
    return path;
}

/* score[i]: of continuation order[i], the n of them in one call. */
static void scores(const struct language_model *model, const int *order, size_t n, double *score)
{
    const char *texts[N];
    char *out = NULL, *line;
    size_t length = 0;
    for (size_t i = 0; i < n; i++)
        texts[i] = continuations[order[i]];
    FILE *stream = open_memstream(&out, &length);
    assert_ok(score_print(model, "a prompt of some words", texts, n, false, stream));
    assert_int_equal(fclose(stream), 0);
    line = out;
    for (size_t i = 0; i < n; i++) {
        const char *at = strstr(line, "\"logprob\": ");
        assert_non_null(at);
        score[i] = atof(at + 11);
        line = strchr(line, '\n') + 1;
    }
    free(out);
}

static void order_moves_no_score(void **state)
{
    (void)state;
    static const char *const families[] = {"llama", "gemma2", "gpt2", "qwen3"};
    static const int orders[][N] = {{6, 5, 4, 3, 2, 1, 0}, {3, 4, 5, 6, 0, 1, 2}, {1, 0, 3, 2, 6, 4, 5}},
                     first[N] = {0, 1, 2, 3, 4, 5, 6};
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (int how = 0; how < 4; how++) {
            const struct language_model model = {.path = family(families[f]),
                                                 .activations = how % 2 ? DECODER_INT8 : DECODER_FLOAT32,
                                                 .cache_int8 = how / 2 > 0,
                                                 .backend = backend};
            double want[N], got[N];
            scores(&model, first, N, want);
            assert_true(want[2] == 0 && want[0] < -0.1 &&
                        want[6] < want[0]); /* nothing is certain; a long text is less likely */
            assert_true(fabs(want[1] - want[4]) < 1e-4);
            for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
                scores(&model, orders[o], N, got);
                for (int i = 0; i < N; i++)
                    if (!(fabs(got[i] - want[orders[o][i]]) < 1e-4))
                        fail_msg("%s, way %d: continuation %d scores %.9g in order %zu, %.9g in the first",
                                 families[f], how, orders[o][i], got[i], o, want[orders[o][i]]);
            }
            for (int i = 0; i < N; i++) { /* alone */
                scores(&model, &first[i], 1, got);
                assert_true(fabs(got[0] - want[i]) < 1e-4);
            }
        }
}

/* Of neighbours that differ in their last token alone one goes through for all: each scores as it does alone. */
static void a_shared_question_scores_as_alone(void **state)
{
    static const uint32_t prompt[] = {3, 1, 4, 1, 5},
                          ids[][4] = {{9, 2, 6, 5}, {9, 2, 6, 7}, {9, 2, 6, 8}, {9, 2, 7, 8}, {11}, {12}};
    static const struct likelihood_text texts[] = {
        {ids[0], 4, 3}, {ids[1], 4, 3}, {ids[2], 4, 1}, {ids[2], 4, 3}, {ids[3], 4, 3}, {ids[4], 1, 0},
        {ids[5], 1, 0}, {NULL, 0, 0},   {NULL, 0, 0},   {ids[0], 4, 0}, {ids[1], 4, 0}, {ids[1], 3, 0}};
    enum { TEXTS = sizeof texts / sizeof *texts };
    struct decoder *decoder;
    double together[TEXTS], alone;
    (void)state;
    assert_ok(decoder_open(family("gemma2"), backend, &decoder));
    assert_ok(likelihood(decoder, prompt, 5, texts, TEXTS, false, together));
    for (int i = 0; i < TEXTS; i++) {
        assert_ok(likelihood(decoder, prompt, 5, &texts[i], 1, false, &alone));
        if (!(fabs(together[i] - alone) < 1e-5))
            fail_msg("text %d: %.9g, alone %.9g", i, together[i], alone);
    }
    assert_true(fabs(together[0] - together[1]) > 1e-3 && fabs(together[5] - together[6]) > 1e-3);
    decoder_close(decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(order_moves_no_score),
                                       cmocka_unit_test(a_shared_question_scores_as_alone)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
