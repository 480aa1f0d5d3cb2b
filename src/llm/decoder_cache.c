/*
 * decoder_cache.c - keys and values of the tokens that went through a decoder, in float32 or in 8 bits.
 *
 * In 8 bits a cell is a row of Q8_0's blocks.  Attention works on float32: the layer at work is unpacked for it, and a new cell is rounded
 * before it is first looked at, so that results do not depend on where a chunk ends.
 */
#include <stdlib.h>
#include <string.h>

#include "llm/decoder_internal.h"
#include "llm/quantize.h"

static size_t width_of(const struct decoder *d)
{
    return (size_t)d->n_kv * (size_t)d->head_size;
}

size_t decoder_cell_bytes(const struct decoder *d)
{
    return 2 * sizeof(float) * (size_t)d->n_layers * width_of(d);
}

static enum status cache_new(const struct decoder *decoder, uint32_t n_cells, bool packed,
                             struct decoder_cache **out)
{
    struct decoder_cache *c = calloc(1, sizeof *c);
    const size_t width = width_of(decoder), layers = (size_t)decoder->n_layers;
    if (c != NULL) {
        c->n_cells = n_cells;
        c->layer = n_cells * width;
        c->row_bytes = quant_row_bytes(QUANT_Q8_0, width);
        c->keys = calloc((packed ? 1 : layers) * c->layer + 1, sizeof *c->keys);
        c->values = calloc((packed ? 1 : layers) * c->layer + 1, sizeof *c->values);
        if (packed) {
            c->packed_keys = calloc(layers * n_cells + 1, c->row_bytes);
            c->packed_values = calloc(layers * n_cells + 1, c->row_bytes);
        }
    }
    if (c == NULL || c->keys == NULL || c->values == NULL ||
        (packed && (c->packed_keys == NULL || c->packed_values == NULL))) {
        decoder_cache_free(c);
        return status_fail(STATUS_SYSTEM, "memory is out: keys and values of %u tokens need %zu MiB", n_cells,
                           n_cells * decoder_cell_bytes(decoder) / (packed ? 4 : 1) >> 20);
    }
    *out = c;
    return STATUS_OK;
}

enum status decoder_cache_new(const struct decoder *decoder, uint32_t n_cells, struct decoder_cache **out)
{
    return cache_new(decoder, n_cells, false, out);
}
enum status decoder_cache_new_int8(const struct decoder *decoder, uint32_t n_cells,
                                   struct decoder_cache **out)
{
    return cache_new(decoder, n_cells, true, out);
}

void decoder_cache_free(struct decoder_cache *cache)
{
    if (cache == NULL)
        return;
    free(cache->keys);
    free(cache->values);
    free(cache->packed_keys);
    free(cache->packed_values);
    free(cache);
}

static void unpack_row(const unsigned char *row, size_t bytes, float *x)
{
    for (const unsigned char *b = row; b < row + bytes; b += 34, x += 32) {
        _Float16 d;
        memcpy(&d, b, 2);
        for (int j = 0; j < 32; j++)
            x[j] = (float)d * (float)(signed char)b[2 + j];
    }
}

static unsigned char *packed_at(const struct decoder_cache *c, unsigned char *rows, int layer, uint32_t cell)
{
    return rows + ((size_t)layer * c->n_cells + cell) * c->row_bytes;
}

void decoder_cache_unpack(struct decoder_cache *cache, int layer, uint32_t from, uint32_t n)
{
    const size_t width = cache->n_cells > 0 ? cache->layer / cache->n_cells : 0;
#pragma omp parallel for if (n > 64)
    for (uint32_t cell = from; cell < from + n; cell++) {
        unpack_row(packed_at(cache, cache->packed_keys, layer, cell), cache->row_bytes,
                   cache->keys + cell * width);
        unpack_row(packed_at(cache, cache->packed_values, layer, cell), cache->row_bytes,
                   cache->values + cell * width);
    }
}

void decoder_cache_pack(struct decoder_cache *cache, int layer, uint32_t cell)
{
    const size_t width = cache->layer / cache->n_cells;
    quantize_row(QUANT_Q8_0, cache->keys + cell * width, NULL, width,
                 packed_at(cache, cache->packed_keys, layer, cell));
    quantize_row(QUANT_Q8_0, cache->values + cell * width, NULL, width,
                 packed_at(cache, cache->packed_values, layer, cell));
    unpack_row(packed_at(cache, cache->packed_keys, layer, cell), cache->row_bytes,
               cache->keys + cell * width);
    unpack_row(packed_at(cache, cache->packed_values, layer, cell), cache->row_bytes,
               cache->values + cell * width);
}
