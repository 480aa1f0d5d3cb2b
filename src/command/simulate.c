/* simulate.c - `recfuse simulate`: the feedback loop among users whose taste is known. */
#include "experiment/simulation.h"

#include "command/command.h"

enum { OPTION_THREADS = 256 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct simulation_options *o = state->input;
    switch (key) {
    case 'o':
        o->out = argument;
        return 0;
    case OPTION_THREADS:
        o->threads = (int)command_number(state, "--threads", argument, 1, 1024);
        return 0;
    case ARGP_KEY_ARG:
        if (o->file != NULL)
            argp_error(state, "'%s' is too much: one file", argument);
        o->file = argument;
        return 0;
    case ARGP_KEY_END:
        if (o->file == NULL)
            argp_error(state, "which simulation? (a YAML file; experiments/feedback-loop has one)");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"out", 'o', "DIR", 0, "Folder of results (default: results/NAME of the simulation)", 0},
        {"threads", OPTION_THREADS, "N", 0, "Threads (default: all cores); results don't depend on it", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              "SIMULATION.yaml",
                              "Shows lists to users of a generated dataset, whose taste is known, lets a "
                              "system learn from their clicks, and "
                              "compares its regret with that of a system that doesn't learn, and of the same "
                              "system with each part off.",
                              NULL,
                              NULL,
                              NULL};
    struct simulation_options o = {.signal = &command_signal};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    command_catch_signals();
    return simulation_run(&o, stdout);
}

const struct command command_simulate = {"simulate", "SIMULATION.yaml",
                                         "the feedback loop among simulated users: regret by round", run};
