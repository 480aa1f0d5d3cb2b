/*
 * decoder_internal.h - what decoder_load.c, decoder.c and the tests share; not for other rooms.
 */
#ifndef LLM_DECODER_INTERNAL_H
#define LLM_DECODER_INTERNAL_H
#include "decode.h"
#include "llm/decoder.h"
#include "llm/gguf_file.h"
#include "quant.h"

/* A matrix in the file. */
struct decoder_matrix {
    const unsigned char *w; /* [n x k] */
    const float *bias;      /* [n] or NULL */
    size_t row_bytes;
    int type, n, k;
};

struct decoder_layer {
    const float *attention_norm, *attention_norm_bias; /* [hidden]; biases NULL but in GPT-2 */
    const float *feed_norm, *feed_norm_bias;
    const float *post_attention, *post_feed; /* [hidden] or NULL */
    const float *q_norm, *k_norm;            /* [head_size] or NULL */
    struct decoder_matrix qkv[3];            /* n_qkv of them: one for all three, or three */
    struct decoder_matrix out, up[2], down;  /* up: n_up of them, gate first */
    int n_qkv, n_up;
    int window; /* 0: sees everything */
    int rope;   /* which of the decoder's frequencies */
};

struct decoder {
    const struct backend *backend;
    struct gguf_file file;
    struct tokenizer *tokenizer;
    int vocabulary, hidden, n_layers, n_heads, n_kv, head_size, feed_forward, context;
    int n_rotated, interleaved; /* n_rotated 0: positions are learned */
    int centred;                /* layer norm in place of the root mean square */
    int curve;                  /* enum decoder_curve */
    enum decoder_activations activations;
    float eps, embedding_scale, q_scale;
    float attention_cap, logit_cap; /* 0: none */
    double *frequency[2]; /* [n_rotated / 2]: radians a position; [0] of global layers, [1] of sliding ones */
    struct decoder_matrix words, places, head;
    const float *final_norm, *final_norm_bias;
    struct decoder_layer *layers; /* [n_layers] */
    uint32_t chunk;               /* tokens that go through at once */
    /* NULL, or called before each product with its input, [n x k]: calibration */
    void (*watch)(void *context, const struct decoder_matrix *m, const float *x, long ldx, uint32_t n);
    void *watch_context;
    float *
        trace; /* NULL, or [n_layers + 2][n_tokens x hidden], for one chunk: embeddings, after each layer, after the last norm */
};

struct decoder_cache {
    uint32_t n_cells;
    size_t layer;         /* floats of one layer's keys */
    float *keys, *values; /* [n_layers][n_cells x n_kv * head_size]; in 8 bits: of the layer at work alone */
    /* NULL, or in 8 bits: rows of Q8_0's blocks, [n_layers][n_cells x row_bytes] */
    unsigned char *packed_keys, *packed_values;
    size_t row_bytes;
};

/* Activations in 8 bits (quant.h), where the decoder wants them; NULLs where not. */
struct decoder_rounded {
    signed char *q; /* [n x ldq] */
    float *part;    /* [n x ld_part] */
};

/* decoder_product.c.  One row runs on the calling thread. */
enum status decoder_launch(const struct decoder *d, const struct kernel *kernel, const void *args, long rows,
                           size_t scratch);
/* Room for n rows of at most k numbers. */
enum status decoder_rounded_new(const struct decoder *d, size_t n, size_t k, struct arena *arena,
                                struct decoder_rounded *r);
/* y = x W' for n_m matrices over the same x, their outputs side by side. */
enum status decoder_product(const struct decoder *d, const struct decoder_matrix *m, int n_m, const float *x,
                            long ldx, uint32_t n, float *y, long ldy, const struct decoder_rounded *rounded);

/* decoder_cache.c.  What the cells from .. from + n - 1 of a layer hold, into keys and values; and numbers of the cell rounded and kept. */
void decoder_cache_unpack(struct decoder_cache *cache, int layer, uint32_t from, uint32_t n);
void decoder_cache_pack(struct decoder_cache *cache, int layer, uint32_t cell);

/* decoder_load.c: fills a decoder whose file is open. */
enum status decoder_load(struct decoder *d);

#endif
