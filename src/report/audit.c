/*
 * audit.c - the leakage auditor's table on the page, from audit.csv: what was found, and folded away what was not.
 */
#include <string.h>

#include "report/csv_table.h"
#include "report/parts.h"

enum { DATASET, FOLD, CHECK, VERDICT, COUNT, OF, DETAIL, MEANING, N_COLUMNS };
static const char *const columns[] = {"dataset", "fold", "check",  "verdict",
                                      "count",   "of",   "detail", "meaning"};

static void write_row(const struct csv_table *t, size_t row, FILE *out)
{
    static const int shown[] = {VERDICT, FOLD, COUNT, OF};
    fputs("<tr><td>", out);
    page_text(out, csv_cell(t, row, CHECK));
    fprintf(out, "</td><td%s>", strcmp(csv_cell(t, row, VERDICT), "leak") == 0 ? " class=\"best\"" : "");
    for (size_t k = 0; k < sizeof shown / sizeof *shown; k++) {
        if (k > 0)
            fputs("</td><td>", out);
        page_text(out, csv_cell(t, row, (size_t)shown[k]));
    }
    fputs("</td><td class=\"note\">", out);
    page_text(out, csv_cell(t, row, MEANING));
    if (csv_cell(t, row, DETAIL)[0] != '\0') {
        fputs(": ", out);
        page_text(out, csv_cell(t, row, DETAIL));
    }
    fputs("</td></tr>\n", out);
}

/* The rows of a dataset that were found, or those that were not. */
static void write_rows(const struct csv_table *t, const char *dataset, bool found, FILE *out)
{
    static const char *const headings[] = {"check", "verdict", "fold", "count", "of", "what is counted"};
    fputs("<div class=\"wide\"><table><thead><tr>", out);
    for (size_t k = 0; k < sizeof headings / sizeof *headings; k++)
        fprintf(out, "<th><button>%s</button></th>", headings[k]);
    fputs("</tr></thead><tbody>\n", out);
    for (size_t row = 0; row < t->n_rows; row++)
        if (strcmp(csv_cell(t, row, DATASET), dataset) == 0 &&
            (strcmp(csv_cell(t, row, VERDICT), "none") != 0) == found)
            write_row(t, row, out);
    fputs("</tbody></table></div>\n", out);
}

enum status audit_section(const struct records *r, const char *dataset, struct arena *arena, FILE *out)
{
    struct csv_table t;
    TRY(csv_table_read_some(r->run_dir, "audit.csv", columns, N_COLUMNS, arena, &t));
    if (t.n_rows == 0) /* a run of an earlier recfuse, or without data */
        return STATUS_OK;
    fputs("<h3>What the auditor found in the split</h3>\n", out);
    write_rows(&t, dataset, true, out);
    fputs("<details><summary>What it looked for and did not find</summary>\n", out);
    write_rows(&t, dataset, false, out);
    fputs("</details>\n", out);
    return STATUS_OK;
}
