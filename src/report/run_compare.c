/* run_compare.c - see run_compare.h. */
#include "report/run_compare.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/node.h"
#include "eval/significance.h"
#include "report/per_user_read.h"

enum { LIMIT = 1 << 30 };

struct run_side {
    const char *folder;
    json_t *record;
    struct node *experiment;
    struct per_user_file users;
};
/* One setting of one model: its cells in either run, paired by fold and place of the seed. */
struct pairing {
    const char *dataset, *label, *grid;
    size_t n; /* pairs of cells that both runs finished */
    const json_t **cell[2];
};
/* One line of the results. */
struct outcome {
    const struct pairing *pairing;
    const char *measure;
    size_t n_users;
    double mean[2];
    struct paired_test test;
    double holm;
};
struct comparison {
    struct arena *arena;
    FILE *out;
    struct run_side side[2];
    size_t n_pairings, n_outcomes, n_allocated;
    struct pairing *pairings;
    struct outcome *outcomes; /* those that differ at all */
    size_t n_equal;           /* measures of settings that are equal to the bit */
};

static enum status open_side(struct run_side *s, struct arena *arena)
{
    const char *record = arena_printf(arena, "%s/record.json", s->folder);
    const char *experiment = arena_printf(arena, "%s/experiment.yaml", s->folder);
    char *bytes;
    size_t n;
    json_error_t error;
    if (record == NULL || experiment == NULL)
        return STATUS_SYSTEM;
    if (!file_exists(record))
        return status_fail(
            STATUS_DATA,
            "%s: holds no finished run (record.json is missing): give a folder that `recfuse run` wrote",
            s->folder);
    TRY(read_whole_file(record, LIMIT, arena, &bytes, &n));
    s->record = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);
    if (s->record == NULL)
        return status_fail(STATUS_DATA, "%s:%d: not valid JSON: %s", record, error.line, error.text);
    TRY(node_parse_file(experiment, arena, &s->experiment));
    return per_user_open(s->folder, arena, &s->users);
}

static void close_side(struct run_side *s)
{
    json_decref(s->record);
    per_user_shut(&s->users);
}

/* A member of a JSON object as text; the arena's. */
static const char *text_of(const json_t *object, const char *key, struct arena *arena)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value))
        return json_string_value(value);
    char *dump =
        value != NULL
            ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9))
            : NULL;
    const char *copy = arena_strdup(arena, dump != NULL ? dump : "");
    free(dump);
    return copy != NULL ? copy : "";
}

/* ---------------------------------------------------------------------------------- experiment, data and program */

static void say(struct comparison *c, const char *what, const char *a, const char *b, size_t *n)
{
    fprintf(c->out, "  %-34s %s | %s\n", what, a[0] != '\0' ? a : "(none)", b[0] != '\0' ? b : "(none)");
    (*n)++;
}

static size_t compare_program(struct comparison *c)
{
    static const char *const keys[] = {"commit", "compiler", "flags",  "instructions", "libraries",
                                       "cpu",    "cores",    "device", "threads"};
    size_t n = 0;
    fputs("program and machine (first | second)\n", c->out);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *a = text_of(c->side[0].record, keys[i], c->arena);
        const char *b = text_of(c->side[1].record, keys[i], c->arena);
        if (strcmp(a, b) != 0)
            say(c, keys[i], a, b, &n);
    }
    if (n == 0)
        fputs("  the same\n", c->out);
    return n;
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

static void compare_data(struct comparison *c)
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

/* --------------------------------------------------------------------------------------------------------- results */

static bool is_done(const json_t *cell)
{
    const char *status = json_string_value(json_object_get(cell, "status"));
    return status != NULL && strcmp(status, "done") == 0;
}

static bool same_member(const json_t *a, const json_t *b, const char *key)
{
    return json_equal(json_object_get(a, key), json_object_get(b, key));
}

/* Are they the same setting on the same fold, whatever the seed? */
static bool alike(const json_t *a, const json_t *b)
{
    return same_member(a, b, "dataset") && same_member(a, b, "label") && same_member(a, b, "grid") &&
           same_member(a, b, "fold");
}

/* The cell of the other run that cell `at` is to be compared with: the setting's n-th seed there for its n-th here, so that
 * runs of other seeds can be compared.  NULL: it has none. */
static const json_t *partner(const json_t *mine, size_t at, const json_t *theirs)
{
    const json_t *cell = json_array_get(mine, at);
    size_t nth = 0;
    for (size_t i = 0; i < at; i++)
        nth += alike(cell, json_array_get(mine, i));
    for (size_t i = 0; i < json_array_size(theirs); i++) {
        const json_t *other = json_array_get(theirs, i);
        if (alike(cell, other) && nth-- == 0)
            return other;
    }
    return NULL;
}

static void list_alone(struct comparison *c, const json_t *mine, const json_t *theirs, const char *which)
{
    for (size_t i = 0; i < json_array_size(mine); i++) {
        const json_t *cell = json_array_get(mine, i), *other = partner(mine, i, theirs);
        if (other != NULL && is_done(cell) <= is_done(other))
            continue;
        if (other == NULL || is_done(cell))
            fprintf(c->out, "  only in the %s: %s fold %s, %s %s, seed %s\n", which,
                    text_of(cell, "dataset", c->arena), text_of(cell, "fold", c->arena),
                    text_of(cell, "label", c->arena), text_of(cell, "grid", c->arena),
                    text_of(cell, "seed", c->arena));
    }
}

static enum status pair_cells(struct comparison *c)
{
    const json_t *a = json_object_get(c->side[0].record, "cells"),
                 *b = json_object_get(c->side[1].record, "cells");
    const size_t n = json_array_size(a);
    ARENA_NEW(c->pairings, c->arena, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *cell = json_array_get(a, i), *other = partner(a, i, b);
        if (other == NULL || !is_done(cell) || !is_done(other))
            continue;
        const char *dataset = text_of(cell, "dataset", c->arena), *label = text_of(cell, "label", c->arena);
        const char *grid = text_of(cell, "grid", c->arena);
        size_t p = 0;
        while (p < c->n_pairings &&
               (strcmp(c->pairings[p].dataset, dataset) != 0 || strcmp(c->pairings[p].label, label) != 0 ||
                strcmp(c->pairings[p].grid, grid) != 0))
            p++;
        struct pairing *pairing = &c->pairings[p];
        if (p == c->n_pairings) {
            c->n_pairings++;
            *pairing = (struct pairing){.dataset = dataset, .label = label, .grid = grid};
            for (int s = 0; s < 2; s++)
                ARENA_NEW(pairing->cell[s], c->arena, n - i);
        }
        pairing->cell[0][pairing->n] = cell;
        pairing->cell[1][pairing->n++] = other;
    }
    return STATUS_OK;
}

/* Sums over cells of each user's values in either run, users by their publisher's ids. */
struct users {
    struct string_map *map;
    size_t n_allocated;
    double *sum[2];
    size_t *n[2];
};

static enum status add_value(struct users *u, const struct strings *ids, size_t i, int side, double value)
{
    const uint32_t at = string_map_add(u->map, strings_at(ids, i), strings_length(ids, i));
    if (at == UINT32_MAX)
        return STATUS_SYSTEM;
    if (at >= u->n_allocated) {
        const size_t more = u->n_allocated * 2 + 1024;
        for (int s = 0; s < 2; s++) {
            double *sum = realloc(u->sum[s], more * sizeof *sum);
            size_t *n = realloc(u->n[s], more * sizeof *n);
            u->sum[s] = sum != NULL ? sum : u->sum[s];
            u->n[s] = n != NULL ? n : u->n[s];
            if (sum == NULL || n == NULL)
                return status_fail(STATUS_SYSTEM, "out of memory for the values of users");
            memset(u->sum[s] + u->n_allocated, 0, (more - u->n_allocated) * sizeof *sum);
            memset(u->n[s] + u->n_allocated, 0, (more - u->n_allocated) * sizeof *n);
        }
        u->n_allocated = more;
    }
    if (!isnan(value)) {
        u->sum[side][at] += value;
        u->n[side][at]++;
    }
    return STATUS_OK;
}

/* Values of one measure in both cells of a pair, added up; *equal stays true while they are the same bytes. */
static enum status add_cells(struct comparison *c, const struct pairing *p, size_t pair, const char *measure,
                             struct users *u, bool *equal, struct arena *scratch)
{
    struct strings ids[2];
    double *values[2];
    for (int s = 0; s < 2; s++) {
        const json_t *cell = p->cell[s][pair];
        const long place = (long)json_integer_value(json_object_get(cell, "cell"));
        TRY(per_user_ids(&c->side[s].users, p->dataset, text_of(cell, "fold", scratch), scratch, &ids[s]));
        TRY(per_user_values(&c->side[s].users, place, measure, ids[s].n, scratch, &values[s]));
        for (size_t i = 0; i < ids[s].n; i++)
            TRY(add_value(u, &ids[s], i, s, values[s][i]));
    }
    const size_t n = ids[0].n;
    *equal = *equal && n == ids[1].n && memcmp(values[0], values[1], n * sizeof *values[0]) == 0 &&
             memcmp(ids[0].offsets, ids[1].offsets, (n + 1) * sizeof *ids[0].offsets) == 0 &&
             memcmp(ids[0].bytes, ids[1].bytes, ids[0].offsets[n]) == 0;
    return STATUS_OK;
}

static enum status add_outcome(struct comparison *c, const struct pairing *p, const char *measure,
                               const struct users *u, struct arena *scratch)
{
    const uint32_t most = string_map_size(u->map);
    struct outcome x = {.pairing = p, .measure = arena_strdup(c->arena, measure)};
    double *values[2];
    for (int s = 0; s < 2; s++)
        ARENA_NEW(values[s], scratch, most);
    for (uint32_t i = 0; i < most; i++)
        if (u->n[0][i] > 0 && u->n[1][i] > 0) {
            for (int s = 0; s < 2; s++) {
                values[s][x.n_users] = u->sum[s][i] / (double)u->n[s][i];
                x.mean[s] += values[s][x.n_users];
            }
            x.n_users++;
        }
    if (x.measure == NULL)
        return STATUS_SYSTEM;
    for (int s = 0; s < 2; s++)
        x.mean[s] = x.n_users > 0 ? x.mean[s] / (double)x.n_users : NAN;
    x.test.p = NAN; /* too few users in common for a test */
    if (x.n_users >= 2)
        TRY(significance_paired_t(values[1], values[0], x.n_users, &x.test));
    if (c->n_outcomes == c->n_allocated) {
        c->n_allocated = c->n_allocated * 2 + 64;
        struct outcome *grown = arena_alloc(c->arena, c->n_allocated, sizeof *grown);
        if (grown == NULL)
            return STATUS_SYSTEM;
        if (c->n_outcomes > 0)
            memcpy(grown, c->outcomes, c->n_outcomes * sizeof *grown);
        c->outcomes = grown;
    }
    c->outcomes[c->n_outcomes++] = x;
    return STATUS_OK;
}

static enum status compare_measure(struct comparison *c, const struct pairing *p, const char *measure,
                                   struct arena *scratch)
{
    struct users u = {.map = string_map_new()};
    bool equal = true;
    enum status status = u.map != NULL ? STATUS_OK : STATUS_SYSTEM;
    for (size_t pair = 0; pair < p->n && status == STATUS_OK; pair++)
        status = add_cells(c, p, pair, measure, &u, &equal, scratch);
    if (status == STATUS_OK && equal)
        c->n_equal++;
    else if (status == STATUS_OK)
        status = add_outcome(c, p, measure, &u, scratch);
    string_map_free(u.map);
    for (int s = 0; s < 2; s++) {
        free(u.sum[s]);
        free(u.n[s]);
    }
    return status;
}

/* Every measure that the first cells of both have. */
static enum status compare_pairing(struct comparison *c, const struct pairing *p)
{
    struct strings measures[2];
    for (int s = 0; s < 2; s++)
        TRY(per_user_measures(&c->side[s].users,
                              (long)json_integer_value(json_object_get(p->cell[s][0], "cell")), c->arena,
                              &measures[s]));
    for (size_t i = 0; i < measures[0].n; i++) {
        const char *name = strings_copy(&measures[0], i, c->arena);
        bool both = false;
        for (size_t j = 0; j < measures[1].n && name != NULL; j++)
            both = both || strings_equal(&measures[1], j, name);
        if (name == NULL)
            return STATUS_SYSTEM;
        if (!both)
            continue;
        struct arena *scratch = arena_new();
        if (scratch == NULL)
            return STATUS_SYSTEM;
        const enum status status = compare_measure(c, p, name, scratch);
        arena_free(scratch);
        TRY(status);
    }
    return STATUS_OK;
}

static int by_p(const void *a, const void *b)
{
    const double x = (*(struct outcome *const *)a)->test.p, y = (*(struct outcome *const *)b)->test.p;
    return (x > y) - (x < y);
}

/* Holm 1979 over all outcomes that were tested. */
static enum status correct(struct comparison *c)
{
    struct outcome **sorted;
    size_t n = 0;
    double largest = 0;
    ARENA_NEW(sorted, c->arena, c->n_outcomes);
    for (size_t i = 0; i < c->n_outcomes; i++) {
        c->outcomes[i].holm = NAN;
        if (!isnan(c->outcomes[i].test.p))
            sorted[n++] = &c->outcomes[i];
    }
    if (n > 0)
        qsort(sorted, n, sizeof *sorted, by_p);
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fmin(1, sorted[i]->test.p * (double)(n - i)));
        sorted[i]->holm = largest;
    }
    return STATUS_OK;
}

static void print_outcome(struct comparison *c, const struct outcome *x)
{
    const char *grid = strcmp(x->pairing->grid, "{}") != 0 ? x->pairing->grid : "";
    char model[256];
    snprintf(model, sizeof model, "%s%s%s", x->pairing->label, grid[0] != '\0' ? " " : "", grid);
    fprintf(c->out, "  %-24s %-28s %-14s %7zu %9.4f %9.4f %+10.5f ", x->pairing->dataset, model, x->measure,
            x->n_users, x->mean[0], x->mean[1], x->mean[1] - x->mean[0]);
    if (isnan(x->holm))
        fputs("       -  too few users in common\n", c->out);
    else
        fprintf(c->out, "%9.3g%s\n", x->holm, x->holm < 0.05 ? "  significant" : "");
}

/* Significant ones; of a setting without any, the one of least p and how many there are. */
static size_t print_pairing(struct comparison *c, const struct pairing *p, bool all)
{
    const struct outcome *least = NULL;
    size_t n = 0, n_significant = 0;
    for (size_t i = 0; i < c->n_outcomes; i++) {
        const struct outcome *x = &c->outcomes[i];
        if (x->pairing != p)
            continue;
        n++;
        n_significant += x->holm < 0.05;
        least = least == NULL || x->test.p < least->test.p ? x : least;
        if (all || x->holm < 0.05)
            print_outcome(c, x);
    }
    if (n > 0 && n_significant == 0 && !all) {
        print_outcome(c, least);
        if (n > 1)
            fprintf(c->out, "  %-24s %-28s and %zu more that differ, none significantly\n", "", "", n - 1);
    }
    return n_significant;
}

static void print_outcomes(struct comparison *c, bool all, bool *differ)
{
    size_t n_differ = 0;
    fprintf(c->out, "results: %zu model settings in both; %zu measures equal to the bit, %zu not\n",
            c->n_pairings, c->n_equal, c->n_outcomes);
    if (c->n_outcomes > 0)
        fprintf(c->out, "  %-24s %-28s %-14s %7s %9s %9s %10s %9s\n", "dataset", "model", "measure", "users",
                "first", "second", "difference", "p_holm");
    for (size_t p = 0; p < c->n_pairings; p++)
        n_differ += print_pairing(c, &c->pairings[p], all);
    *differ = n_differ > 0;
    if (c->n_pairings == 0)
        fputs("No model setting was finished by both: there is nothing to compare.\n", c->out);
    else if (c->n_outcomes == 0)
        fputs("The results are the same.\n", c->out);
    else if (n_differ == 0)
        fputs("The results differ by no more than users differ among themselves (paired t, Holm, 0.05).\n",
              c->out);
    else
        fprintf(c->out, "%zu of %zu differences are significant (paired t over users, Holm, 0.05).\n",
                n_differ, c->n_outcomes);
}

static enum status compare(struct comparison *c, bool all, bool *differ)
{
    size_t n = 0;
    for (int s = 0; s < 2; s++)
        TRY(open_side(&c->side[s], c->arena));
    fprintf(c->out, "first:  %s (%s)\nsecond: %s (%s)\n", c->side[0].folder,
            text_of(c->side[0].record, "experiment", c->arena), c->side[1].folder,
            text_of(c->side[1].record, "experiment", c->arena));
    compare_program(c);
    fputs("experiment\n", c->out);
    TRY(compare_nodes(c, "", c->side[0].experiment, c->side[1].experiment, &n));
    if (n == 0)
        fputs("  the same\n", c->out);
    TRY(pair_cells(c));
    compare_data(c);
    const json_t *a = json_object_get(c->side[0].record, "cells"),
                 *b = json_object_get(c->side[1].record, "cells");
    list_alone(c, a, b, "first");
    list_alone(c, b, a, "second");
    for (size_t p = 0; p < c->n_pairings; p++)
        TRY(compare_pairing(c, &c->pairings[p]));
    TRY(correct(c));
    print_outcomes(c, all, differ);
    return STATUS_OK;
}

enum status runs_compare(const char *run_a, const char *run_b, bool all, FILE *out, bool *differ)
{
    struct comparison c = {.arena = arena_new(), .out = out};
    *differ = false;
    if (c.arena == NULL)
        return STATUS_SYSTEM;
    c.side[0] = (struct run_side){.folder = run_a, .users.file = -1};
    c.side[1] = (struct run_side){.folder = run_b, .users.file = -1};
    const enum status status = compare(&c, all, differ);
    close_side(&c.side[0]);
    close_side(&c.side[1]);
    arena_free(c.arena);
    return status;
}
