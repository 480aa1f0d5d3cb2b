/*
 * synth_choice.h - inside of synth: drawing a user's items.
 */
#ifndef DATA_SYNTH_CHOICE_H
#define DATA_SYNTH_CHOICE_H
#include <stdint.h>

struct synth_ticket {
    double key;
    uint32_t item;
};
/* Largest key first, then lowest item. */
int synth_ticket_compare(const void *a, const void *b);

enum { SYNTH_BINS = 4096 };
void synth_bounds(double bound[SYNTH_BINS]);

struct synth_choice {
    uint32_t n_items;
    const double *preference; /* [n_items] */
    const float *exposure;    /* [n_items] */
    const uint8_t *taken;     /* [n_items] not 0: not to be drawn; NULL: none */
    uint64_t first;           /* the draws are those of first .. first + n_items - 1 */
    const double *bound;      /* [SYNTH_BINS] of synth_bounds() */
};
/* The n <= n_items (untaken ones) with the largest preference + exposure + Gumbel number, in no order; heap: [n]. */
void synth_choose(const struct synth_choice *choice, uint64_t seed, uint32_t user, uint64_t n,
                  struct synth_ticket *heap);

#endif
