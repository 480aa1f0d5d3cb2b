/*
 * unigram.h - the whole Unigram tokenizer (Kudo 2018; XLM-RoBERTa, multilingual e5): normalisation, spaces as U+2581, the most probable
 * cut, begin and end tokens.
 */
#ifndef TEXT_UNIGRAM_H
#define TEXT_UNIGRAM_H
#include <stdbool.h>

#include "text/sentencepiece.h"

/* Normalisation.  One of two forms: by code point, or by SentencePiece's compiled map of byte strings. */
struct unigram_table {
    uint32_t n;
    const uint32_t *from;  /* [n] code points, rising */
    const uint32_t *first; /* [n + 1] into `to` */
    const uint32_t *to;    /* code points that take its place; none: it is deleted */
};
struct unigram_charsmap {
    const uint32_t *unit; /* [n_units] of a double-array trie (Yata's darts-clone) */
    uint32_t n_units;
    const char *text; /* replacements, each ended by a NUL */
    uint32_t length;
};

struct unigram {
    struct sentencepiece model;       /* its vocabulary without the control pieces */
    struct unigram_table table;       /* n 0: none */
    struct unigram_charsmap charsmap; /* n_units 0: none */
    uint32_t begin, end;
    uint32_t n_special; /* control pieces, which no text contains unless asked for */
    const struct vocabulary_piece *special;
    const uint32_t *special_id; /* [n_special] */
    bool strip;       /* spaces at both ends of a text are dropped (XLM-RoBERTa's own; E5S1 keeps them) */
    bool words_apart; /* no piece has a U+2581 behind its first character: words can be cut one by one */
};

/* Over n pieces and their scores, which outlive *out; control (NULL: none) [n]: which are control pieces.  Fills all but
 * normalisation, begin, end and strip.  STATUS_DATA: an empty piece, one beyond 1,024 bytes, a score that is not finite;
 * `path` is for messages.  STATUS_SYSTEM: memory is out. */
enum status unigram_make(const char *path, const struct vocabulary_piece *pieces, const float *scores,
                         const bool *control, uint32_t n, uint32_t unknown, struct arena *arena,
                         struct unigram *out);

/* SentencePiece's precompiled_charsmap: u32 bytes of the trie, the trie, the replacements.  Checked; the bytes outlive *out.
 * STATUS_DATA: lengths that do not fit, replacements without a NUL at the end. */
enum status unigram_charsmap_parse(const char *path, const char *bytes, size_t n, struct arena *arena,
                                   struct unigram_charsmap *out);

/* begin, the text's pieces, end: ids[0 .. *n - 1], *n at most `limit` (at least 2): pieces after the first limit - 2 are cut
 * off.  ids has room for `limit`.  special: control pieces written out in the text count.  Any bytes are a text; ill-formed
 * UTF-8 is U+FFFD.  STATUS_SYSTEM: memory is out. */
enum status unigram_encode(const struct unigram *unigram, const char *text, size_t length, bool special,
                           uint32_t limit, uint32_t *ids, uint32_t *n);

#endif
