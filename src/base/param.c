/* param.c - see param.h. */
#include "base/param.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strings.h"

static void *field(const struct param *p, void *values)
{
    return (char *)values + p->offset;
}
static const void *field_const(const struct param *p, const void *values)
{
    return (const char *)values + p->offset;
}

/* The position of `word` in "a|b|c", or -1. */
static int choice_find(const char *choices, const char *word, size_t length)
{
    int position = 0;
    for (const char *c = choices; c != NULL && *c != '\0'; position++) {
        const size_t n = strcspn(c, "|");
        if (n == length && memcmp(c, word, n) == 0)
            return position;
        c += n + (c[n] == '|');
    }
    return -1;
}

/* The choice at a position; its length in *n. */
static const char *choice_at(const char *choices, int position, size_t *n)
{
    const char *c = choices;
    for (; position > 0; position--)
        c += strcspn(c, "|") + 1;
    *n = strcspn(c, "|");
    return c;
}

static enum status list_default(const struct param *p, struct arena *arena, struct param_list *list)
{
    size_t n = p->text != NULL && p->text[0] != '\0';
    for (const char *c = p->text; c != NULL && *c != '\0'; c++)
        n += *c == '|';
    list->n = n;
    ARENA_NEW(list->item, arena, n);
    for (size_t i = 0; i < n; i++) {
        size_t length;
        const char *at = choice_at(p->text, (int)i, &length);
        list->item[i] = arena_printf(arena, "%.*s", (int)length, at);
        if (list->item[i] == NULL)
            return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

enum status params_default(const struct param *table, struct arena *arena, void *values)
{
    for (const struct param *p = table; p != NULL && p->name != NULL; p++) {
        void *to = field(p, values);
        switch (p->kind) {
        case PARAM_KIND_INT:
            *(int *)to = (int)p->number;
            break;
        case PARAM_KIND_REAL:
            *(double *)to = p->number;
            break;
        case PARAM_KIND_BOOL:
            *(bool *)to = p->number != 0;
            break;
        case PARAM_KIND_CHOICE:
            *(int *)to = choice_find(p->choices, p->text, strlen(p->text));
            break;
        case PARAM_KIND_STRING:
            *(const char **)to = p->text;
            break;
        case PARAM_KIND_LIST:
            TRY(list_default(p, arena, to));
            break;
        case PARAM_KIND_NODE:
            *(const struct node **)to = NULL;
            break;
        }
    }
    return STATUS_OK;
}

const struct param *param_find(const struct param *table, const char *name)
{
    for (const struct param *p = table; p != NULL && p->name != NULL; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

/* "a|b|c" as "a, b or c". */
static void choices_text(const char *choices, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (const char *c = choices; *c != '\0';) {
        const size_t length = strcspn(c, "|");
        const char *next = c + length + (c[length] == '|');
        const char *join = n == 0 ? "" : *next == '\0' ? " or " : ", ";
        const size_t used = strlen(out);
        snprintf(out + used, size - used, "%s%.*s", join, (int)length, c);
        c = next;
        n++;
    }
}

static enum status fail_choice(const struct param *p, const char *owner, const struct node *node)
{
    char list[768];
    choices_text(p->choices, list, sizeof list);
    return node_fail(node, "found '%s' for %s of %s, expected %s", node->text, p->name, owner, list);
}

static enum status set_number(const struct param *p, const char *owner, const struct node *node, void *to)
{
    double value;
    if (node->kind == NODE_LIST)
        return node_fail(
            node, "%s of %s is a list, expected one number; for a grid write it under grid:", p->name, owner);
    TRY(node_double(node, &value));
    if (p->kind == PARAM_KIND_INT && value != floor(value))
        return node_fail(node, "found %s for %s of %s, expected a whole number from %.9g to %.9g", node->text,
                         p->name, owner, p->minimum, p->maximum);
    if (value < p->minimum || value > p->maximum)
        return node_fail(node, "found %s for %s of %s, expected %s from %.9g to %.9g", node->text, p->name,
                         owner, p->kind == PARAM_KIND_INT ? "a whole number" : "a number", p->minimum,
                         p->maximum);
    if (p->kind == PARAM_KIND_INT)
        *(int *)to = (int)value;
    else
        *(double *)to = value;
    return STATUS_OK;
}

static enum status set_list(const struct param *p, const char *owner, const struct node *node,
                            struct arena *arena, struct param_list *list)
{
    if (node->kind == NODE_MAP)
        return node_fail(node, "%s of %s is a mapping, expected a list", p->name, owner);
    const size_t n = node->kind == NODE_LIST ? node->n : 1;
    const char **item = arena_alloc(arena, n, sizeof *item);
    if (item == NULL)
        return STATUS_SYSTEM;
    for (size_t i = 0; i < n; i++) {
        const struct node *word = node->kind == NODE_LIST ? node->child[i] : node;
        if (word->kind != NODE_SCALAR)
            return node_fail(word, "%s of %s holds a list or a mapping, expected words", p->name, owner);
        if (p->choices != NULL && choice_find(p->choices, word->text, strlen(word->text)) < 0)
            return fail_choice(p, owner, word);
        for (size_t j = 0; j < i; j++)
            if (strcmp(item[j], word->text) == 0)
                return node_fail(word, "'%s' stands twice in %s of %s", word->text, p->name, owner);
        item[i] = word->text;
    }
    *list = (struct param_list){n, item};
    return STATUS_OK;
}

enum status param_set(const struct param *p, const char *owner, const struct node *node, struct arena *arena,
                      void *values)
{
    void *to = field(p, values);
    if (p->kind == PARAM_KIND_NODE) {
        *(const struct node **)to = node;
        return STATUS_OK;
    }
    if (p->kind == PARAM_KIND_LIST)
        return set_list(p, owner, node, arena, to);
    if (p->kind == PARAM_KIND_INT || p->kind == PARAM_KIND_REAL)
        return set_number(p, owner, node, to);
    if (node->kind != NODE_SCALAR)
        return node_fail(node, "%s of %s is a %s, expected one value%s", p->name, owner,
                         node->kind == NODE_LIST ? "list" : "mapping",
                         node->kind == NODE_LIST ? "; for a grid write it under grid:" : "");
    if (p->kind == PARAM_KIND_BOOL)
        return node_bool(node, to);
    if (p->kind == PARAM_KIND_CHOICE) {
        const int position = choice_find(p->choices, node->text, strlen(node->text));
        if (position < 0)
            return fail_choice(p, owner, node);
        *(int *)to = position;
        return STATUS_OK;
    }
    *(const char **)to = node->text;
    return STATUS_OK;
}

enum status params_set(const struct param *table, const char *owner, const struct node *map,
                       struct arena *arena, void *values)
{
    if (map == NULL)
        return STATUS_OK;
    if (map->kind != NODE_MAP)
        return node_fail(map, "the parameters of %s are expected as name: value", owner);
    for (size_t i = 0; i < map->n; i++) {
        const struct node *child = map->child[i];
        const struct param *p = param_find(table, child->key);
        if (p != NULL) {
            TRY(param_set(p, owner, child, arena, values));
            continue;
        }
        const char *names[256] = {NULL};
        size_t n = 0;
        for (const struct param *q = table; q != NULL && q->name != NULL && n < 256; q++)
            names[n++] = q->name;
        const char *nearest = string_nearest(child->key, names, n);
        if (nearest != NULL)
            return node_fail_key(child, "unknown parameter '%s' of %s; did you mean '%s'?", child->key, owner,
                                 nearest);
        char known[1024] = "";
        for (size_t j = 0; j < n; j++)
            snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", j > 0 ? ", " : "",
                     names[j]);
        return node_fail_key(child, "unknown parameter '%s' of %s; %s%s", child->key, owner,
                             n > 0 ? "known are: " : "it has no parameters", known);
    }
    return STATUS_OK;
}

/* %.9g, and the same text for the same number everywhere. */
static json_t *number_json(double value)
{
    return value == floor(value) && fabs(value) < 1e15 ? json_integer((json_int_t)value) : json_real(value);
}

/* A number or a truth value that stands there without quotes is one again: a string would be written in quotes, and read as words. */
static json_t *scalar_json(const struct node *node)
{
    json_t *value = node->quoted ? NULL : json_loads(node->text, JSON_DECODE_ANY, NULL);
    if (json_is_number(value) || json_is_boolean(value))
        return value;
    json_decref(value);
    return json_string(node->text);
}

static json_t *node_json(const struct node *node)
{
    if (node == NULL)
        return json_null();
    if (node->kind == NODE_SCALAR)
        return scalar_json(node);
    json_t *out = node->kind == NODE_LIST ? json_array() : json_object();
    for (size_t i = 0; i < node->n; i++)
        if (node->kind == NODE_LIST)
            json_array_append_new(out, node_json(node->child[i]));
        else
            json_object_set_new(out, node->child[i]->key, node_json(node->child[i]));
    return out;
}

static json_t *param_json(const struct param *p, const void *values)
{
    const void *from = field_const(p, values);
    const struct param_list *list = from;
    const char *text;
    size_t n;
    json_t *array;
    switch (p->kind) {
    case PARAM_KIND_INT:
        return json_integer(*(const int *)from);
    case PARAM_KIND_REAL:
        return number_json(*(const double *)from);
    case PARAM_KIND_BOOL:
        return json_boolean(*(const bool *)from);
    case PARAM_KIND_CHOICE:
        text = choice_at(p->choices, *(const int *)from, &n);
        return json_stringn(text, n);
    case PARAM_KIND_STRING:
        text = *(const char *const *)from;
        return text != NULL ? json_string(text) : json_null();
    case PARAM_KIND_LIST:
        array = json_array();
        for (size_t i = 0; i < list->n; i++)
            json_array_append_new(array, json_string(list->item[i]));
        return array;
    case PARAM_KIND_NODE:
        return node_json(*(const struct node *const *)from);
    }
    return NULL;
}

enum status params_json(const struct param *table, const void *values, struct arena *arena, char **out)
{
    json_t *object = json_object();
    for (const struct param *p = table; p != NULL && p->name != NULL; p++)
        json_object_set_new(object, p->name, param_json(p, values));
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    json_decref(object);
    *out = text != NULL ? arena_strdup(arena, text) : NULL;
    free(text);
    return *out != NULL ? STATUS_OK
                        : status_fail(STATUS_SYSTEM, "out of memory while writing parameters as JSON");
}

enum status param_text(const struct param *p, const void *values, struct arena *arena, char **out)
{
    const void *from = field_const(p, values);
    const struct param_list *list = from;
    size_t n;
    const char *text = NULL;
    *out = NULL;
    switch (p->kind) {
    case PARAM_KIND_INT:
        *out = arena_printf(arena, "%d", *(const int *)from);
        break;
    case PARAM_KIND_REAL:
        *out = arena_printf(arena, "%.9g", *(const double *)from);
        break;
    case PARAM_KIND_BOOL:
        *out = arena_strdup(arena, *(const bool *)from ? "true" : "false");
        break;
    case PARAM_KIND_CHOICE:
        text = choice_at(p->choices, *(const int *)from, &n);
        *out = arena_printf(arena, "%.*s", (int)n, text);
        break;
    case PARAM_KIND_STRING:
        text = *(const char *const *)from;
        *out = arena_strdup(arena, text != NULL ? text : "");
        break;
    case PARAM_KIND_LIST:
        *out = arena_strdup(arena, "[");
        for (size_t i = 0; i < list->n && *out != NULL; i++)
            *out = arena_printf(arena, "%s%s%s", *out, i > 0 ? ", " : "", list->item[i]);
        if (*out != NULL)
            *out = arena_printf(arena, "%s]", *out);
        break;
    case PARAM_KIND_NODE: {
        json_t *json = node_json(*(const struct node *const *)from);
        char *dump = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
        json_decref(json);
        *out = dump != NULL ? arena_strdup(arena, dump) : NULL;
        free(dump);
        break;
    }
    }
    return *out != NULL ? STATUS_OK : STATUS_SYSTEM;
}
