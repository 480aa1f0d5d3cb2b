/* simulation_play.c - see simulation_play.h. */
#include "experiment/simulation_play.h"

#include <math.h>
#include <string.h>

#include "base/fsio.h"
#include "eval/correction.h"
#include "eval/significance.h"
#include "experiment/run.h"
#include "plot_recipes.h"
#include "report/plot.h"

static json_t *result_line(const struct simulation *s, size_t arm, size_t k)
{
    const struct simulate_result *r = &s->result[arm * s->n_seeds + k];
    json_t *rounds = json_array(), *regret = json_array();
    for (uint32_t t = 0; t < r->n_rounds; t++)
        json_array_append_new(
            rounds, json_pack("[f, f, f]", r->round[t].regret, r->round[t].ndcg, r->round[t].clicks));
    for (uint32_t u = 0; u < r->n_users; u++)
        json_array_append_new(regret, json_real(r->regret[u]));
    return json_pack("{s:s, s:I, s:o, s:o}", "system", s->arm[arm].name, "seed", (json_int_t)s->seed[k],
                     "rounds", rounds, "regret", regret);
}

/* Takes a kept line as the result of that system and seed; false: it is another's. */
static enum status take_line(struct simulation *s, const json_t *line, size_t arm, size_t k, bool *fits)
{
    struct simulate_result *r = &s->result[arm * s->n_seeds + k];
    const json_t *rounds = json_object_get(line, "rounds"), *regret = json_object_get(line, "regret");
    const char *system = json_string_value(json_object_get(line, "system"));
    *fits = system != NULL && strcmp(system, s->arm[arm].name) == 0 &&
            json_integer_value(json_object_get(line, "seed")) == s->seed[k] &&
            json_array_size(rounds) == (size_t)s->how.rounds && json_array_size(regret) > 0;
    if (!*fits)
        return STATUS_OK;
    *r = (struct simulate_result){.n_users = (uint32_t)json_array_size(regret),
                                  .n_rounds = (uint32_t)json_array_size(rounds)};
    ARENA_NEW(r->round, s->arena, r->n_rounds);
    ARENA_NEW(r->regret, s->arena, r->n_users);
    for (uint32_t t = 0; t < r->n_rounds; t++) {
        const json_t *x = json_array_get(rounds, t);
        r->round[t] = (struct simulate_round){json_number_value(json_array_get(x, 0)),
                                              json_number_value(json_array_get(x, 1)),
                                              json_number_value(json_array_get(x, 2))};
    }
    for (uint32_t u = 0; u < r->n_users; u++)
        r->regret[u] = json_number_value(json_array_get(regret, u));
    return STATUS_OK;
}

static enum status play_one(struct simulation *s, size_t arm, size_t k, struct run *run,
                            const struct item_vectors *vectors)
{
    struct simulate_result *r = &s->result[arm * s->n_seeds + k];
    fprintf(stderr, "[%zu/%zu] seed %lld: %s\n", k * s->n_arms + arm, s->n_seeds * s->n_arms, s->seed[k],
            s->arm[arm].name);
    TRY(simulate(&s->how, &s->arm[arm], s->loop->view, &s->loop->base, vectors, s->loop->rules, run, s->arena,
                 r));
    if (s->kept == NULL)
        return STATUS_OK;
    json_t *line = result_line(s, arm, k);
    const enum status status = kept_add(s->kept, line);
    json_decref(line);
    return status;
}

static enum status run_seed(struct simulation *s, size_t k)
{
    const size_t n_kept = s->kept != NULL ? json_array_size(s->kept->lines) : 0, first = k * s->n_arms;
    if (n_kept >= first + s->n_arms)
        return STATUS_OK;
    struct run run = {.backend = s->backend,
                      .arena = arena_new(),
                      .scratch = arena_new(),
                      .seed = (uint64_t)s->seed[k],
                      .cache = run_cache_folder(),
                      .models = run_models_folder(),
                      .cancelled = s->signal};
    struct item_vectors vectors = {0};
    enum status status = run.arena != NULL && run.scratch != NULL ? STATUS_OK : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = loop_prepare(s->loop, &run, &vectors);
    for (size_t a = n_kept > first ? n_kept - first : 0; a < s->n_arms && status == STATUS_OK; a++)
        status = play_one(s, a, k, &run, &vectors);
    arena_free(run.scratch);
    arena_free(run.arena);
    return status;
}

/* The lines that hold are those of the first systems and seeds, in order. */
static enum status take_kept(struct simulation *s)
{
    size_t n = 0;
    bool fits = true;
    for (; s->kept != NULL && n < json_array_size(s->kept->lines) && n < s->n_arms * s->n_seeds; n++) {
        TRY(take_line(s, json_array_get(s->kept->lines, n), n % s->n_arms, n / s->n_arms, &fits));
        if (!fits)
            break;
    }
    return s->kept != NULL ? kept_cut(s->kept, n) : STATUS_OK;
}

enum status simulation_play(struct simulation *s)
{
    const bool vectors = strcmp(s->loop->vectors.encoder, ITEM_ENCODER_NONE) != 0;
    if (s->loop->view->truth == NULL)
        return status_fail(STATUS_UNAVAILABLE,
                           "the simulation needs a generated dataset (recfuse synth), whose truth is known");
    TRY(simulate_arms(&s->loop->feedback, vectors, s->arena, &s->arm, &s->n_arms));
    ARENA_NEW(s->result, s->arena, s->n_arms * s->n_seeds);
    TRY(take_kept(s));
    for (size_t k = 0; k < s->n_seeds; k++)
        TRY(run_seed(s, k));
    return STATUS_OK;
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
    for (size_t a = 0; a < s->n_arms && out->n < 2; a++) /* nothing can be tested */
        out->test[a] = (struct paired_test){.low = NAN, .high = NAN, .t = NAN, .p = NAN, .cohen_d = NAN},
        out->corrected[a] = NAN;
    if (out->n < 2)
        return STATUS_OK;
    for (size_t a = 1; a < s->n_arms; a++) {
        TRY(units(s, a, &other, &out->n));
        TRY(significance_paired_t(other, loop, out->n, &out->test[a]));
        p[a - 1] = out->test[a].p;
    }
    return correct_p(CORRECTION_HOLM, p, s->n_arms - 1, out->corrected + 1);
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

static const char *path_of(const struct simulation *s, const char *name)
{
    return arena_printf(s->arena, "%s/%s%s", s->out, s->prefix, name);
}

static enum status write_rounds(const struct simulation *s)
{
    struct atomic_file file;
    TRY(atomic_open(&file, path_of(s, "rounds.csv")));
    fputs("system,seed,round,regret,cumulative_regret,ndcg,clicks\n", file.stream);
    for (size_t a = 0; a < s->n_arms; a++)
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
    for (size_t a = 1; a < s->n_arms && f->n > 1; a++)
        fprintf(out, "%s,loop,%s,%zu,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g\n", s->arm[a].name, over, f->n,
                f->test[a].mean_difference, f->test[a].low, f->test[a].high, f->test[a].t, f->test[a].p,
                f->corrected[a], f->test[a].cohen_d);
}

static enum status write_tests(const struct simulation *s, const struct family *users,
                               const struct family *seeds)
{
    struct atomic_file file;
    TRY(atomic_open(&file, path_of(s, "tests.csv")));
    fputs("system,versus,over,pairs,difference,low,high,t,p,p_holm,cohen_d\n", file.stream);
    write_family(s, users, "users", file.stream);
    write_family(s, seeds, "seeds", file.stream);
    return atomic_commit(&file);
}

/* The table, and in short the same as a file for the page. */
static enum status write_systems(const struct simulation *s, const struct family *users,
                                 const struct family *seeds, FILE *table)
{
    struct atomic_file file;
    TRY(atomic_open(&file, path_of(s, "systems.csv")));
    fputs("system,regret_a_user,ndcg_last_round,more_than_loop,low_users,high_users,p_holm_users,low_seeds,"
          "high_seeds,p_holm_seeds\n",
          file.stream);
    fprintf(table, "%-18s %14s %10s %10s  %-15s %10s  %-15s %10s\n", "system", "regret a user", "ndcg",
            "more than", "95 %, users", "p (Holm)", "95 %, seeds", "p (Holm)");
    for (size_t a = 0; a < s->n_arms; a++) {
        struct curve last;
        const struct paired_test *u = &users->test[a], *k = &seeds->test[a];
        at_round(s, a, s->result[0].n_rounds - 1, &last);
        fprintf(table, "%-18s %14.3f %10.4f", s->arm[a].name, last.regret, last.ndcg);
        fprintf(file.stream, "%s,%.3f,%.4f", s->arm[a].name, last.regret, last.ndcg);
        if (a > 0 && users->n > 1) {
            fprintf(table, " %10.3f  %7.3f %7.3f %10.2g", u->mean_difference, u->low, u->high,
                    users->corrected[a]);
            fprintf(file.stream, ",%.3f,%.3f,%.3f,%.2g", u->mean_difference, u->low, u->high,
                    users->corrected[a]);
        } else
            fputs(",,,,", file.stream);
        if (a > 0 && seeds->n > 1) {
            fprintf(table, "  %7.3f %7.3f %10.2g", k->low, k->high, seeds->corrected[a]);
            fprintf(file.stream, ",%.3f,%.3f,%.2g\n", k->low, k->high, seeds->corrected[a]);
        } else
            fputs(",,,\n", file.stream);
        fputc('\n', table);
    }
    fprintf(table,
            "tests: paired t over %zu pairs of seed and user, taken as independent, which users of one model "
            "are not; and over the means of %zu seeds%s\n",
            users->n, seeds->n, seeds->n > 1 ? "" : ": one seed can't be tested");
    return atomic_commit(&file);
}

static void write_plot(const void *context, const char *stem, FILE *out)
{
    const struct simulation *s = context;
    const double width = 1100, height = 430;
    plot_head(stem, out);
    fprintf(out, "n_models = %zu\nk = %d\narray names[%zu]\narray is_oracle[%zu]\nkey_lines = 1\n", s->n_arms,
            s->how.k, s->n_arms, s->n_arms);
    for (size_t a = 0; a < s->n_arms; a++)
        fprintf(out, "names[%zu] = \"%s\"\nis_oracle[%zu] = 0\n", a + 1, s->arm[a].name, a + 1);
    fprintf(out, "right_margin = %g\ntop_margin = 0.9\nkey_left = %g\nkey_row = %g\n", 1 - 190 / width,
            14 / width, 20 / height);
    fputs("$data << EOD\n", out);
    for (uint32_t t = 0; t < s->result[0].n_rounds; t++) {
        fprintf(out, "%u", t + 1);
        for (size_t a = 0; a < s->n_arms; a++) {
            struct curve c;
            at_round(s, a, t, &c);
            fprintf(out, " %.9g %.9g %.9g %.9g", c.regret, c.regret_error, c.ndcg, c.ndcg_error);
        }
        fputc('\n', out);
    }
    fputs("EOD\n", out);
    plot_body(stem, (int)width, (int)height, PLOT_RECIPE_key, PLOT_RECIPE_regret, out);
}

enum status simulation_write(const struct simulation *s, FILE *table, bool *drawn)
{
    bool missing = false;
    struct family users, seeds;
    const char *plots = arena_printf(s->arena, "%s/plots", s->out),
               *stem = arena_printf(s->arena, "%sregret", s->prefix);
    if (plots == NULL || stem == NULL)
        return STATUS_SYSTEM;
    TRY(make_folders(plots));
    TRY(test_family(s, of_users, &users));
    TRY(test_family(s, of_seeds, &seeds));
    TRY(write_rounds(s));
    TRY(write_tests(s, &users, &seeds));
    TRY(write_systems(s, &users, &seeds, table));
    TRY(plot_draw(plots, stem, write_plot, s, s->arena, &missing));
    fprintf(table,
            "regret: expected clicks lost over %u rounds to the best lists, mean of %u users and %zu seeds; "
            "ndcg of the last round\n",
            s->result[0].n_rounds, s->result[0].n_users, s->n_seeds);
    *drawn = !missing;
    return STATUS_OK;
}
