/* embed.c - `recfuse embed --model DIR [--text=T]...`: texts into vectors, one JSON line each. */
#include <stdio.h>

#include "command/command.h"
#include "llm/embed_command.h"

enum { LIMIT_TEXTS = 4096, OPTION_THREADS = 256 };

struct arguments {
    const char *model, *texts[LIMIT_TEXTS];
    size_t n_texts;
    int threads;
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
    case OPTION_THREADS:
        a->threads = (int)command_number(state, "--threads", argument, 1, 1024);
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
        {"threads", OPTION_THREADS, "N", 0, "Threads (default: all cores); results don't depend on it", 0},
        {0}};
    const struct argp argp = {
        options, parse, NULL, "Prints {\"text\", \"ids\", \"embedding\"} for every text, one JSON line each.",
        NULL,    NULL,  NULL};
    static struct arguments a;
    const struct backend *backend;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    TRY(backend_open("auto", a.threads, &backend));
    return embed_print(a.model, a.texts, a.n_texts, stdin, stdout, backend);
}

const struct command command_embed = {"embed", "--model DIR", "texts into vectors of a language model", run};
