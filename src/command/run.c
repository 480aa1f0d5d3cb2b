/* run.c - `recfuse run` and `recfuse plan`: an experiment file in, results or a plan out. */
#include "experiment/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "command/command.h"
#include "experiment/plan.h"

enum { LIMIT_SETS = 256, OPTION_FRESH = 256, OPTION_DEVICE, OPTION_THREADS, OPTION_SHARD, OPTION_SET };

struct arguments {
    const char *file, *sets[LIMIT_SETS];
    size_t n_sets;
    struct run_options options;
};

static void parse_shard(struct argp_state *state, const char *text, struct run_options *out)
{
    unsigned shard, n;
    char rest;
    if (sscanf(text, "%u/%u%c", &shard, &n, &rest) != 2 || n == 0 || n > 100000 || shard > n)
        argp_error(state, "--shard: '%s' is not i/N with i from 1 to N (0/N is the same as N/N)", text);
    out->shard = shard;
    out->n_shards = n;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'o':
        a->options.out = argument;
        return 0;
    case OPTION_FRESH:
        a->options.fresh = true;
        return 0;
    case OPTION_DEVICE:
        if (strcmp(argument, "auto") != 0 && strcmp(argument, "cpu") != 0 && strcmp(argument, "cuda") != 0)
            argp_error(state, "--device: '%s' is none of auto, cpu, cuda", argument);
        a->options.device = argument;
        return 0;
    case OPTION_THREADS:
        a->options.threads = (int)command_number(state, "--threads", argument, 1, 1024);
        return 0;
    case OPTION_SHARD:
        parse_shard(state, argument, &a->options);
        return 0;
    case OPTION_SET:
        if (a->n_sets == LIMIT_SETS)
            argp_error(state, "more than %d times --set", LIMIT_SETS);
        a->sets[a->n_sets++] = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "one experiment at a time: '%s' is too much", argument);
        a->file = argument;
        return 0;
    case ARGP_KEY_END:
        if (a->file == NULL)
            argp_error(state, "which experiment?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"out", 'o', "DIR", 0, "Folder of results (default: results/NAME of the experiment)", 0},
    {"fresh", OPTION_FRESH, NULL, 0, "Move older results aside to DIR.old-N and begin anew", 0},
    {"device", OPTION_DEVICE, "auto|cpu|cuda", 0,
     "Where to compute; cuda without a GPU warns and takes the CPU (default: auto, a GPU where the program "
     "has CUDA and there is one)",
     0},
    {"threads", OPTION_THREADS, "N", 0, "Threads (default: all cores); results don't depend on it", 0},
    {"shard", OPTION_SHARD, "i/N", 0, "Run only every N-th cell; `recfuse merge` joins the folders", 0},
    {"set", OPTION_SET, "PATH=VALUE", 0,
     "Change the experiment before it is checked: models.1.params.factors=32 (lists by position, from 0)", 0},
    {0}};

static enum status load(int argc, char **argv, const char *doc, struct arguments *a, struct arena *arena,
                        struct experiment *e)
{
    const struct argp argp = {options, parse, "EXPERIMENT.yaml", doc, NULL, NULL, NULL};
    a->options.device = "auto";
    a->options.signal = &command_signal;
    argp_parse(&argp, argc, argv, 0, NULL, a);
    TRY(experiment_load(a->file, a->sets, a->n_sets, arena, e));
    return experiment_warn_of_controls(e, arena);
}

static enum status run(int argc, char **argv)
{
    struct arguments a = {0};
    struct experiment e = {0};
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status =
        load(argc, argv,
             "Runs what is missing of an experiment and writes tables, plots and records; a run that "
             "was stopped or killed goes on where it was.",
             &a, arena, &e);
    command_catch_signals();
    if (status == STATUS_OK)
        status = run_experiment(&e, &a.options);
    experiment_free(&e);
    arena_free(arena);
    return status;
}

static enum status plan(int argc, char **argv)
{
    struct arguments a = {0};
    struct experiment e = {0};
    struct plan all;
    const struct backend *backend;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status =
        load(argc, argv, "Prints the cells of an experiment with estimates of memory and time; runs nothing.",
             &a, arena, &e);
    if (status == STATUS_OK)
        status = backend_open(a.options.device, a.options.threads, &backend);
    if (status == STATUS_OK)
        status = plan_make(&e, backend->name, run_models_folder(), arena, &all, NULL);
    if (status == STATUS_OK)
        status = plan_print(&e, &all, backend);
    experiment_free(&e);
    arena_free(arena);
    return status;
}

const struct command command_run = {"run", "EXPERIMENT.yaml", "run what is missing of an experiment", run};
const struct command command_plan = {"plan", "EXPERIMENT.yaml", "its cells, memory and time; runs nothing",
                                     plan};
