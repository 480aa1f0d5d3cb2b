/*
 * split_ids.c - see split_ids.h.
 *
 * Published splits number users and items in their own ways and say so in map files of two columns, whose
 * order no one agrees on (`id publisher` or `publisher id`).  Numbers fit both readings too often to guess,
 * so the config says it; a wrong order is caught here, since then ids stand twice or are unknown to the
 * dataset.
 */
#include "data/split_ids.h"

#include <string.h>

#include "data/split_file.h"

static enum status parse_side(const struct node *node, struct ids_side *out)
{
    if (node->kind != NODE_SCALAR || node->text[0] == '\0')
        return node_fail(node, "expected publisher, dense0, dense1 or the path of a map file");
    out->path = NULL;
    if (strcmp(node->text, "publisher") == 0)
        out->kind = IDS_PUBLISHER;
    else if (strcmp(node->text, "dense0") == 0)
        out->kind = IDS_DENSE0;
    else if (strcmp(node->text, "dense1") == 0)
        out->kind = IDS_DENSE1;
    else {
        out->kind = IDS_MAP;
        out->path = node->text;
        return split_file_exists(node->text, node);
    }
    return STATUS_OK;
}

enum status ids_parse(const struct node *node, struct ids_choice *out)
{
    *out = (struct ids_choice){0};
    if (node == NULL)
        return STATUS_OK;
    if (node->kind == NODE_SCALAR) {
        struct ids_side side;
        if (strcmp(node->text, "publisher") != 0 && strcmp(node->text, "dense0") != 0 &&
            strcmp(node->text, "dense1") != 0)
            return node_fail(node,
                             "ids is '%s'; expected publisher, dense0, dense1 or {users: FILE, items: FILE, "
                             "order: id_publisher}",
                             node->text);
        TRY(parse_side(node, &side));
        out->users = out->items = side;
        return STATUS_OK;
    }
    if (node->kind != NODE_MAP)
        return node_fail(node,
                         "ids is a word or a map, as in {users: FILE, items: FILE, order: id_publisher}");
    const struct node *order = NULL;
    for (size_t i = 0; i < node->n; i++) {
        const struct node *child = node->child[i];
        if (strcmp(child->key, "users") == 0)
            TRY(parse_side(child, &out->users));
        else if (strcmp(child->key, "items") == 0)
            TRY(parse_side(child, &out->items));
        else if (strcmp(child->key, "order") == 0)
            order = child;
        else
            return node_fail_key(child, "unknown key '%s' of ids; there are users, items, order", child->key);
    }
    const bool any_map = out->users.kind == IDS_MAP || out->items.kind == IDS_MAP;
    if (any_map && order == NULL)
        return node_fail(
            node, "ids names a map file but not its `order`: id_publisher or publisher_id (which column "
                  "comes first)");
    if (order == NULL)
        return STATUS_OK;
    const bool id_first = order->kind == NODE_SCALAR && strcmp(order->text, "id_publisher") == 0;
    out->publisher_first = order->kind == NODE_SCALAR && strcmp(order->text, "publisher_id") == 0;
    if (!id_first && !out->publisher_first)
        return node_fail(order, "order of ids must be id_publisher or publisher_id");
    return STATUS_OK;
}

static struct string_map *map_of(const struct strings *strings)
{
    struct string_map *map = string_map_new();
    for (uint64_t i = 0; map != NULL && i < strings->n; i++) {
        if (string_map_add(map, strings_at(strings, i), strings_length(strings, i)) == UINT32_MAX) {
            string_map_free(map);
            return NULL;
        }
    }
    return map;
}

/* Cuts "a b": at the tab where there is one, else at the first space. */
static bool cut_pair(const char *line, size_t length, const char **second, size_t *first_length)
{
    const char *cut = memchr(line, '\t', length);
    if (cut == NULL)
        cut = memchr(line, ' ', length);
    if (cut == NULL || cut == line || cut + 1 == line + length)
        return false;
    *first_length = (size_t)(cut - line);
    *second = cut + 1;
    return true;
}

/* One line of a map file into ids->map and ids->dense; claimed[dense] counts the line that took it. */
static enum status map_line(const struct split_text *text, const char *line, size_t length,
                            bool publisher_first, bool drop, const struct string_map *known, size_t *claimed,
                            struct ids *ids)
{
    const char *second;
    size_t first_length;
    if (!cut_pair(line, length, &second, &first_length))
        return status_fail(STATUS_DATA, "%s:%zu: expected two ids with a tab or a space between", text->path,
                           text->line);
    const size_t second_length = (size_t)(line + length - second);
    const char *id = publisher_first ? second : line, *name = publisher_first ? line : second;
    const size_t id_length = publisher_first ? second_length : first_length;
    const size_t name_length = publisher_first ? first_length : second_length;
    const uint32_t before = string_map_size(ids->map);
    const uint32_t position = string_map_add(ids->map, id, id_length);
    if (position == UINT32_MAX)
        return STATUS_SYSTEM;
    if (position < before)
        return status_fail(STATUS_DATA,
                           "%s:%zu: %s id '%.*s' stands twice; is the order of the columns really %s?",
                           text->path, text->line, ids->noun, (int)id_length, id,
                           publisher_first ? "publisher_id" : "id_publisher");
    const uint32_t dense = string_map_find(known, name, name_length);
    ids->dense[position] = dense;
    if (dense == UINT32_MAX)
        return drop ? STATUS_OK
                    : status_fail(STATUS_DATA,
                                  "%s:%zu: the dataset has no %s '%.*s'; is the order of the columns "
                                  "really %s? (unknown: drop leaves such rows out)",
                                  text->path, text->line, ids->noun, (int)name_length, name,
                                  publisher_first ? "publisher_id" : "id_publisher");
    if (claimed[dense] != 0)
        return status_fail(STATUS_DATA, "%s:%zu: %s '%.*s' of the publisher stands in line %zu too",
                           text->path, text->line, ids->noun, (int)name_length, name, claimed[dense]);
    claimed[dense] = text->line;
    return STATUS_OK;
}

static enum status read_map(const char *path, bool publisher_first, bool drop, const struct string_map *known,
                            struct arena *arena, struct ids *ids)
{
    struct split_text text;
    size_t *claimed, length;
    const char *line;
    TRY(split_text_open(path, arena, &text));
    ARENA_NEW(ids->dense, arena, text.n_lines);
    ARENA_NEW(claimed, arena, ids->n);
    while (split_text_line(&text, &line, &length))
        if (length > 0)
            TRY(map_line(&text, line, length, publisher_first, drop, known, claimed, ids));
    return STATUS_OK;
}

enum status ids_open(const struct ids_side *side, bool publisher_first, bool drop, const char *noun,
                     const struct strings *publisher, struct arena *arena, struct ids *out)
{
    *out = (struct ids){.kind = side->kind, .noun = noun, .n = (uint32_t)publisher->n};
    if (side->kind == IDS_DENSE0 || side->kind == IDS_DENSE1)
        return STATUS_OK;
    struct string_map *known = map_of(publisher);
    if (known == NULL)
        return STATUS_SYSTEM;
    if (side->kind == IDS_PUBLISHER) {
        out->map = known;
        return STATUS_OK;
    }
    out->map = string_map_new();
    enum status s = STATUS_SYSTEM;
    if (out->map != NULL)
        s = read_map(side->path, publisher_first, drop, known, arena, out);
    string_map_free(known);
    if (s != STATUS_OK)
        ids_free(out);
    return s;
}

uint32_t ids_find(const struct ids *ids, const char *id, uint32_t length)
{
    if (ids->kind == IDS_PUBLISHER)
        return string_map_find(ids->map, id, length);
    if (ids->kind == IDS_MAP) {
        const uint32_t position = string_map_find(ids->map, id, length);
        return position == UINT32_MAX ? UINT32_MAX : ids->dense[position];
    }
    long long number;
    if (!split_whole_number(id, length, &number))
        return UINT32_MAX;
    number -= ids->kind == IDS_DENSE1;
    return number >= 0 && number < (long long)ids->n ? (uint32_t)number : UINT32_MAX;
}

void ids_free(struct ids *ids)
{
    if (ids->map != NULL)
        string_map_free(ids->map);
    *ids = (struct ids){0};
}
