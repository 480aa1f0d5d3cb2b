/* present.c - `recfuse present`: recommended items with a description and a title written for the user. */
#include "experiment/present.h"

#include "command/chosen_options.h"
#include "command/command.h"
#include "command/param_options.h"

enum { OPTION_USER = 256, OPTION_SAVE };

struct arguments {
    struct present_run run;
    struct param_options settings;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct present_run *o = &a->run;
    switch (key) {
    case OPTION_USER:
        o->chosen.user = argument;
        return 0;
    case OPTION_SAVE:
        o->save = true;
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->chosen;
        state->child_inputs[1] = &a->settings;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too much", argument);
        return 0;
    case ARGP_KEY_END:
        if (o->chosen.run == NULL || o->chosen.model == NULL)
            argp_error(state, "--run and --model are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status parse_and_print(struct arguments *a, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"user", OPTION_USER, "ID", 0, "One user, by the id that the publisher gives, in place of --users",
         0},
        {"save", OPTION_SAVE, NULL, 0,
         "Also write present.csv and present-summary.csv into RUN_DIR; `recfuse report RUN_DIR` puts them on "
         "the page",
         0},
        {0}};
    const struct argp_child children[] = {command_chosen_child[0], {&a->settings.argp, 0, NULL, 0}, {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "What a model of a run recommends, with a description and a title that a language model writes for "
        "the user, held to the item's facts: a JSON line an item, and a summary (docs/present.md).",
        children,
        NULL,
        NULL};
    argp_parse(&argp, argc, argv, 0, NULL, a);
    command_catch_signals();
    return present_print(&a->run, stdout);
}

static enum status run(int argc, char **argv)
{
    struct arguments a = {.run = {.chosen = {.signal = &command_signal}}};
    a.settings = (struct param_options){
        .table = present_params, .owner = "present", .arena = arena_new(), .values = &a.run.settings};
    if (a.settings.arena == NULL)
        return STATUS_SYSTEM;
    enum status status = params_default(present_params, a.settings.arena, &a.run.settings);
    if (status == STATUS_OK)
        status = command_param_options(&a.settings);
    if (status == STATUS_OK)
        status = parse_and_print(&a, argc, argv);
    arena_free(a.settings.arena);
    return status;
}

const struct command command_present = {"present", "--run RUN_DIR --model LABEL [--user ID]",
                                        "recommended items with texts written for the user", run};
