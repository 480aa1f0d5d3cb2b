/* factors.c - see factors.h. */
#include "models/factors.h"

#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "nn.h"

/* Panels that stay in the second-level cache while the users of a tile pass. */
enum { PANELS_BYTES = 256 << 10 };
_Static_assert(FACTORS_ROWS % NN_TILE_ROWS == 0 && FACTORS_COLS % NN_TILE_COLS == 0,
               "tiles are whole tiles of nn_linear");

/* Items as nn_linear reads them: a panel of NN_TILE_COLS items, factor by factor. */
static void pack_panels(const struct factors *f, size_t n_panels, float *panels)
{
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < n_panels; p++) {
        float *panel = panels + p * f->factors * NN_TILE_COLS;
        for (size_t j = 0; j < NN_TILE_COLS; j++) {
            const size_t i = p * NN_TILE_COLS + j;
            for (uint32_t m = 0; m < f->factors; m++)
                panel[m * NN_TILE_COLS + j] = i < f->n_items ? f->item[i * f->ld_item + m] : 0.0f;
        }
    }
}

enum status factors_tiles_open(const struct factors *f, const struct backend *backend,
                               struct factors_tiles *tiles)
{
    const size_t width = f->factors > 0 ? f->factors : 1;
    const size_t n_tiles = ((size_t)f->n_items + FACTORS_COLS - 1) / FACTORS_COLS;
    const bool packed = backend == NULL || backend->reside == NULL;
    const size_t floats = packed ? n_tiles * FACTORS_COLS * width : FACTORS_COLS * width;
    *tiles = (struct factors_tiles){.f = f};
    float *items = aligned_alloc(64, (floats * sizeof *items + 64) & ~(size_t)63);
    float *zeros = calloc(FACTORS_COLS, sizeof *zeros);
    *(packed ? &tiles->panels : &tiles->last) = items;
    tiles->zeros = zeros;
    if (items == NULL || zeros == NULL) {
        factors_tiles_close(tiles);
        return status_fail(STATUS_SYSTEM, "memory is out: %zu bytes for item factors in tiles",
                           floats * sizeof *items);
    }
    if (packed) {
        pack_panels(f, n_tiles * (FACTORS_COLS / NN_TILE_COLS), tiles->panels);
        return STATUS_OK;
    }
    const uint32_t first = f->n_items / FACTORS_COLS * FACTORS_COLS;
    memset(items, 0, floats * sizeof *items);
    for (uint32_t i = first; i < f->n_items; i++)
        memcpy(items + (size_t)(i - first) * f->factors, f->item + (size_t)i * f->ld_item,
               f->factors * sizeof(float));
    return STATUS_OK;
}

void factors_tiles_close(struct factors_tiles *tiles)
{
    free(tiles->last);
    free(tiles->panels);
    free(tiles->zeros);
    *tiles = (struct factors_tiles){0};
}

void factors_pack(const struct factors *f, const uint32_t *users, size_t n, float *packed)
{
    for (size_t r = 0; r < n; r++)
        memcpy(packed + r * f->factors, f->user + users[r] * f->ld_user, f->factors * sizeof(float));
    memset(packed + n * f->factors, 0, (FACTORS_ROWS - n) * f->factors * sizeof(float));
}

enum status factors_tile(const struct factors_tiles *tiles, const struct backend *backend,
                         const float *packed, uint32_t first_item, float *scores, size_t ld)
{
    const struct factors *f = tiles->f;
    if (f->factors == 0) {
        for (size_t r = 0; r < FACTORS_ROWS; r++)
            memset(scores + r * ld, 0, sizeof(float) * FACTORS_COLS);
        return STATUS_OK;
    }
    if (tiles->panels != NULL) {
        const int panels = FACTORS_COLS / NN_TILE_COLS;
        const int fit = (int)(PANELS_BYTES / (f->factors * NN_TILE_COLS * sizeof *tiles->panels));
        const int group = fit < 1 ? 1 : fit < panels ? fit : panels;
        const struct nn_linear product = {.x = packed,
                                          .w = tiles->panels + (size_t)first_item * f->factors,
                                          .bias = tiles->zeros,
                                          .y = scores,
                                          .ldx = f->factors,
                                          .ldy = (long)ld,
                                          .n_tiles = FACTORS_ROWS / NN_TILE_ROWS,
                                          .k = (int)f->factors,
                                          .n_panels = panels,
                                          .group = group};
        return backend_launch(backend, &kernel_nn_linear, &product,
                              product.n_tiles * ((panels + group - 1) / group), 0);
    }
    const int whole = f->n_items - first_item >= FACTORS_COLS;
    return backend_sgemm(backend, false, true, FACTORS_ROWS, FACTORS_COLS, f->factors, 1.0f, packed,
                         f->factors, whole ? f->item + (size_t)first_item * f->ld_item : tiles->last,
                         whole ? f->ld_item : f->factors, 0.0f, scores, ld);
}
