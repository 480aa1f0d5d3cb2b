/*
 * chosen_options.h - the options --run, --dataset, --model, --fold, --point and --threads, for every command that asks something of a model of
 * a finished run (experiment/chosen.h): recommend, explain, trace, query, present.
 */
#ifndef COMMAND_CHOSEN_OPTIONS_H
#define COMMAND_CHOSEN_OPTIONS_H
#include <argp.h>

#include "experiment/chosen.h"

/* The children of a command's argp; its parser says where they go:
 *     case ARGP_KEY_INIT: state->child_inputs[0] = &arguments->chosen; return 0;
 * A number out of range is argp's usage error (status 2). */
extern const struct argp_child command_chosen_child[];

#endif
