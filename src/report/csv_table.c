/* csv_table.c - see csv_table.h; parsing is libcsv's. */
#include "report/csv_table.h"

#include <csv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"

enum { LIMIT = 1 << 30 };

struct reader {
    struct csv_table *t;
    const char *const *columns;
    struct arena *arena;
    size_t allocated, line, column, in_header;
    const char **field; /* [n_columns] of the row being read */
    enum status status;
};

static void on_field(void *bytes, size_t n, void *context)
{
    struct reader *r = context;
    if (r->column < r->t->n_columns && r->status == STATUS_OK) {
        r->field[r->column] = arena_printf(r->arena, "%.*s", (int)n, n > 0 ? (const char *)bytes : "");
        if (r->field[r->column] == NULL)
            r->status = STATUS_SYSTEM;
    }
    r->column++;
}

/* Columns that must be there. */
static size_t needed(const struct reader *r)
{
    size_t n = r->t->n_columns;
    while (n > 0 && r->columns[n - 1][0] == '?')
        n--;
    return n;
}

static void check_header(struct reader *r, size_t n)
{
    for (size_t i = 0; i < r->t->n_columns && i < n && r->status == STATUS_OK; i++) {
        const char *expected = r->columns[i] + (r->columns[i][0] == '?');
        if (strcmp(r->field[i], expected) != 0)
            r->status = status_fail(STATUS_DATA, "%s:1: column %zu is '%s', expected '%s'", r->t->path, i + 1,
                                    r->field[i], expected);
    }
    for (size_t i = n; i < r->t->n_columns; i++)
        r->field[i] = "";
}

static enum status add_row(struct reader *r)
{
    struct csv_table *t = r->t;
    if (t->n_rows == r->allocated) {
        r->allocated = r->allocated * 2 + 256;
        const char **cells = arena_alloc(r->arena, r->allocated * t->n_columns, sizeof *cells);
        size_t *lines = arena_alloc(r->arena, r->allocated, sizeof *lines);
        if (cells == NULL || lines == NULL)
            return STATUS_SYSTEM;
        if (t->n_rows > 0) {
            memcpy(cells, t->cell, t->n_rows * t->n_columns * sizeof *cells);
            memcpy(lines, t->line, t->n_rows * sizeof *lines);
        }
        t->cell = cells, t->line = lines;
    }
    memcpy(t->cell + t->n_rows * t->n_columns, r->field, t->n_columns * sizeof *r->field);
    t->line[t->n_rows++] = r->line;
    return STATUS_OK;
}

static void on_line(int end, void *context)
{
    struct reader *r = context;
    const size_t n = r->column;
    (void)end;
    r->line++;
    r->column = 0;
    if (r->status != STATUS_OK || n == 0)
        return;
    if (r->line == 1)
        r->in_header = n;
    if (n < needed(r) || n != r->in_header) {
        const size_t expected = r->line == 1 ? needed(r) : r->in_header;
        r->status = status_fail(STATUS_DATA, "%s:%zu: found %zu columns, expected %zu", r->t->path, r->line,
                                n, expected);
        return;
    }
    if (r->line == 1)
        check_header(r, n);
    else
        r->status = add_row(r);
}

enum status csv_table_read(const char *path, const char *const *columns, size_t n_columns,
                           struct arena *arena, struct csv_table *out)
{
    struct reader r = {.t = out, .columns = columns, .arena = arena};
    struct csv_parser parser;
    char *bytes;
    size_t n;
    *out = (struct csv_table){.path = path, .n_columns = n_columns};
    ARENA_NEW(r.field, arena, n_columns);
    TRY(read_whole_file(path, LIMIT, arena, &bytes, &n));
    if (csv_init(&parser, CSV_STRICT) != 0)
        return status_fail(STATUS_SYSTEM, "out of memory for the csv parser");
    const bool parsed = csv_parse(&parser, bytes, n, on_field, on_line, &r) == n &&
                        csv_fini(&parser, on_field, on_line, &r) == 0;
    csv_free(&parser);
    TRY(r.status);
    return parsed ? STATUS_OK : status_fail(STATUS_DATA, "%s:%zu: not valid csv", path, r.line + 1);
}

enum status csv_table_read_some(const char *folder, const char *name, const char *const *columns,
                                size_t n_columns, struct arena *arena, struct csv_table *out)
{
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    *out = (struct csv_table){.path = path, .n_columns = n_columns};
    if (path == NULL)
        return STATUS_SYSTEM;
    return file_exists(path) ? csv_table_read(path, columns, n_columns, arena, out) : STATUS_OK;
}

enum status csv_number(const struct csv_table *t, size_t row, size_t column, const char *name, double *out)
{
    const char *text = csv_cell(t, row, column);
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0'
               ? STATUS_OK
               : status_fail(STATUS_DATA, "%s:%zu: found '%s' in column %s, expected a number", t->path,
                             t->line[row], text, name);
}
