/*
 * synth_enrol.c - see synth_enrol.h.
 *
 * Tickets are walked from the largest key down.  One that is not open is passed over and waits; whenever one is taken, those waiting that
 * it opens come at once, the largest key first, for their keys are larger than all that is left.
 */
#include "data/synth_enrol.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/synth_text.h"

enum mark { AHEAD, WAITING, TAKEN };
struct synth_enrolment {
    const struct csr *needs, *opens;
    uint32_t *place;             /* [n_items] among the tickets; UINT32_MAX: none */
    uint8_t *mark;               /* [n_items] of each place */
    uint32_t *ready;             /* [n_items] places that wait no longer */
    struct synth_ticket *sorted; /* [n_items] */
};

struct synth_enrolment *synth_enrolment_new(const struct csr *needs, const struct csr *opens)
{
    const uint32_t n = needs->n_rows;
    struct synth_enrolment *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    *e = (struct synth_enrolment){needs,
                                  opens,
                                  malloc(n * sizeof *e->place),
                                  malloc(n),
                                  malloc(n * sizeof *e->ready),
                                  malloc(n * sizeof *e->sorted)};
    if (e->place == NULL || e->mark == NULL || e->ready == NULL || e->sorted == NULL) {
        synth_enrolment_free(e);
        return NULL;
    }
    return e;
}

void synth_enrolment_free(struct synth_enrolment *e)
{
    if (e != NULL) {
        free(e->place);
        free(e->mark);
        free(e->ready);
        free(e->sorted);
    }
    free(e);
}

struct walk {
    struct synth_enrolment *e;
    const struct synth_choice *choice;
    uint64_t seed;
    uint32_t user;
    uint64_t n, n_out; /* to be taken, taken */
    struct synth_ticket *out;
};

static bool is_open(const struct walk *w, uint32_t item)
{
    const struct synth_enrolment *e = w->e;
    for (int64_t k = e->needs->ptr[item]; k < e->needs->ptr[item + 1]; k++) {
        const uint32_t need = e->needs->idx[k], at = e->place[need];
        const bool had = w->choice->taken[need] || (at != UINT32_MAX && e->mark[at] == TAKEN);
        if (!had)
            return synth_unit(w->seed, SYNTH_HASTE, w->user, item) < SYNTH_HASTE_SHARE;
    }
    return true;
}

/* Takes the ticket at that place, then all that wait for nothing else. */
static void take(struct walk *w, uint32_t place)
{
    struct synth_enrolment *e = w->e;
    uint32_t n_ready = 1;
    e->ready[0] = place;
    while (n_ready > 0 && w->n_out < w->n) {
        uint32_t best = 0;
        for (uint32_t k = 1; k < n_ready; k++)
            best = e->ready[k] < e->ready[best] ? k : best;
        const uint32_t at = e->ready[best], item = e->sorted[at].item;
        e->ready[best] = e->ready[--n_ready];
        e->mark[at] = TAKEN;
        w->out[w->n_out++] = e->sorted[at];
        for (int64_t k = e->opens->ptr[item]; k < e->opens->ptr[item + 1]; k++) {
            const uint32_t next = e->place[e->opens->idx[k]];
            if (next != UINT32_MAX && e->mark[next] == WAITING && is_open(w, e->opens->idx[k]))
                e->ready[n_ready++] = next;
        }
    }
}

/* Of the m tickets in w->out, w->n in the order of being taken, into w->out. */
static void walk(struct walk *w, uint64_t m)
{
    struct synth_enrolment *e = w->e;
    memcpy(e->sorted, w->out, m * sizeof *e->sorted);
    qsort(e->sorted, m, sizeof *e->sorted, synth_ticket_compare);
    memset(e->place, 0xff, e->needs->n_rows * sizeof *e->place);
    for (uint32_t k = 0; k < m; k++) {
        e->place[e->sorted[k].item] = k;
        e->mark[k] = AHEAD;
    }
    w->n_out = 0;
    for (uint32_t k = 0; k < m && w->n_out < w->n; k++) {
        if (is_open(w, e->sorted[k].item))
            take(w, k);
        else
            e->mark[k] = WAITING;
    }
}

void synth_enrol(struct synth_enrolment *e, const struct synth_choice *choice, uint64_t seed, uint32_t user,
                 uint64_t n, struct synth_ticket *heap)
{
    uint64_t m = 0;
    for (uint32_t i = 0; i < choice->n_items; i++)
        m += !choice->taken[i];
    struct walk w = {.e = e, .choice = choice, .seed = seed, .user = user, .n = n, .out = heap};
    synth_choose(choice, seed, user, m, heap);
    walk(&w, m);
    for (uint64_t k = 0; k < n; k++)
        heap[k].key = synth_unit(seed, SYNTH_ORDER, user, heap[k].item);
    walk(&w, n);
}
