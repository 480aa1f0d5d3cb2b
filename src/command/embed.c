/* embed.c - `recfuse embed --model DIR [--text=T]...`: texts into vectors, one JSON line each. */
#include <stdio.h>
#include <string.h>

#include "command/command.h"
#include "llm/embed_command.h"

enum {
    LIMIT_TEXTS = 4096,
    OPTION_THREADS = 256,
    OPTION_PRECISION,
    OPTION_POOLING,
    OPTION_PREFIX,
    OPTION_TOKENS
};

struct arguments {
    const char *model, *texts[LIMIT_TEXTS];
    size_t n_texts;
    int threads;
    struct encoder_options options;
};

/* The word's place in "a|b|c", or argp's usage error. */
static int choice(struct argp_state *state, const char *option, const char *choices, const char *word)
{
    const size_t n = strlen(word);
    int i = 0;
    for (const char *c = choices; *c != '\0'; i++) {
        const size_t length = strcspn(c, "|");
        if (length == n && memcmp(c, word, n) == 0)
            return i;
        c += length + (c[length] == '|');
    }
    argp_error(state, "%s: found '%s', expected one of %s", option, word, choices);
    return 0;
}

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
    case OPTION_THREADS:
        a->threads = (int)command_number(state, "--threads", argument, 1, 1024);
        return 0;
    case OPTION_PRECISION:
        a->options.precision = choice(state, "--precision", ENCODER_PRECISIONS, argument);
        return 0;
    case OPTION_POOLING:
        a->options.pooling = choice(state, "--pooling", ENCODER_POOLINGS, argument);
        return 0;
    case OPTION_PREFIX:
        a->options.prefix = argument;
        return 0;
    case OPTION_TOKENS:
        a->options.max_tokens = (uint32_t)command_number(state, "--max-tokens", argument, 2, 1 << 20);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too much; a text is given as --text='...'", argument);
        return 0;
    case ARGP_KEY_END:
        if (a->model == NULL)
            argp_error(state, "--model DIR is needed (tools/get-models.sh gets one)");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"model", 'm', "DIR", 0, "Folder of the language model, models/minilm for example", 0},
        {"text", 't', "T", 0, "A text; without any the lines of standard input are taken", 0},
        {"precision", OPTION_PRECISION, "P", 0,
         "fp32 (default); of the dense layers, int8: weights of 8 bits, activations of 16; w8a8: both of 8 "
         "bits",
         0},
        {"pooling", OPTION_POOLING, "P", 0, "mean or cls; default: what the model's folder says", 0},
        {"prefix", OPTION_PREFIX, "P", 0,
         "Put before each text: query, passage (the model's own prompts), none, or any text; default: what "
         "the model's "
         "folder says",
         0},
        {"max-tokens", OPTION_TOKENS, "N", 0, "Tokens of a text, at most; default: the model's", 0},
        {"threads", OPTION_THREADS, "N", 0, "Threads (default: all cores); results don't depend on it", 0},
        {0}};
    const struct argp argp = {
        options, parse, NULL, "Prints {\"text\", \"ids\", \"embedding\"} for every text, one JSON line each.",
        NULL,    NULL,  NULL};
    static struct arguments a;
    const struct backend *backend;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    TRY(backend_open("auto", a.threads, &backend));
    return embed_print(a.model, a.texts, a.n_texts, stdin, stdout, &a.options, backend);
}

const struct command command_embed = {"embed", "--model DIR", "texts into vectors of a language model", run};
