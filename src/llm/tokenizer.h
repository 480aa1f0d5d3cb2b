/*
 * tokenizer.h - a decoder's tokenizer, as its GGUF file describes it: text to token ids and back.
 */
#ifndef LLM_TOKENIZER_H
#define LLM_TOKENIZER_H
#include "llm/gguf.h"

struct tokenizer;

/* From tokenizer.ggml.*: model "llama" (merging by scores, byte tokens), "gpt2" (byte-level, with its pattern and merges) or "t5" (Unigram,
 * with its character map).
 * The file's bytes must outlive *out, which lives in the arena.  STATUS_DATA: a part is missing, lengths differ, an id lies
 * beyond the vocabulary, a piece is empty, a model or pattern is not known. */
enum status tokenizer_open(const struct gguf *file, struct arena *arena, struct tokenizer **out);

uint32_t tokenizer_size(const struct tokenizer *tokenizer);
/* The id of the token that ends a text, or UINT32_MAX; and whether `id` ends one (end of text, end of a turn). */
uint32_t tokenizer_end(const struct tokenizer *tokenizer);
bool tokenizer_is_end(const struct tokenizer *tokenizer, uint32_t id);
/* Is it a control token, which no text contains? */
bool tokenizer_is_control(const struct tokenizer *tokenizer, uint32_t id);

enum tokenizer_flags {
    TOKENIZER_BEGIN = 1, /* the begin-of-text token before it, where the file says that the model wants one */
    TOKENIZER_SPECIAL =
        2 /* control tokens written out in the text count; without it they are ordinary text */
};
/* The ids of any bytes (user-defined tokens are cut out first, the longest first), in the arena.  STATUS_SYSTEM: memory is
 * out. */
enum status tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t length, int flags,
                             struct arena *arena, uint32_t **ids, size_t *n);

/* The bytes of the tokens, control tokens left out, in the arena.  at_start: they begin the text, so that a space put there by the
 * tokenizer is taken away again. */
enum status tokenizer_decode(const struct tokenizer *tokenizer, const uint32_t *ids, size_t n, bool at_start,
                             struct arena *arena, char **bytes, size_t *length);

#endif
