/* early.c - see early.h. */
#include "models/early.h"

#include <string.h>

void early_open(struct early *e, int patience, const struct run *run)
{
    *e = (struct early){.on = patience > 0 && run->validate != NULL, .patience = patience};
}

enum status early_bytes(struct early *e, void *live, size_t bytes, struct run *run)
{
    if (!e->on)
        return STATUS_OK;
    if (e->n_parts == EARLY_PARTS)
        return status_fail(STATUS_SYSTEM, "early stopping keeps at most %d arrays of a model", EARLY_PARTS);
    e->part[e->n_parts].live = live;
    e->part[e->n_parts].bytes = bytes;
    e->part[e->n_parts].kept = arena_alloc(run->scratch, bytes > 0 ? bytes : 1, 1);
    return e->part[e->n_parts++].kept != NULL ? STATUS_OK : STATUS_SYSTEM;
}

enum status early_step(struct early *e, const void *state, int epoch, struct run *run, bool *stop)
{
    double quality;
    *stop = false;
    if (!e->on)
        return STATUS_OK;
    TRY(run->validate(run->validate_context, state, &quality));
    run_curve(run, "validation ndcg@10", epoch, quality);
    if (e->best == 0 || quality > e->quality) {
        e->best = epoch;
        e->quality = quality;
        for (size_t i = 0; i < e->n_parts; i++)
            memcpy(e->part[i].kept, e->part[i].live, e->part[i].bytes);
    }
    *stop = epoch - e->best >= e->patience;
    return STATUS_OK;
}

enum status early_close(struct early *e, struct run *run)
{
    if (!e->on || e->best == 0)
        return STATUS_OK;
    for (size_t i = 0; i < e->n_parts; i++) {
        memcpy(e->part[i].live, e->part[i].kept, e->part[i].bytes);
        TRY(backend_changed(run->backend, e->part[i].live));
    }
    run->epochs = (uint32_t)e->best;
    return STATUS_OK;
}
