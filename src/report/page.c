/*
 * page.c - one self-contained HTML page a run: tables that sort at a click, every plot as inline svg, the
 * config and the record to copy.  No network (its own policy forbids any), light and dark, phone to desktop: what is wider
 * than the screen scrolls by itself, plots keep the size at which they can be read.
 */
#include <math.h>
#include <string.h>

#include "base/fsio.h"
#include "report/parts.h"

static const char HEAD[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'\">\n<style>\n"
    ":root { color-scheme: light dark; --line: #ccc; --best: #d55e00; }\n"
    "@media (prefers-color-scheme: dark) { :root { --line: #555; --best: #ff9d4d; } }\n"
    "body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1rem; }\n"
    ".wide { overflow-x: auto; }\n"
    "table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0 1.5rem; }\n"
    "th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: "
    "nowrap; }\n"
    "th:first-child, td:first-child { text-align: left; }\n"
    "td.note { text-align: left; white-space: normal; }\n"
    "th button { all: unset; cursor: pointer; font-weight: 600; }\n"
    "th button:focus-visible { outline: 2px solid currentColor; }\n"
    "th[aria-sort=ascending] button::after { content: ' \\25B2'; }\n"
    "th[aria-sort=descending] button::after { content: ' \\25BC'; }\n"
    ".best { font-weight: 700; color: var(--best); }\n"
    "th:first-child, td:first-child { position: sticky; left: 0; background: Canvas; max-width: 60vw; "
    "overflow: hidden; text-overflow: ellipsis; }\n"
    "figure { margin: 0 0 1.5rem; overflow-x: auto; }\n"
    "@media (min-width: 64rem) { figure svg { max-width: 100%; height: auto; } }\n"
    "@media (prefers-color-scheme: dark) { figure svg { filter: invert(.93) hue-rotate(180deg); } }\n"
    ".best small { font-weight: 400; }\n"
    "summary { cursor: pointer; padding: .2rem 0; }\n"
    "button.copy { float: right; font: inherit; font-size: .85rem; margin: .3rem; }\n"
    "pre { overflow-x: auto; border: 1px solid var(--line); padding: .7rem; font-size: .85rem; }\n"
    "</style>\n";

static const char SCRIPT[] =
    "<script>\n"
    "for (const button of document.querySelectorAll('th button'))\n"
    "  button.addEventListener('click', () => {\n"
    "    const head = button.parentElement, table = head.closest('table'), body = table.tBodies[0];\n"
    "    const column = [...head.parentElement.children].indexOf(head);\n"
    "    const down = head.getAttribute('aria-sort') !== 'descending';\n"
    "    for (const other of head.parentElement.children) other.removeAttribute('aria-sort');\n"
    "    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');\n"
    "    const value = row => { const c = row.cells[column]; return c === undefined ? '' : c.textContent; "
    "};\n"
    "    const compare = (a, b) => {\n"
    "      const x = value(a), y = value(b), n = parseFloat(x) - parseFloat(y);\n"
    "      if (x === '' || y === '') return (x === '') - (y === '');\n"
    "      return (isNaN(n) ? x.localeCompare(y) : n) * (down ? -1 : 1);\n"
    "    };\n"
    "    for (const row of [...body.rows].sort(compare)) body.append(row);\n"
    "  });\n"
    "for (const button of document.querySelectorAll('button.copy'))\n"
    "  button.addEventListener('click', async () => {\n"
    "    const text = button.nextElementSibling;\n"
    "    try { await navigator.clipboard.writeText(text.textContent); } catch {\n"
    "      const range = document.createRange();\n"
    "      range.selectNodeContents(text);\n"
    "      getSelection().removeAllRanges();\n"
    "      getSelection().addRange(range);\n"
    "      document.execCommand('copy');\n"
    "    }\n"
    "    button.textContent = 'copied';\n"
    "  });\n"
    "</script>\n";

void page_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
}

/* The interval shows under the pointer. */
static void write_value(const struct records *r, const struct series *s, size_t m, FILE *out)
{
    fputs(records_best(r, s, m) ? "<td class=\"best\"" : "<td", out);
    if (!isnan(s->low[m]))
        fprintf(out, " title=\"95 %% interval over users: %.4f to %.4f\"", s->low[m], s->high[m]);
    fprintf(out, ">%.4f%s</td>", s->mean[m], records_below_best(r, s, m) ? "<sup>†</sup>" : "");
}

static void write_row(const struct records *r, const struct series *series, FILE *out)
{
    fputs("<tr><td>", out);
    page_text(out, series->name);
    fputs("</td>", out);
    if (series->n_cells == 0) {
        fprintf(out, "<td class=\"note\" colspan=\"%zu\">",
                r->n_measures + 1 + records_searched(r, series->dataset));
        page_text(out, series->skipped);
        fputs("</td></tr>\n", out);
        return;
    }
    for (size_t m = 0; m < r->n_measures; m++) {
        if (isnan(series->mean[m]))
            fputs("<td></td>", out);
        else
            write_value(r, series, m, out);
    }
    if (records_searched(r, series->dataset)) {
        fputs("<td>", out);
        table_trials(series, out);
        fputs("</td>", out);
    }
    fprintf(out, "<td>%.2f</td></tr>\n", series->fit_seconds);
}

static void write_table(const struct records *r, const char *dataset, FILE *out)
{
    fputs("<div class=\"wide\"><table><thead><tr><th><button>model</button></th>", out);
    for (size_t m = 0; m < r->n_measures; m++)
        fprintf(out, "<th><button>%s%s%s</button></th>", r->measure[m].metric,
                r->measure[m].k[0] != '\0' ? "@" : "", r->measure[m].k);
    fputs(records_searched(r, dataset) ? "<th><button>trials</button></th>" : "", out);
    fputs("<th><button>fit s</button></th></tr></thead><tbody>\n", out);
    for (size_t s = 0; s < r->n_series; s++)
        if (strcmp(r->series[s].dataset, dataset) == 0)
            write_row(r, &r->series[s], out);
    fputs("</tbody></table></div>\n", out);
    const char *note;
    for (size_t i = 0; (note = records_probe_note(r, dataset, i)) != NULL; i++) {
        fputs("<p>", out);
        page_text(out, note);
        fputs("</p>\n", out);
    }
}

/* The svg element of a plot file, without the XML head; nothing when the plot was not drawn. */
static enum status write_svg(const struct records *r, const char *name, const char *what, const char *of,
                             struct arena *arena, FILE *out)
{
    const char *path = name != NULL ? arena_printf(arena, "%s/%s.svg", r->run_dir, name) : NULL;
    char *bytes;
    size_t n;
    if (path == NULL)
        return STATUS_SYSTEM;
    if (!file_exists(path))
        return STATUS_OK;
    TRY(read_whole_file(path, (size_t)64 << 20, arena, &bytes, &n));
    const char *svg = strstr(bytes, "<svg");
    if (svg == NULL)
        return status_fail(STATUS_DATA, "%s: is no svg file: run `recfuse report %s` again", path,
                           r->run_dir);
    fprintf(out, "<figure role=\"img\" aria-label=\"%s of ", what);
    page_text(out, of);
    fprintf(out, "\">%s</figure>\n", svg);
    return STATUS_OK;
}

static enum status write_plot(const struct records *r, const char *dataset, const char *plot,
                              struct arena *arena, FILE *out)
{
    return write_svg(r, plot_name(dataset, plot, arena), plot, plot_is_of_run(plot) ? r->experiment : dataset,
                     arena, out);
}

/* What came after the cells: why a step has nothing to show, or what it has. */
static enum status write_after(const struct records *r, struct arena *arena, FILE *out)
{
    for (size_t i = 0; i < r->n_after; i++) {
        fprintf(out, "<p class=\"note\">%s: %s: ", r->after[i].name, r->after[i].status);
        page_text(out, r->after[i].message);
        fputs("</p>\n", out);
    }
    TRY(write_svg(r, "plots/feedback-regret", "regret", r->experiment, arena, out));
    TRY(page_csv(r, "feedback-systems.csv",
                 "The feedback loop among simulated users: regret, and how much more than the loop's", arena,
                 out));
    TRY(page_csv(r, "present-summary.csv", "What users are shown: how many texts passed the check of facts",
                 arena, out));
    return page_csv(r, "present.csv", "What users are shown, with the facts it was checked against", arena,
                    out);
}

static enum status write_file(const struct records *r, const char *name, const char *title,
                              struct arena *arena, FILE *out)
{
    const char *path = arena_printf(arena, "%s/%s", r->run_dir, name);
    char *bytes;
    size_t n;
    if (path == NULL)
        return STATUS_SYSTEM;
    if (!file_exists(path))
        return STATUS_OK;
    TRY(read_whole_file(path, (size_t)64 << 20, arena, &bytes, &n));
    fprintf(out, "<details><summary>%s</summary><button class=\"copy\">copy</button><pre>", title);
    page_text(out, bytes);
    fputs("</pre></details>\n", out);
    return STATUS_OK;
}

static enum status write_page(const struct records *r, struct arena *arena, FILE *out)
{
    fputs(HEAD, out);
    fputs("<title>", out);
    page_text(out, r->experiment);
    fputs(" - recfuse</title>\n</head>\n<body>\n<h1>", out);
    page_text(out, r->experiment);
    const bool tests = r->tests != NULL;
    fprintf(out,
            "</h1>\n<p>Means over folds and seeds. The best value of a column stands out (an oracle does not "
            "compete)%s%s%s; a value's interval shows under the pointer. "
            "A click on a heading sorts.</p>\n",
            tests ? "; \u2020 differs from it significantly (declared comparisons, " : "",
            tests ? r->tests : "", tests ? ")" : "");
    if (r->warning != NULL)
        fprintf(out, "<p><strong>Warning.</strong> %s</p>\n", r->warning);
    for (size_t p = 0; p < r->n_plots; p++)
        if (plot_is_of_run(r->plots[p]))
            TRY(write_plot(r, NULL, r->plots[p], arena, out));
    for (size_t d = 0; d < r->n_datasets; d++) {
        fputs("<h2>", out);
        page_text(out, r->dataset[d]);
        fputs("</h2>\n", out);
        write_table(r, r->dataset[d], out);
        TRY(tables_further(r, r->dataset[d], TABLE_HTML, arena, out));
        for (size_t p = 0; p < r->n_plots; p++)
            if (!plot_is_of_run(r->plots[p]))
                TRY(write_plot(r, r->dataset[d], r->plots[p], arena, out));
        TRY(audit_section(r, r->dataset[d], arena, out));
    }
    TRY(write_after(r, arena, out));
    TRY(page_csv(r, "significance.csv", "Significance tests", arena, out));
    TRY(page_csv(r, "significance-strata.csv", "Significance tests in strata", arena, out));
    TRY(page_csv(r, "ranks.csv", "Mean ranks of the models", arena, out));
    TRY(write_file(r, "experiment.yaml", "The experiment, every default written out", arena, out));
    TRY(write_file(r, "record.json", "The record", arena, out));
    fputs(SCRIPT, out);
    fputs("</body>\n</html>\n", out);
    return STATUS_OK;
}

enum status page_write(const struct records *r, struct arena *arena)
{
    struct atomic_file file;
    const char *path = arena_printf(arena, "%s/index.html", r->run_dir);
    if (path == NULL)
        return STATUS_SYSTEM;
    TRY(atomic_open(&file, path));
    const enum status s = write_page(r, arena, file.stream);
    if (s != STATUS_OK) {
        atomic_abort(&file);
        return s;
    }
    return atomic_commit(&file);
}
