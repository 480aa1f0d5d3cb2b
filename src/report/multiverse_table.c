/* multiverse_table.c - the tables of a multiverse (multiverse.h): what each choice does to the order, where each model ends. */
#include <math.h>
#include <string.h>

#include "base/csv_put.h"
#include "base/fsio.h"
#include "report/multiverse.h"
#include "report/parts.h"

static const struct choice_effect *effect_at(const struct multiverse *m, int c, const char **name)
{
    *name = c < N_CHOICES ? choice_names[c] : "everything";
    return c < N_CHOICES ? &m->effect[c] : &m->all;
}

/* A model's ranks over all universes. */
struct standing {
    double mean, low, high, best; /* best: share of the universes in which it is (alone or with others) */
};
static struct standing standing_of(const struct multiverse *m, size_t model)
{
    struct standing s = {.low = INFINITY, .high = -INFINITY};
    for (size_t u = 0; u < m->n_universes; u++) {
        const double rank = m->universe[u].rank[model];
        double top = INFINITY;
        for (size_t k = 0; k < m->n_models; k++)
            top = fmin(top, m->universe[u].rank[k]);
        s.mean += rank / (double)m->n_universes;
        s.low = fmin(s.low, rank), s.high = fmax(s.high, rank);
        s.best += (rank == top) / (double)m->n_universes;
    }
    return s;
}

static void write_choices(const struct multiverse *m, FILE *out)
{
    fputs("choice,n_values,n_pairs,tau_mean,tau_lowest,tau_highest,same_best\n", out);
    for (int c = 0; c <= N_CHOICES; c++) {
        const char *name;
        const struct choice_effect *e = effect_at(m, c, &name);
        if (e->n_pairs > 0)
            fprintf(out, "%s,%zu,%zu,%.9g,%.9g,%.9g,%.9g\n", name, e->n_values, e->n_pairs, e->mean, e->low,
                    e->high, e->same_best);
    }
}

static void write_within(const struct multiverse *m, FILE *out)
{
    fputs("split,choice,n_pairs,tau_mean,tau_lowest,tau_highest,same_best\n", out);
    for (size_t s = 0; s < m->n_splits; s++) {
        for (int c = 0; c < N_CHOICES; c++) {
            const struct choice_effect *e = &m->within[s * N_CHOICES + (size_t)c];
            if (e->n_pairs == 0)
                continue;
            csv_put(out, m->split[s]);
            fprintf(out, ",%s,%zu,%.9g,%.9g,%.9g,%.9g\n", choice_names[c], e->n_pairs, e->mean, e->low,
                    e->high, e->same_best);
        }
        for (size_t t = 0; t < s; t++) {
            const struct choice_effect *e = &m->between[s * m->n_splits + t];
            if (e->n_pairs == 0)
                continue;
            csv_put(out, m->split[s]);
            fputs(",split against ", out);
            csv_put(out, m->split[t]);
            fprintf(out, ",%zu,%.9g,%.9g,%.9g,%.9g\n", e->n_pairs, e->mean, e->low, e->high, e->same_best);
        }
    }
}

/* Mean tau: of each choice under each split, and of each two splits. */
static void write_md_splits(const struct multiverse *m, FILE *out)
{
    fputs("\nMean tau of a choice under each split:\n\n| split |", out);
    for (int c = CHOICE_MASK; c < N_CHOICES; c++)
        fprintf(out, " %s |", choice_names[c]);
    fputs("\n|:--|--:|--:|--:|--:|--:|\n", out);
    for (size_t s = 0; s < m->n_splits; s++) {
        fputs("| ", out);
        table_md_text(out, m->split[s]);
        fputs(" |", out);
        for (int c = CHOICE_MASK; c < N_CHOICES; c++) {
            const struct choice_effect *e = &m->within[s * N_CHOICES + (size_t)c];
            if (e->n_pairs > 0)
                fprintf(out, " %.3f |", e->mean);
            else
                fputs(" |", out);
        }
        fputc('\n', out);
    }
    fputs("\nMean tau between two splits:\n\n| |", out);
    for (size_t t = 0; t + 1 < m->n_splits; t++) {
        fputc(' ', out);
        table_md_text(out, m->split[t]);
        fputs(" |", out);
    }
    fputs("\n|:--|", out);
    for (size_t t = 0; t + 1 < m->n_splits; t++)
        fputs("--:|", out);
    fputc('\n', out);
    for (size_t s = 1; s < m->n_splits; s++) {
        fputs("| ", out);
        table_md_text(out, m->split[s]);
        fputs(" |", out);
        for (size_t t = 0; t + 1 < m->n_splits; t++)
            if (t < s && m->between[s * m->n_splits + t].n_pairs > 0)
                fprintf(out, " %.3f |", m->between[s * m->n_splits + t].mean);
            else
                fputs(" |", out);
        fputc('\n', out);
    }
}

static void write_models(const struct multiverse *m, FILE *out)
{
    fputs("model,rank_mean,rank_best,rank_worst,share_best\n", out);
    for (size_t k = 0; k < m->n_models; k++) {
        const struct standing s = standing_of(m, k);
        csv_put(out, m->model[k]);
        fprintf(out, ",%.9g,%g,%g,%.9g\n", s.mean, s.low, s.high, s.best);
    }
}

static void write_md(const struct multiverse *m, FILE *out)
{
    fprintf(out,
            "# The order of %zu models in %zu universes\n\nKendall's tau-b between two universes that differ "
            "in one "
            "choice alone; `everything`: any two.\n\n| choice | values | pairs | mean tau | lowest | same "
            "best model "
            "|\n|:--|--:|--:|--:|--:|--:|\n",
            m->n_models, m->n_universes);
    for (int c = 0; c <= N_CHOICES; c++) {
        const char *name;
        const struct choice_effect *e = effect_at(m, c, &name);
        if (e->n_pairs > 0 && c < N_CHOICES)
            fprintf(out, "| %s | %zu | %zu | %.3f | %.3f | %.0f %% |\n", name, e->n_values, e->n_pairs,
                    e->mean, e->low, 100 * e->same_best);
        else if (e->n_pairs > 0)
            fprintf(out, "| %s | | %zu | %.3f | %.3f | %.0f %% |\n", name, e->n_pairs, e->mean, e->low,
                    100 * e->same_best);
    }
    write_md_splits(m, out);
    fputs("\n| model | mean rank | best | worst | universes in which it is best |\n|:--|--:|--:|--:|--:|\n",
          out);
    for (size_t k = 0; k < m->n_models; k++) {
        const struct standing s = standing_of(m, k);
        fputs("| ", out);
        table_md_text(out, m->model[k]);
        fprintf(out, " | %.2f | %g | %g | %.1f %% |\n", s.mean, s.low, s.high, 100 * s.best);
    }
}

enum status multiverse_tables(const struct records *r, struct arena *arena)
{
    static const struct {
        const char *name;
        void (*write)(const struct multiverse *m, FILE *out);
    } files[] = {{"multiverse-choices.csv", write_choices},
                 {"multiverse-splits.csv", write_within},
                 {"multiverse-models.csv", write_models},
                 {"multiverse.md", write_md}};
    for (size_t i = 0; i < sizeof files / sizeof *files && r->multiverse != NULL; i++) {
        struct atomic_file file;
        const char *path = arena_printf(arena, "%s/tables/%s", r->run_dir, files[i].name);
        if (path == NULL)
            return STATUS_SYSTEM;
        TRY(atomic_open(&file, path));
        files[i].write(r->multiverse, file.stream);
        TRY(atomic_commit(&file));
    }
    return STATUS_OK;
}
