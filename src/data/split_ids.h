/*
 * split_ids.h - from the ids that a published split uses to the dataset's dense ones.
 */
#ifndef DATA_SPLIT_IDS_H
#define DATA_SPLIT_IDS_H
#include "base/param.h"
#include "data/dataset.h"

enum ids_kind {
    IDS_PUBLISHER, /* as in the publisher's files: /users/id, /items/id */
    IDS_DENSE0,    /* the dataset's own numbers, from 0 (order of first appearance in the source) */
    IDS_DENSE1,    /* the same from 1 */
    IDS_MAP        /* a file of pairs: an id of the split and the publisher's */
};
struct ids_side {
    enum ids_kind kind;
    const char *path; /* IDS_MAP */
};
/* What `ids:` says: one word, or {users: WORD or FILE, items: WORD or FILE, order:
 * id_publisher|publisher_id}. */
struct ids_choice {
    struct ids_side users, items;
    bool publisher_first; /* of map files */
};
/* node NULL: publisher.  STATUS_USAGE with the place. */
enum status ids_parse(const struct node *node, struct ids_choice *out);

/* One side, ready to look up.  Freed by ids_free(). */
struct ids {
    enum ids_kind kind;
    const char *noun; /* "user" or "item" */
    uint32_t n;       /* dense ids: 0 .. n - 1 */
    struct string_map *map;
    uint32_t *dense; /* IDS_MAP: of the map's positions; UINT32_MAX: the dataset lacks that id */
};
/* STATUS_DATA: a line of a map file that is no pair, an id that stands twice, and, unless `drop`, a
 * publisher's id that the dataset lacks (with a hint at the other order). */
enum status ids_open(const struct ids_side *side, bool publisher_first, bool drop, const char *noun,
                     const struct strings *publisher, struct arena *arena, struct ids *out);
/* UINT32_MAX: unknown. */
uint32_t ids_find(const struct ids *ids, const char *id, uint32_t length);
void ids_free(struct ids *ids);

#endif
