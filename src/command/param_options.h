/*
 * param_options.h - a table of parameters as the options of a command: --NAME VALUE for each, with the table's help, defaults and ranges, so
 * that what an experiment's block sets and what a command sets is declared once.
 */
#ifndef COMMAND_PARAM_OPTIONS_H
#define COMMAND_PARAM_OPTIONS_H
#include <argp.h>

#include "base/param.h"

enum { PARAM_OPTIONS_MOST = 40 };
/* The caller fills in table, owner (for messages), arena and values (params_default() done), and gives it to
 * command_param_options() and as the input of that child. */
struct param_options {
    const struct param *table;
    const char *owner;
    struct arena *arena;
    void *values;
    struct argp_option option[PARAM_OPTIONS_MOST + 1];
    struct argp argp;
};
/* Fills in the rest.  STATUS_SYSTEM: memory.  A value that the table refuses is argp's usage error (status 2). */
enum status command_param_options(struct param_options *o);

#endif
