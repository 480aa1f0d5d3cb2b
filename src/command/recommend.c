/* recommend.c - `recfuse recommend`: what a model of a run recommends to one user. */
#include "experiment/recommend.h"

#include "command/chosen_options.h"
#include "command/command.h"

enum { OPTION_USER = 256, OPTION_TOP, OPTION_EXPLAIN };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct recommend_options *o = state->input;
    switch (key) {
    case OPTION_USER:
        o->chosen.user = argument;
        return 0;
    case OPTION_TOP:
        o->top = (unsigned)command_number(state, "--top", argument, 1, 10000);
        return 0;
    case OPTION_EXPLAIN:
        o->explain = true;
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->chosen;
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
        {"user", OPTION_USER, "ID", 0, "The user's id as the publisher gives it", 0},
        {"top", OPTION_TOP, "N", 0, "How many items (default 10)", 0},
        {"explain", OPTION_EXPLAIN, NULL, 0,
         "Of a model `strategy`: every place that a rule changed, and which", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Titles and scores that a model of a run recommends to a user, beside what the user "
        "liked before. The model is loaded where the run kept it (save_models), else fitted again.",
        command_chosen_child,
        NULL,
        NULL};
    struct recommend_options o = {.top = 10, .chosen = {.signal = &command_signal}};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    command_catch_signals();
    return recommend_print(&o, stdout);
}

const struct command command_recommend = {"recommend", "--run RUN_DIR --dataset D --model LABEL --user ID",
                                          "what a model recommends to one user", run};
