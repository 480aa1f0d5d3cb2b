/* config_build.c - trees of an experiment that no file says word by word: what --set changes, what a block stands for. */
#include <string.h>

#include "experiment/config_parts.h"

struct node *config_node(const struct node *where, enum node_kind kind, size_t room, struct arena *arena)
{
    struct node *node = arena_alloc(arena, 1, sizeof *node);
    if (node == NULL)
        return NULL;
    *node = (struct node){.kind = kind, .file = where->file, .line = where->line, .column = where->column};
    node->child = arena_alloc(arena, room + 1, sizeof *node->child);
    return node->child != NULL ? node : NULL;
}

struct node *config_grown(const struct node *where, const struct node *from, size_t more, struct arena *arena)
{
    struct node *out = config_node(where, NODE_MAP, (from != NULL ? from->n : 0) + more, arena);
    if (out == NULL || from == NULL)
        return out;
    struct node **child = out->child;
    *out = *from;
    out->child = child;
    if (from->n > 0)
        memcpy(child, from->child, from->n * sizeof *child);
    return out;
}

enum status config_put(struct node *map, const char *key, const struct node *value, struct arena *arena)
{
    struct node *copy;
    ARENA_NEW(copy, arena, 1);
    *copy = *value;
    copy->key = key, copy->key_line = value->line, copy->key_column = value->column;
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->child[i]->key, key) == 0) {
            map->child[i] = copy;
            return STATUS_OK;
        }
    map->child[map->n++] = copy;
    return STATUS_OK;
}

enum status config_put_text(struct node *map, const char *key, const char *text, struct arena *arena)
{
    struct node value = {
        .kind = NODE_SCALAR, .file = map->file, .line = map->line, .column = map->column, .text = text};
    return config_put(map, key, &value, arena);
}

enum status config_deal(const struct node *block, const char *owner, struct arena *arena,
                        const struct param *const *tables, void *const *values, size_t n)
{
    struct node *rest = config_node(block, NODE_MAP, block->n, arena);
    if (rest == NULL)
        return STATUS_SYSTEM;
    for (size_t t = 0; t < n; t++)
        TRY(params_default(tables[t], arena, values[t]));
    for (size_t i = 0; i < block->n; i++) {
        size_t t = 0;
        while (t + 1 < n && param_find(tables[t], block->child[i]->key) == NULL)
            t++;
        if (t + 1 < n)
            TRY(param_set(param_find(tables[t], block->child[i]->key), owner, block->child[i], arena,
                          values[t]));
        else
            rest->child[rest->n++] = block->child[i];
    }
    return params_set(tables[n - 1], owner, rest, arena, values[n - 1]);
}
