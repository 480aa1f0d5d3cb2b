/*
 * two_tower_text.h - the item vectors of two_tower that are fine-tuned: an encoder with adapters (llm/encoder_lora.h), the mean over items taken off as
 * for all item vectors (models/item_vectors.h), length 1.  While the adapters are at their start these are item_vectors_build()'s.
 */
#ifndef FUSION_TWO_TOWER_TEXT_H
#define FUSION_TWO_TOWER_TEXT_H
#include "fusion/adam.h"
#include "llm/encoder_lora.h"
#include "models/item_vectors.h"

struct two_tower_text {
    struct encoder *encoder;
    struct encoder_lora lora;
    struct adam adam;
    uint32_t d, n_items, most;
    double *mean;    /* [d] of the vectors before training, over all items; zeros: not taken off */
    float *y, *norm; /* [most x d] of the batch, [n_items] */
    float *of_y;     /* [most x d] */
    uint32_t n;      /* items of the batch */
};

/* Why these vectors can't be made by an encoder with adapters, as the end of a sentence; NULL: they can, as far as names and parameters
 * tell. */
const char *two_tower_text_refused(const struct item_vectors_options *vectors);

/* Opens the encoder, reads the items' texts, and their states, all in run->scratch.  To be closed, also after a failure (a zeroed one, too). */
enum status two_tower_text_open(const struct item_vectors_options *vectors,
                                const struct encoder_lora_options *options, uint32_t most,
                                const struct view *view, struct run *run, struct two_tower_text *out);
void two_tower_text_close(struct two_tower_text *text);

/* Vectors of all items as the adapters now are, [n_items x d]. */
enum status two_tower_text_all(struct two_tower_text *text, float *Y);
/* Vectors of a batch's items into text->y, with the dropout of step `step`. */
enum status two_tower_text_forward(struct two_tower_text *text, const uint32_t *items, uint32_t n,
                                   uint32_t step);
/* From text->of_y, the gradient by text->y, to a step of the adapters. */
enum status two_tower_text_step(struct two_tower_text *text, double learning_rate, double decay);

#endif
