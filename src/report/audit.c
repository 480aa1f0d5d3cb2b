/*
 * audit.c - the leakage auditor's table on the page, from audit.csv: what was found, and folded away what was not.
 */
#include <csv.h>
#include <string.h>

#include "base/fsio.h"
#include "report/parts.h"

enum { DATASET, FOLD, CHECK, VERDICT, COUNT, OF, DETAIL, MEANING, N_COLUMNS };

/* One of two passes over the file: rows of one dataset that were found (or not). */
struct pass {
    struct arena *arena;
    FILE *out;
    const char *dataset;
    bool found; /* which rows */
    size_t column, line, n_rows;
    const char *field[N_COLUMNS];
    enum status status;
};

static void on_field(void *bytes, size_t n, void *context)
{
    struct pass *p = context;
    if (p->column < N_COLUMNS && p->status == STATUS_OK) {
        p->field[p->column] = arena_printf(p->arena, "%.*s", (int)n, n > 0 ? (const char *)bytes : "");
        if (p->field[p->column] == NULL)
            p->status = STATUS_SYSTEM;
    }
    p->column++;
}

static void write_row(const struct pass *p)
{
    fputs("<tr><td>", p->out);
    page_text(p->out, p->field[CHECK]);
    fprintf(p->out, "</td><td%s>", strcmp(p->field[VERDICT], "leak") == 0 ? " class=\"best\"" : "");
    const int columns[] = {VERDICT, FOLD, COUNT, OF};
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
        if (k > 0)
            fputs("</td><td>", p->out);
        page_text(p->out, p->field[columns[k]]);
    }
    fputs("</td><td class=\"note\">", p->out);
    page_text(p->out, p->field[MEANING]);
    if (p->field[DETAIL][0] != '\0') {
        fputs(": ", p->out);
        page_text(p->out, p->field[DETAIL]);
    }
    fputs("</td></tr>\n", p->out);
}

static void on_line(int end, void *context)
{
    struct pass *p = context;
    (void)end;
    const size_t n = p->column;
    p->column = 0;
    p->line++;
    if (p->status != STATUS_OK || n == 0 || p->line == 1)
        return;
    if (n != N_COLUMNS) {
        p->status =
            status_fail(STATUS_DATA, "audit.csv:%zu: found %zu columns, expected %d", p->line, n, N_COLUMNS);
        return;
    }
    if (strcmp(p->field[DATASET], p->dataset) != 0 || (strcmp(p->field[VERDICT], "none") != 0) != p->found)
        return;
    p->n_rows++;
    write_row(p);
}

static enum status write_rows(struct pass *p, const char *bytes, size_t n)
{
    struct csv_parser parser;
    static const char *const headings[] = {"check", "verdict", "fold", "count", "of", "what is counted"};
    fputs("<div class=\"wide\"><table><thead><tr>", p->out);
    for (size_t k = 0; k < sizeof headings / sizeof *headings; k++)
        fprintf(p->out, "<th><button>%s</button></th>", headings[k]);
    fputs("</tr></thead><tbody>\n", p->out);
    if (csv_init(&parser, CSV_STRICT) != 0)
        return status_fail(STATUS_SYSTEM, "out of memory for the csv parser");
    const bool parsed = csv_parse(&parser, bytes, n, on_field, on_line, p) == n &&
                        csv_fini(&parser, on_field, on_line, p) == 0;
    csv_free(&parser);
    fputs("</tbody></table></div>\n", p->out);
    TRY(p->status);
    return parsed ? STATUS_OK : status_fail(STATUS_DATA, "audit.csv:%zu: not valid csv", p->line + 1);
}

enum status audit_section(const struct records *r, const char *dataset, struct arena *arena, FILE *out)
{
    const char *path = arena_printf(arena, "%s/audit.csv", r->run_dir);
    char *bytes;
    size_t n;
    if (path == NULL)
        return STATUS_SYSTEM;
    if (!file_exists(path)) /* a run of an earlier recfuse */
        return STATUS_OK;
    TRY(read_whole_file(path, (size_t)64 << 20, arena, &bytes, &n));
    struct pass found = {.arena = arena, .out = out, .dataset = dataset, .found = true};
    struct pass clean = {.arena = arena, .out = out, .dataset = dataset};
    fputs("<h3>What the auditor found in the split</h3>\n", out);
    TRY(write_rows(&found, bytes, n));
    fputs("<details><summary>What it looked for and did not find</summary>\n", out);
    TRY(write_rows(&clean, bytes, n));
    fputs("</details>\n", out);
    return STATUS_OK;
}
