/*
 * encoder.h - sentence encoders: text in, unit vectors out, in this process.
 */
#ifndef LLM_ENCODER_H
#define LLM_ENCODER_H
#include "backend/backend.h"
#include "base/fsio.h"
#include "base/strings.h"

struct encoder;

/* Opens a folder with model.safetensors, config.json and vocab.txt (BERT family, WordPiece; mean pooling).
 * All is read and checked before use.  STATUS_UNAVAILABLE when the folder or its weights are missing (says which
 * command gets them); STATUS_DATA when a file is damaged, does not fit the others, or is missing beside the weights. */
enum status encoder_open(const char *folder, const struct backend *backend, struct encoder **out);
void encoder_close(struct encoder *encoder);

uint32_t encoder_dimensions(const struct encoder *encoder);
/* SHA-256 over weights, vocabulary and config: names the encoder in cache keys. */
const char *encoder_sha256(const struct encoder *encoder);

/* The same for a folder whose model is not opened.  "missing" when one of its files is not there; STATUS_SYSTEM when one
 * can't be read. */
enum status encoder_folder_sha256(const char *folder, char hex[SHA256_HEX]);

/* Token ids as the model gets them ([CLS] ... [SEP], cut to the model's length); the arena owns *ids. */
enum status encoder_tokenize(const struct encoder *encoder, const char *text, size_t length,
                             struct arena *arena, uint32_t **ids, uint32_t *n);

/* Vectors [texts->n x dimensions], mean-pooled, L2-normalised.  Batched by length.  Same bits for any number
 * of threads and any company a text is embedded in. */
enum status encoder_embed(struct encoder *encoder, const struct strings *texts, float *out);

/* As above through the cache folder (NULL: no cache): only texts not seen before are computed, and stored, a
 * text at a time keyed by encoder and text.  A damaged cache file is recomputed, not trusted. */
enum status encoder_embed_cached(struct encoder *encoder, const char *cache, const struct strings *texts,
                                 float *out);

#endif
