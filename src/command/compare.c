/* compare.c - `recfuse compare RUN_A RUN_B`: what differs between two runs, and whether the results do. */
#include <stdbool.h>

#include "command/command.h"
#include "report/run_compare.h"

struct arguments {
    const char *run[2];
    bool all;
};

static const struct argp_option options[] = {
    {"all", 'a', NULL, 0,
     "Every measure that differs, not only those that do significantly and one a model setting", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'a':
        a->all = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1)
            argp_error(state, "two folders at a time");
        a->run[state->arg_num] = argument;
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 2)
            argp_error(state, "which two folders of results?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status run(int argc, char **argv)
{
    const struct argp argp = {
        options,
        parse,
        "RUN_A RUN_B",
        "Says what differs between two runs in experiment, data and program, and whether their results "
        "differ by more than users differ among themselves (paired t, Holm). Exit code 1: they do.",
        NULL,
        NULL,
        NULL};
    struct arguments arguments = {{NULL, NULL}, false};
    bool differ;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    TRY(runs_compare(arguments.run[0], arguments.run[1], arguments.all, stdout, &differ));
    return differ ? STATUS_EXPECT : STATUS_OK;
}

const struct command command_compare = {"compare", "RUN_A RUN_B",
                                        "what differs between two runs, and whether the results do", run};
