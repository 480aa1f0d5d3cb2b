/*
 * node.h - a parsed YAML document as a tree that remembers where each piece stood, so that every complaint
 * can say file:line:column.  Parsing is libyaml's; duplicate keys, aliases beyond a budget (bombs), several
 * documents and depth beyond 64 are errors.
 */
#ifndef BASE_NODE_H
#define BASE_NODE_H
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    const char *file;
    int line, column; /* from 1 */
    const char *key;  /* in a map: this child's key; else NULL */
    int key_line, key_column;
    const char *text; /* scalar: UTF-8, terminated */
    bool quoted;      /* scalar: written in quotes, thus a string whatever it looks like */
    size_t n;         /* list and map: children */
    struct node **child;
};

/* STATUS_DATA: missing file; STATUS_USAGE: not valid YAML or refused, with file:line:column. */
enum status node_parse_file(const char *path, struct arena *arena, struct node **out);
enum status node_parse(const char *file, const char *bytes, size_t n, struct arena *arena, struct node **out);
/* The child of a map, or NULL. */
struct node *node_get(const struct node *map, const char *key);
/* STATUS_USAGE "FILE:LINE:COLUMN: sentence". */
enum status node_fail(const struct node *node, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum status node_fail_key(const struct node *node, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Scalars.  Numbers: decimal or scientific, whole string, finite. */
enum status node_double(const struct node *node, double *out);
enum status node_int(const struct node *node, long long *out);
enum status node_bool(const struct node *node, bool *out);

#endif
