/*
 * synth_enrol.h - inside of synth: taking courses whose prerequisites come first.
 *
 * At each step a user takes, of the courses that are open to him, the one with the largest preference + exposure + Gumbel number.  A course
 * is open when he has taken all its prerequisites; to a share of the pairs of user and course (SYNTH_HASTE_SHARE) it is open always.
 * The order in time is a random one among those in which nobody takes what isn't open.
 */
#ifndef DATA_SYNTH_ENROL_H
#define DATA_SYNTH_ENROL_H
#include "base/csr.h"
#include "data/synth_choice.h"

#define SYNTH_HASTE_SHARE 0.06

/* What one thread works with. */
struct synth_enrolment;
/* needs, opens: [n_items x n_items] prerequisites, without a cycle, and their transpose; they must outlive the enrolment.  NULL: memory. */
struct synth_enrolment *synth_enrolment_new(const struct csr *needs, const struct csr *opens);
void synth_enrolment_free(struct synth_enrolment *e); /* NULL is fine */
/* As synth_choose(): n untaken items into heap, in the order of time; the choice's taken ones count as taken before.  heap: [n_items]. */
void synth_enrol(struct synth_enrolment *e, const struct synth_choice *choice, uint64_t seed, uint32_t user,
                 uint64_t n, struct synth_ticket *heap);

#endif
