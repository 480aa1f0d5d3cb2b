/*
 * trec.h - lists and judgements of other systems from files, by the publisher's ids: TREC's run and qrels formats, or csv.
 *
 *   run    user Q0 item rank score tag     the order comes from the score, as in trec_eval; rank and tag are not read
 *   qrels  user 0 item relevance           whole or decimal numbers
 *   csv    a header with user, item and, for a run, score or rank (without either: the order of the file); for qrels
 *          relevance, rating or value (without: 1)
 */
#ifndef EVAL_TREC_H
#define EVAL_TREC_H
#include "base/csr.h"
#include "base/strings.h"
#include "eval/rank.h"

/* Rows of a file as they stand in it. */
struct trec_rows {
    size_t n;
    uint32_t *user, *item; /* [n] places in the maps */
    double *value;         /* [n] score or relevance */
};

/* Reads a run or qrels; users and items are added to the maps in order of appearance.  A name that ends in .csv is csv.
 * STATUS_DATA with file:line for a wrong number of fields, a number that is none, a pair that stands twice. */
enum status trec_read_run(const char *path, struct string_map *users, struct string_map *items,
                          struct arena *arena, struct trec_rows *out);
enum status trec_read_qrels(const char *path, struct string_map *users, struct string_map *items,
                            struct arena *arena, struct trec_rows *out);

/* A run whose ids must all stand in the maps: else STATUS_DATA with file:line. */
enum status trec_read_known(const char *path, struct string_map *users, struct string_map *items,
                            struct arena *arena, struct trec_rows *out);

/* Lists of all users of the map, places 0 .. n_users - 1, best score first, k places each: the longest list, or `least` where that
 * is more; an empty list where the run has none.  Equal scores keep the file's order; by_document: scores are compared as
 * float and equal ones go by item id, descending (strcmp), as in trec_eval. */
enum status trec_lists(const struct trec_rows *run, const struct string_map *users,
                       const struct string_map *items, uint32_t least, bool by_document, struct arena *arena,
                       struct lists *out);

#endif
