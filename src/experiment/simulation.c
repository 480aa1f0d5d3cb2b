/* simulation.c - see simulation.h. */
#include "experiment/simulation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "eval/correction.h"
#include "eval/significance.h"
#include "experiment/loop.h"
#include "experiment/run.h"
#include "fusion/simulate.h"
#include "plot_recipes.h"
#include "report/plot.h"

struct top {
    const struct node *simulation;
    struct loop_blocks blocks;
};
static const struct param top_params[] = {
    PARAM_NODE(struct top, simulation, "name, seeds, and how users behave"), LOOP_BLOCKS(struct top),
    PARAM_END};

struct head {
    const char *name;
    const struct node *seeds;
};
static const struct param head_params[] = {
    PARAM_STRING(struct head, name, NULL, "names the folder of results"),
    PARAM_NODE(struct head, seeds, "a list of whole numbers; every system runs once a seed"), PARAM_END};

enum { SEEDS_MOST = 1000 };

struct simulation {
    struct arena *arena;
    struct head head;
    struct simulate_options how;
    struct loop loop;
    const char *out;
    char *yaml;
    size_t n_yaml, n_seeds;
    long long *seed;
    const struct backend *backend;
    struct simulate_arm *arm;
    struct simulate_result *result; /* [SIMULATE_ARMS x n_seeds] */
};

/* The block `simulation` holds name and seeds beside what simulate_params declares: each table gets its own part of the map. */
static enum status read_head(struct simulation *s, const struct node *block)
{
    struct node *rest = NULL;
    if (block == NULL || block->kind != NODE_MAP)
        return status_fail(STATUS_USAGE, "the file has no block `simulation: {name: ..., seeds: [0, 1]}`");
    TRY(params_default(head_params, s->arena, &s->head));
    TRY(params_default(simulate_params, s->arena, &s->how));
    ARENA_NEW(rest, s->arena, 1);
    *rest = *block;
    rest->n = 0;
    ARENA_NEW(rest->child, s->arena, block->n);
    for (size_t i = 0; i < block->n; i++) {
        const struct param *p = param_find(head_params, block->child[i]->key);
        if (p != NULL)
            TRY(param_set(p, "simulation", block->child[i], s->arena, &s->head));
        else
            rest->child[rest->n++] = block->child[i];
    }
    TRY(params_set(simulate_params, "simulation", rest, s->arena, &s->how));
    if (s->head.name == NULL || s->head.name[0] == '\0' || strchr(s->head.name, '/') != NULL)
        return node_fail(
            block, "simulation has no name for its folder of results: letters, digits, '.', '_' and '-'");
    const struct node *seeds = s->head.seeds;
    if (seeds == NULL || seeds->kind != NODE_LIST || seeds->n == 0 || seeds->n > SEEDS_MOST)
        return node_fail(seeds != NULL ? seeds : block, "seeds: expected a list of 1 to %d whole numbers",
                         SEEDS_MOST);
    s->n_seeds = seeds->n;
    ARENA_NEW(s->seed, s->arena, s->n_seeds);
    for (size_t i = 0; i < s->n_seeds; i++)
        TRY(node_int(seeds->child[i], &s->seed[i]));
    return STATUS_OK;
}

static enum status read_file(struct simulation *s, const char *path)
{
    struct node *root;
    struct top top = {0};
    TRY(read_whole_file(path, (size_t)1 << 24, s->arena, &s->yaml, &s->n_yaml));
    TRY(node_parse(path, s->yaml, s->n_yaml, s->arena, &root));
    TRY(params_default(top_params, s->arena, &top));
    TRY(params_set(top_params, "a simulation", root, s->arena, &top));
    TRY(read_head(s, top.simulation));
    return loop_read(&top.blocks, root, s->arena, &s->loop);
}

static enum status run_seed(struct simulation *s, const struct simulation_options *options, size_t k)
{
    struct run run = {.backend = s->backend,
                      .arena = arena_new(),
                      .scratch = arena_new(),
                      .seed = (uint64_t)s->seed[k],
                      .cache = run_cache_folder(),
                      .models = run_models_folder(),
                      .cancelled = options->signal};
    struct item_vectors vectors = {0};
    enum status status = run.arena != NULL && run.scratch != NULL ? STATUS_OK : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = loop_prepare(&s->loop, &run, &vectors);
    for (size_t a = 0; a < SIMULATE_ARMS && status == STATUS_OK; a++) {
        fprintf(stderr, "[%zu/%zu] seed %lld: %s\n", k * SIMULATE_ARMS + a, s->n_seeds * SIMULATE_ARMS,
                s->seed[k], s->arm[a].name);
        status = simulate(&s->how, &s->arm[a], s->loop.view, &s->loop.base, &vectors, s->loop.rules, &run,
                          s->arena, &s->result[a * s->n_seeds + k]);
    }
    arena_free(run.scratch);
    arena_free(run.arena);
    return status;
}

/* The regrets of a system: of each (seed, user) pair [n_seeds x n_users].  A user of one seed is another of the next. */
static enum status of_users(const struct simulation *s, size_t arm, double **out, size_t *n)
{
    const struct simulate_result *first = &s->result[arm * s->n_seeds];
    double *x = NULL;
    *n = s->n_seeds * first->n_users;
    ARENA_NEW(x, s->arena, *n);
    for (size_t k = 0; k < s->n_seeds; k++)
        memcpy(x + k * first->n_users, first[k].regret, first->n_users * sizeof *x);
    *out = x;
    return STATUS_OK;
}

/* Of each seed, the mean over its users [n_seeds]: the users of a seed share the model, which all of their clicks teach, so that they are not
 * independent; seeds are. */
static enum status of_seeds(const struct simulation *s, size_t arm, double **out, size_t *n)
{
    *n = s->n_seeds;
    ARENA_NEW(*out, s->arena, *n);
    for (size_t k = 0; k < s->n_seeds; k++) {
        const struct simulate_result *r = &s->result[arm * s->n_seeds + k];
        for (uint32_t u = 0; u < r->n_users; u++)
            (*out)[k] += r->regret[u] / r->n_users;
    }
    return STATUS_OK;
}

/* Every system against the loop, Holm-corrected; entry 0 is unused. */
struct family {
    size_t n; /* pairs */
    struct paired_test test[SIMULATE_ARMS];
    double corrected[SIMULATE_ARMS];
};
static enum status test_family(const struct simulation *s,
                               enum status (*units)(const struct simulation *, size_t, double **, size_t *),
                               struct family *out)
{
    double p[SIMULATE_ARMS], *loop, *other;
    *out = (struct family){0};
    TRY(units(s, 0, &loop, &out->n));
    for (size_t a = 0; a < SIMULATE_ARMS && out->n < 2; a++) /* nothing can be tested */
        out->test[a] = (struct paired_test){.low = NAN, .high = NAN, .t = NAN, .p = NAN, .cohen_d = NAN},
        out->corrected[a] = NAN;
    if (out->n < 2)
        return STATUS_OK;
    for (size_t a = 1; a < SIMULATE_ARMS; a++) {
        TRY(units(s, a, &other, &out->n));
        TRY(significance_paired_t(other, loop, out->n, &out->test[a]));
        p[a - 1] = out->test[a].p;
    }
    return correct_p(CORRECTION_HOLM, p, SIMULATE_ARMS - 1, out->corrected + 1);
}

struct curve {
    double regret, regret_error, ndcg, ndcg_error; /* means over seeds and their standard errors */
};
static void at_round(const struct simulation *s, size_t arm, uint32_t t, struct curve *c)
{
    double sum[2] = {0}, squares[2] = {0};
    for (size_t k = 0; k < s->n_seeds; k++) {
        const struct simulate_result *r = &s->result[arm * s->n_seeds + k];
        double x[2] = {0, r->round[t].ndcg};
        for (uint32_t j = 0; j <= t; j++)
            x[0] += r->round[j].regret;
        for (int m = 0; m < 2; m++)
            sum[m] += x[m], squares[m] += x[m] * x[m];
    }
    const double n = (double)s->n_seeds;
    double error[2];
    for (int m = 0; m < 2; m++)
        error[m] = s->n_seeds > 1 ? sqrt(fmax(0, squares[m] - sum[m] * sum[m] / n) / (n - 1) / n) : 0;
    *c = (struct curve){sum[0] / n, error[0], sum[1] / n, error[1]};
}

static enum status write_rounds(const struct simulation *s)
{
    struct atomic_file file;
    TRY(atomic_open(&file, arena_printf(s->arena, "%s/rounds.csv", s->out)));
    fputs("system,seed,round,regret,cumulative_regret,ndcg,clicks\n", file.stream);
    for (size_t a = 0; a < SIMULATE_ARMS; a++)
        for (size_t k = 0; k < s->n_seeds; k++) {
            const struct simulate_result *r = &s->result[a * s->n_seeds + k];
            double total = 0;
            for (uint32_t t = 0; t < r->n_rounds; t++) {
                total += r->round[t].regret;
                fprintf(file.stream, "%s,%lld,%u,%.9g,%.9g,%.9g,%.9g\n", s->arm[a].name, s->seed[k], t + 1,
                        r->round[t].regret, total, r->round[t].ndcg, r->round[t].clicks);
            }
        }
    return atomic_commit(&file);
}

static void write_family(const struct simulation *s, const struct family *f, const char *over, FILE *out)
{
    for (size_t a = 1; a < SIMULATE_ARMS && f->n > 1; a++)
        fprintf(out, "%s,loop,%s,%zu,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g\n", s->arm[a].name, over, f->n,
                f->test[a].mean_difference, f->test[a].low, f->test[a].high, f->test[a].t, f->test[a].p,
                f->corrected[a], f->test[a].cohen_d);
}

static enum status write_tests(const struct simulation *s, FILE *table)
{
    struct family users, seeds;
    struct atomic_file file;
    TRY(test_family(s, of_users, &users));
    TRY(test_family(s, of_seeds, &seeds));
    TRY(atomic_open(&file, arena_printf(s->arena, "%s/tests.csv", s->out)));
    fputs("system,versus,over,pairs,difference,low,high,t,p,p_holm,cohen_d\n", file.stream);
    write_family(s, &users, "users", file.stream);
    write_family(s, &seeds, "seeds", file.stream);
    fprintf(table, "%-18s %14s %10s %10s  %-15s %10s  %-15s %10s\n", "system", "regret a user", "ndcg",
            "more than", "95 %, users", "p (Holm)", "95 %, seeds", "p (Holm)");
    for (size_t a = 0; a < SIMULATE_ARMS; a++) {
        struct curve last;
        at_round(s, a, s->result[0].n_rounds - 1, &last);
        fprintf(table, "%-18s %14.3f %10.4f", s->arm[a].name, last.regret, last.ndcg);
        if (a > 0)
            fprintf(table, " %10.3f  %7.3f %7.3f %10.2g", users.test[a].mean_difference, users.test[a].low,
                    users.test[a].high, users.corrected[a]);
        if (a > 0 && seeds.n > 1)
            fprintf(table, "  %7.3f %7.3f %10.2g", seeds.test[a].low, seeds.test[a].high, seeds.corrected[a]);
        fputc('\n', table);
    }
    fprintf(table,
            "tests: paired t over %zu pairs of seed and user, taken as independent, which users of one model "
            "are not; "
            "and over the means of %zu seeds%s\n",
            users.n, seeds.n, seeds.n > 1 ? "" : ": one seed can't be tested");
    return atomic_commit(&file);
}

static void write_plot(const void *context, const char *stem, FILE *out)
{
    const struct simulation *s = context;
    const double width = 1100, height = 430;
    plot_head(stem, out);
    fprintf(out, "n_models = %d\nk = %d\narray names[%d]\narray is_oracle[%d]\nkey_lines = 1\n",
            SIMULATE_ARMS, s->how.k, SIMULATE_ARMS, SIMULATE_ARMS);
    for (size_t a = 0; a < SIMULATE_ARMS; a++)
        fprintf(out, "names[%zu] = \"%s\"\nis_oracle[%zu] = 0\n", a + 1, s->arm[a].name, a + 1);
    fprintf(out, "right_margin = %g\ntop_margin = 0.9\nkey_left = %g\nkey_row = %g\n", 1 - 190 / width,
            14 / width, 20 / height);
    fputs("$data << EOD\n", out);
    for (uint32_t t = 0; t < s->result[0].n_rounds; t++) {
        fprintf(out, "%u", t + 1);
        for (size_t a = 0; a < SIMULATE_ARMS; a++) {
            struct curve c;
            at_round(s, a, t, &c);
            fprintf(out, " %.9g %.9g %.9g %.9g", c.regret, c.regret_error, c.ndcg, c.ndcg_error);
        }
        fputc('\n', out);
    }
    fputs("EOD\n", out);
    plot_body(stem, (int)width, (int)height, PLOT_RECIPE_key, PLOT_RECIPE_regret, out);
}

static enum status write_all(struct simulation *s, FILE *table)
{
    bool missing = false;
    const char *plots = arena_printf(s->arena, "%s/plots", s->out),
               *yaml = arena_printf(s->arena, "%s/simulation.yaml", s->out);
    if (plots == NULL || yaml == NULL)
        return STATUS_SYSTEM;
    TRY(make_folders(plots));
    TRY(atomic_write(yaml, s->yaml, s->n_yaml));
    TRY(write_rounds(s));
    TRY(write_tests(s, table));
    TRY(plot_draw(plots, "regret", write_plot, s, s->arena, &missing));
    fprintf(table,
            "regret: expected clicks lost over %u rounds to the best lists, mean of %u users and %zu seeds; "
            "ndcg of the last round\n",
            s->result[0].n_rounds, s->result[0].n_users, s->n_seeds);
    fprintf(table, "rounds.csv, tests.csv and plots lie in %s%s\n", s->out,
            missing ? " (no plots: gnuplot is not installed)" : "");
    return STATUS_OK;
}

enum status simulation_run(const struct simulation_options *options, FILE *table)
{
    struct simulation s = {.arena = arena_new()};
    if (s.arena == NULL)
        return STATUS_SYSTEM;
    enum status status = read_file(&s, options->file);
    if (status == STATUS_OK) {
        s.out = options->out != NULL ? options->out : arena_printf(s.arena, "results/%s", s.head.name);
        s.result = arena_alloc(s.arena, SIMULATE_ARMS * s.n_seeds, sizeof *s.result);
        status = s.out != NULL && s.result != NULL ? backend_open("cpu", options->threads, &s.backend)
                                                   : STATUS_SYSTEM;
    }
    if (status == STATUS_OK)
        status = loop_open(&s.loop, s.arena);
    if (status == STATUS_OK)
        status = simulate_arms(&s.loop.feedback, s.arena, &s.arm);
    for (size_t k = 0; k < s.n_seeds && status == STATUS_OK; k++)
        status = run_seed(&s, options, k);
    if (status == STATUS_OK)
        status = write_all(&s, table);
    arena_free(s.arena);
    return status;
}
