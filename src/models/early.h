/*
 * early.h - early stopping: a fit by epochs keeps the state that did best on validation rows, and stops when `patience` epochs brought no better one.
 */
#ifndef MODELS_EARLY_H
#define MODELS_EARLY_H
#include "models/model.h"

enum { EARLY_PARTS = 6 };
struct early {
    bool on; /* patience is set and there are validation rows */
    int patience;
    int best; /* epochs of the state kept */
    double quality;
    size_t n_parts;
    struct {
        void *live, *kept; /* [bytes] */
        size_t bytes;
    } part[EARLY_PARTS];
};
void early_open(struct early *e, int patience, const struct run *run);
/* An array of the state that is kept and brought back: so many bytes, or n floats. */
enum status early_bytes(struct early *e, void *live, size_t bytes, struct run *run);
static inline enum status early_part(struct early *e, float *live, size_t n, struct run *run)
{
    return early_bytes(e, live, n * sizeof *live, run);
}
/* After epoch `epoch` (from 1) of the state; *stop: enough. */
enum status early_step(struct early *e, const void *state, int epoch, struct run *run, bool *stop);
/* The best state is back; run->epochs says how many epochs it took. */
enum status early_close(struct early *e, struct run *run);

#endif
