/* page_csv.c - a csv file of the run's folder as a table of the page that sorts, folded away. */
#include <csv.h>
#include <string.h>

#include "base/fsio.h"
#include "report/parts.h"

struct writer {
    FILE *out;
    size_t line, column;
};

static void on_field(void *bytes, size_t n, void *context)
{
    struct writer *w = context;
    if (w->column++ == 0)
        fputs("<tr>", w->out);
    fputs(w->line == 0 ? "<th><button>" : "<td>", w->out);
    page_text(w->out, n > 0 ? bytes : "");
    fputs(w->line == 0 ? "</button></th>" : "</td>", w->out);
}

static void on_line(int end, void *context)
{
    struct writer *w = context;
    (void)end;
    if (w->column > 0)
        fputs(w->line++ == 0 ? "</tr></thead><tbody>\n" : "</tr>\n", w->out);
    w->column = 0;
}

enum status page_csv(const struct records *r, const char *name, const char *title, struct arena *arena,
                     FILE *out)
{
    const char *path = arena_printf(arena, "%s/%s", r->run_dir, name);
    struct csv_parser parser;
    struct writer w = {.out = out};
    char *bytes;
    size_t n;
    if (path == NULL)
        return STATUS_SYSTEM;
    if (!file_exists(path))
        return STATUS_OK;
    TRY(read_whole_file(path, (size_t)64 << 20, arena, &bytes, &n));
    if (csv_init(&parser, CSV_STRICT | CSV_APPEND_NULL) != 0)
        return status_fail(STATUS_SYSTEM, "out of memory for the csv parser");
    fprintf(out, "<details><summary>%s</summary><div class=\"wide\"><table><thead>", title);
    const bool parsed = csv_parse(&parser, bytes, n, on_field, on_line, &w) == n &&
                        csv_fini(&parser, on_field, on_line, &w) == 0;
    csv_free(&parser);
    fputs("</tbody></table></div></details>\n", out);
    return parsed ? STATUS_OK : status_fail(STATUS_DATA, "%s:%zu: not valid csv", path, w.line + 1);
}
