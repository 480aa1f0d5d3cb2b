/*
 * encoder_tokenizer.h - an encoder's tokenizer, whatever its kind: WordPiece or Unigram, from the files that come with a model.
 */
#ifndef LLM_ENCODER_TOKENIZER_H
#define LLM_ENCODER_TOKENIZER_H
#include <stdbool.h>

#include "text/unigram.h"
#include "text/wordpiece.h"

/* One of the two. */
struct encoder_tokenizer {
    struct wordpiece *wordpiece;
    const struct unigram *unigram; /* in an arena */
};

/* WordPiece from vocab.txt, lower-casing as tokenizer_config.json (bytes NULL: none) says; uncased where it says nothing. */
enum status encoder_tokenizer_vocab(const char *path, const char *bytes, size_t n, const char *config_path,
                                    const char *config, size_t n_config, struct encoder_tokenizer *out);
/* From tokenizer.json of Hugging Face's `tokenizers`: a WordPiece model behind a BertNormalizer, or a Unigram model behind
 * a compiled character map and Metaspace.  What lies in the arena outlives *out.  STATUS_DATA: damaged, or a part that is not
 * supported (named). */
enum status encoder_tokenizer_json(const char *path, const char *bytes, size_t n, struct arena *arena,
                                   struct encoder_tokenizer *out);
void encoder_tokenizer_free(struct encoder_tokenizer *tokenizer);

/* Highest id that it can give, + 1. */
uint32_t encoder_tokenizer_size(const struct encoder_tokenizer *tokenizer);
/* As wordpiece_encode() and unigram_encode(). */
enum status encoder_tokenizer_encode(const struct encoder_tokenizer *tokenizer, const char *text,
                                     size_t length, bool special, uint32_t limit, uint32_t *ids, uint32_t *n);

#endif
