/* trace.c - `recfuse trace`: what each stage of a pipeline made of one user. */
#include "models/trace.h"
#include "command/chosen_options.h"
#include "command/command.h"
#include "experiment/run.h"

enum { OPTION_TOP = 256 };

struct arguments {
    struct chosen_options chosen;
    unsigned top;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct chosen_options *o = &a->chosen;
    switch (key) {
    case OPTION_TOP:
        a->top = (unsigned)command_number(state, "--top", argument, 1, 10000);
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->chosen;
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
        {"top", OPTION_TOP, "N", 0, "How many items a stage shows (default 5)", 0}, {0}};
    const struct argp argp = {
        options,
        parse,
        "USER",
        "Prints what each stage of a pipeline took in and gave out for one user (an id as "
        "the publisher gives it). The model is loaded "
        "where the run kept it (save_models), else fitted again.",
        command_chosen_child,
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
