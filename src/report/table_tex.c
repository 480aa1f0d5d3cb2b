/*
 * table_tex.c - tables that go into a paper unchanged: a LaTeX table a cut-off (and part of it, where its columns are many), lines by booktabs where the paper loads it
 * (\providecommand), long labels broken into lines, the best value bold, what differs from it significantly marked, a label to refer to.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/columns.h"
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
    if (strncmp(*text, "†", strlen("†")) == 0) {
        fputs("$\\dagger$", out);
        *text += strlen("†");
        return;
    }
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
/* Characters: a value and its mark, a gap between columns, a label that is not broken into lines. */
enum { MOST_COLUMNS = 6, VALUE_WIDTH = 7, GAP_WIDTH = 2, LABEL_WIDTH = 30 };
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

void table_tex_name(FILE *out, const char *name)
{
    for (; *name != '\0'; name++) {
        const unsigned char c = (unsigned char)*name;
        fputc((c < 0x80 && isalnum(c)) || c == '.' ? c : '-', out);
    }
}

void table_tex_paragraph(FILE *out, const char *text, int longest)
{
    for (int run = 0; *text != '\0';) {
        const unsigned char letter = (unsigned char)*text;
        const bool sign = letter < 0x80 && strchr(" _-/.,:;=+|&()[]{}", letter) != NULL;
        tex_letter(out, &text);
        while (((unsigned char)*text & 0xC0) == 0x80) /* the rest of a letter of UTF-8 */
            fputc(*text++, out);
        run = sign ? 0 : run + 1;
        if ((sign && letter != ' ') || run == longest) {
            fputs("\\allowbreak{}", out);
            run = 0;
        }
    }
}

size_t table_tex_labels(const struct records *r, const char *dataset, FILE *out)
{
    size_t widest = 0;
    for (size_t s = 0; s < r->n_series; s++)
        if (strcmp(r->series[s].dataset, dataset) == 0 && text_columns(r->series[s].name) > widest)
            widest = text_columns(r->series[s].name);
    if (out != NULL)
        fputs(widest > LABEL_WIDTH ? "p{0.4\\linewidth}" : "l", out);
    return widest > LABEL_WIDTH ? LABEL_WIDTH : widest;
}

void table_tex_label(FILE *out, const char *name)
{
    if (text_columns(name) > LABEL_WIDTH) {
        fputs("\\raggedright ", out);
        table_tex_paragraph(out, name, TABLE_TEX_WORD);
    } else
        table_tex_text(out, name);
}

size_t table_tex_width(const char *metric)
{
    const char *below = strstr(metric, " (");
    const size_t top = below != NULL ? (size_t)(below - metric) : strlen(metric);
    const size_t bottom = below != NULL ? strlen(below + 1) : 0, widest = top > bottom ? top : bottom;
    return (widest > VALUE_WIDTH ? widest : VALUE_WIDTH) + GAP_WIDTH;
}

/* An estimate's name stands below its metric's. */
static void write_heading(const char *metric, FILE *out)
{
    const char *below = strstr(metric, " (");
    if (below == NULL) {
        table_tex_text(out, metric);
        return;
    }
    fputs("\\shortstack[r]{", out);
    for (const char *c = metric; c < below;)
        tex_letter(out, &c);
    fputs("\\\\", out);
    table_tex_text(out, below + 1);
    fputc('}', out);
}

/* Of a search, in the last part. */
static bool has_trials(const struct records *r, const char *dataset, const struct part *p)
{
    return p->part + 1 == p->n_parts && records_searched(r, dataset);
}

static void write_row(const struct records *r, const struct series *series, const struct part *p, FILE *out)
{
    size_t column = 0;
    table_tex_label(out, series->name);
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

/* Characters of the widest line. */
static size_t line_width(const struct records *r, const char *dataset, const struct part *p)
{
    size_t column = 0, width = table_tex_labels(r, dataset, NULL) + (records_searched(r, dataset) ? 8 : 0);
    for (size_t m = 0; m < r->n_measures; m++)
        if (part_has(r, m, p, &column))
            width += table_tex_width(r->measure[m].metric);
    return width;
}

/* Where the part ends that begins at p->first: before the column that the line does not hold. */
static size_t end_of(const struct records *r, const char *dataset, const struct part *p, size_t n)
{
    struct part more = *p;
    for (more.end = p->first + 1; more.end < n; more.end++) {
        struct part next = more;
        next.end++;
        if (next.end - next.first > MOST_COLUMNS || line_width(r, dataset, &next) > TABLE_TEX_LINE)
            break;
    }
    return more.end;
}

static void write_head(const struct records *r, const char *dataset, const struct part *p, FILE *out)
{
    const char *dash = p->k[0] != '\0' ? "-" : "";
    size_t column = 0;
    fputs("\\begin{table}\n\\centering\n", out);
    if (line_width(r, dataset, p) > TABLE_TEX_LINE * 4 / 5)
        fputs("\\small\\setlength{\\tabcolsep}{4pt}\n", out);
    fputs("\\caption{", out);
    table_tex_paragraph(out, dataset, TABLE_TEX_WORD);
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
    fputc('.', out);
    if (r->warning != NULL) {
        fputc(' ', out);
        table_tex_text(out, r->warning);
    }
    const char *note;
    for (size_t i = 0; (note = records_probe_note(r, dataset, i)) != NULL; i++) {
        fputc(' ', out);
        table_tex_paragraph(out, note, TABLE_TEX_WORD);
    }
    fputs("}\n\\label{tab:", out);
    table_tex_name(out, dataset);
    fprintf(out, "%s%s", dash, p->k);
    if (p->n_parts > 1)
        fprintf(out, "-part%zu", p->part + 1);
    fputs("}\n\\begin{tabular}{", out);
    table_tex_labels(r, dataset, out);
    for (size_t m = p->first; m < p->end + has_trials(r, dataset, p); m++)
        fputc('r', out);
    fputs("}\n\\toprule\nmodel", out);
    for (size_t m = 0; m < r->n_measures; m++) /* the cut-off stands in the caption */
        if (part_has(r, m, p, &column)) {
            fputs(" & ", out);
            write_heading(r->measure[m].metric, out);
        }
    fputs(has_trials(r, dataset, p) ? " & trials \\\\\n\\midrule\n" : " \\\\\n\\midrule\n", out);
}

static void write_cutoff(const struct records *r, const char *dataset, const char *k, FILE *out)
{
    const size_t n = table_columns(r, k);
    struct part p = {.k = k};
    for (size_t at = 0; at < n; p.n_parts++)
        at = end_of(r, dataset, &(struct part){.k = k, .first = at}, n);
    for (; p.first < n; p.first = p.end, p.part++) {
        p.end = end_of(r, dataset, &p, n);
        fputc('\n', out);
        write_head(r, dataset, &p, out);
        for (size_t s = 0; s < r->n_series; s++)
            if (strcmp(r->series[s].dataset, dataset) == 0)
                write_row(r, &r->series[s], &p, out);
        fputs("\\bottomrule\n\\end{tabular}\n\\end{table}\n", out);
    }
}

enum status table_write_tex(const struct records *r, const char *dataset, struct arena *arena, FILE *out)
{
    const char *k[32];
    const size_t n = table_cutoffs(r, k, sizeof k / sizeof *k);
    fputs("% Lines are booktabs' where the paper has \\usepackage{booktabs}, else plain ones.\n"
          "\\providecommand{\\toprule}{\\hline}\\providecommand{\\midrule}{\\hline}"
          "\\providecommand{\\bottomrule}{\\hline}\n",
          out);
    for (size_t i = 0; i < n || i == 0; i++)
        write_cutoff(r, dataset, n > 0 ? k[i] : "", out);
    return tables_further(r, dataset, TABLE_TEX, arena, out);
}
