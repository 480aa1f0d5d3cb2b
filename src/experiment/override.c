/* override.c - `--set path.to.key=value`: edits the tree of an experiment before it is checked. */
#include <stdlib.h>
#include <string.h>

#include "experiment/config_parts.h"

/* The place of `word` among the children; n when a map has no such key. */
static enum status find(const struct node *node, const char *word, const char *override, size_t *at)
{
    char *end;
    if (node->kind == NODE_LIST) {
        *at = strtoul(word, &end, 10);
        if (*word < '0' || *word > '9' || *end != '\0' || *at >= node->n)
            return status_fail(STATUS_USAGE,
                               "--set %s: '%s' is not a position in a list of %zu (counted from 0)", override,
                               word, node->n);
        return STATUS_OK;
    }
    if (node->kind == NODE_SCALAR)
        return status_fail(STATUS_USAGE, "--set %s: nothing can stand below a single value, at '%s'",
                           override, word);
    for (*at = 0; *at < node->n; (*at)++)
        if (strcmp(node->child[*at]->key, word) == 0)
            break;
    return STATUS_OK;
}

enum status config_override(struct node **root, const char *override, struct arena *arena)
{
    const char *equals = strchr(override, '=');
    if (equals == NULL || equals == override)
        return status_fail(STATUS_USAGE, "--set %s: expected path.to.key=value", override);
    char *path = arena_printf(arena, "%.*s", (int)(equals - override), override);
    char *file = arena_printf(arena, "--set %s", override);
    struct node *value, **place = root;
    char *rest = path, *word;
    if (path == NULL || file == NULL)
        return STATUS_SYSTEM;
    TRY(node_parse(file, equals + 1, strlen(equals + 1), arena, &value));
    while ((word = strsep(&rest, ".")) != NULL) {
        size_t at = 0;
        struct node *here = config_grown(*place, *place, 1, arena); /* room for a new key */
        if (here == NULL)
            return STATUS_SYSTEM;
        *place = here;
        TRY(find(here, word, override, &at));
        if (at == here->n) { /* a new key; intermediate maps come into being, names are checked later */
            struct node *fresh;
            ARENA_NEW(fresh, arena, 1);
            *fresh = (struct node){.kind = NODE_MAP,
                                   .file = file,
                                   .line = 1,
                                   .column = 1,
                                   .key = word,
                                   .key_line = 1,
                                   .key_column = 1};
            here->child[here->n++] = fresh;
        }
        if (rest == NULL) {
            value->key = here->child[at]->key;
            value->key_line = value->line, value->key_column = value->column;
            here->child[at] = value;
            return STATUS_OK;
        }
        place = &here->child[at];
    }
    return STATUS_OK;
}
