/* synth.c - `recfuse synth`: a MovieLens-shaped dataset with a known true preference. */
#include "data/synth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"

struct arguments {
    const char *out;
    struct synth_options options;
};

enum {
    OPTION_USERS = 256,
    OPTION_ITEMS,
    OPTION_INTERACTIONS,
    OPTION_SEED,
    OPTION_SIGNAL,
    OPTION_FACTORS,
    OPTION_EXPOSURE,
    OPTION_DRIFT,
    OPTION_TEXTS,
    OPTION_TOLD,
    OPTION_NOISE,
    OPTION_LANGUAGE,
    OPTION_DIALECTS,
    OPTION_IMAGE,
    OPTION_AUDIO,
    OPTION_SCENARIO,
    OPTION_FRIENDS,
    OPTION_HOMOPHILY
};

static enum synth_scenario scenario(struct argp_state *state, const char *name)
{
    static const char *const names[3] = {
        [SYNTH_FILMS] = "films", [SYNTH_SHOP] = "shop", [SYNTH_COURSES] = "courses"};
    for (int k = 0; k < 3; k++)
        if (strcmp(name, names[k]) == 0)
            return (enum synth_scenario)k;
    argp_error(state, "--scenario: '%s' is none of films, shop, courses", name);
    return SYNTH_FILMS;
}

/* Options of what the items look like, and of who is whose friend. */
static error_t parse_looks(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case OPTION_LANGUAGE:
        if (strcmp(argument, "english") != 0 && strcmp(argument, "chinese") != 0)
            argp_error(state, "--language: '%s' is neither english nor chinese", argument);
        a->options.language = argument[0] == 'c' ? SYNTH_CHINESE : SYNTH_ENGLISH;
        return 0;
    case OPTION_DIALECTS:
        a->options.dialects = true;
        return 0;
    case OPTION_IMAGE:
        a->options.n_image = (uint32_t)command_number(state, "--image", argument, 0, 4096);
        return 0;
    case OPTION_AUDIO:
        a->options.n_audio = (uint32_t)command_number(state, "--audio", argument, 0, 4096);
        return 0;
    case OPTION_SCENARIO:
        a->options.scenario = scenario(state, argument);
        return 0;
    case OPTION_FRIENDS:
        a->options.n_friends = (uint32_t)command_number(state, "--friends", argument, 0, SYNTH_FRIENDS_MOST);
        return 0;
    case OPTION_HOMOPHILY:
        a->options.homophily = command_real(state, "--homophily", argument, 0, 100);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
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
        a->options.signal = command_real(state, "--signal", argument, 0, 10);
        return 0;
    case OPTION_FACTORS:
        a->options.factors = (uint32_t)command_number(state, "--factors", argument, 2, 16);
        return 0;
    case OPTION_EXPOSURE:
        a->options.less_exposure = 1 - command_real(state, "--exposure", argument, 0, SYNTH_EXPOSURE_MOST);
        return 0;
    case OPTION_DRIFT:
        a->options.drift = command_real(state, "--drift", argument, 0, 1);
        return 0;
    case OPTION_TEXTS:
        a->options.fewer_texts = 1 - command_real(state, "--texts", argument, 0, 1);
        return 0;
    case OPTION_TOLD:
        a->options.untold = 1 - command_real(state, "--told", argument, 0, 1);
        return 0;
    case OPTION_NOISE:
        a->options.noise = command_real(state, "--noise", argument, 0, 1);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too much", argument);
        return 0;
    case ARGP_KEY_END:
        if (a->out == NULL)
            argp_error(state, "-o FILE.h5 is needed");
        return 0;
    default:
        return parse_looks(key, argument, state);
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
        {"exposure", OPTION_EXPOSURE, "X", 0,
         "How steeply popularity that is no matter of taste falls, 0 to 4: as rank^(-0.8 X); 0: what is seen "
         "is what is liked (default 1)",
         0},
        {"drift", OPTION_DRIFT, "X", 0, "How far tastes turn over a user's rows, 0 to 1 (default 0)", 0},
        {"told", OPTION_TOLD, "X", 0,
         "Of the themes that taste acts on, this share is written of; 0: texts tell nothing (default 1)", 0},
        {"noise", OPTION_NOISE, "X", 0, "Of the words, this share is of a theme drawn at random (default 0)",
         0},
        {"texts", OPTION_TEXTS, "X", 0, "Of the reviews, tags and queries, this share (default 1)", 0},
        {"language", OPTION_LANGUAGE, "english|chinese", 0, "Of all texts (default english)", 0},
        {"scenario", OPTION_SCENARIO, "films|shop|courses", 0,
         "What the items are: films; goods with brand, price and stock, reviews and the searches that led to "
         "them; courses with levels and prerequisites, whose values are grades of tests (default films)",
         0},
        {"dialects", OPTION_DIALECTS, NULL, 0,
         "Half of the users and items use other words for the same themes, so that counting words is not "
         "enough; of films only",
         0},
        {"image", OPTION_IMAGE, "N", 0,
         "Width of image vectors that tell of half of the themes (default 0: none)", 0},
        {"audio", OPTION_AUDIO, "N", 0, "Width of audio vectors, of the other half (default 0: none)", 0},
        {"friends", OPTION_FRIENDS, "N", 0, "Friends of a user, about (default 0: none)", 0},
        {"homophily", OPTION_HOMOPHILY, "X", 0,
         "How much likelier friends are of one taste; 0: friends by chance (default 4)", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Generates a MovieLens-shaped dataset of films, goods or courses with texts and a "
        "known true preference.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {.options = SYNTH_DEFAULTS};
    struct synth_counts counts;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const enum status status = synth_write(&a.options, a.out, &counts);
    if (status == STATUS_OK)
        printf("%s: %u users, %u items, %llu interactions, %llu texts; content_sha256 %s\n", a.out,
               a.options.n_users, a.options.n_items, (unsigned long long)a.options.n_interactions,
               (unsigned long long)counts.n_texts, counts.content_sha256);
    return status;
}

const struct command command_synth = {"synth", "-o FILE.h5", "a generated dataset with a known truth", run};
