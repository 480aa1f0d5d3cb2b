/*
 * compress_encoder.h - smaller encoders: quantised, pruned, written as a folder that encoder_open() takes; and what that costs.
 */
#ifndef LLM_COMPRESS_ENCODER_H
#define LLM_COMPRESS_ENCODER_H
#include "base/strings.h"
#include "llm/compress.h"
#include "llm/encoder.h"

/* Reads the encoder in the folder `source` and writes the folder `target`: model.safetensors (safetensors_matrix.h; types f32, f16,
 * bf16, q8_0, int8_row, q4_0), config.json that tells of it, and the source's other files as they are.  `type` is of the layers'
 * matrices, embedding_type of the word vectors; `heads` go in each layer, those that give least; calibration: texts, one a line.
 * model.safetensors is written last, so a folder that was not finished has none.  STATUS_USAGE: an option out of range, another type,
 * a source that is compressed already or an E5S1 file (4 bits as it is), a target that is the source; else statuses of encoder_open() and
 * of writing. */
enum status compress_encoder(const char *source, const char *target, const struct compress_options *options,
                             const struct backend *backend);

/* The lines of a text that are not empty, in the arena. */
enum status compress_lines(const char *text, size_t length, struct arena *arena, struct strings *out);

struct compress_encoder_measures {
    double megabytes;     /* of model.safetensors, 10^6 */
    double bits;          /* a weight */
    double texts;         /* a second */
    double cosine, least; /* mean and least over texts of the cosine to the vectors `reference` */
};
/* reference: [texts->n x dimensions] vectors to compare with, or NULL (cosines NaN); vectors: NULL, or gets the model's own, of the
 * caller's arena. */
enum status compress_encoder_measure(const char *folder, const struct encoder_options *options,
                                     const struct strings *texts, const float *reference,
                                     const struct backend *backend, struct arena *arena, float **vectors,
                                     struct compress_encoder_measures *out);

#endif
