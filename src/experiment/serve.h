/*
 * serve.h - `recfuse serve-events LOOP.yaml --state DIR`, or --run RUN_DIR in place of the file: events in, recommendations out, one JSON object a line, and nothing that was
 * acknowledged is ever lost.
 *
 *     {"event": "click", "user": "12", "item": "50", "id": "a1"}        -> {"ack": 1}
 *     {"event": "rate", "user": "12", "item": "7", "value": 4}          -> {"ack": 2}     value: on the dataset's scale
 *     {"event": "show"|"skip", "user": ..., "item": ...}                -> {"ack": 3}
 *     {"recommend": "12", "k": 10}        -> {"user": "12", "items": [{"item": "50", "title": "..."}, ...], "ack": 13}; counts as k showings
 *     {"recommend": "12", "explain": true} -> likewise, and "changes": [{"rule": "mmr", "item": "50", "before": 4, "after": 2, "score_before": ...,
 *         "score_after": ...}, ...]: every place that a rule, "linucb" or "epsilon_greedy" changed (feedback.h); after null: removed
 *     {"digest": true}                    -> {"events": 13, "digest": SHA-256 of the state}
 *     anything else                       -> {"error": "line 4: ..."}
 *
 * DIR/events.jsonl is a journal: an accepted event is written and fsync'ed before its answer goes out (events that arrive together share one
 * fsync).  On the next start the state is made again from the model and the journal: the same state, for it is a function of both.  An event
 * with an `id` that was seen before is acknowledged and changes nothing, so a client that got no answer sends it again.  After each
 * refit_every answered events (clicks, skips, ratings) the model is fitted anew on train rows and what users took.
 */
#ifndef EXPERIMENT_SERVE_H
#define EXPERIMENT_SERVE_H
#include <signal.h>
#include <stdio.h>

#include "base/status.h"

struct serve_options {
    const char *file;  /* YAML: `serve: {refit_every: 1000, seed: 0}` and the blocks of loop.h; NULL: `run` */
    const char *run;   /* a run whose experiment has a block `feedback` */
    const char *state; /* folder of the journal, made when missing */
    int input;         /* a file descriptor: standard input, or a file of events */
    int threads;
    const volatile sig_atomic_t *signal;
};
/* Until the end of the input, or a signal (STATUS_STOPPED).  STATUS_DATA: a damaged journal, one of another configuration or dataset, or at
 * least one line was refused (all others were taken).  STATUS_SYSTEM: the journal can't be written: nothing after the last answer counts. */
enum status serve_run(const struct serve_options *options, FILE *out);

#endif
