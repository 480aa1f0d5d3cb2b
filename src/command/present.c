/* present.c - `recfuse present`: recommended items with a description and a title written for the user. */
#include "experiment/present.h"

#include <stdlib.h>
#include <string.h>

#include "command/chosen_options.h"
#include "command/command.h"

enum { LIMIT_FACTS = 64 };
enum {
    OPTION_USER = 256,
    OPTION_USERS,
    OPTION_TOP,
    OPTION_DECODER,
    OPTION_PROMPT,
    OPTION_FACTS,
    OPTION_HISTORY,
    OPTION_TRIES,
    OPTION_TOKENS,
    OPTION_SEED,
    OPTION_TEMPERATURE,
    OPTION_MEASURE,
    OPTION_SAVE
};

struct arguments {
    struct present_run run;
    const char *facts[LIMIT_FACTS];
};

static unsigned whole(struct argp_state *state, const char *option, const char *text, long low, long high)
{
    return (unsigned)command_number(state, option, text, low, high);
}

/* "title,genres,year" */
static void add_facts(struct arguments *a, char *list, struct argp_state *state)
{
    char *rest = NULL;
    for (char *name = strtok_r(list, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        if (a->run.facts.n == LIMIT_FACTS)
            argp_error(state, "--facts: more than %d columns", LIMIT_FACTS);
        a->facts[a->run.facts.n++] = name;
    }
    a->run.facts.item = a->facts;
}

static error_t parse_text(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct present_run *o = &a->run;
    switch (key) {
    case OPTION_DECODER:
        o->decoder = argument;
        return 0;
    case OPTION_PROMPT:
        o->prompt = argument;
        return 0;
    case OPTION_FACTS:
        add_facts(a, argument, state);
        return 0;
    case OPTION_HISTORY:
        o->history = whole(state, "--history", argument, 0, 1000);
        return 0;
    case OPTION_TRIES:
        o->tries = whole(state, "--tries", argument, 1, 100);
        return 0;
    case OPTION_TOKENS:
        o->tokens = whole(state, "--tokens", argument, 1, 1000);
        return 0;
    case OPTION_SEED:
        o->sample.seed = whole(state, "--seed", argument, 0, 1000000000);
        return 0;
    case OPTION_TEMPERATURE:
        o->sample.temperature = command_real(state, "--temperature", argument, 0, 100);
        return 0;
    case OPTION_MEASURE:
        o->measure = true;
        return 0;
    case OPTION_SAVE:
        o->save = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct present_run *o = &a->run;
    switch (key) {
    case OPTION_USER:
        o->chosen.user = argument;
        return 0;
    case OPTION_USERS:
        o->users = whole(state, "--users", argument, 1, 1000000);
        return 0;
    case OPTION_TOP:
        o->top = whole(state, "--top", argument, 1, 10000);
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->chosen;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too much", argument);
        return 0;
    case ARGP_KEY_END:
        if (o->chosen.run == NULL || o->chosen.model == NULL || (o->chosen.user == NULL) == (o->users == 0))
            argp_error(state, "--run, --model and either --user or --users are needed");
        return 0;
    default:
        return parse_text(key, argument, state);
    }
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"user", OPTION_USER, "ID", 0, "The user's id as the publisher gives it", 0},
        {"users", OPTION_USERS, "N", 0, "In place of --user: so many test users, drawn by lots", 0},
        {"top", OPTION_TOP, "N", 0, "How many items a user (default 5)", 0},
        {"decoder", OPTION_DECODER, "M", 0, "Folder of models/ with a GGUF file, or a path (default gemma)",
         0},
        {"prompt", OPTION_PROMPT, "P", 0,
         "Name or path of a prompt file (default: present-en, or present-zh where most titles that the user "
         "had are Chinese)",
         0},
        {"facts", OPTION_FACTS, "A,B", 0,
         "Item columns that the language model is told (default: title, genres, "
         "categories, brand, year, price, description, those that there are)",
         0},
        {"history", OPTION_HISTORY, "N", 0, "How many liked items it is told (default 5)", 0},
        {"tries", OPTION_TRIES, "N", 0,
         "How often a text is written before a template takes its place (default 3)", 0},
        {"tokens", OPTION_TOKENS, "N", 0, "Longest text (default 48)", 0},
        {"temperature", OPTION_TEMPERATURE, "T", 0, "Default 0.7", 0},
        {"seed", OPTION_SEED, "N", 0, "Of draws (default 0)", 0},
        {"measure", OPTION_MEASURE, NULL, 0,
         "Also: how much likelier a text is with this user's history than with a stranger's", 0},
        {"save", OPTION_SAVE, NULL, 0,
         "Also write RUN_DIR/present.csv; `recfuse report RUN_DIR` puts it on the page", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "What a model of a run recommends, with a description and a title that a language model writes for "
        "the user, held to the item's facts: a JSON line an item, and a summary (docs/present.md).",
        command_chosen_child,
        NULL,
        NULL};
    struct arguments a = {
        .run = {.chosen = {.signal = &command_signal},
                .decoder = "gemma",
                .top = 5,
                .history = 5,
                .tries = 3,
                .tokens = 48,
                .sample = {.temperature = 0.7, .top_k = 40, .top_p = 0.95, .repetition_penalty = 1}}};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    command_catch_signals();
    return present_print(&a.run, stdout);
}

const struct command command_present = {"present", "--run RUN_DIR --model LABEL --user ID",
                                        "recommended items with texts written for the user", run};
