/*
 * compress.h - smaller decoders: quantised, pruned, written as GGUF; and what that costs.
 */
#ifndef LLM_COMPRESS_H
#define LLM_COMPRESS_H
#include "llm/decoder.h"

struct compress_options {
    int type;           /* of the blocks' matrices: enum quant_type or COMPRESS_INT8_ROW; -1: as they are */
    int embedding_type; /* of the words and the head; -1: as they are */
    double sparsity;    /* share of each output's weights in the blocks that become 0 */
    bool two_four;      /* of each four weights two become 0 */
    uint32_t heads;     /* query heads that go in each block, of every key head equally many */
    double
        neurons; /* share of each block's inner units that go, rounded so that 256 (or 32) divide what stays */
    const char *
        calibration; /* [n_calibration] text that tells which weights matter: mean squares of what meets them; NULL: by size alone */
    size_t n_calibration;
};

/* Reads the model at `source` and writes `target`, a GGUF file of the same architecture with the same tokenizer.  STATUS_USAGE: an option
 * out of range, heads of a model whose queries, keys and values are one matrix (GPT-2), a target that is the source; else statuses
 * of decoder_open() and of writing. */
enum status compress_decoder(const char *source, const char *target, const struct compress_options *options,
                             const struct backend *backend);

struct compress_measures {
    double megabytes;       /* of the file, 10^6 */
    double bits;            /* a weight */
    double prefill, decode; /* tokens a second: 256 at once, 16 one by one with all logits */
    double perplexity;      /* of the text's tokens, in windows of 512; NaN without text */
};
enum status compress_measure(const char *path, const char *text, size_t length,
                             enum decoder_activations activations, const struct backend *backend,
                             struct compress_measures *out);

#endif
