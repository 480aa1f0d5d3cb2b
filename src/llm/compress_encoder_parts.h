/*
 * compress_encoder_parts.h - what compress_encoder*.c share; not for other rooms.
 */
#ifndef LLM_COMPRESS_ENCODER_PARTS_H
#define LLM_COMPRESS_ENCODER_PARTS_H
#include "llm/compress_encoder.h"
#include "llm/encoder_internal.h"
#include "llm/importance.h"

struct encoder_compression {
    const struct compress_options *o;
    struct arena *arena;
    struct encoder_files files;
    struct safetensors source;
    const char *prefix; /* of the layers' names */
    struct encoder *e;
    struct importance *importance; /* NULL: not calibrated */
    uint32_t **heads, **neurons;   /* [n_layers] those that stay, rising; NULL: all */
    uint32_t n_heads, n_neurons;
    size_t n; /* tensors of the new file */
    struct safetensors_tensor *tensors;
};

/* compress_encoder_choose.c: runs the calibration's texts; and chooses heads and inner units. */
enum status compress_encoder_calibrate(struct encoder_compression *c);
enum status compress_encoder_choose(struct encoder_compression *c);
/* compress_encoder_config.c: the source's config.json with what changed. */
enum status compress_encoder_config(const struct encoder_compression *c, const char *path);

#endif
