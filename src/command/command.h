/*
 * command.h - the commands of the program, one file each: what main.c needs to know of them.
 *
 * A command parses its own arguments with argp, which prints --help and ends the program with status 2 on a wrong
 * option; from then on a command only returns its status.
 */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H
#include <argp.h>
#include <signal.h>

#include "base/status.h"

struct command {
    const char *name, *arguments, *help;       /* help: one line for `recfuse --help` */
    enum status (*run)(int argc, char **argv); /* argv[0] is "recfuse NAME" */
};

extern const struct command command_run, command_merge, command_plan, command_info, command_import,
    command_models, command_metrics, command_formats, command_version, command_recommend, command_export,
    command_report, command_compare, command_synth, command_embed, command_evaluate, command_text,
    command_explain, command_trace, command_query, command_phrases;
extern const struct command command_simulate, command_serve_events; /* the feedback loop */
extern const struct command command_tokenize, command_logits, command_score, command_generate,
    command_compress; /* the language model alone */
extern const struct command command_present, command_probe;
extern const struct command command_import_embeddings;

/* From here on the first SIGINT or SIGTERM only sets command_signal: stop in good order; a second one of the same kind
 * ends the program at once.  For commands that look at it; all others end at the first. */
void command_catch_signals(void);
extern volatile sig_atomic_t command_signal; /* its number; 0 while none came */

/* A positive number from an argument, or argp's usage error (status 2, no return). */
long command_number(struct argp_state *state, const char *option, const char *text, long minimum,
                    long maximum);
double command_real(struct argp_state *state, const char *option, const char *text, double minimum,
                    double maximum);

#endif
