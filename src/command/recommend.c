/* recommend.c - `recfuse recommend`: what a model of a run recommends to one user. */
#include "experiment/recommend.h"

#include "command/command.h"

enum {
    OPTION_RUN = 256,
    OPTION_DATASET,
    OPTION_MODEL,
    OPTION_USER,
    OPTION_TOP,
    OPTION_FOLD,
    OPTION_POINT,
    OPTION_THREADS,
    OPTION_EXPLAIN
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct recommend_options *o = state->input;
    switch (key) {
    case OPTION_RUN:
        o->chosen.run = argument;
        return 0;
    case OPTION_DATASET:
        o->chosen.dataset = argument;
        return 0;
    case OPTION_MODEL:
        o->chosen.model = argument;
        return 0;
    case OPTION_USER:
        o->chosen.user = argument;
        return 0;
    case OPTION_TOP:
        o->top = (unsigned)command_number(state, "--top", argument, 1, 10000);
        return 0;
    case OPTION_FOLD:
        o->chosen.fold = (unsigned)command_number(state, "--fold", argument, 0, 100000);
        return 0;
    case OPTION_POINT:
        o->chosen.point = (unsigned)command_number(state, "--point", argument, 0, 100000);
        return 0;
    case OPTION_THREADS:
        o->chosen.threads = (unsigned)command_number(state, "--threads", argument, 1, 1024);
        return 0;
    case OPTION_EXPLAIN:
        o->explain = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too much", argument);
        return 0;
    case ARGP_KEY_END:
        if (o->chosen.run == NULL || o->chosen.dataset == NULL || o->chosen.model == NULL ||
            o->chosen.user == NULL)
            argp_error(state, "--run, --dataset, --model and --user are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"run", OPTION_RUN, "RUN_DIR", 0, "Folder of results", 0},
        {"dataset", OPTION_DATASET, "D", 0, "Name of a dataset of the run", 0},
        {"model", OPTION_MODEL, "LABEL", 0, "Label of a model of the run", 0},
        {"user", OPTION_USER, "ID", 0, "The user's id as the publisher gives it", 0},
        {"top", OPTION_TOP, "N", 0, "How many items (default 10)", 0},
        {"fold", OPTION_FOLD, "F", 0, "Fold whose train rows are learned from (default 0)", 0},
        {"point", OPTION_POINT, "P", 0, "Place in the model's grid (default 0)", 0},
        {"explain", OPTION_EXPLAIN, NULL, 0,
         "Of a model `strategy`: every place that a rule changed, and which", 0},
        {"threads", OPTION_THREADS, "N", 0, "Threads (default: all cores); results don't depend on it", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Titles and scores that a model of a run recommends to a user, beside what the user "
        "liked before. The model is loaded where the run kept it (save_models), else fitted again.",
        NULL,
        NULL,
        NULL};
    struct recommend_options o = {.top = 10, .chosen = {.signal = &command_signal}};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    command_catch_signals();
    return recommend_print(&o, stdout);
}

const struct command command_recommend = {"recommend", "--run RUN_DIR --dataset D --model LABEL --user ID",
                                          "what a model recommends to one user", run};
