/* trace.c - `recfuse trace`: what each stage of a pipeline made of one user. */
#include "models/trace.h"
#include "command/command.h"
#include "experiment/chosen.h"
#include "experiment/run.h"

enum {
    OPTION_RUN = 256,
    OPTION_DATASET,
    OPTION_MODEL,
    OPTION_TOP,
    OPTION_FOLD,
    OPTION_POINT,
    OPTION_THREADS
};

struct arguments {
    struct chosen_options chosen;
    unsigned top;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct chosen_options *o = &a->chosen;
    switch (key) {
    case OPTION_RUN:
        o->run = argument;
        return 0;
    case OPTION_DATASET:
        o->dataset = argument;
        return 0;
    case OPTION_MODEL:
        o->model = argument;
        return 0;
    case OPTION_TOP:
        a->top = (unsigned)command_number(state, "--top", argument, 1, 10000);
        return 0;
    case OPTION_FOLD:
        o->fold = (unsigned)command_number(state, "--fold", argument, 0, 100000);
        return 0;
    case OPTION_POINT:
        o->point = (unsigned)command_number(state, "--point", argument, 0, 100000);
        return 0;
    case OPTION_THREADS:
        o->threads = (unsigned)command_number(state, "--threads", argument, 1, 1024);
        return 0;
    case ARGP_KEY_ARG:
        if (o->user != NULL)
            argp_error(state, "one USER at a time");
        o->user = argument;
        return 0;
    case ARGP_KEY_END:
        if (o->run == NULL || o->user == NULL)
            argp_error(state, "--run and a USER are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status print_trace(const struct arguments *a, struct chosen *c, FILE *out)
{
    struct trace t = {.out = out,
                      .view = c->stage.view,
                      .backend = c->backend,
                      .arena = c->arena,
                      .cache = run_cache_folder(),
                      .models = run_models_folder(),
                      .seed = (uint64_t)c->experiment.seeds[0],
                      .user = c->user,
                      .top = a->top};
    fprintf(out, "user %s of %s, fold %u, through %s (%s)\n", a->chosen.user, c->dataset->name,
            a->chosen.fold, c->model->label, c->model->type->name);
    return model_trace(c->fitted.type, c->fitted.state, c->fitted.params, &t);
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"run", OPTION_RUN, "RUN_DIR", 0, "Folder of results", 0},
        {"dataset", OPTION_DATASET, "D", 0, "Name of a dataset of the run (default: its first)", 0},
        {"model", OPTION_MODEL, "LABEL", 0,
         "Label of a model of the run (default: the first that is made of stages)", 0},
        {"top", OPTION_TOP, "N", 0, "How many items a stage shows (default 5)", 0},
        {"fold", OPTION_FOLD, "F", 0, "Fold whose train rows are learned from (default 0)", 0},
        {"point", OPTION_POINT, "P", 0, "Place in the model's grid (default 0)", 0},
        {"threads", OPTION_THREADS, "N", 0, "Threads (default: all cores); results don't depend on it", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "USER",
        "Prints what each stage of a pipeline took in and gave out for one user (an id as "
        "the publisher gives it). The model is loaded "
        "where the run kept it (save_models), else fitted again.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {.chosen = {.signal = &command_signal}, .top = 5};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    command_catch_signals();
    struct chosen c;
    enum status status = chosen_open(&a.chosen, &c);
    if (status == STATUS_OK)
        status = print_trace(&a, &c, stdout);
    chosen_close(&c);
    return status;
}

const struct command command_trace = {"trace", "--run RUN_DIR USER",
                                      "what each stage of a pipeline made of one user", run};
