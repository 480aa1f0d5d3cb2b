/*
 * main.c - the command line: one line a command, the exit codes, and which signals are ignored.
 *
 * Only this file ends the program (argp does too, with 0 after --help and 2 after a wrong option).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strings.h"
#include "build_info.h"
#include "command/command.h"

static const struct command *const commands[] = {
    &command_run,          &command_merge,   &command_plan,     &command_report,
    &command_compare,      &command_import,  &command_info,     &command_synth,
    &command_recommend,    &command_export,  &command_models,   &command_metrics,
    &command_formats,      &command_embed,   &command_evaluate, &command_version,
    &command_tokenize,     &command_logits,  &command_score,    &command_generate,
    &command_compress,     &command_text,    &command_explain,  &command_simulate,
    &command_serve_events, &command_present, &command_probe,    &command_import_embeddings,
    &command_trace,        &command_query,   &command_phrases,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static const char exit_codes[] =
    "Exit codes: 0 fine; 1 an `expect` of the experiment failed, or compared runs differ; 2 command line "
    "or config; 3 bad data or model file; "
    "4 system (disk, memory); 5 some cells failed and the rest are recorded "
    "(wins over 1); 75 stopped in good order, "
    "run again to go on; 130 interrupted.";

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    const char *names[N_COMMANDS], *nearest;
    const struct command **chosen = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        *chosen = command_find(argument);
        if (*chosen == NULL) {
            for (size_t i = 0; i < N_COMMANDS; i++)
                names[i] = commands[i]->name;
            nearest = string_nearest(argument, names, N_COMMANDS);
            argp_error(state,
                       nearest != NULL ? "unknown command '%s'; did you mean '%s'?" : "unknown command '%s'",
                       argument, nearest);
        }
        state->next = state->argc; /* the rest is the command's */
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which command?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static char *help_filter(int key, const char *text, void *input)
{
    (void)input;
    char *out = NULL;
    size_t n = 0;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)(uintptr_t)text;
    FILE *stream = open_memstream(&out, &n);
    if (stream == NULL)
        return (char *)(uintptr_t)text;
    fputs("Commands:\n", stream);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(stream, "  %-17s %s\n", commands[i]->name, commands[i]->help);
    fprintf(stream, "\n`recfuse COMMAND --help` tells more.\n\n%s", exit_codes);
    fclose(stream);
    return out;
}

int main(int argc, char **argv)
{
    const struct command *chosen = NULL;
    const struct argp argp = {.parser = parse,
                              .args_doc = "COMMAND [ARGUMENT...]",
                              .doc = "A benchmark and experiment harness for fusing language models with "
                                     "recommenders.\v ",
                              .help_filter = help_filter};
    int at = 0;
    argp_err_exit_status = 2;
    argp_program_version = "recfuse " BUILD_COMMIT;
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, &at, &chosen) != 0 || chosen == NULL)
        return STATUS_USAGE;

    int first = 1; /* the command's own place: options of recfuse itself may stand before it */
    while (first < argc && strcmp(argv[first], chosen->name) != 0)
        first++;
    char name[64];
    snprintf(name, sizeof name, "recfuse %s", chosen->name);
    argv[first] = name;

    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit shows as a failing write, like a full disk */

    enum status status = chosen->run(argc - first, argv + first);
    if (status == STATUS_UNAVAILABLE)
        status = STATUS_DATA;
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == STATUS_OK)
        status = status_fail(STATUS_SYSTEM, "can't write to standard output: %s", strerror(errno));
    return (int)status;
}
