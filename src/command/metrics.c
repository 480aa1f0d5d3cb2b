/* metrics.c - `recfuse metrics [NAME]`: every metric with its formula and source; of one, which libraries have it; the dialects. */
#include <stdio.h>
#include <string.h>

#include "base/strings.h"
#include "command/command.h"
#include "eval/corrected.h"
#include "registry.h"

static error_t parse_name(int key, char *argument, struct argp_state *state)
{
    if (key != ARGP_KEY_ARG || state->arg_num > 0)
        return ARGP_ERR_UNKNOWN;
    *(const char **)state->input = argument;
    return 0;
}

static void print_metric(const struct metric_type *metric, bool whole)
{
    printf("%-16s %s\n                 %s\n", metric->name, metric->formula, metric->source);
    if (!whole || metric->kind != METRIC_RANKING)
        return;
    printf("                 dialects:");
    for (size_t d = 0; d < N_DIALECTS; d++)
        if (metric->value[d] != NULL)
            printf(" %s%s", dialect_types[d].name,
                   metric->value[d] != metric->value[DIALECT_DEFAULT] ? " (another formula)" : "");
    puts("");
}

static bool has(const struct metric_type *metric, enum dialect d)
{
    return metric->kind == METRIC_RANKING &&
           (d < N_DIALECTS ? metric->value[d] != NULL : corrected_has(metric));
}

static enum status unknown_metric(const char *name)
{
    const char *names[256];
    size_t n = 0;
    for (; n < 256 && metric_types[n] != NULL; n++)
        names[n] = metric_types[n]->name;
    const char *nearest = string_nearest(name, names, n);
    return status_fail(
        STATUS_USAGE, "unknown metric '%s'%s%s%s", name, nearest != NULL ? "; did you mean '" : "",
        nearest != NULL ? nearest : ": `recfuse metrics` lists them", nearest != NULL ? "'?" : "");
}

static enum status run_metrics(int argc, char **argv)
{
    const struct argp argp = {NULL, parse_name, "[NAME]", "Every metric and dialect, or one metric.",
                              NULL, NULL,       NULL};
    const char *name = NULL;
    argp_parse(&argp, argc, argv, 0, NULL, &name);
    if (name != NULL && metric_find(name) == NULL)
        return unknown_metric(name);
    for (size_t i = 0; metric_types[i] != NULL; i++)
        if (name == NULL || strcmp(metric_types[i]->name, name) == 0)
            print_metric(metric_types[i], name != NULL);
    if (name == NULL)
        puts("\ndialects (`dialects: [...]` of evaluate, --dialect): what differs from default, and the code "
             "that was "
             "followed:");
    for (size_t d = 0; d < N_DEFINITIONS; d++)
        if (name == NULL || has(metric_find(name), (enum dialect)d))
            printf("%-16s %s\n                 %s\n", dialect_types[d].name, dialect_types[d].differs,
                   dialect_types[d].source);
    return STATUS_OK;
}

const struct command command_metrics = {"metrics", "[NAME]", "every metric with its formula", run_metrics};
