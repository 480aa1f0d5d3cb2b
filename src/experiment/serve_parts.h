/* serve_parts.h - what serve.c, serve_events.c and serve_journal.c share: the server, its events, its journal. */
#ifndef EXPERIMENT_SERVE_PARTS_H
#define EXPERIMENT_SERVE_PARTS_H
#include <jansson.h>

#include "base/strings.h"
#include "experiment/loop_run.h"
#include "experiment/serve.h"

struct server {
    struct arena *arena;
    struct run run;
    struct serve_settings head;
    struct experiment experiment; /* of --run */
    struct loop loop;
    struct item_vectors vectors;
    struct nested fitted;
    struct feedback *f;
    struct string_map *users, *items, *ids;
    const struct column *title;
    char config[SHA256_HEX], path[4096];
    int journal;
    uint64_t n, answered,
        refits_from;         /* events; answered ones; replay skips refits before that many answered */
    char *waiting, *answers; /* what is not yet in the journal, and not yet said */
    size_t n_waiting, n_answers, n_together, n_refused;
    FILE *waiting_stream, *answers_stream;
};

/* The place of a user or item by its publisher's id, a text or a whole number; UINT32_MAX: the map has it not. */
uint32_t serve_find(const struct string_map *map, const json_t *id);
/* The event in `line`, or false and a sentence in `mistake`. */
bool serve_parse_event(const struct server *s, const json_t *line, struct feedback_event *e, char *mistake,
                       size_t room);
/* Has a line that comes in no `id`, or one that can be compared?  Another would be counted again each time that it is sent. */
bool serve_id_is_fine(const json_t *line, char *mistake, size_t room);
/* False where an event with the line's `id` was taken before.  *status: STATUS_SYSTEM where memory is out; else left alone. */
bool serve_is_new(struct server *s, const json_t *line, enum status *status);
/* Takes an event into the state and, every refit_every answered ones, fits the model again (STATUS_STOPPED where that is
 * cancelled). */
enum status serve_take(struct server *s, const struct feedback_event *e);

/* Opens and locks FOLDER/events.jsonl, takes its events into the state, cuts off what a kill tore; begins it where it is empty.
 * STATUS_DATA where it is damaged, another configuration's or no journal; STATUS_STOPPED; STATUS_SYSTEM. */
enum status serve_open_journal(struct server *s, const char *folder);
/* On the disk when it returns. */
enum status serve_append(const struct server *s, const char *bytes, size_t n);

#endif
