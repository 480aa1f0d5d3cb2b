/* factors.c - see factors.h. */
#include "models/factors.h"

#include <stdlib.h>
#include <string.h>

enum status factors_tiles_open(const struct factors *f, struct factors_tiles *tiles)
{
    const size_t width = f->factors > 0 ? f->factors : 1;
    *tiles = (struct factors_tiles){.f = f, .last = calloc(FACTORS_COLS * width, sizeof(float))};
    if (tiles->last == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: %zu bytes for a tile of item factors",
                           FACTORS_COLS * width * sizeof(float));
    const uint32_t first = f->n_items / FACTORS_COLS * FACTORS_COLS;
    for (uint32_t i = first; i < f->n_items; i++)
        memcpy(tiles->last + (size_t)(i - first) * f->factors, f->item + (size_t)i * f->ld_item,
               f->factors * sizeof(float));
    return STATUS_OK;
}

void factors_tiles_close(struct factors_tiles *tiles)
{
    free(tiles->last);
    tiles->last = NULL;
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
    const int whole = f->n_items - first_item >= FACTORS_COLS;
    return backend_sgemm(backend, false, true, FACTORS_ROWS, FACTORS_COLS, f->factors, 1.0f, packed,
                         f->factors, whole ? f->item + (size_t)first_item * f->ld_item : tiles->last,
                         whole ? f->ld_item : f->factors, 0.0f, scores, ld);
}
