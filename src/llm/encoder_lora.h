/*
 * encoder_lora.h - fine-tuning of a sentence encoder's top layers through low-rank adapters (Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang, Chen,
 * "LoRA: low-rank adaptation of large language models", ICLR 2022), on the queries' and values' projections, as there.
 *
 *     W x  becomes  W x + (alpha / rank) B A dropout(x),   A [rank x inputs] uniform within 1 / sqrt(inputs), B [outputs x rank] 0 at first
 *
 * W stays.  What lies below the adapted layers never changes, so its states are computed once a text and kept: all that is
 * trained, forward and backward, is the top.  While B is 0 the vectors are encoder_embed()'s to the bit.
 *
 * A text's vector does not depend on the texts beside it or on the number of threads, nor do gradients on the latter.
 */
#ifndef LLM_ENCODER_LORA_H
#define LLM_ENCODER_LORA_H
#include "base/arena.h"
#include "llm/encoder.h"

struct encoder_lora_options {
    int layers; /* the top so many carry adapters; at most the encoder's */
    int rank;
    int tokens;            /* of a text are read at most so many; 0: as many as the encoder takes */
    double alpha, dropout; /* dropout: of the adapters' inputs, below 1 */
    double most_bytes;     /* of states and activations together; more is refused */
    uint64_t seed;
};

struct encoder_lora {
    /* [n_weights] a layer after the other, lowest first: A [rank x hidden] and B [heads * head_size x rank] of the queries, then of the
     * values; and the gradient by them that encoder_lora_backward() leaves. */
    size_t n_weights;
    float *weights, *gradient;
    struct encoder_lora_parts *parts;
};

/* Reads all texts: their states below the top layers.  Batches have at most `most` texts.  All memory is the arena's; the encoder must
 * stay.  STATUS_USAGE: the encoder is none whose weights are in float32 (E5S1, or another precision than fp32), has fewer layers, or states and
 * activations take more than most_bytes: the sentence says which. */
enum status encoder_lora_new(const struct encoder *encoder, const struct strings *texts, uint32_t most,
                             const struct encoder_lora_options *options, struct arena *arena,
                             struct encoder_lora *out);
/* The weights were changed: to be called before vectors are asked for again. */
enum status encoder_lora_changed(struct encoder_lora *lora);
/* Vectors of all texts, [texts x dimensions], of length 1; without dropout. */
enum status encoder_lora_vectors(struct encoder_lora *lora, float *out);
/* Vectors of a batch, [n x dimensions], of length 1; with the dropout of step `step`.  Keeps what the way back needs. */
enum status encoder_lora_forward(struct encoder_lora *lora, const uint32_t *texts, uint32_t n, uint32_t step,
                                 float *out);
/* From the gradient by the last batch's vectors, [n x dimensions], to lora->gradient. */
enum status encoder_lora_backward(struct encoder_lora *lora, const float *of_out);
/* Bytes of the states and activations that are held. */
double encoder_lora_bytes(const struct encoder_lora *lora);

#endif
