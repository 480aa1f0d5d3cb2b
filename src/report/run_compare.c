/* run_compare.c - see run_compare.h: the two runs, which cells are compared with which, what is said of the results. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "report/run_compare_parts.h"

enum { LIMIT = 1 << 30 };

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
    TRY(records_read(s->folder, arena, &s->records));
    return per_user_open(s->folder, arena, &s->users);
}

static void close_side(struct run_side *s)
{
    json_decref(s->record);
    per_user_shut(&s->users);
}

const char *run_compare_text(const json_t *object, const char *key, struct arena *arena)
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
                    run_compare_text(cell, "dataset", c->arena), run_compare_text(cell, "fold", c->arena),
                    run_compare_text(cell, "label", c->arena), run_compare_text(cell, "grid", c->arena),
                    run_compare_text(cell, "seed", c->arena));
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
        const char *dataset = run_compare_text(cell, "dataset", c->arena),
                   *label = run_compare_text(cell, "label", c->arena);
        const char *grid = run_compare_text(cell, "grid", c->arena);
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
    size_t n_differ = 0, n_apart, n_equal;
    fprintf(c->out, "results: %zu model settings in both; %zu measures equal to the bit, %zu not\n",
            c->n_pairings, c->n_equal, c->n_outcomes);
    if (c->n_outcomes > 0)
        fprintf(c->out, "  %-24s %-28s %-14s %7s %9s %9s %10s %9s\n", "dataset", "model", "measure", "users",
                "first", "second", "difference", "p_holm");
    for (size_t p = 0; p < c->n_pairings; p++)
        n_differ += print_pairing(c, &c->pairings[p], all);
    const size_t n_numbers = run_compare_numbers(c, all, &n_apart, &n_equal);
    *differ = n_differ + n_apart > 0;
    if (n_numbers + n_equal > 0)
        fprintf(c->out,
                "%zu numbers for all users together are equal, %zu not; of these the intervals of %zu are "
                "apart.\n",
                n_equal, n_numbers, n_apart);
    if (c->n_pairings == 0)
        fputs("No model setting was finished by both: there is nothing to compare.\n", c->out);
    else if (c->n_outcomes + n_numbers == 0)
        fputs("The results are the same.\n", c->out);
    else if (n_differ == 0 && n_apart == 0)
        fputs("The results differ by no more than users differ among themselves (paired t, Holm, 0.05).\n",
              c->out);
    else if (n_differ > 0)
        fprintf(c->out, "%zu of %zu differences are significant (paired t over users, Holm, 0.05).\n",
                n_differ, c->n_outcomes);
}

static enum status compare(struct comparison *c, bool all, bool *differ)
{
    for (int s = 0; s < 2; s++)
        TRY(open_side(&c->side[s], c->arena));
    fprintf(c->out, "first:  %s (%s)\nsecond: %s (%s)\n", c->side[0].folder,
            run_compare_text(c->side[0].record, "experiment", c->arena), c->side[1].folder,
            run_compare_text(c->side[1].record, "experiment", c->arena));
    TRY(run_compare_config(c));
    TRY(pair_cells(c));
    run_compare_data(c);
    const json_t *a = json_object_get(c->side[0].record, "cells"),
                 *b = json_object_get(c->side[1].record, "cells");
    list_alone(c, a, b, "first");
    list_alone(c, b, a, "second");
    TRY(run_compare_users(c));
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
