/*
 * probe.h - has a language model read this dataset?  The end of a row as the publisher's files have it is scored behind the row's true beginning
 * and behind a changed one; a model that has learned the file by heart finds it likelier behind the true one.
 *
 *   ratings  UserID::MovieID::Rating::Timestamp (without the time where there is none)
 *            changed: the user, scored: item, rating and time; changed: the item, scored: rating and time
 *   items    MovieID::Title::Genre|Genre
 *            changed: the id, scored: title and genres; changed: the title, scored: genres
 *
 * That a film is a comedy (items, title) is knowledge of the world; its number, and who rated what, stand in the file alone (after
 * Carlini et al. 2021; Di Palma et al., SIGIR 2025).  The same text is scored both times, so that how likely it is anyway falls out; what
 * stands in is of the same popularity and, of an id, has as many bytes.  Other rows of the file, drawn by lots, stand before both, to show its
 * form: behind those that precede it in a sorted file the true row could be told by its order.
 */
#ifndef FUSION_PROBE_H
#define FUSION_PROBE_H
#include "data/dataset.h"
#include "llm/decoder.h"

enum { PROBE_CHANGES = 4, PROBE_STRATA = 3, PROBE_LINES = PROBE_CHANGES * PROBE_STRATA };

struct probe_options {
    uint32_t rows;    /* of each kind and stratum, at most */
    uint32_t context; /* rows before each */
    uint64_t seed;
};

/* One change in one stratum: items by popularity, each stratum with a third of the interactions. */
struct probe_line {
    const char *rows, *changed, *stratum; /* ratings, items; user, item, id, title; head, middle, tail */
    uint32_t n;
    double likelier; /* share of rows whose end is likelier behind the true beginning (equal: half) */
    double difference, low,
        high; /* mean log-likelihood behind the true less behind the changed one, nats, and its 95 % interval
                                   * (paired t); NaN for n < 2 */
    double p, p_holm; /* two-sided; corrected for all lines there are (Holm) */
};

/* Lines in order of rows, change, stratum; those without a row are left out.  STATUS_DATA: nothing to ask about.  Statuses of
 * decoder_forward(). */
enum status probe_run(const struct decoder *decoder, const struct dataset *dataset,
                      const struct probe_options *options, struct arena *arena,
                      struct probe_line lines[PROBE_LINES], size_t *n_lines);

#endif
