/* serve_events.c - `recfuse serve-events`: events in, recommendations out, nothing acknowledged is lost. */
#include "experiment/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"

enum { OPTION_STATE = 256, OPTION_RUN, OPTION_EVENTS, OPTION_THREADS };

struct arguments {
    struct serve_options options;
    const char *events;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case OPTION_STATE:
        a->options.state = argument;
        return 0;
    case OPTION_RUN:
        a->options.run = argument;
        return 0;
    case OPTION_EVENTS:
        a->events = argument;
        return 0;
    case OPTION_THREADS:
        a->options.threads = (int)command_number(state, "--threads", argument, 1, 1024);
        return 0;
    case ARGP_KEY_ARG:
        if (a->options.file != NULL)
            argp_error(state, "'%s' is too much: one file", argument);
        a->options.file = argument;
        return 0;
    case ARGP_KEY_END:
        if ((a->options.file == NULL) == (a->options.run == NULL) || a->options.state == NULL)
            argp_error(state,
                       "--state and either --run or a YAML file (experiments/feedback-loop has one) are "
                       "needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"state", OPTION_STATE, "DIR", 0,
         "Folder of the journal; with it the state goes on where it was, even after kill -9", 0},
        {"run", OPTION_RUN, "RUN_DIR", 0,
         "In place of LOOP.yaml: folder of results of an experiment with a block `feedback`; its row learns",
         0},
        {"events", OPTION_EVENTS, "FILE", 0, "Events to read (default: standard input)", 0},
        {"threads", OPTION_THREADS, "N", 0, "Threads (default: all cores); results don't depend on it", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              "LOOP.yaml\n--run RUN_DIR",
                              "Reads events as JSON, one a line: {\"event\": \"click\", \"user\": \"12\", "
                              "\"item\": \"50\"} (show, click, skip, "
                              "rate with a value; an id makes it safe to send again), and requests "
                              "{\"recommend\": \"12\", \"k\": 10}; answers each in "
                              "order. An answer to an event means that it is on the disk.",
                              NULL,
                              NULL,
                              NULL};
    struct arguments a = {.options = {.signal = &command_signal, .input = STDIN_FILENO}};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    command_catch_signals();
    if (a.events != NULL)
        a.options.input = open(a.events, O_RDONLY | O_CLOEXEC);
    if (a.options.input < 0)
        return status_fail(STATUS_DATA, "%s: %s", a.events, strerror(errno));
    const enum status status = serve_run(&a.options, stdout);
    if (a.events != NULL)
        close(a.options.input);
    return status;
}

const struct command command_serve_events = {"serve-events", "LOOP.yaml | --run RUN_DIR --state DIR",
                                             "learn from clicks, skips and ratings as they come", run};
