/*
 * node.c - see node.h.  libyaml's events become a tree.
 *
 * An alias shares its anchor's children; what it would expand to counts towards LIMIT_NODES, so that a few
 * lines of nested aliases (a "billion laughs" file) are refused instead of followed.
 */
#include "base/node.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/fsio.h"

enum { LIMIT_NODES = 100000, LIMIT_DEPTH = 64, LIMIT_ANCHORS = 256, LIMIT_BYTES = 16 << 20 };

struct anchor {
    const char *name;
    struct node *node;
    size_t size; /* nodes in it */
};
struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    const char *file;
    struct anchor anchor[LIMIT_ANCHORS];
    size_t n_anchors, n_nodes;
};

static enum status fail_at(const char *file, int line, int column, const char *format, va_list arguments)
{
    char text[1536];
    vsnprintf(text, sizeof text, format, arguments);
    return status_fail(STATUS_USAGE, "%s:%d:%d: %s", file, line, column, text);
}

enum status node_fail(const struct node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const enum status s = fail_at(node->file, node->line, node->column, format, arguments);
    va_end(arguments);
    return s;
}

enum status node_fail_key(const struct node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int line = node->key != NULL ? node->key_line : node->line;
    const enum status s =
        fail_at(node->file, line, node->key != NULL ? node->key_column : node->column, format, arguments);
    va_end(arguments);
    return s;
}

/* A failure at a mark of the parser. */
__attribute__((format(printf, 3, 4))) static enum status fail_mark(struct reader *r, const yaml_mark_t *mark,
                                                                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const enum status s = fail_at(r->file, (int)mark->line + 1, (int)mark->column + 1, format, arguments);
    va_end(arguments);
    return s;
}

static enum status next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return STATUS_OK;
    const char *problem = r->parser.problem != NULL ? r->parser.problem : "could not be parsed";
    if (r->parser.error == YAML_READER_ERROR)
        return status_fail(STATUS_USAGE, "%s: byte %zu: %s (expected UTF-8 text)", r->file,
                           r->parser.problem_offset, problem);
    return fail_mark(r, &r->parser.problem_mark, "not valid YAML: %s%s%s", problem,
                     r->parser.context != NULL ? " " : "",
                     r->parser.context != NULL ? r->parser.context : "");
}

static enum status read_node(struct reader *r, const yaml_event_t *event, int depth, struct node **out);

/* A mapping's or a sequence's children, up to its end event. */
static enum status read_children(struct reader *r, struct node *node, int depth)
{
    const yaml_event_type_t end = node->kind == NODE_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    size_t allocated = 0;
    struct node **child = NULL;
    for (;;) {
        yaml_event_t event;
        yaml_mark_t key_mark = {0};
        char *key = NULL;
        TRY(next_event(r, &event));
        if (event.type == end) {
            yaml_event_delete(&event);
            break;
        }
        if (node->kind == NODE_MAP) {
            key_mark = event.start_mark;
            if (event.type != YAML_SCALAR_EVENT) {
                yaml_event_delete(&event);
                return fail_mark(r, &key_mark, "a key must be a plain word");
            }
            key = arena_strdup(r->arena, (const char *)event.data.scalar.value);
            yaml_event_delete(&event);
            if (key == NULL)
                return STATUS_SYSTEM;
            node->child = child;
            const struct node *twin = node_get(node, key);
            if (twin != NULL)
                return fail_mark(r, &key_mark, "key '%s' stands twice (first in line %d): keep one", key,
                                 twin->key_line);
            TRY(next_event(r, &event));
        }
        struct node *item;
        const enum status s = read_node(r, &event, depth + 1, &item);
        yaml_event_delete(&event);
        TRY(s);
        item->key = key;
        item->key_line = (int)key_mark.line + 1;
        item->key_column = (int)key_mark.column + 1;
        if (node->n == allocated) {
            allocated = allocated == 0 ? 8 : allocated * 2;
            struct node **grown = arena_alloc(r->arena, allocated, sizeof *grown);
            if (grown == NULL)
                return STATUS_SYSTEM;
            if (node->n > 0)
                memcpy(grown, child, node->n * sizeof *grown);
            child = grown;
        }
        child[node->n++] = item;
    }
    node->child = child;
    return STATUS_OK;
}

static enum status read_alias(struct reader *r, const yaml_event_t *event, struct node *node)
{
    const char *name = (const char *)event->data.alias.anchor;
    for (size_t i = 0; i < r->n_anchors; i++) {
        if (strcmp(r->anchor[i].name, name) != 0)
            continue;
        *node = *r->anchor[i].node;
        r->n_nodes += r->anchor[i].size;
        if (r->n_nodes > LIMIT_NODES)
            return fail_mark(r, &event->start_mark,
                             "aliases expand to more than %d entries: write them out or fewer", LIMIT_NODES);
        return STATUS_OK;
    }
    return fail_mark(r, &event->start_mark, "alias *%s names no anchor above it", name);
}

static enum status read_node(struct reader *r, const yaml_event_t *event, int depth, struct node **out)
{
    struct node *node;
    const yaml_char_t *anchor = NULL;
    const size_t before = r->n_nodes;
    ARENA_NEW(node, r->arena, 1);
    *out = node;
    if (++r->n_nodes > LIMIT_NODES)
        return fail_mark(r, &event->start_mark, "more than %d entries", LIMIT_NODES);
    if (depth > LIMIT_DEPTH)
        return fail_mark(r, &event->start_mark, "nested deeper than %d levels", LIMIT_DEPTH);
    if (event->type == YAML_ALIAS_EVENT)
        return read_alias(r, event, node);
    node->file = r->file;
    node->line = (int)event->start_mark.line + 1;
    node->column = (int)event->start_mark.column + 1;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        node->kind = NODE_SCALAR;
        anchor = event->data.scalar.anchor;
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        if (memchr(event->data.scalar.value, '\0', event->data.scalar.length) != NULL)
            return node_fail(node, "a NUL character stands in the text");
        node->text = arena_strdup(r->arena, (const char *)event->data.scalar.value);
        if (node->text == NULL)
            return STATUS_SYSTEM;
        break;
    case YAML_SEQUENCE_START_EVENT:
        node->kind = NODE_LIST;
        anchor = event->data.sequence_start.anchor;
        TRY(read_children(r, node, depth));
        break;
    case YAML_MAPPING_START_EVENT:
        node->kind = NODE_MAP;
        anchor = event->data.mapping_start.anchor;
        TRY(read_children(r, node, depth));
        break;
    default:
        return node_fail(node, "found something else where a value was expected");
    }
    if (anchor != NULL) {
        if (r->n_anchors == LIMIT_ANCHORS)
            return node_fail(node, "more than %d anchors", LIMIT_ANCHORS);
        const char *name = arena_strdup(r->arena, (const char *)anchor);
        if (name == NULL)
            return STATUS_SYSTEM;
        r->anchor[r->n_anchors++] = (struct anchor){name, node, r->n_nodes - before};
    }
    return STATUS_OK;
}

static enum status read_document(struct reader *r, struct node **out)
{
    yaml_event_t event;
    *out = NULL;
    for (;;) {
        TRY(next_event(r, &event));
        const yaml_event_type_t type = event.type;
        enum status s = STATUS_OK;
        if (type == YAML_DOCUMENT_START_EVENT && *out != NULL)
            s = fail_mark(r, &event.start_mark, "a second document starts here: one is expected");
        else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
                 type != YAML_DOCUMENT_END_EVENT && type != YAML_STREAM_END_EVENT)
            s = read_node(r, &event, 0, out);
        yaml_event_delete(&event);
        TRY(s);
        if (type == YAML_STREAM_END_EVENT)
            break;
    }
    if (*out == NULL)
        return status_fail(STATUS_USAGE, "%s: is empty: expected a YAML document", r->file);
    return STATUS_OK;
}

enum status node_parse(const char *file, const char *bytes, size_t n, struct arena *arena, struct node **out)
{
    struct reader *r;
    ARENA_NEW(r, arena, 1);
    r->arena = arena;
    r->file = arena_strdup(arena, file);
    if (r->file == NULL)
        return STATUS_SYSTEM;
    if (!yaml_parser_initialize(&r->parser))
        return status_fail(STATUS_SYSTEM, "out of memory for the YAML parser");
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)bytes, n);
    const enum status s = read_document(r, out);
    yaml_parser_delete(&r->parser);
    return s;
}

enum status node_parse_file(const char *path, struct arena *arena, struct node **out)
{
    char *bytes;
    size_t n;
    TRY(read_whole_file(path, LIMIT_BYTES, arena, &bytes, &n));
    return node_parse(path, bytes, n, arena, out);
}

struct node *node_get(const struct node *map, const char *key)
{
    if (map == NULL || map->kind != NODE_MAP)
        return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->child[i]->key, key) == 0)
            return map->child[i];
    return NULL;
}

enum status node_double(const struct node *node, double *out)
{
    char *end;
    if (node->kind != NODE_SCALAR || node->text[0] == '\0' || node->quoted ||
        strspn(node->text, "+-.0123456789eE") != strlen(node->text))
        return node_fail(node, "found %s%s%s, expected a number", node->kind == NODE_SCALAR ? "'" : "",
                         node->kind == NODE_SCALAR ? node->text
                         : node->kind == NODE_LIST ? "a list"
                                                   : "a mapping",
                         node->kind == NODE_SCALAR ? "'" : "");
    *out = strtod(node->text, &end);
    if (*end != '\0' || !isfinite(*out))
        return node_fail(node, "found '%s', expected a finite number", node->text);
    return STATUS_OK;
}

enum status node_int(const struct node *node, long long *out)
{
    double value = 0;
    TRY(node_double(node, &value));
    if (value != floor(value) || fabs(value) > 9007199254740992.0)
        return node_fail(node, "found '%s', expected a whole number", node->text);
    *out = (long long)value;
    return STATUS_OK;
}

enum status node_bool(const struct node *node, bool *out)
{
    if (node->kind == NODE_SCALAR && !node->quoted) {
        *out = strcmp(node->text, "true") == 0;
        if (*out || strcmp(node->text, "false") == 0)
            return STATUS_OK;
    }
    return node_fail(node, "found %s%s%s, expected true or false", node->kind == NODE_SCALAR ? "'" : "",
                     node->kind == NODE_SCALAR ? node->text
                     : node->kind == NODE_LIST ? "a list"
                                               : "a mapping",
                     node->kind == NODE_SCALAR ? "'" : "");
}
