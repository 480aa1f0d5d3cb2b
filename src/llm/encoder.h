/*
 * encoder.h - sentence encoders: text in, unit vectors out, in this process.
 */
#ifndef LLM_ENCODER_H
#define LLM_ENCODER_H
#include "backend/backend.h"
#include "base/fsio.h"
#include "base/strings.h"

struct encoder;

enum encoder_precision {
    ENCODER_FP32, /* weights and activations in float32 */
    ENCODER_INT8, /* dense layers: weights of 8 bits, one scale for 64 inputs; activations of 16 bits, one scale a token */
    /* Dense layers: weights of 8 bits (of a model that is compressed: its own blocks of 8 or 4 bits), activations of 8 bits, one scale
     * for 32 of either. */
    ENCODER_W8A8
};
enum encoder_pooling {
    ENCODER_POOLING_MODEL, /* what the folder's 1_Pooling/config.json says; mean where it has none */
    ENCODER_POOLING_MEAN,  /* of all tokens' last states */
    ENCODER_POOLING_CLS    /* the first token's */
};
/* Their names, in the order of the enums, for options and tables of parameters. */
#define ENCODER_PRECISIONS "fp32|int8|w8a8"
#define ENCODER_POOLINGS   "model|mean|cls"

struct encoder_options {
    int precision; /* enum encoder_precision */
    int pooling;   /* enum encoder_pooling */
    /* Put before each text.  NULL or "model": what the model asks for by default (E5S1: "query: "; a folder: the prompt of
     * config_sentence_transformers.json that its default_prompt_name names; else nothing).  "none": nothing.  "query", "passage":
     * the prompt of that name, or "query: ", "passage: " where the model declares none.  "own_query",
     * "own_passage": likewise, nothing where the model declares none.  Anything else: itself. */
    const char *prefix;
    uint32_t max_tokens; /* of a text, begin and end tokens included; 0: the model's */
    bool
        special; /* control tokens written out in a text count (WordPiece takes them so always, as its reference does) */
};

/* The encoders that tools/get-models.sh gets, by the names of their folders; NULL-ended. */
extern const char *const encoder_known[];

/* Opens a model: a folder with model.safetensors, config.json and vocab.txt or tokenizer.json (BERT and XLM-RoBERTa; WordPiece or
 * Unigram), or a folder with an E5S1 *.bin (e5s1.h), or that file.  Of a folder these count too where they are there:
 * tokenizer_config.json (do_lower_case, strip_accents, tokenize_chinese_chars), 1_Pooling/config.json, sentence_bert_config.json
 * (max_seq_length), config_sentence_transformers.json (prompts).  Weights are mapped; embeddings stay where they lie, the dense
 * layers are packed in memory.  All is checked before use.  options NULL: all zero.
 * STATUS_UNAVAILABLE when the folder or its weights are missing (says which command gets them); STATUS_DATA when a file is
 * damaged, does not fit the others, or is missing beside the weights. */
enum status encoder_open_with(const char *folder, const struct encoder_options *options,
                              const struct backend *backend, struct encoder **out);
enum status encoder_open(const char *folder, const struct backend *backend, struct encoder **out);
void encoder_close(struct encoder *encoder);

uint32_t encoder_dimensions(const struct encoder *encoder);
/* SHA-256 over the model's files and the options: names the encoder in cache keys. */
const char *encoder_sha256(const struct encoder *encoder);

/* Over the files alone, of a model that is not opened; a folder of imported vectors (vectors.h) has one too.  "missing" when
 * there is no such model; STATUS_SYSTEM when a file can't be read. */
enum status encoder_folder_sha256(const char *folder, char hex[SHA256_HEX]);

/* Token ids as the model gets them (the prefix among them; begin ... end, cut to the model's length); the arena owns *ids. */
enum status encoder_tokenize(const struct encoder *encoder, const char *text, size_t length,
                             struct arena *arena, uint32_t **ids, uint32_t *n);

/* What was encoded, and what it cost. */
struct encoder_use {
    uint64_t n_texts;            /* that encoder_embed_cached() was asked for */
    uint64_t n_encoded;          /* of those, equal ones once, that no cache knew */
    uint64_t n_tokens;           /* of the latter */
    double seconds, cpu_seconds; /* of encoding them: wall, all threads */
};
/* Since it was opened. */
const struct encoder_use *encoder_used(const struct encoder *encoder);

/* Vectors [texts->n x dimensions], pooled, L2-normalised.  Batched by length.  Same bits for any number
 * of threads and any company a text is embedded in. */
enum status encoder_embed(struct encoder *encoder, const struct strings *texts, float *out);

/* As above through the cache folder (NULL: no cache): only texts not seen before are computed, and stored, a
 * text at a time keyed by encoder and text.  A damaged cache file is recomputed, not trusted. */
enum status encoder_embed_cached(struct encoder *encoder, const char *cache, const struct strings *texts,
                                 float *out);

#endif
