/*
 * grid_tex.c - a grid as a LaTeX table.
 *
 * Type and gaps are as large as article's line of 345 pt allows, down to \footnotesize; widths are estimated from those of Computer
 * Modern's letters.  Where a line has no room for intervals they stand below their values, and labels and headings that would make it too long
 * are broken into lines.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/grid.h"
#include "report/parts.h"

/* Points at \normalsize (10 pt); letters of a word that narrow columns break. */
enum { LINE = 340, HEADING_MOST = 75, LABEL_LEAST = 120, SHORT_WORD = 8 };
static const double DIGIT = 5, POINT = 3, SIGN = 7.8, DAGGER = 4.5;
static const double SMALLER = 0.87; /* an interval's letters to a value's: small type is wider for its size */

struct size {
    const char *commands;
    double scale, gap; /* letters to those of 10 pt; points between columns, both sides */
};
static const struct size sizes[] = {{"", 1, 12},
                                    {"\\small\\setlength{\\tabcolsep}{4pt}\n", 0.93, 8},
                                    {"\\footnotesize\\setlength{\\tabcolsep}{3pt}\n", 0.85, 6}};
enum { N_SIZES = sizeof sizes / sizeof *sizes };

struct layout {
    const struct size *size;
    bool below;   /* intervals */
    double label; /* room for it; 0: as wide as it is */
};

static double text_points(const char *text)
{
    double points = 0;
    for (const char *c = text; *c != '\0'; c++)
        if (((unsigned char)*c & 0xC0) != 0x80)
            points += strchr(".,:;()[]'|il ", *c) != NULL ? POINT
                      : strchr("+-mMW%@", *c) != NULL     ? SIGN
                                                          : DIGIT;
    return points;
}

static double number_points(enum grid_kind kind, double value)
{
    char text[GRID_NUMBER];
    grid_number(kind, value, text);
    return text_points(text) + (strchr(text, 'e') != NULL ? DIGIT : 0);
}

/* A cell at 10 pt. */
static double cell_points(const struct grid_cell *c, bool below)
{
    if (grid_is_empty(c))
        return 0;
    const double value = number_points(c->kind, c->value) * (c->best ? 1.15 : 1) + (c->marked ? DAGGER : 0);
    if (!grid_has_interval(c))
        return value;
    const double interval =
        SMALLER * (number_points(c->kind, c->low) + number_points(c->kind, c->high) + 4 * POINT);
    if (!below)
        return value + POINT + interval;
    return value > interval ? value : interval;
}

static double column_points(const struct grid *g, size_t c, bool below)
{
    double widest = text_points(g->column[c]);
    widest = widest > HEADING_MOST ? HEADING_MOST : widest;
    for (size_t i = 0; i < g->n_rows; i++)
        widest = fmax(widest, cell_points(&g->cell[i * g->n_columns + c], below));
    return widest;
}

static double label_points(const struct grid *g)
{
    double widest = text_points("model");
    for (size_t i = 0; i < g->n_rows; i++)
        widest = fmax(widest, text_points(g->row[i]));
    return widest;
}

/* The first that fits: larger type before smaller, intervals beside values before below, labels whole before broken. */
static struct layout lay_out(const struct grid *g)
{
    const double label = label_points(g);
    struct layout l = {0};
    for (int broken = 0; broken < 2; broken++)
        for (int below = 0; below < 2; below++)
            for (size_t s = 0; s < N_SIZES; s++) {
                double columns = 0;
                for (size_t c = 0; c < g->n_columns; c++)
                    columns += column_points(g, c, below);
                const double room =
                    (LINE - (double)(g->n_columns + 1) * sizes[s].gap) / sizes[s].scale - columns;
                l = (struct layout){&sizes[s], below, broken ? room : 0};
                if (room >= (broken ? LABEL_LEAST : label))
                    return l;
            }
    l.label = fmax(l.label, LABEL_LEAST / 2.0);
    return l;
}

/* A minus and a power of ten as formulas. */
static void write_number(enum grid_kind kind, double value, FILE *out)
{
    char text[GRID_NUMBER];
    grid_number(kind, value, text);
    char *power = strchr(text, 'e');
    if (power != NULL) {
        *power = '\0';
        fprintf(out, "$%s\\cdot10^{%.0f}$", text, strtod(power + 1, NULL));
    } else if (text[0] == '-')
        fprintf(out, "$-$%s", text + 1);
    else
        fputs(text, out);
}

static void write_cell(const struct grid_cell *c, const struct layout *l, FILE *out)
{
    const bool interval = grid_has_interval(c);
    fputs(" & ", out);
    if (grid_is_empty(c))
        return;
    if (interval && l->below)
        fputs("\\begin{tabular}[t]{@{}r@{}}", out);
    fputs(c->best ? "\\textbf{" : "", out);
    write_number(c->kind, c->value, out);
    fprintf(out, "%s%s", c->best ? "}" : "", c->marked ? "$^\\dagger$" : "");
    if (!interval)
        return;
    fprintf(out, "%s{\\%s [", l->below ? "\\\\[-2pt]" : " ",
            l->size == &sizes[0]   ? "footnotesize"
            : l->size == &sizes[1] ? "scriptsize"
                                   : "tiny");
    write_number(c->kind, c->low, out);
    fputs(", ", out);
    write_number(c->kind, c->high, out);
    fputs(l->below ? "]}\\end{tabular}" : "]}", out);
}

static void write_row(const struct grid *g, size_t i, const struct layout *l, FILE *out)
{
    if (l->label > 0) {
        fputs("\\raggedright ", out);
        table_tex_paragraph(out, g->row[i], SHORT_WORD);
    } else
        table_tex_text(out, g->row[i]);
    for (size_t c = 0; c < g->n_columns; c++)
        write_cell(&g->cell[i * g->n_columns + c], l, out);
    fputs(" \\\\\n", out);
}

static void write_heading(const char *heading, const struct layout *l, FILE *out)
{
    fputs(" & ", out);
    if (text_points(heading) <= HEADING_MOST) {
        table_tex_text(out, heading);
        return;
    }
    fprintf(out, "\\parbox[b]{%.0fpt}{\\raggedleft ", HEADING_MOST * l->size->scale);
    table_tex_paragraph(out, heading, SHORT_WORD);
    fputs("}", out);
}

void grid_write_tex(const struct grid *g, FILE *out)
{
    const struct layout l = lay_out(g);
    fprintf(out, "\n\\begin{table}\n\\centering\n%s\\caption{", l.size->commands);
    if (g->dataset != NULL) {
        table_tex_paragraph(out, g->dataset, TABLE_TEX_WORD);
        fputs(". ", out);
    }
    table_tex_paragraph(out, g->title, TABLE_TEX_WORD);
    fputs(g->note != NULL ? ". " : ".", out);
    if (g->note != NULL)
        table_tex_paragraph(out, g->note, TABLE_TEX_WORD);
    fputs("}\n", out);
    if (g->name != NULL) {
        fputs("\\label{tab:", out);
        table_tex_name(out, g->name);
        fputs("}\n", out);
    }
    fputs("\\begin{tabular}{", out);
    if (l.label > 0)
        fprintf(out, "p{%.2f\\linewidth}", l.label * l.size->scale / 345);
    else
        fputc('l', out);
    for (size_t c = 0; c < g->n_columns; c++)
        fputc('r', out);
    fputs("}\n\\toprule\nmodel", out);
    for (size_t c = 0; c < g->n_columns; c++)
        write_heading(g->column[c], &l, out);
    fputs(" \\\\\n\\midrule\n", out);
    for (size_t i = 0; i < g->n_rows; i++)
        write_row(g, i, &l, out);
    fputs("\\bottomrule\n\\end{tabular}\n\\end{table}\n", out);
}
