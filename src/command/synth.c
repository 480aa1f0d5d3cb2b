/* synth.c - `recfuse synth`: a MovieLens-shaped dataset with a known true preference. */
#include "data/synth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/command.h"
#include "data/store.h"

struct arguments {
    const char *out;
    struct synth_options options;
};

enum { OPTION_USERS = 256, OPTION_ITEMS, OPTION_INTERACTIONS, OPTION_SEED, OPTION_SIGNAL, OPTION_FACTORS };

static double real(struct argp_state *state, const char *option, const char *text)
{
    char *end;
    errno = 0;
    const double value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(value >= 0 && value <= 100))
        argp_error(state, "%s: '%s' is not a number from 0 to 100", option, text);
    return value;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'o':
        a->out = argument;
        return 0;
    case OPTION_USERS:
        a->options.n_users = (uint32_t)command_number(state, "--users", argument, 1, UINT32_MAX - 1L);
        return 0;
    case OPTION_ITEMS:
        a->options.n_items = (uint32_t)command_number(state, "--items", argument, 1, UINT32_MAX - 1L);
        return 0;
    case OPTION_INTERACTIONS:
        a->options.n_interactions =
            (uint64_t)command_number(state, "--interactions", argument, 1, 1000000000000L);
        return 0;
    case OPTION_SEED:
        a->options.seed = (uint64_t)command_number(state, "--seed", argument, 0, INT64_MAX);
        return 0;
    case OPTION_SIGNAL:
        a->options.signal = real(state, "--signal", argument);
        return 0;
    case OPTION_FACTORS:
        a->options.factors = (uint32_t)command_number(state, "--factors", argument, 2, 16);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too much", argument);
        return 0;
    case ARGP_KEY_END:
        if (a->out == NULL)
            argp_error(state, "-o FILE.h5 is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"output", 'o', "FILE.h5", 0, "The dataset file to write", 0},
        {"users", OPTION_USERS, "N", 0, "Users (default 943)", 0},
        {"items", OPTION_ITEMS, "N", 0, "Items (default 1682)", 0},
        {"interactions", OPTION_INTERACTIONS, "N", 0, "Rows, exactly (default 100000)", 0},
        {"seed", OPTION_SEED, "N", 0, "The same seed gives the same bytes (default 1)", 0},
        {"signal", OPTION_SIGNAL, "X", 0,
         "How much taste decides; 0: nothing does, and no model can beat random (default 1)", 0},
        {"factors", OPTION_FACTORS, "N", 0, "Dimensions of the true taste, 2 to 16 (default 8)", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              NULL,
                              "Generates a MovieLens-shaped dataset with titles, genres, tags, reviews and a "
                              "known true preference.",
                              NULL,
                              NULL,
                              NULL};
    struct arguments a = {.options = SYNTH_DEFAULTS};
    struct dataset *dataset = NULL;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    struct arena *arena = arena_new();
    enum status status = arena != NULL ? synth_generate(&a.options, arena, &dataset) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = store_write(a.out, dataset);
    if (status == STATUS_OK)
        printf("%s: %u users, %u items, %llu interactions, %llu texts; content_sha256 %s\n", a.out,
               dataset->n_users, dataset->n_items, (unsigned long long)dataset->interactions.n,
               (unsigned long long)dataset->texts.n, dataset->content_sha256);
    arena_free(arena);
    return status;
}

const struct command command_synth = {"synth", "-o FILE.h5", "a generated dataset with a known truth", run};
