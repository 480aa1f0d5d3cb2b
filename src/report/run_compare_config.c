/* run_compare_config.c - what differs between two runs in program and machine, experiment, data. */
#include <string.h>

#include "report/run_compare_parts.h"

static void say(struct comparison *c, const char *what, const char *a, const char *b, size_t *n)
{
    fprintf(c->out, "  %-34s %s | %s\n", what, a[0] != '\0' ? a : "(none)", b[0] != '\0' ? b : "(none)");
    (*n)++;
}

static void compare_program(struct comparison *c)
{
    static const char *const keys[] = {"commit", "compiler", "flags",  "instructions", "libraries",
                                       "cpu",    "cores",    "device", "threads"};
    size_t n = 0;
    fputs("program and machine (first | second)\n", c->out);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *a = run_compare_text(c->side[0].record, keys[i], c->arena);
        const char *b = run_compare_text(c->side[1].record, keys[i], c->arena);
        if (strcmp(a, b) != 0)
            say(c, keys[i], a, b, &n);
    }
    if (n == 0)
        fputs("  the same\n", c->out);
}

static const char *one_line(const struct node *node, struct arena *arena)
{
    if (node == NULL)
        return "";
    if (node->kind == NODE_SCALAR)
        return node->text;
    return arena_printf(arena, node->kind == NODE_LIST ? "a list of %zu" : "%zu keys", node->n);
}

/* Leaves that differ, by their path. */
static enum status compare_nodes(struct comparison *c, const char *path, const struct node *a,
                                 const struct node *b, size_t *n)
{
    const bool leaf = a == NULL || b == NULL || a->kind != b->kind || a->kind == NODE_SCALAR;
    if (leaf) {
        if (a == NULL || b == NULL || a->kind != b->kind || strcmp(a->text, b->text) != 0)
            say(c, path, one_line(a, c->arena), one_line(b, c->arena), n);
        return STATUS_OK;
    }
    for (int pass = 0; pass < 2; pass++) /* what a has, then what b alone has */
        for (size_t i = 0; i < (pass == 0 ? a : b)->n; i++) {
            const struct node *from = (pass == 0 ? a : b)->child[i];
            const struct node *other = a->kind == NODE_MAP          ? node_get(pass == 0 ? b : a, from->key)
                                       : i < (pass == 0 ? b : a)->n ? (pass == 0 ? b : a)->child[i]
                                                                    : NULL;
            if (pass == 1 && other != NULL)
                continue;
            const char *below = a->kind == NODE_MAP ? arena_printf(c->arena, "%s%s%s", path,
                                                                   path[0] != '\0' ? "." : "", from->key)
                                                    : arena_printf(c->arena, "%s.%zu", path, i);
            if (below == NULL)
                return STATUS_SYSTEM;
            TRY(compare_nodes(c, below, pass == 0 ? from : NULL, pass == 0 ? other : from, n));
        }
    return STATUS_OK;
}

/* Where a run read the dataset of that name, its checksum. */
static const char *dataset_sum(const struct run_side *s, const char *name)
{
    const json_t *cells = json_object_get(s->record, "cells");
    for (size_t i = 0; i < json_array_size(cells); i++) {
        const json_t *cell = json_array_get(cells, i);
        const char *dataset = json_string_value(json_object_get(cell, "dataset"));
        const char *sum = json_string_value(json_object_get(cell, "dataset_sha256"));
        if (dataset != NULL && sum != NULL && strcmp(dataset, name) == 0)
            return sum;
    }
    return "";
}

void run_compare_data(struct comparison *c)
{
    size_t n = 0;
    const char *last = "";
    fputs("data\n", c->out);
    for (size_t i = 0; i < c->n_pairings; i++) {
        const char *name = c->pairings[i].dataset;
        const char *a = dataset_sum(&c->side[0], name), *b = dataset_sum(&c->side[1], name);
        if (strcmp(name, last) != 0 && strcmp(a, b) != 0)
            say(c, name, a, b, &n);
        last = name;
    }
    if (n == 0)
        fputs("  the same\n", c->out);
}

enum status run_compare_config(struct comparison *c)
{
    size_t n = 0;
    compare_program(c);
    fputs("experiment\n", c->out);
    TRY(compare_nodes(c, "", c->side[0].experiment, c->side[1].experiment, &n));
    if (n == 0)
        fputs("  the same\n", c->out);
    return STATUS_OK;
}
