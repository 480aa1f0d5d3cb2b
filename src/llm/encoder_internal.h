/*
 * encoder_internal.h - what encoder.c, encoder_load.c, encoder_forward.c and the tests share; not for other rooms.
 */
#ifndef LLM_ENCODER_INTERNAL_H
#define LLM_ENCODER_INTERNAL_H
#include "base/fsio.h"
#include "llm/encoder.h"
#include "llm/encoder_files.h"
#include "llm/encoder_tokenizer.h"
#include "llm/safetensors.h"
#include "quant.h"

/* What MiniLM's reference library cuts texts to, [CLS] and [SEP] included, whatever the model could take; for folders that do not
 * say (sentence_bert_config.json). */
#define ENCODER_MAX_TOKENS 256
/* The most that can be asked for. */
#define ENCODER_TOKENS_LIMIT 8192

/* A dense layer, packed (kernels/nn.h, kernels/nn8.h). */
struct encoder_dense {
    int n_in, n_out;
    const float *w;       /* [n_out / 32 rounded up][n_in][32]; NULL: fewer bits */
    const signed char *q; /* packed as nn8.h says; NULL: float32 or blocks */
    const float *scale;   /* of q, as nn8.h says */
    const float *bias;    /* [n_out rounded up to 32] */
    /* Blocks (quant.h), rows as in a file, of the n_blocks matrices that stand side by side; 0: packed. */
    int n_blocks;
    struct quant_matrix blocks[3];
};
struct encoder_norm {
    const float *gamma, *beta; /* [hidden] */
};
struct encoder_layer {
    int n_heads;               /* those that are left */
    struct encoder_dense qkv;  /* hidden -> 3 n_heads * head_size: queries, keys, values side by side */
    struct encoder_dense out;  /* n_heads * head_size -> hidden */
    struct encoder_dense up;   /* hidden -> feed_forward */
    struct encoder_dense down; /* feed_forward -> hidden */
    struct encoder_norm after_attention, after_feed_forward;
};

struct encoder {
    const struct backend *backend;
    struct arena *arena; /* owns what is not mapped */
    struct mapped map;
    struct encoder_tokenizer tokenizer;
    const char *prefix; /* before each text */
    size_t prefix_length;
    char sha256[SHA256_HEX];
    int vocabulary, hidden, n_layers, n_heads, head_size, feed_forward, positions; /* n_heads: at first */
    int first_position;  /* of a text's first token: 0, or 2 (XLM-RoBERTa) */
    int precision;       /* enum encoder_precision */
    int cls;             /* pooling: 0 mean, 1 first token */
    bool e5s1;           /* of an E5S1 file: its weights have 4 bits */
    bool special;        /* control tokens in a text count */
    uint32_t max_tokens; /* of a text */
    float eps;
    int words_type;             /* enum quant_type */
    const unsigned char *words; /* [vocabulary x hidden] of that type; where the file has them, or a copy */
    const float *places; /* [positions x hidden]; with the type's vector added, unless words are float32 */
    const float *type;   /* [hidden]: token type 0 */
    struct encoder_norm embedding_norm;
    struct encoder_layer *layers; /* [n_layers] */
    /* NULL, or called before each dense layer with its input, [n x n_in]: calibration; then threads must be 1 */
    void (*watch)(void *context, const struct encoder_dense *d, const float *x, long ldx, uint32_t n);
    void *watch_context;
    struct encoder_use use;
};

/* encoder_load.c: config.json, and the tensors under Hugging Face's names; the map must stay. */
enum status encoder_load_config(const char *path, const char *bytes, size_t n, struct encoder *e);
/* Are these sizes, of the model in `path`, ones that can be run?  Sets head_size. */
enum status encoder_check_sizes(const char *path, struct encoder *e);
enum status encoder_load_weights(const struct safetensors *file, struct encoder *e);
/* What stands before all names: "bert.", "roberta." or "". */
const char *encoder_names_prefix(const struct safetensors *file);

/* encoder_settings.c: what a folder says beside its weights. */
struct encoder_settings {
    int pooling;                       /* enum encoder_pooling */
    uint32_t max_tokens;               /* 0: not said */
    const char *query, *passage, *own; /* prompts; NULL: none; own: the default one */
};
enum status encoder_settings_read(const struct encoder_files *files, struct arena *arena,
                                  struct encoder_settings *out);

/* encoder.c: prefix and text as ids; ids has room for max_tokens. */
enum status encoder_ids(const struct encoder *e, const char *text, size_t length, uint32_t *ids, uint32_t *n);

/* encoder_path.c: the fastest enum nn8_path of this machine. */
int encoder_int8_path(void);

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
    short *a;       /* a dense layer's input in 16 bits (nn8.h); NULL: float32 */
    float *scale;   /* [tokens] of it */
    signed char *q; /* a dense layer's input in 8 bits, and its scales (quant.h); NULL: not wanted */
    float *part;
};
/* Room for batches of at most n_tokens, from the arena. */
enum status encoder_work_new(const struct encoder *e, uint32_t n_tokens, struct arena *arena,
                             struct encoder_work *out);
/* y = f(x W' + bias) of a dense layer in float32, gelu: f is GELU; rows of x and y in whole tiles (nn.h). */
enum status encoder_linear(const struct backend *backend, const struct encoder_dense *d, uint32_t n_tokens,
                           const float *x, long ldx, float *y, long ldy, int gelu);
/* Runs the first n_layers layers: their state into work->x; trace as below. */
enum status encoder_states(const struct encoder *e, const struct encoder_batch *batch,
                           const struct encoder_work *work, int n_layers, float *trace);
/* Runs the model; out[row x hidden].  trace (NULL: none) gets [n_layers + 1][n_tokens x hidden]: the state after the
 * embedding's layer norm and after each layer. */
enum status encoder_forward(const struct encoder *e, const struct encoder_batch *batch,
                            const struct encoder_work *work, float *out, float *trace);

#endif
