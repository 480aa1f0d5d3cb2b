/*
 * plot.c - figures by gnuplot.  A figure is a script that stands alone: terminal, data and title written
 * here, then the recipe from plots/NAME.gp (built into the program).  It is kept beside the picture, so that
 * a user can restyle it.
 *
 * svg and png hold no times and no paths: the same records give the same bytes with the same gnuplot.
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "plot_recipes.h"
#include "report/figure.h"
#include "report/plot.h"

static const struct figure_kind *const KINDS[] = {
    &figure_metrics, &figure_per_k,  &figure_time,   &figure_strata,     &figure_tradeoff,
    &figure_ranks,   &figure_budget, &figure_curves, &figure_popularity, &figure_multiverse};

static const struct figure_kind *kind_of(const char *plot)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strcmp(KINDS[i]->name, plot) == 0)
            return KINDS[i];
    return NULL;
}

bool plot_is_of_run(const char *plot)
{
    const struct figure_kind *kind = kind_of(plot);
    return kind != NULL && kind->whole_run;
}

const char *plot_name(const char *dataset, const char *plot, struct arena *arena)
{
    if (plot_is_of_run(plot))
        return arena_printf(arena, "plots/%s", plot);
    const char *stem = report_file_name(dataset, arena);
    return stem != NULL ? arena_printf(arena, "plots/%s-%s", stem, plot) : NULL;
}

void plot_head(const char *stem, FILE *out)
{
    fprintf(out, "# Drawn by recfuse; `gnuplot %s.gp` in this folder draws it again.\n", stem);
    fputs("if (!exists(\"suffix\")) { suffix = \"\" }\n", out);
}

void plot_body(const char *stem, int width, int height, const char *first, const char *recipe, FILE *out)
{
    for (int i = 0; i < 2; i++)
        fprintf(out,
                "set terminal %s size %d, %d font \"DejaVu Sans,12\" background rgb \"#ffffff\" noenhanced\n"
                "set output \"%s.%s\" . suffix\n%s%s\nunset output\n%s",
                i == 0 ? "svg" : "pngcairo", width, height, stem, i == 0 ? "svg" : "png", first, recipe,
                i == 0 ? "reset\n" : "");
}

struct drawing {
    struct figure *f;
    const struct figure_kind *kind;
};
static void write_script(const void *context, const char *stem, FILE *out)
{
    const struct drawing *d = context;
    int width, height;
    plot_head(stem, out);
    figure_write_metrics(d->f, out);
    d->kind->write(d->f, out, &width, &height);
    plot_body(stem, width, height, d->kind->has_key ? PLOT_RECIPE_key : "", d->kind->recipe, out);
}

enum status plot_run_gnuplot(const char *folder, const char *script, bool *missing)
{
    const pid_t child = fork();
    if (child < 0)
        return status_fail(STATUS_SYSTEM, "gnuplot could not be started: %s", strerror(errno));
    if (child == 0) {
        if (chdir(folder) != 0)
            _exit(126);
        execlp("gnuplot", "gnuplot", "-e", "suffix = \".tmp\"", script, (char *)NULL);
        _exit(127);
    }
    int state;
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR)
            return status_fail(STATUS_SYSTEM, "gnuplot could not be waited for: %s", strerror(errno));
    *missing = WIFEXITED(state) && WEXITSTATUS(state) == 127;
    if (*missing || (WIFEXITED(state) && WEXITSTATUS(state) == 0))
        return STATUS_OK;
    return status_fail(STATUS_SYSTEM, "gnuplot failed on %s/%s: run it by hand to see why", folder, script);
}

enum status plot_draw(const char *folder, const char *stem, plot_script *write, const void *context,
                      struct arena *arena, bool *missing)
{
    struct atomic_file file;
    const char *script = arena_printf(arena, "%s.gp", stem);
    const char *path = arena_printf(arena, "%s/%s.gp", folder, stem);
    if (script == NULL || path == NULL)
        return STATUS_SYSTEM;
    TRY(atomic_open(&file, path));
    write(context, stem, file.stream);
    TRY(atomic_commit(&file));
    TRY(plot_run_gnuplot(folder, script, missing));
    for (int i = 0; i < 2 && !*missing; i++) {
        const char *final = arena_printf(arena, "%s/%s.%s", folder, stem, i == 0 ? "svg" : "png");
        if (final == NULL)
            return STATUS_SYSTEM;
        struct atomic_file picture;
        TRY(atomic_name(&picture, final));
        snprintf(picture.temporary, sizeof picture.temporary, "%s.tmp",
                 final); /* what gnuplot was told to write */
        TRY(atomic_commit(&picture));
    }
    return STATUS_OK;
}

/* Has the figure anything to show?  Where not, its table says why. */
static bool has_content(const struct figure *f, const struct figure_kind *kind)
{
    size_t n_compared = 0;
    if (kind->whole_run)
        return kind->applies(f);
    for (size_t s = 0; s < f->n_series; s++)
        n_compared += !series_is_oracle(f->series[s]);
    return n_compared > 0 && f->n_metrics > 0 && (kind->applies == NULL || kind->applies(f));
}

/* One figure of a dataset, or of the run (dataset NULL). */
static enum status plot_write(const struct records *r, const char *dataset, const char *plot,
                              const char *folder, struct arena *arena, bool *missing)
{
    const struct figure_kind *kind = kind_of(plot);
    struct figure *f;
    if (kind == NULL)
        return status_fail(STATUS_DATA,
                           "%s/record.json: report.plots names '%s', which this program can't draw",
                           r->run_dir, plot);
    const char *name = plot_name(dataset, plot, arena);
    ARENA_NEW(f, arena, 1);
    if (name == NULL)
        return STATUS_SYSTEM;
    f->r = r;
    f->dataset = dataset;
    if (!kind->whole_run)
        TRY(figure_collect(f, kind->needs_cutoff, arena));
    if (!has_content(f, kind))
        return STATUS_OK;
    const struct drawing drawing = {f, kind};
    return plot_draw(folder, name + strlen("plots/"), write_script, &drawing, arena, missing);
}

enum status plots_write(const struct records *r, struct arena *arena, bool *drawn)
{
    const char *folder = arena_printf(arena, "%s/plots", r->run_dir);
    bool missing = false;
    if (folder == NULL)
        return STATUS_SYSTEM;
    TRY(make_folders(folder));
    for (size_t p = 0; p < r->n_plots; p++)
        for (size_t d = 0; d < (plot_is_of_run(r->plots[p]) ? 1 : r->n_datasets) && !missing; d++)
            TRY(plot_write(r, r->dataset[d], r->plots[p], folder, arena, &missing));
    if (missing)
        log_warn("no plots: gnuplot is not installed (tools/install-deps.sh installs it; then `recfuse "
                 "report %s`)",
                 r->run_dir);
    *drawn = !missing;
    return STATUS_OK;
}
