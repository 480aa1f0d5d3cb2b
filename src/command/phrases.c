/* phrases.c - `recfuse phrases`: the key phrases of texts, by the vectors of a sentence encoder. */
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "experiment/run.h"
#include "llm/phrases.h"

enum { OPTION_TOP = 256, OPTION_NGRAM, OPTION_DIVERSITY };

struct arguments {
    const char *model;
    struct phrases_options options;
    struct string_builder texts;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'm':
        a->model = argument;
        return 0;
    case 't':
        return string_builder_add(&a->texts, argument, strlen(argument)) == STATUS_OK ? 0 : ENOMEM;
    case OPTION_TOP:
        a->options.top = (int)command_number(state, "--top", argument, 1, 1000);
        return 0;
    case OPTION_NGRAM:
        a->options.ngram_max = (int)command_number(state, "--ngram-max", argument, 1, 10);
        return 0;
    case OPTION_DIVERSITY:
        a->options.diversity = command_real(state, "--diversity", argument, 0, 1);
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

static enum status read_lines(struct string_builder *b)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (n = getline(&line, &room, stdin)) >= 0) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            n--;
        status = string_builder_add(b, line, (size_t)n);
    }
    free(line);
    return status;
}

static enum status print_phrases(struct arguments *a, struct arena *arena)
{
    struct strings texts;
    struct encoder *encoder = NULL;
    const struct backend *backend;
    struct phrase *phrase = NULL;
    size_t n = 0;
    if (a->texts.n == 0)
        TRY(read_lines(&a->texts));
    if (a->texts.n == 0)
        return status_fail(STATUS_USAGE, "there is no text: give --text='...', or lines on standard input");
    TRY(string_builder_finish(&a->texts, arena, &texts));
    TRY(backend_open("auto", 0, &backend));
    TRY(encoder_open(a->model, backend, &encoder));
    const enum status status =
        phrases_find(encoder, run_cache_folder(), &texts, &a->options, arena, &phrase, &n);
    encoder_close(encoder);
    TRY(status);
    if (n == 0)
        return status_fail(STATUS_DATA, "there is no phrase: the text holds no word but stop words");
    for (size_t i = 0; i < n; i++)
        printf("%.4f  %s\n", phrase[i].relevance, phrase[i].text);
    return STATUS_OK;
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"model", 'm', "DIR", 0, "Folder of a sentence encoder, models/minilm for example", 0},
        {"text", 't', "T", 0, "A text; several are taken together; without any the lines of standard input",
         0},
        {"top", OPTION_TOP, "N", 0, "How many phrases (default 5)", 0},
        {"ngram-max", OPTION_NGRAM, "N", 0, "Words of the longest phrase (default 3)", 0},
        {"diversity", OPTION_DIVERSITY, "D", 0,
         "0: the most relevant, however alike; to 1: as unlike as can be (default 0.5)", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Prints the n-grams (without stop words) whose vectors say most of the texts, with "
        "their cosine, by maximal marginal relevance.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {.options = {.diversity = 0.5}};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    struct arena *arena = arena_new();
    const enum status status = arena != NULL ? print_phrases(&a, arena) : STATUS_SYSTEM;
    string_builder_free(&a.texts);
    arena_free(arena);
    return status;
}

const struct command command_phrases = {"phrases", "--model DIR", "key phrases of texts, by their vectors",
                                        run};
