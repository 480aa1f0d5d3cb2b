/*
 * compress_encoder_config.c - config.json of a compressed encoder: see compress_encoder.h.
 *
 * Heads that went are told by `pruned_heads` (Hugging Face's own), inner units by `intermediate_size`, blocks by a
 * `quantization_config` of the library compressed-tensors.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "llm/compress_encoder_parts.h"
#include "llm/quantize.h"

static json_t *weights_json(int type)
{
    return json_pack("{s:i,s:s,s:b,s:s,s:o*}", "num_bits", type == QUANT_Q4_0 ? 4 : 8, "type", "int",
                     "symmetric", 1, "strategy", type == COMPRESS_INT8_ROW ? "channel" : "group",
                     "group_size", type == COMPRESS_INT8_ROW ? NULL : json_integer(32));
}

/* One group of layers as compressed-tensors describes it; of another type than blocks: nothing. */
static void describe_group(json_t *groups, const char *targets, int type)
{
    char name[24];
    if (quant_block_weights(quantize_stored(type, 32)) <= 1)
        return;
    snprintf(name, sizeof name, "group_%zu", json_object_size(groups));
    json_object_set_new(groups, name,
                        json_pack("{s:[s],s:o,s:s}", "targets", targets, "weights", weights_json(type),
                                  "format", type == QUANT_Q4_0 ? "pack-quantized" : "int-quantized"));
}

static void describe_heads(const struct encoder_compression *c, json_t *config)
{
    json_t *pruned = json_object();
    for (int i = 0; i < c->e->n_layers; i++) {
        char key[16];
        json_t *gone = json_array();
        uint32_t at = 0;
        for (uint32_t h = 0; h < (uint32_t)c->e->n_heads; h++)
            if (at < c->n_heads && c->heads[i][at] == h)
                at++;
            else
                json_array_append_new(gone, json_integer(h));
        snprintf(key, sizeof key, "%d", i);
        json_object_set_new(pruned, key, gone);
    }
    json_object_set_new(config, "pruned_heads", pruned);
}

enum status compress_encoder_config(const struct encoder_compression *c, const char *path)
{
    json_t *config = json_loadb(c->files.bytes[FILE_CONFIG], c->files.n[FILE_CONFIG], 0, NULL);
    json_t *groups = json_object();
    json_object_set_new(config, "intermediate_size", json_integer((json_int_t)c->n_neurons));
    if (c->o->heads > 0)
        describe_heads(c, config);
    describe_group(groups, "re:.*layer\\..*(query|key|value|dense)", c->o->type);
    describe_group(groups, "re:.*word_embeddings", c->o->embedding_type);
    if (json_object_size(groups) > 0) {
        const bool four = c->o->type == QUANT_Q4_0, words_four = c->o->embedding_type == QUANT_Q4_0;
        const bool mixed = json_object_size(groups) > 1 && four != words_four;
        json_object_set_new(config, "quantization_config",
                            json_pack("{s:s,s:s,s:o}", "quant_method", "compressed-tensors", "format",
                                      mixed                ? "mixed-precision"
                                      : four || words_four ? "pack-quantized"
                                                           : "int-quantized",
                                      "config_groups", groups));
    } else
        json_decref(groups);
    char *text = json_dumps(config, JSON_INDENT(2));
    json_decref(config);
    if (text == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: %s", path);
    const enum status status = atomic_write(path, text, strlen(text));
    free(text);
    return status;
}
