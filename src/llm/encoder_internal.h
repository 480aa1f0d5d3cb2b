/*
 * encoder_internal.h - what encoder.c, encoder_load.c, encoder_forward.c and the tests share; not for other rooms.
 */
#ifndef LLM_ENCODER_INTERNAL_H
#define LLM_ENCODER_INTERNAL_H
#include "base/fsio.h"
#include "llm/encoder.h"
#include "text/wordpiece.h"

/* The reference library cuts texts to 256 pieces, [CLS] and [SEP] included, whatever the model could take. */
#define ENCODER_MAX_TOKENS 256

/* A dense layer, packed (kernels/nn.h). */
struct encoder_dense {
    int n_in, n_out;
    const float *w;    /* [n_out / 32 rounded up][n_in][32] */
    const float *bias; /* [n_out rounded up to 32] */
};
struct encoder_norm {
    const float *gamma, *beta; /* [hidden] */
};
struct encoder_layer {
    struct encoder_dense qkv;  /* hidden -> 3 hidden: queries, keys, values side by side */
    struct encoder_dense out;  /* hidden -> hidden */
    struct encoder_dense up;   /* hidden -> feed_forward */
    struct encoder_dense down; /* feed_forward -> hidden */
    struct encoder_norm after_attention, after_feed_forward;
};

struct encoder {
    const struct backend *backend;
    struct arena *arena; /* owns the weights */
    struct wordpiece *wordpiece;
    char sha256[SHA256_HEX];
    int vocabulary, hidden, n_layers, n_heads, feed_forward, positions;
    uint32_t max_tokens; /* of a text */
    float eps;
    const float *words;  /* [vocabulary x hidden] */
    const float *places; /* [positions x hidden] */
    const float *type;   /* [hidden]: token type 0 */
    struct encoder_norm embedding_norm;
    struct encoder_layer *layers; /* [n_layers] */
};

/* encoder_load.c: config.json and model.safetensors, whose bytes may go afterwards. */
enum status encoder_load_config(const char *path, const char *bytes, size_t n, struct encoder *e);
enum status encoder_load_weights(const char *path, const char *bytes, size_t n, struct encoder *e);

/* Texts laid end to end. */
struct encoder_batch {
    uint32_t n_texts, n_tokens;
    const uint32_t *ids;       /* [n_tokens] */
    const uint32_t *positions; /* [n_tokens], from 0 in each text */
    const uint32_t *first;     /* [n_texts + 1] */
    const unsigned long *row;  /* [n_texts]: rows of the output */
};
/* Room for the activations of one batch. */
struct encoder_work {
    float *x, *qkv, *mixed, *wide, *y;
};
/* Room for batches of at most n_tokens, from the arena. */
enum status encoder_work_new(const struct encoder *e, uint32_t n_tokens, struct arena *arena,
                             struct encoder_work *out);
/* Runs the model; out[row x hidden].  trace (NULL: none) gets [n_layers + 1][n_tokens x hidden]: the state after the
 * embedding's layer norm and after each layer. */
enum status encoder_forward(const struct encoder *e, const struct encoder_batch *batch,
                            const struct encoder_work *work, float *out, float *trace);

#endif
