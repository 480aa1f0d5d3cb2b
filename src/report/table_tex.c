/*
 * table_tex.c - tables that go into a paper unchanged: a LaTeX table a cut-off (and part of it, where its columns are many), lines by booktabs where the paper loads it
 * (\providecommand), the best value bold, what differs from it significantly marked, a label to refer to.
 */
#include <math.h>
#include <string.h>

#include "report/parts.h"

/* LaTeX of the Greek letters, by code point from alpha (U+03B1). */
static const char *const greek[] = {"alpha",  "beta", "gamma", "delta",    "varepsilon", "zeta", "eta",
                                    "theta",  "iota", "kappa", "lambda",   "mu",         "nu",   "xi",
                                    NULL,     "pi",   "rho",   "varsigma", "sigma",      "tau",  "upsilon",
                                    "varphi", "chi",  "psi",   "omega"};

/* Writes the character at *text in LaTeX's terms and moves behind it. */
static void tex_letter(FILE *out, const char **text)
{
    static const struct {
        char letter;
        const char *tex;
    } special[] = {{'\\', "\\textbackslash{}"},
                   {'~', "\\textasciitilde{}"},
                   {'^', "\\textasciicircum{}"},
                   {'<', "\\textless{}"},
                   {'>', "\\textgreater{}"},
                   {'|', "\\textbar{}"},
                   {'&', "\\&"},
                   {'%', "\\%"},
                   {'$', "\\$"},
                   {'#', "\\#"},
                   {'_', "\\_"},
                   {'{', "\\{"},
                   {'}', "\\}"},
                   {'"', "''"},
                   {'\n', " "},
                   {'[', "{[}"},
                   {'*', "{*}"}}; /* after \\ these two would be its arguments */
    const unsigned char *at = (const unsigned char *)*text;
    if ((at[0] == 0xCE && at[1] >= 0xB1) || (at[0] == 0xCF && at[1] >= 0x80 && at[1] <= 0x89)) {
        const unsigned code = (unsigned)(at[0] & 0x1F) << 6 | (at[1] & 0x3F);
        const char *name = code - 0x3B1 < sizeof greek / sizeof *greek ? greek[code - 0x3B1] : NULL;
        if (name != NULL) {
            fprintf(out, "$\\%s$", name);
            *text += 2;
            return;
        }
    }
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (special[i].letter == **text) {
            fputs(special[i].tex, out);
            (*text)++;
            return;
        }
    fputc(**text, out);
    if ((*text)[0] == '-' && (*text)[1] == '-') /* no dash of two */
        fputs("{}", out);
    (*text)++;
}

/* One table: the columns of a cut-off, or a part of them where they are too many for a page. */
enum { MOST_COLUMNS = 6 };
struct part {
    const char *k;
    size_t first, end; /* of the columns of this cut-off */
    size_t part, n_parts;
};

/* Is measure m in the table?  *column: the columns of its cut-off before it, counted by the caller from 0 on. */
static bool part_has(const struct records *r, size_t m, const struct part *p, size_t *column)
{
    if (!table_has(&r->measure[m], p->k))
        return false;
    const size_t at = (*column)++;
    return at >= p->first && at < p->end;
}

void table_tex_text(FILE *out, const char *text)
{
    while (*text != '\0')
        tex_letter(out, &text);
}

/* Of a search, in the last part. */
static bool has_trials(const struct records *r, const char *dataset, const struct part *p)
{
    return p->part + 1 == p->n_parts && records_searched(r, dataset);
}

static void write_row(const struct records *r, const struct series *series, const struct part *p, FILE *out)
{
    size_t column = 0;
    table_tex_text(out, series->name);
    if (series->n_cells == 0) {
        fprintf(out, " & \\multicolumn{%zu}{l}{\\emph{not run}} \\\\ %% ",
                p->end - p->first + has_trials(r, series->dataset, p));
        for (const char *c = series->skipped; *c != '\0'; c++)
            fputc(*c == '\n' ? ' ' : *c, out);
        fputc('\n', out);
        return;
    }
    for (size_t m = 0; m < r->n_measures; m++) {
        if (!part_has(r, m, p, &column))
            continue;
        if (isnan(series->mean[m]))
            fputs(" & ", out);
        else
            fprintf(out,
                    records_best(r, series, m)         ? " & \\textbf{%.4f}"
                    : records_below_best(r, series, m) ? " & %.4f$^\\dagger$"
                                                       : " & %.4f",
                    series->mean[m]);
    }
    if (has_trials(r, series->dataset, p)) {
        fputs(" & ", out);
        table_trials(series, out);
    }
    fputs(" \\\\\n", out);
}

static void write_head(const struct records *r, const char *dataset, const struct part *p, FILE *out)
{
    const char *dash = p->k[0] != '\0' ? "-" : "";
    size_t column = 0;
    fputs("\\begin{table}\n\\centering\n", out);
    if (p->end - p->first > 5)
        fputs("\\small\\setlength{\\tabcolsep}{4pt}\n", out);
    fputs("\\caption{", out);
    table_tex_text(out, dataset);
    if (p->k[0] != '\0')
        fprintf(out, ", $k = %s$", p->k);
    if (p->n_parts > 1)
        fprintf(out, ", part %zu of %zu", p->part + 1, p->n_parts);
    fputs(". Means over folds and seeds; best value bold", out);
    if (r->tests != NULL) {
        fputs("; $\\dagger$ differs from it significantly (declared comparisons, ", out);
        table_tex_text(out, r->tests);
        fputc(')', out);
    }
    fputs(".}\n\\label{tab:", out);
    for (const char *c = dataset; *c != '\0'; c++) /* a name of the config: letters, digits, '.', '_', '-' */
        fputc(*c == '_' ? '-' : *c, out);
    fprintf(out, "%s%s", dash, p->k);
    if (p->n_parts > 1)
        fprintf(out, "-part%zu", p->part + 1);
    fputs("}\n\\begin{tabular}{l", out);
    for (size_t m = p->first; m < p->end + has_trials(r, dataset, p); m++)
        fputc('r', out);
    fputs("}\n\\toprule\nmodel", out);
    for (size_t m = 0; m < r->n_measures; m++) /* the cut-off stands in the caption */
        if (part_has(r, m, p, &column)) {
            fputs(" & ", out);
            table_tex_text(out, r->measure[m].metric);
        }
    fputs(has_trials(r, dataset, p) ? " & trials \\\\\n\\midrule\n" : " \\\\\n\\midrule\n", out);
}

static void write_cutoff(const struct records *r, const char *dataset, const char *k, FILE *out)
{
    const size_t n = table_columns(r, k), n_parts = (n + MOST_COLUMNS - 1) / MOST_COLUMNS;
    for (size_t i = 0; i < n_parts; i++) {
        const struct part p = {k, n * i / n_parts, n * (i + 1) / n_parts, i, n_parts};
        fputc('\n', out);
        write_head(r, dataset, &p, out);
        for (size_t s = 0; s < r->n_series; s++)
            if (strcmp(r->series[s].dataset, dataset) == 0)
                write_row(r, &r->series[s], &p, out);
        fputs("\\bottomrule\n\\end{tabular}\n\\end{table}\n", out);
    }
}

void table_write_tex(const struct records *r, const char *dataset, FILE *out)
{
    const char *k[32];
    const size_t n = table_cutoffs(r, k, sizeof k / sizeof *k);
    fputs("% Lines are booktabs' where the paper has \\usepackage{booktabs}, else plain ones.\n"
          "\\providecommand{\\toprule}{\\hline}\\providecommand{\\midrule}{\\hline}"
          "\\providecommand{\\bottomrule}{\\hline}\n",
          out);
    for (size_t i = 0; i < n || i == 0; i++)
        write_cutoff(r, dataset, n > 0 ? k[i] : "", out);
    oracle_write(r, dataset, TABLE_TEX, out);
}
