/* language.c - `recfuse logits`, `recfuse score` and `recfuse generate`: a decoder on a text. */
#include <stdio.h>
#include <stdlib.h>

#include "command/command.h"
#include "llm/language_command.h"

enum { LIMIT_TEXTS = 4096 };
enum { TOP_K = 1000, TOP_P, MIN_P, PENALTY, SEED, TEMPERATURE, STOP, CHOICE };

struct texts {
    const char *text[LIMIT_TEXTS];
    size_t n;
};
struct arguments {
    const char *model, *text, *prompt;
    bool special;
    long top;
    struct texts continuations, stops, choices;
    struct generate_options generate;
};

static void add_text(struct texts *t, const char *text, struct argp_state *state)
{
    if (t->n == LIMIT_TEXTS)
        argp_error(state, "more than %d texts", LIMIT_TEXTS);
    t->text[t->n++] = text;
}

static double real(struct argp_state *state, const char *option, const char *text, double low, double high)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= low && value <= high))
        argp_error(state, "%s: '%s' is not a number from %g to %g", option, text, low, high);
    return value;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct generate_options *g = &a->generate;
    switch (key) {
    case 'm':
        a->model = argument;
        return 0;
    case 't':
        a->text = argument;
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
        g->temperature = real(state, "--temperature", argument, 0, 100);
        return 0;
    case TOP_K:
        g->top_k = (uint32_t)command_number(state, "--top-k", argument, 0, 100000000);
        return 0;
    case TOP_P:
        g->top_p = real(state, "--top-p", argument, 0, 1);
        return 0;
    case MIN_P:
        g->min_p = real(state, "--min-p", argument, 0, 1);
        return 0;
    case PENALTY:
        g->repetition_penalty = real(state, "--repetition-penalty", argument, 0.01, 100);
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
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too much; texts are given by options", argument);
        return 0;
    case ARGP_KEY_END:
        if (a->model == NULL)
            argp_error(state, "--model M is needed (tools/get-models.sh gets one)");
        if (a->text == NULL && a->prompt == NULL)
            argp_error(state, "a text is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

#define MODEL_OPTIONS                                                                                        \
    {"model", 'm', "M", 0, "GGUF file, or folder with one (models/gemma)", 0},                               \
    {                                                                                                        \
        "special", 's', NULL, 0, "Control tokens written out in the text count as such", 0                   \
    }

static struct arguments *arguments(int argc, char **argv, const struct argp_option *options, const char *help)
{
    static struct arguments a;
    const struct argp argp = {options, parse, NULL, help, NULL, NULL, NULL};
    a.top = 20;
    a.generate = (struct generate_options){.top_p = 1, .repetition_penalty = 1};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return &a;
}

static enum status run_logits(int argc, char **argv)
{
    static const struct argp_option options[] = {MODEL_OPTIONS,
                                                 {"text", 't', "T", 0, "The text", 0},
                                                 {"top", 'n', "N", 0, "So many next tokens (default 20)", 0},
                                                 {0}};
    const struct backend *backend;
    const struct arguments *a =
        arguments(argc, argv, options,
                  "Prints the best next tokens of a text: {\"text\", \"ids\", \"top\": [[id, logit], ...]}.");
    TRY(backend_open("auto", 0, &backend));
    return logits_print(a->model, a->text != NULL ? a->text : a->prompt, a->special, (uint32_t)a->top, stdout,
                        backend);
}

static enum status run_score(int argc, char **argv)
{
    static const struct argp_option options[] = {
        MODEL_OPTIONS,
        {"prompt", 'p', "P", 0, "The text before; computed once", 0},
        {"continuation", 'c', "C", 0, "A text behind it, as tokens of its own; any number of them", 0},
        {0}};
    const struct backend *backend;
    const struct arguments *a =
        arguments(argc, argv, options,
                  "Prints the log-probability of texts behind a prompt: {\"continuation\", \"ids\", "
                  "\"logprob\"} a line.");
    TRY(backend_open("auto", 0, &backend));
    return score_print(a->model, a->prompt != NULL ? a->prompt : a->text, a->continuations.text,
                       a->continuations.n, a->special, stdout, backend);
}

static enum status run_generate(int argc, char **argv)
{
    static const struct argp_option options[] = {
        MODEL_OPTIONS,
        {"text", 't', "T", 0, "The text to go on with", 0},
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
        {0}};
    const struct backend *backend;
    struct arguments *a =
        arguments(argc, argv, options, "Goes on with a text: {\"ids\", \"text\"} of what is new.");
    a->generate.tokens = (uint32_t)a->top;
    a->generate.stops = a->stops.text, a->generate.n_stops = a->stops.n;
    a->generate.choices = a->choices.text, a->generate.n_choices = a->choices.n;
    TRY(backend_open("auto", 0, &backend));
    return generate_print(a->model, a->text != NULL ? a->text : a->prompt, a->special, &a->generate, stdout,
                          backend);
}

const struct command command_logits = {"logits", "--model M --text T", "the best next tokens of a text",
                                       run_logits};
const struct command command_score = {"score", "--model M --prompt P",
                                      "the log-probability of texts behind a prompt", run_score};
const struct command command_generate = {"generate", "--model M --text T",
                                         "how a language model goes on with a text", run_generate};
