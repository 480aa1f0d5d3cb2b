/* export.c - `recfuse export-topk`: the lists of a run as files. */
#include "experiment/export.h"

#include <string.h>

#include "command/command.h"

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct export_options *o = state->input;
    switch (key) {
    case 'o':
        o->out = argument;
        return 0;
    case 'd':
        o->dataset = argument;
        return 0;
    case 'm':
        o->model = argument;
        return 0;
    case 'f':
        o->fold = command_number(state, "--fold", argument, 0, 100000);
        return 0;
    case 'k':
        o->top = (unsigned)command_number(state, "--top", argument, 1, 1 << 22);
        return 0;
    case 'F':
        if (strcmp(argument, "trec") != 0 && strcmp(argument, "csv") != 0)
            argp_error(state, "--format: '%s' is neither trec nor csv", argument);
        o->csv = strcmp(argument, "csv") == 0;
        return 0;
    case 'r':
        o->rows = true;
        return 0;
    case 't':
        o->threads = (unsigned)command_number(state, "--threads", argument, 0, 1024);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "'%s' is too much", argument);
        o->run = argument;
        return 0;
    case ARGP_KEY_END:
        if (o->run == NULL || o->out == NULL)
            argp_error(state, "%s is missing", o->run == NULL ? "RUN_DIR" : "-o DIR");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status run_export(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"out", 'o', "DIR", 0, "Folder of the files", 0},
        {"dataset", 'd', "D", 0, "One dataset of the run (all)", 0},
        {"model", 'm', "LABEL", 0, "One model (all)", 0},
        {"fold", 'f', "F", 0, "One fold (all)", 0},
        {"top", 'k', "N", 0, "Places a list (the run's largest cut-off)", 0},
        {"format", 'F', "trec|csv", 0, "TREC's run and qrels, or csv (trec)", 0},
        {"rows", 'r', NULL, 0, "Train and validation rows too: what another system is to be fitted on", 0},
        {"threads", 't', "N", 0, "0: all cores (0)", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "RUN_DIR -o DIR",
        "Writes the lists that a run evaluated, and its test rows, by the publisher's ids. Another system's "
        "lists in that form come back as the model `external`, or to `recfuse evaluate`.",
        NULL,
        NULL,
        NULL};
    struct export_options o = {.fold = -1, .signal = &command_signal};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    command_catch_signals();
    return export_topk(&o);
}

const struct command command_export = {"export-topk", "RUN_DIR -o DIR", "a run's lists as TREC or csv files",
                                       run_export};
