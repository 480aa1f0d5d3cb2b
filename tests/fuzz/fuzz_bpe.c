/*
 * fuzz_bpe.c - merging tokenizers: pieces a line each, a NUL, a text.  The first byte chooses SentencePiece (pieces in order of falling
 * score) or byte-level (lines are merges "left right") and its pattern.  Ids lie within the vocabulary, no more than bytes, and with a
 * piece for every byte the text comes back.
 */
#include <string.h>

#include "fuzz.h"
#include "text/byte_bpe.h"
#include "text/sentencepiece.h"

enum { LINES = 64, BYTES = 256 };

static uint32_t lines(const char *text, size_t n, struct vocabulary_piece *out)
{
    uint32_t count = 0;
    for (size_t at = 0; at < n && count < LINES;) {
        const char *end = memchr(text + at, '\n', n - at);
        const size_t length = (end != NULL ? (size_t)(end - text) : n) - at;
        if (length > 0)
            out[count++] = (struct vocabulary_piece){text + at, (uint32_t)length};
        at += length + 1;
    }
    return count;
}

static void by_scores(const struct vocabulary_piece *piece, uint32_t n, const char *text, size_t length,
                      bool bytes, struct arena *arena)
{
    struct sentencepiece model = {.unknown = 0};
    float score[LINES];
    uint32_t *ids = arena_alloc(arena, length + 1, sizeof *ids);
    size_t n_ids = 0;
    for (uint32_t i = 0; i < n; i++)
        score[i] = -(float)i;
    for (int i = 0; i < 256; i++)
        model.byte[i] = bytes ? (uint32_t)i % (n > 0 ? n : 1) : UINT32_MAX;
    model.score = score;
    if (n == 0 || ids == NULL || vocabulary_make(piece, n, arena, &model.vocabulary, NULL) != STATUS_OK ||
        sentencepiece_merge(&model, text, length, arena, ids, &n_ids) != STATUS_OK)
        return;
    if (n_ids > length)
        __builtin_trap();
    for (size_t i = 0; i < n_ids; i++)
        if (ids[i] >= n)
            __builtin_trap();
}

/* A piece for each byte: GPT-2's printable characters (encoder.py, bytes_to_unicode). */
static const struct vocabulary_piece *single_bytes(void)
{
    static char text[BYTES][3];
    static struct vocabulary_piece piece[BYTES];
    unsigned shift = 0;
    for (unsigned i = 0; i < BYTES && piece[BYTES - 1].length == 0; i++) {
        const bool printable = (i >= 33 && i <= 126) || (i >= 161 && i <= 172) || i >= 174;
        const unsigned c = printable ? i : 256 + shift++;
        text[i][0] = (char)(c < 0x80 ? c : 0xC0 | c >> 6);
        text[i][1] = (char)(c < 0x80 ? 0 : 0x80 | (c & 63));
        piece[i] = (struct vocabulary_piece){text[i], c < 0x80 ? 1 : 2};
    }
    return piece;
}

/* A piece for every byte, and one for every merge: the text comes back. */
static void by_ranks(const struct vocabulary_piece *merge, uint32_t n, const char *text, size_t length,
                     int pattern, struct arena *arena)
{
    struct byte_bpe model = {.pattern = (enum byte_bpe_pattern)(pattern % 3), .whole_words = pattern & 4};
    struct vocabulary_piece piece[BYTES + LINES];
    uint32_t n_pieces = BYTES, *ids = arena_alloc(arena, length + 1, sizeof *ids);
    size_t n_ids = 0, back = 0;
    memcpy(piece, single_bytes(), BYTES * sizeof *piece);
    for (uint32_t i = 0; i < n; i++) {
        const char *space = memchr(merge[i].bytes, ' ', merge[i].length);
        char *both = space != NULL && merge[i].length > 2 ? arena_alloc(arena, merge[i].length, 1) : NULL;
        if (both == NULL)
            continue;
        const size_t left = (size_t)(space - merge[i].bytes);
        memcpy(both, merge[i].bytes, left);
        memcpy(both + left, space + 1, merge[i].length - left - 1);
        piece[n_pieces++] = (struct vocabulary_piece){both, merge[i].length - 1};
    }
    char *bytes = arena_alloc(arena, length + 65536, 1);
    if (ids == NULL || bytes == NULL ||
        vocabulary_make(piece, n_pieces, arena, &model.vocabulary, NULL) != STATUS_OK ||
        vocabulary_make(merge, n, arena, &model.merges, NULL) != STATUS_OK ||
        byte_bpe_encode(&model, text, length, arena, ids, &n_ids) != STATUS_OK)
        return;
    for (size_t i = 0; i < n_ids && back <= length; i++) {
        if (ids[i] >= n_pieces)
            __builtin_trap();
        back += byte_bpe_decode(piece[ids[i]].bytes, piece[ids[i]].length, bytes + back);
    }
    if (n_ids > length || back != length || memcmp(bytes, text, length) != 0)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct arena *arena = arena_new();
    struct vocabulary_piece piece[LINES];
    fuzz_quiet();
    if (n > 1 && arena != NULL) {
        const char *list = (const char *)bytes + 1, *end = memchr(list, '\0', n - 1);
        const size_t length = end != NULL ? (size_t)(end - list) : 0;
        const char *text = end != NULL ? end + 1 : list;
        const size_t n_text = (size_t)((const char *)bytes + n - text);
        const uint32_t n_lines = lines(list, length, piece);
        if (bytes[0] & 1)
            by_scores(piece, n_lines, text, n_text, bytes[0] & 2, arena);
        else
            by_ranks(piece, n_lines, text, n_text, bytes[0] >> 1, arena);
    }
    arena_free(arena);
    return 0;
}
