/*
 * fuzz_unigram.c - the Unigram tokenizer.  The first byte chooses: a tokenizer.json, a NUL, a text; or a compiled character map of as many
 * bytes as the next two say, then a text; or a text alone.  Ids lie within the vocabulary, never more than the limit, and a longer limit
 * only goes on.
 */
#include <string.h>

#include "fuzz.h"
#include "llm/encoder_tokenizer.h"

enum { LONG = 512, SHORT = 7 };
static const char *const texts[] = {"<s>",
                                    "</s>",
                                    "<unk>",
                                    "\xE2\x96\x81",
                                    "a",
                                    "b",
                                    "ab",
                                    "\xE2\x96\x81"
                                    "a",
                                    "abc",
                                    "\xE4\xB8\xAD",
                                    "."};
enum { N_PIECES = sizeof texts / sizeof *texts };
static const float scores[N_PIECES] = {0, 0, 0, -2, -3, -3, -4, -3, -5, -6, -2};

static void check(const struct encoder_tokenizer *t, const char *text, size_t n)
{
    uint32_t ids[LONG], few[SHORT], n_ids = 0, n_few = 0;
    for (int special = 0; special < 2; special++) {
        if (encoder_tokenizer_encode(t, text, n, special, LONG, ids, &n_ids) != STATUS_OK ||
            encoder_tokenizer_encode(t, text, n, special, SHORT, few, &n_few) != STATUS_OK)
            return;
        if (n_ids < 2 || n_ids > LONG || n_few != (n_ids < SHORT ? n_ids : SHORT) ||
            memcmp(ids, few, (n_few - 1) * sizeof *ids) != 0)
            __builtin_trap();
        for (uint32_t i = 0; i < n_ids; i++)
            if (ids[i] >= encoder_tokenizer_size(t))
                __builtin_trap();
    }
}

static void own_vocabulary(const uint8_t *map, size_t n_map, const char *text, size_t n, struct arena *arena)
{
    static const bool control[N_PIECES] = {true, true, true};
    struct vocabulary_piece pieces[N_PIECES];
    struct unigram u;
    for (int i = 0; i < N_PIECES; i++)
        pieces[i] = (struct vocabulary_piece){texts[i], (uint32_t)strlen(texts[i])};
    if (unigram_make("fuzz", pieces, scores, control, N_PIECES, 2, arena, &u) != STATUS_OK ||
        (map != NULL &&
         unigram_charsmap_parse("fuzz", (const char *)map, n_map, arena, &u.charsmap) != STATUS_OK))
        return;
    u.begin = 0;
    u.end = 1;
    for (int strip = 0; strip < 2; strip++) {
        u.strip = strip;
        check(&(struct encoder_tokenizer){.unigram = &u}, text, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct arena *arena = arena_new();
    struct encoder_tokenizer t;
    fuzz_quiet();
    if (n > 3 && arena != NULL && bytes[0] % 3 == 0) {
        const char *json = (const char *)bytes + 1, *end = memchr(json, '\0', n - 1);
        const size_t length = end != NULL ? (size_t)(end - json) : n - 1;
        if (encoder_tokenizer_json("fuzz.json", json, length, arena, &t) == STATUS_OK)
            check(&t, json + length, n - 1 - length);
        encoder_tokenizer_free(&t);
    } else if (n > 3 && arena != NULL && bytes[0] % 3 == 1) {
        const size_t asked = bytes[1] | (size_t)bytes[2] << 8, n_map = asked < n - 3 ? asked : n - 3;
        own_vocabulary(bytes + 3, n_map, (const char *)bytes + 3 + n_map, n - 3 - n_map, arena);
    } else if (n > 0 && arena != NULL)
        own_vocabulary(NULL, 0, (const char *)bytes + 1, n - 1, arena);
    arena_free(arena);
    return 0;
}
