/* report.c - `recfuse report RUN_DIR`: tables and plots again, from the records. */
#include "report/report.h"

#include "command/command.h"

static error_t parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "one folder at a time");
        *(const char **)state->input = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which folder of results?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status run(int argc, char **argv)
{
    const struct argp argp = {
        NULL, parse, "RUN_DIR", "Makes tables, plots and the page again from the records of a run.",
        NULL, NULL,  NULL};
    const char *folder = NULL;
    argp_parse(&argp, argc, argv, 0, NULL, &folder);
    TRY(report_run(folder));
    return report_print(folder, stdout);
}

const struct command command_report = {"report", "RUN_DIR", "tables and plots again, from the records", run};
