/* grid.c - see grid.h: markdown, the page, a terminal.  Labels and headings are escaped here, each form's own way. */
#include "report/grid.h"

#include <math.h>
#include <string.h>

#include "base/columns.h"
#include "report/parts.h"

bool grid_is_empty(const struct grid_cell *c)
{
    return c->kind == GRID_EMPTY || isnan(c->value);
}

bool grid_has_interval(const struct grid_cell *c)
{
    return c->interval && !grid_is_empty(c) && !isnan(c->low) && !isnan(c->high);
}

void grid_number(enum grid_kind kind, double value, char text[GRID_NUMBER])
{
    text[0] = '\0';
    if (kind == GRID_VALUE)
        snprintf(text, GRID_NUMBER, "%.4f", value);
    else if (kind == GRID_DIFFERENCE)
        snprintf(text, GRID_NUMBER, "%+.4f", value);
    else if (kind == GRID_SHARE)
        snprintf(text, GRID_NUMBER, "%.1f", 100 * value);
    else if (kind == GRID_P)
        snprintf(text, GRID_NUMBER, "%.2g", value);
}

/* ---- markdown and the page */
static void write_cell(const struct grid_cell *c, enum table_form form, FILE *out)
{
    const bool md = form == TABLE_MD;
    char value[GRID_NUMBER] = "", low[GRID_NUMBER], high[GRID_NUMBER];
    fputs(md ? " " : c->best ? "<td class=\"best\">" : "<td>", out);
    if (!grid_is_empty(c)) {
        grid_number(c->kind, c->value, value);
        fprintf(out, md && c->best ? "**%s**" : "%s", value);
        if (c->marked)
            fputs(md ? "†" : "<sup>†</sup>", out);
    }
    if (grid_has_interval(c)) {
        grid_number(c->kind, c->low, low);
        grid_number(c->kind, c->high, high);
        fprintf(out, md ? " (%s to %s)" : " <small>%s to %s</small>", low, high);
    }
    fputs(md ? " |" : "</td>", out);
}

static void write_md(const struct grid *g, FILE *out)
{
    fputs("\n## ", out);
    table_md_text(out, g->title);
    fputs("\n\n", out);
    if (g->note != NULL) {
        table_md_text(out, g->note);
        fputs("\n\n", out);
    }
    fputs("| model |", out);
    for (size_t c = 0; c < g->n_columns; c++) {
        fputc(' ', out);
        table_md_text(out, g->column[c]);
        fputs(" |", out);
    }
    fputs("\n|:--|", out);
    for (size_t c = 0; c < g->n_columns; c++)
        fputs("--:|", out);
    fputc('\n', out);
    for (size_t i = 0; i < g->n_rows; i++) {
        fputs("| ", out);
        table_md_text(out, g->row[i]);
        fputs(" |", out);
        for (size_t c = 0; c < g->n_columns; c++)
            write_cell(&g->cell[i * g->n_columns + c], TABLE_MD, out);
        fputc('\n', out);
    }
}

static void write_html(const struct grid *g, FILE *out)
{
    fputs("<h3>", out);
    page_text(out, g->title);
    fputs("</h3>\n", out);
    if (g->note != NULL) {
        fputs("<p>", out);
        page_text(out, g->note);
        fputs("</p>\n", out);
    }
    fputs("<div class=\"wide\"><table><thead><tr><th><button>model</button></th>", out);
    for (size_t c = 0; c < g->n_columns; c++) {
        fputs("<th><button>", out);
        page_text(out, g->column[c]);
        fputs("</button></th>", out);
    }
    fputs("</tr></thead><tbody>\n", out);
    for (size_t i = 0; i < g->n_rows; i++) {
        fputs("<tr><td>", out);
        page_text(out, g->row[i]);
        fputs("</td>", out);
        for (size_t c = 0; c < g->n_columns; c++)
            write_cell(&g->cell[i * g->n_columns + c], TABLE_HTML, out);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

/* ---- a terminal */
/* A cell in columns that it returns; out NULL: nothing is written; last: nothing stands behind it, so no blank either.  Interval of a value:
 * three decimals, for room. */
static size_t print_cell(const struct grid_cell *c, bool last, FILE *out)
{
    char value[GRID_NUMBER] = "", interval[2 * GRID_NUMBER] = "";
    if (!grid_is_empty(c))
        grid_number(c->kind, c->value, value);
    if (grid_has_interval(c))
        snprintf(interval, sizeof interval, c->kind == GRID_DIFFERENCE ? " [%+.4f, %+.4f]" : " [%.3f, %.3f]",
                 c->low, c->high);
    const bool has_mark = c->kind == GRID_VALUE || c->kind == GRID_DIFFERENCE;
    const char *blank = last && interval[0] == '\0' ? "" : " ";
    if (out != NULL)
        fprintf(out, "%s%s%s", value, !has_mark ? "" : c->marked ? "†" : c->best ? "*" : blank, interval);
    return strlen(value) + has_mark + strlen(interval);
}

static void write_spaces(size_t n, FILE *out)
{
    fprintf(out, "%*s", (int)n, "");
}

static size_t label_width(const struct grid *g)
{
    size_t width = strlen("model");
    for (size_t i = 0; i < g->n_rows; i++)
        width = text_columns(g->row[i]) > width ? text_columns(g->row[i]) : width;
    return width;
}

static size_t column_width(const struct grid *g, size_t c)
{
    size_t width = text_columns(g->column[c]);
    for (size_t i = 0; i < g->n_rows; i++) {
        const size_t own = print_cell(&g->cell[i * g->n_columns + c], false, NULL);
        width = own > width ? own : width;
    }
    return width;
}

static void write_terminal(const struct grid *g, FILE *out)
{
    const size_t labels = label_width(g);
    fprintf(out, "\n%s\nmodel", g->title);
    write_spaces(labels - strlen("model"), out);
    for (size_t c = 0; c < g->n_columns; c++) {
        write_spaces(2 + column_width(g, c) - text_columns(g->column[c]), out);
        fputs(g->column[c], out);
    }
    fputc('\n', out);
    for (size_t i = 0; i < g->n_rows; i++) {
        fputs(g->row[i], out);
        write_spaces(labels - text_columns(g->row[i]), out);
        size_t end = g->n_columns;
        while (end > 0 && grid_is_empty(&g->cell[i * g->n_columns + end - 1]))
            end--;
        for (size_t c = 0; c < end; c++) {
            const struct grid_cell *cell = &g->cell[i * g->n_columns + c];
            write_spaces(2 + column_width(g, c) - print_cell(cell, false, NULL), out);
            print_cell(cell, c + 1 == end, out);
        }
        fputc('\n', out);
    }
    if (g->note != NULL)
        fprintf(out, "%s\n", g->note);
}

void grid_write(const struct grid *g, enum table_form form, FILE *out)
{
    static void (*const writers[])(const struct grid *, FILE *) = {[TABLE_MD] = write_md,
                                                                   [TABLE_TEX] = grid_write_tex,
                                                                   [TABLE_HTML] = write_html,
                                                                   [TABLE_TERMINAL] = write_terminal};
    writers[form](g, out);
}
