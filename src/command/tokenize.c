/* tokenize.c - `recfuse tokenize --model M [--special] [--text=T]...`: texts into token ids, one JSON line each. */
#include <stdio.h>

#include "command/command.h"
#include "llm/tokenize_command.h"

enum { LIMIT_TEXTS = 4096 };

struct arguments {
    const char *model, *texts[LIMIT_TEXTS];
    size_t n_texts;
    bool special;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'm':
        a->model = argument;
        return 0;
    case 't':
        if (a->n_texts == LIMIT_TEXTS)
            argp_error(state, "more than %d texts; give them on standard input", LIMIT_TEXTS);
        a->texts[a->n_texts++] = argument;
        return 0;
    case 's':
        a->special = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too much; a text is given as --text='...'", argument);
        return 0;
    case ARGP_KEY_END:
        if (a->model == NULL)
            argp_error(state, "--model M is needed (tools/get-models.sh gets one)");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"model", 'm', "M", 0, "GGUF file, or folder of a language model (models/gemma, models/minilm)", 0},
        {"special", 's', NULL, 0,
         "Control tokens written out in the text, <start_of_turn> say, count as such", 0},
        {"text", 't', "T", 0, "A text; without any the lines of standard input are taken", 0},
        {0}};
    const struct argp argp = {
        options, parse, NULL, "Prints {\"text\", \"ids\"} for every text, one JSON line each.",
        NULL,    NULL,  NULL};
    static struct arguments a;
    const struct backend *backend;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    TRY(backend_open("auto", 0, &backend));
    return tokenize_print(a.model, a.special, a.texts, a.n_texts, stdin, stdout, backend);
}

const struct command command_tokenize = {"tokenize", "--model M",
                                         "texts into the token ids of a language model", run};
