/* chosen_options.c - the options of every command that asks something of a model of a finished run. */
#include "command/chosen_options.h"

#include "command/command.h"

enum { OPTION_RUN = 4096, OPTION_DATASET, OPTION_MODEL, OPTION_FOLD, OPTION_POINT, OPTION_THREADS };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct chosen_options *o = state->input;
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
    case OPTION_FOLD:
        o->fold = (unsigned)command_number(state, "--fold", argument, 0, 100000);
        return 0;
    case OPTION_POINT:
        o->point = (unsigned)command_number(state, "--point", argument, 0, 100000);
        return 0;
    case OPTION_THREADS:
        o->threads = (unsigned)command_number(state, "--threads", argument, 1, 1024);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"run", OPTION_RUN, "RUN_DIR", 0, "Folder of results", 0},
    {"dataset", OPTION_DATASET, "D", 0, "Name of a dataset of the run (default: its first)", 0},
    {"model", OPTION_MODEL, "LABEL", 0,
     "Label of a model of the run (default, where one need not be named: the pipeline of its block fusion, "
     "else "
     "the first that is made of stages)",
     0},
    {"fold", OPTION_FOLD, "F", 0, "Fold whose train rows are learned from (default 0)", 0},
    {"point", OPTION_POINT, "P", 0, "Place in the model's grid (default 0)", 0},
    {"threads", OPTION_THREADS, "N", 0, "Threads (default: all cores); results don't depend on it", 0},
    {0}};
static const struct argp chosen = {options, parse, NULL, NULL, NULL, NULL, NULL};
const struct argp_child command_chosen_child[] = {{&chosen, 0, NULL, 0}, {0}};
