/*
 * oracle.c - what share of what can be known each model has, where the truth is known (recfuse synth, models/oracle.c).
 *
 * A share is a model's value over an oracle's.  Of the oracle `observed` (preference and exposure), the best ranking there is of rows
 * that were held out, no model has more than 100 % but by chance.  Of the oracle `preference` it may have more: what is observed follows
 * exposure too, and a model that has learnt what is seen much gains by it.  Shares are given for metrics that say how good lists
 * are, more being better.
 */
#include <math.h>
#include <string.h>

#include "base/fsio.h"
#include "eval/metrics.h"
#include "report/parts.h"

static bool has_share(const struct records *r, size_t measure)
{
    const struct metric_type *metric = metric_find(r->measure[measure].metric);
    return metric != NULL && metric->kind == METRIC_RANKING && !metric->lower_is_better;
}

/* A table of shares: measures first .. end of an oracle, or all of them. */
struct shares {
    const struct records *r;
    const struct series *oracle;
    size_t first, end;
};

/* Does the column belong to a table of shares? */
static bool is_shown(const struct records *r, size_t measure)
{
    const char *k = r->measure[measure].k;
    return has_share(r, measure) && (k[0] == '\0' || strcmp(k, table_main_k(r)) == 0);
}

const struct series *oracle_next(const struct records *r, const char *dataset, const struct series *before)
{
    for (size_t s = before != NULL ? (size_t)(before - r->series) + 1 : 0; s < r->n_series; s++)
        if (strcmp(r->series[s].dataset, dataset) == 0 && r->series[s].n_cells > 0 &&
            series_is_oracle(&r->series[s]))
            return &r->series[s];
    return NULL;
}

/* NaN: it has none. */
static double share_of(const struct series *oracle, const struct series *s, size_t measure)
{
    return s->n_cells > 0 && oracle->mean[measure] > 0 ? s->mean[measure] / oracle->mean[measure]
                                                       : (double)NAN;
}

static bool is_model_of(const struct series *s, const char *dataset)
{
    return strcmp(s->dataset, dataset) == 0 && s->n_cells > 0;
}

static void write_text(const char *text, enum table_form form, FILE *out)
{
    void (*const writers[])(FILE *, const char *) = {table_md_text, table_tex_text, page_text};
    writers[form](out, text);
}

/* What stands around a table, a heading, a number, in each form. */
static const struct {
    const char *title, *after_title, *head, *before_name, *after_name, *after_head, *row, *before, *after,
        *end_row, *end;
} forms[] = {[TABLE_MD] = {"\n## In % of ", "\n\n", "| model |", " ", " |", "\n", "| ", " ", " |", "\n", ""},
             [TABLE_TEX] = {"\n\\begin{table}\n\\centering\n\\caption{In \\% of ", ".}\n", "model", " & ", "",
                            " \\\\\n\\midrule\n", "", " & ", "", " \\\\\n",
                            "\\bottomrule\n\\end{tabular}\n\\end{table}\n"},
             [TABLE_HTML] = {"<h3>In % of ", "</h3>\n",
                             "<div class=\"wide\"><table><thead><tr><th><button>model</button></th>",
                             "<th><button>", "</button></th>", "</tr></thead><tbody>\n", "<tr><td>", "<td>",
                             "</td>", "</tr>\n", "</tbody></table></div>\n"}};

static void write_heading(const struct shares *t, enum table_form form, FILE *out)
{
    const struct records *r = t->r;
    fputs(forms[form].title, out);
    write_text(t->oracle->name, form, out);
    fputs(forms[form].after_title, out);
    if (form == TABLE_TEX) {
        fputs("\\begin{tabular}{", out);
        table_tex_labels(r, t->oracle->dataset, out);
        for (size_t m = t->first; m < t->end; m++)
            fputs(is_shown(r, m) ? "r" : "", out);
        fputs("}\n\\toprule\n", out);
    }
    fputs(forms[form].head, out);
    for (size_t m = t->first; m < t->end; m++) {
        if (!is_shown(r, m))
            continue;
        fputs(forms[form].before_name, out);
        write_text(r->measure[m].metric, form, out);
        fprintf(out, "%s%s%s", r->measure[m].k[0] != '\0' ? "@" : "", r->measure[m].k,
                forms[form].after_name);
    }
    fputs(forms[form].after_head, out);
    if (form == TABLE_MD) {
        fputs("|:--|", out);
        for (size_t m = t->first; m < t->end; m++)
            fputs(is_shown(r, m) ? "--:|" : "", out);
        fputc('\n', out);
    }
}

static void write_row(const struct shares *t, const struct series *s, enum table_form form, FILE *out)
{
    fputs(forms[form].row, out);
    if (form == TABLE_TEX)
        table_tex_label(out, s->name);
    else {
        write_text(s->name, form, out);
        fputs(forms[form].after, out);
    }
    for (size_t m = t->first; m < t->end; m++) {
        if (!is_shown(t->r, m))
            continue;
        const double share = share_of(t->oracle, s, m);
        fputs(forms[form].before, out);
        if (!isnan(share))
            fprintf(out, "%.1f", 100 * share);
        fputs(forms[form].after, out);
    }
    fputs(forms[form].end_row, out);
}

/* LaTeX has the columns that a line holds in one table. */
static size_t end_of(const struct records *r, const struct series *oracle, size_t first, enum table_form form)
{
    size_t m = first, width = table_tex_labels(r, oracle->dataset, NULL);
    for (size_t n = 0; m < r->n_measures; m++) {
        const size_t own = is_shown(r, m) ? table_tex_width(r->measure[m].metric) + 3 : 0; /* @10 */
        if (form == TABLE_TEX && own > 0 && n > 0 && width + own > TABLE_TEX_LINE * 4 / 5)
            break;
        width += own;
        n += own > 0;
    }
    return m;
}

void oracle_write(const struct records *r, const char *dataset, enum table_form form, FILE *out)
{
    size_t n_shown = 0;
    for (size_t m = 0; m < r->n_measures; m++)
        n_shown += is_shown(r, m);
    if (n_shown == 0)
        return;
    for (const struct series *o = oracle_next(r, dataset, NULL); o != NULL; o = oracle_next(r, dataset, o))
        for (size_t m = 0; m < r->n_measures;) {
            const struct shares t = {r, o, m, end_of(r, o, m, form)};
            write_heading(&t, form, out);
            for (size_t s = 0; s < r->n_series; s++)
                if (is_model_of(&r->series[s], dataset) && &r->series[s] != o)
                    write_row(&t, &r->series[s], form, out);
            fputs(forms[form].end, out);
            m = t.end;
        }
}

enum status oracle_write_csv(const struct records *r, const char *dataset, const char *path)
{
    struct atomic_file file;
    TRY(atomic_open(&file, path));
    fputs("dataset,oracle,label,model,params,metric,k,value,oracle_value,share\n", file.stream);
    for (const struct series *o = oracle_next(r, dataset, NULL); o != NULL; o = oracle_next(r, dataset, o))
        for (size_t i = 0; i < r->n_series * r->n_measures; i++) {
            const struct series *s = &r->series[i / r->n_measures];
            const size_t m = i % r->n_measures;
            if (!is_model_of(s, dataset) || !has_share(r, m) || isnan(share_of(o, s, m)))
                continue;
            const char *fields[] = {
                dataset, o->name, s->label, s->model, s->params, r->measure[m].metric, r->measure[m].k};
            for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
                table_csv_field(file.stream, fields[f]);
                fputc(',', file.stream);
            }
            fprintf(file.stream, "%.9g,%.9g,%.9g\n", s->mean[m], o->mean[m], share_of(o, s, m));
        }
    return atomic_commit(&file);
}
