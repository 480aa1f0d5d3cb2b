/*
 * table.c - the tables of a run: csv for programs, markdown for pages, LaTeX (booktabs) for papers.
 *
 * Values are means over folds and seeds with four decimals; the best of a column is bold; a row that could
 * not be had says why.  The csv holds every metric, cut-off and standard deviation with nine digits.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/columns.h"
#include "base/csv_put.h"
#include "base/fsio.h"
#include "report/multiverse.h"
#include "report/parts.h"

enum { MAX_CUTOFFS = 32 };

char *report_file_name(const char *name, struct arena *arena)
{
    char *copy = arena_strdup(arena, name);
    for (char *c = copy; c != NULL && *c != '\0'; c++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", *c) == NULL)
            *c = '_';
    return copy;
}

void table_trials(const struct series *series, FILE *out)
{
    if (series->n_trials > 0)
        fprintf(out, "%ld", series->n_trials);
}

size_t table_cutoffs(const struct records *r, const char **out, size_t limit)
{
    size_t n = 0;
    for (size_t m = 0; m < r->n_measures; m++) {
        size_t i = 0;
        while (i < n && strcmp(out[i], r->measure[m].k) != 0)
            i++;
        if (i == n && n < limit && r->measure[m].k[0] != '\0')
            out[n++] = r->measure[m].k;
    }
    return n;
}

const char *table_main_k(const struct records *r)
{
    const char *k[MAX_CUTOFFS];
    const size_t n = table_cutoffs(r, k, MAX_CUTOFFS);
    for (size_t i = 0; i < n; i++)
        if (strcmp(k[i], "10") == 0)
            return k[i];
    return n > 0 ? k[0] : "";
}

bool table_has(const struct measure *m, const char *k)
{
    return m->k[0] == '\0' || strcmp(m->k, k) == 0;
}

static void write_csv(const struct records *r, const char *dataset, FILE *out)
{
    fputs("label,model,params,n_cells", out);
    for (size_t m = 0; m < r->n_measures; m++) {
        const char *at = r->measure[m].k[0] != '\0' ? "@" : "";
        fprintf(out, ",%s%s%s,%s%s%s_sd,%s%s%s_low,%s%s%s_high", r->measure[m].metric, at, r->measure[m].k,
                r->measure[m].metric, at, r->measure[m].k, r->measure[m].metric, at, r->measure[m].k,
                r->measure[m].metric, at, r->measure[m].k);
    }
    fputs(",trials,fit_seconds,rank_seconds,note\n", out);
    for (size_t s = 0; s < r->n_series; s++) {
        const struct series *series = &r->series[s];
        if (strcmp(series->dataset, dataset) != 0)
            continue;
        csv_put(out, series->label);
        fputc(',', out);
        csv_put(out, series->model);
        fputc(',', out);
        csv_put(out, series->params);
        fprintf(out, ",%zu", series->n_cells);
        for (size_t m = 0; m < r->n_measures; m++) {
            const double values[4] = {series->mean[m], series->deviation[m], series->low[m], series->high[m]};
            for (int i = 0; i < 4; i++)
                if (isnan(values[i]))
                    fputc(',', out);
                else
                    fprintf(out, ",%.9g", values[i]);
        }
        fputc(',', out);
        table_trials(series, out);
        if (series->n_cells > 0)
            fprintf(out, ",%.4g,%.4g,", series->fit_seconds, series->rank_seconds);
        else
            fputs(",,,", out);
        csv_put(out, series->skipped != NULL ? series->skipped : r->warning != NULL ? r->warning : "");
        fputc('\n', out);
    }
}

void table_md_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("|*_`\\<>[]&$~", *text) != NULL)
            fputc('\\', out);
        fputc(*text == '\n' ? ' ' : *text, out);
    }
}

size_t table_columns(const struct records *r, const char *k)
{
    size_t n = 0;
    for (size_t m = 0; m < r->n_measures; m++)
        n += table_has(&r->measure[m], k);
    return n;
}

static void write_md_table(const struct records *r, const char *dataset, const char *k, FILE *out)
{
    fputs("| model |", out);
    for (size_t m = 0; m < r->n_measures; m++)
        if (table_has(&r->measure[m], k))
            fprintf(out, " %s%s%s |", r->measure[m].metric, r->measure[m].k[0] != '\0' ? "@" : "",
                    r->measure[m].k);
    const bool trials = records_searched(r, dataset);
    fputs(trials ? " trials | fit s |\n|:--|" : " fit s |\n|:--|", out);
    for (size_t m = 0; m <= table_columns(r, k) + trials; m++)
        fputs("--:|", out);
    fputc('\n', out);
    for (size_t s = 0; s < r->n_series; s++) {
        const struct series *series = &r->series[s];
        if (strcmp(series->dataset, dataset) != 0)
            continue;
        fputs("| ", out);
        table_md_text(out, series->name);
        fputs(" |", out);
        if (series->n_cells == 0) {
            fputc(' ', out);
            table_md_text(out, series->skipped);
            for (size_t m = 0; m <= table_columns(r, k) + trials; m++)
                fputs(" |", out);
            fputc('\n', out);
            continue;
        }
        for (size_t m = 0; m < r->n_measures; m++) {
            if (!table_has(&r->measure[m], k))
                continue;
            const char *mark = records_best(r, series, m) ? "**" : "";
            if (isnan(series->mean[m]))
                fputs("  |", out);
            else
                fprintf(out, " %s%.4f%s%s |", mark, series->mean[m], mark,
                        records_below_best(r, series, m) ? "†" : "");
        }
        if (trials) {
            fputc(' ', out);
            table_trials(series, out);
            fputs(" |", out);
        }
        fprintf(out, " %.2f |\n", series->fit_seconds);
    }
}

enum status tables_further(const struct records *r, const char *dataset, enum table_form form,
                           struct arena *arena, FILE *out)
{
    TRY(compare_write(r, dataset, SIZE_MAX, form, arena, out));
    TRY(strata_write(r, dataset, SIZE_MAX, form, arena, out));
    TRY(compare_strata_write(r, dataset, SIZE_MAX, form, arena, out));
    return oracle_write(r, dataset, form, arena, out);
}

static enum status write_md(const struct records *r, const char *dataset, struct arena *arena, FILE *out)
{
    const char *k[MAX_CUTOFFS];
    const size_t n = table_cutoffs(r, k, MAX_CUTOFFS);
    fputs("# ", out);
    table_md_text(out, dataset);
    fprintf(out,
            "\n\nExperiment %s. Means over folds and seeds; best value bold (the oracle does not compete)",
            r->experiment);
    if (r->tests != NULL)
        fprintf(out, "; † differs from it significantly (declared comparisons, %s)", r->tests);
    fputs(".\n", out);
    if (r->warning != NULL) {
        fputs("\n**Warning.** ", out);
        table_md_text(out, r->warning);
        fputc('\n', out);
    }
    for (size_t i = 0; i < n || i == 0; i++) {
        if (n > 0)
            fprintf(out, "\n## k = %s\n", k[i]);
        fputc('\n', out);
        write_md_table(r, dataset, n > 0 ? k[i] : "", out);
    }
    const char *note;
    for (size_t i = 0; (note = records_probe_note(r, dataset, i)) != NULL; i++) {
        fputc('\n', out);
        table_md_text(out, note);
        fputc('\n', out);
    }
    return tables_further(r, dataset, TABLE_MD, arena, out);
}

static enum status write_one(const struct records *r, const char *dataset, const char *kind, const char *path,
                             struct arena *arena)
{
    struct atomic_file file;
    enum status status = STATUS_OK;
    TRY(atomic_open(&file, path));
    if (strcmp(kind, "csv") == 0)
        write_csv(r, dataset, file.stream);
    else if (strcmp(kind, "md") == 0)
        status = write_md(r, dataset, arena, file.stream);
    else
        status = table_write_tex(r, dataset, arena, file.stream);
    if (status == STATUS_OK)
        return atomic_commit(&file);
    atomic_abort(&file);
    return status;
}

/* Tables of a dataset beside the main one, in csv. */
static enum status write_further_csv(const struct records *r, const char *dataset, const char *stem,
                                     struct arena *arena)
{
    static const struct {
        const char *name;
        bool (*has)(const struct records *, const char *);
        void (*write)(const struct records *, const char *, FILE *);
    } kinds[] = {{"compare", compare_has, compare_write_csv},
                 {"strata", strata_has, strata_write_csv},
                 {"compare-strata", compare_strata_has, compare_strata_write_csv},
                 {"oracle", oracle_has, oracle_write_csv}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *path = arena_printf(arena, "%s-%s.csv", stem, kinds[i].name);
        struct atomic_file file;
        if (path == NULL)
            return STATUS_SYSTEM;
        if (!kinds[i].has(r, dataset)) {
            unlink(path); /* of an earlier run into the folder */
            continue;
        }
        TRY(atomic_open(&file, path));
        kinds[i].write(r, dataset, file.stream);
        TRY(atomic_commit(&file));
    }
    return STATUS_OK;
}

enum status tables_write(const struct records *r, struct arena *arena)
{
    const char *folder = arena_printf(arena, "%s/tables", r->run_dir);
    if (folder == NULL)
        return STATUS_SYSTEM;
    TRY(make_folders(folder));
    for (size_t d = 0; d < r->n_datasets; d++) {
        const char *name = report_file_name(r->dataset[d], arena);
        const char *stem = name != NULL ? arena_printf(arena, "%s/%s", folder, name) : NULL;
        if (stem == NULL)
            return STATUS_SYSTEM;
        for (size_t t = 0; t < r->n_tables; t++) {
            const char *path = arena_printf(arena, "%s.%s", stem, r->tables[t]);
            if (path == NULL)
                return STATUS_SYSTEM;
            TRY(write_one(r, r->dataset[d], r->tables[t], path, arena));
            if (strcmp(r->tables[t], "csv") == 0)
                TRY(write_further_csv(r, r->dataset[d], stem, arena));
        }
    }
    return multiverse_tables(r, arena);
}

void table_print(const struct records *r, const char *dataset, const char *k, FILE *out)
{
    int width = 5;
    for (size_t s = 0; s < r->n_series; s++)
        if (strcmp(r->series[s].dataset, dataset) == 0 && (int)text_columns(r->series[s].name) > width)
            width = (int)text_columns(r->series[s].name);
    fprintf(out, "%-*s", width, "model");
    for (size_t m = 0; m < r->n_measures; m++)
        if (table_has(&r->measure[m], k)) {
            char head[64];
            snprintf(head, sizeof head, "%s%s%s", r->measure[m].metric, r->measure[m].k[0] != '\0' ? "@" : "",
                     r->measure[m].k);
            fprintf(out, " %13s", head);
        }
    const bool trials = records_searched(r, dataset);
    fputs(trials ? "  trials" : "", out);
    fprintf(out, " %9s\n", "fit s");
    for (size_t s = 0; s < r->n_series; s++) {
        const struct series *series = &r->series[s];
        if (strcmp(series->dataset, dataset) != 0)
            continue;
        fprintf(out, "%s%*s", series->name, width - (int)text_columns(series->name), "");
        if (series->n_cells == 0) {
            fprintf(out, "  %s\n", series->skipped);
            continue;
        }
        for (size_t m = 0; m < r->n_measures; m++) {
            if (!table_has(&r->measure[m], k))
                continue;
            if (isnan(series->mean[m]))
                fprintf(out, " %13s", "");
            else
                fprintf(out, " %12.4f%s", series->mean[m],
                        records_best(r, series, m)         ? "*"
                        : records_below_best(r, series, m) ? "†"
                                                           : " ");
        }
        if (trials && series->n_trials > 0)
            fprintf(out, " %7ld", series->n_trials);
        else if (trials)
            fprintf(out, " %7s", "");
        fprintf(out, " %9.2f\n", series->fit_seconds);
    }
    if (compare_has(r, dataset))
        fputs("* best of a column; † differs from it significantly\n", out);
    const char *note;
    for (size_t i = 0; (note = records_probe_note(r, dataset, i)) != NULL; i++)
        fprintf(out, "%s\n", note);
}
