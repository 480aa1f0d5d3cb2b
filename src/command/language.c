/* language.c - `recfuse logits`, `recfuse score` and `recfuse generate`: a decoder on a text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"

#include "command/command.h"
#include "llm/language_command.h"

enum { LIMIT_TEXTS = 4096 };
enum {
    TOP_K = 1000,
    TOP_P,
    MIN_P,
    PENALTY,
    SEED,
    TEMPERATURE,
    STOP,
    CHOICE,
    CHOICES,
    JSON,
    STREAM,
    ACTIVATIONS,
    CACHE
};

struct texts {
    const char *text[LIMIT_TEXTS];
    size_t n;
};
struct arguments {
    struct language_model model;
    const char *prompt, *choices_file;
    bool special;
    long top;
    struct texts texts, continuations, stops, choices;
    struct generate_request generate;
};

static void add_text(struct texts *t, const char *text, struct argp_state *state)
{
    if (t->n == LIMIT_TEXTS)
        argp_error(state, "more than %d texts", LIMIT_TEXTS);
    t->text[t->n++] = text;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct sample_options *g = &a->generate.options.sample;
    switch (key) {
    case 'm':
        a->model.path = argument;
        return 0;
    case 't':
        add_text(&a->texts, argument, state);
        return 0;
    case 'p':
        a->prompt = argument;
        return 0;
    case 'c':
        add_text(&a->continuations, argument, state);
        return 0;
    case 's':
        a->special = true;
        return 0;
    case 'n':
        a->top = command_number(state, "--top or --tokens", argument, 1, 1000000);
        return 0;
    case TEMPERATURE:
        g->temperature = command_real(state, "--temperature", argument, 0, 100);
        return 0;
    case TOP_K:
        g->top_k = (uint32_t)command_number(state, "--top-k", argument, 0, 100000000);
        return 0;
    case TOP_P:
        g->top_p = command_real(state, "--top-p", argument, 0, 1);
        return 0;
    case MIN_P:
        g->min_p = command_real(state, "--min-p", argument, 0, 1);
        return 0;
    case PENALTY:
        g->repetition_penalty = command_real(state, "--repetition-penalty", argument, 0.01, 100);
        return 0;
    case SEED:
        g->seed = (uint64_t)command_number(state, "--seed", argument, 0, 1000000000);
        return 0;
    case STOP:
        add_text(&a->stops, argument, state);
        return 0;
    case CHOICE:
        add_text(&a->choices, argument, state);
        return 0;
    case CHOICES:
        a->choices_file = argument;
        return 0;
    case JSON:
        a->generate.json = true;
        return 0;
    case STREAM:
        a->generate.stream = true;
        return 0;
    case ACTIVATIONS:
        if (strcmp(argument, "float32") != 0 && strcmp(argument, "int8") != 0)
            argp_error(state, "--activations: '%s' is neither float32 nor int8", argument);
        a->model.activations = strcmp(argument, "int8") == 0 ? DECODER_INT8 : DECODER_FLOAT32;
        return 0;
    case CACHE:
        if (strcmp(argument, "float32") != 0 && strcmp(argument, "int8") != 0)
            argp_error(state, "--cache: '%s' is neither float32 nor int8", argument);
        a->model.cache_int8 = strcmp(argument, "int8") == 0;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too much; texts are given by options", argument);
        return 0;
    case ARGP_KEY_END:
        if (a->model.path == NULL)
            argp_error(state, "--model M is needed (tools/get-models.sh gets one)");
        if (a->texts.n == 0 && a->prompt == NULL)
            argp_error(state, "a text is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

#define MODEL_OPTIONS                                                                                        \
    {"model", 'm', "M", 0, "GGUF file, or folder with one (models/gemma)", 0},                               \
        {"cache", CACHE, "TYPE", 0, "Keys and values: float32 (default), or int8, a quarter of the memory",  \
         0},                                                                                                 \
        {"activations",                                                                                      \
         ACTIVATIONS,                                                                                        \
         "TYPE",                                                                                             \
         0,                                                                                                  \
         "float32, exact (default), or int8, faster: logits differ by some tenths",                          \
         0},                                                                                                 \
    {                                                                                                        \
        "special", 's', NULL, 0, "Control tokens written out in the text count as such", 0                   \
    }

static struct arguments *arguments(int argc, char **argv, const struct argp_option *options, const char *help)
{
    static struct arguments a;
    const struct argp argp = {options, parse, NULL, help, NULL, NULL, NULL};
    a.top = 20;
    a.generate.options.sample = (struct sample_options){.top_p = 1, .repetition_penalty = 1};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return &a;
}

static const char *text_of(const struct arguments *a)
{
    return a->texts.n > 0 ? a->texts.text[0] : a->prompt;
}

/* The lines of --choices, none empty, and the texts of --choice. */
static enum status read_choices(struct arguments *a, struct arena *arena)
{
    char *bytes, *rest = NULL;
    size_t n, lines = 1;
    TRY(read_whole_file(a->choices_file, (size_t)1 << 30, arena, &bytes, &n));
    for (size_t i = 0; i < n; i++)
        lines += bytes[i] == '\n';
    const char **all;
    ARENA_NEW(all, arena, lines + a->choices.n);
    size_t at = 0;
    for (char *line = strtok_r(bytes, "\r\n", &rest); line != NULL; line = strtok_r(NULL, "\r\n", &rest))
        all[at++] = line;
    for (size_t i = 0; i < a->choices.n; i++)
        all[at++] = a->choices.text[i];
    if (at == 0)
        return status_fail(STATUS_DATA, "%s: no line with a text; expected one item title a line",
                           a->choices_file);
    a->generate.choices = all;
    a->generate.n_choices = at;
    return STATUS_OK;
}

static enum status run_logits(int argc, char **argv)
{
    static const struct argp_option options[] = {MODEL_OPTIONS,
                                                 {"text", 't', "T", 0, "The text", 0},
                                                 {"top", 'n', "N", 0, "So many next tokens (default 20)", 0},
                                                 {0}};
    struct arguments *a =
        arguments(argc, argv, options,
                  "Prints the best next tokens of a text: {\"text\", \"ids\", \"top\": [[id, logit], ...]}.");
    TRY(backend_open("auto", 0, &a->model.backend));
    return logits_print(&a->model, text_of(a), a->special, (uint32_t)a->top, stdout);
}

static enum status run_score(int argc, char **argv)
{
    static const struct argp_option options[] = {
        MODEL_OPTIONS,
        {"prompt", 'p', "P", 0, "The text before; computed once", 0},
        {"continuation", 'c', "C", 0, "A text behind it, as tokens of its own; any number of them", 0},
        {0}};
    struct arguments *a =
        arguments(argc, argv, options,
                  "Prints the log-probability of texts behind a prompt: {\"continuation\", \"ids\", "
                  "\"logprob\"} a line.");
    TRY(backend_open("auto", 0, &a->model.backend));
    return score_print(&a->model, a->prompt != NULL ? a->prompt : text_of(a), a->continuations.text,
                       a->continuations.n, a->special, stdout);
}

static enum status run_generate(int argc, char **argv)
{
    static const struct argp_option options[] = {
        MODEL_OPTIONS,
        {"text", 't', "T", 0, "The text to go on with; several run together", 0},
        {"tokens", 'n', "N", 0, "At most so many new tokens (default 20)", 0},
        {"temperature", TEMPERATURE, "X", 0, "0: the best token each time (default)", 0},
        {"top-k", TOP_K, "K", 0, "Draw from the K best alone", 0},
        {"top-p", TOP_P, "P", 0, "Draw from the fewest whose probability reaches P", 0},
        {"min-p", MIN_P, "P", 0, "Draw from those of at least P times the best's probability", 0},
        {"repetition-penalty", PENALTY, "X", 0, "Logits of tokens already there are divided by X (default 1)",
         0},
        {"seed", SEED, "N", 0, "The same seed draws the same (default 0)", 0},
        {"stop", STOP, "TEXT", 0, "End before this text; any number of them", 0},
        {"choice", CHOICE, "TEXT", 0, "Only this text, or another one so given, may come", 0},
        {"choices", CHOICES, "FILE", 0, "Only lines of this file may come: item titles", 0},
        {"json", JSON, NULL, 0, "Only one JSON value may come", 0},
        {"stream", STREAM, NULL, 0, "Also print {\"index\", \"token\", \"new\"} as each token comes", 0},
        {0}};
    struct arguments *a = arguments(argc, argv, options,
                                    "Goes on with texts: {\"ids\", \"text\"} of what is new, a line each.");
    a->generate.options.tokens = (uint32_t)a->top;
    a->generate.options.stops = a->stops.text, a->generate.options.n_stops = a->stops.n;
    a->generate.special = a->special;
    struct arena *arena = arena_new();
    enum status status = arena != NULL ? STATUS_OK : STATUS_SYSTEM;
    if (status == STATUS_OK && a->choices_file != NULL)
        status = read_choices(a, arena);
    else
        a->generate.choices = a->choices.text, a->generate.n_choices = a->choices.n;
    if (status == STATUS_OK && a->generate.json && a->generate.n_choices > 0)
        status = status_fail(STATUS_USAGE, "--json and --choice exclude each other: give one of them");
    if (status == STATUS_OK)
        status = backend_open("auto", 0, &a->model.backend);
    if (status == STATUS_OK)
        status = a->texts.n > 0 ? generate_print(&a->model, a->texts.text, a->texts.n, &a->generate, stdout)
                                : generate_print(&a->model, &a->prompt, 1, &a->generate, stdout);
    arena_free(arena);
    return status;
}

const struct command command_logits = {"logits", "--model M --text T", "the best next tokens of a text",
                                       run_logits};
const struct command command_score = {"score", "--model M --prompt P",
                                      "the log-probability of texts behind a prompt", run_score};
const struct command command_generate = {"generate", "--model M --text T",
                                         "how a language model goes on with a text", run_generate};
