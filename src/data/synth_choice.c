/*
 * synth_choice.c - which items a user takes: the n largest of preference + exposure + a Gumbel number, by a heap of n.
 *
 * Most items can't come into the heap whatever their number within its bin, and are passed over without taking logarithms:
 * a table bounds the Gumbel number from above by the bin of the uniform number it is made of.  The result is that of
 * sorting all of them.
 */
#include <math.h>
#include <stdbool.h>

#include "data/synth_choice.h"
#include "data/synth_text.h"

enum { TILE = 64 };

int synth_ticket_compare(const void *a, const void *b)
{
    const struct synth_ticket *x = a, *y = b;
    if (x->key != y->key)
        return x->key > y->key ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* The worst ticket is heap[0]; moves the one at `at` down to its place. */
static void sift(struct synth_ticket *heap, uint64_t n, uint64_t at)
{
    const struct synth_ticket moved = heap[at];
    for (uint64_t child = 2 * at + 1; child < n; at = child, child = 2 * at + 1) {
        if (child + 1 < n && synth_ticket_compare(&heap[child + 1], &heap[child]) > 0)
            child++;
        if (synth_ticket_compare(&heap[child], &moved) <= 0)
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

void synth_bounds(double bound[SYNTH_BINS])
{
    for (int k = 0; k < SYNTH_BINS; k++) /* a little more, for the logarithm's own rounding */
        bound[k] = k + 1 < SYNTH_BINS ? -log(-log((k + 1.0) / SYNTH_BINS)) + 1e-9 : INFINITY;
}

/* May any of the m items from `from` on come into the heap whose worst key is `least`? */
static bool any_may_enter(const struct synth_choice *c, uint32_t from, uint32_t m, const double *unit,
                          double least)
{
    int any = 0;
    for (uint32_t k = 0; k < m; k++)
        any |=
            c->preference[from + k] + (double)c->exposure[from + k] + c->bound[(int)(unit[k] * SYNTH_BINS)] >=
            least;
    return any;
}

void synth_choose(const struct synth_choice *c, uint64_t seed, uint32_t user, uint64_t n,
                  struct synth_ticket *heap)
{
    uint64_t held = 0;
    double units[TILE];
    for (uint32_t i = 0; i < c->n_items; i++) {
        const uint32_t at = i % TILE, m = c->n_items - i < TILE ? c->n_items - i : TILE;
        if (at == 0) {
            random_units(seed, (enum random_purpose)(RANDOM_SYNTH + SYNTH_CHOICE), user, c->first + i, m,
                         units);
            if (held == n && !any_may_enter(c, i, m, units, heap[0].key)) {
                i += m - 1;
                continue;
            }
        }
        if (c->taken != NULL && c->taken[i])
            continue;
        const double unit = units[at], value = c->preference[i] + (double)c->exposure[i];
        if (held == n && value + c->bound[(int)(unit * SYNTH_BINS)] < heap[0].key)
            continue;
        const struct synth_ticket ticket = {value - log(-log(unit)), i};
        if (held < n) {
            heap[held++] = ticket;
            if (held == n)
                for (uint64_t k = n / 2; k-- > 0;)
                    sift(heap, n, k);
        } else if (synth_ticket_compare(&ticket, &heap[0]) < 0) {
            heap[0] = ticket;
            sift(heap, n, 0);
        }
    }
}
