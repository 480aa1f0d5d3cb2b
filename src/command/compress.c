/* compress.c - `recfuse compress`: a smaller language model, and a table of what it costs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "command/command.h"
#include "llm/compress.h"
#include "llm/gguf_file.h"
#include "llm/quantize.h"

enum { EMBEDDING = 1000, CALIBRATE, PRUNE, TWO_FOUR, HEADS, NEURONS, TEXT, INT8 };

struct arguments {
    const char *model, *output, *calibration, *text;
    struct compress_options options;
    enum decoder_activations activations;
};

static double share(struct argp_state *state, const char *option, const char *text)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0 && value < 1))
        argp_error(state, "%s: '%s' is not a share from 0 to below 1", option, text);
    return value;
}

static int type(struct argp_state *state, const char *option, const char *text)
{
    const int found = quantize_type(text);
    if (found < 0 && strcmp(text, "keep") != 0)
        argp_error(state, "%s: found '%s', expected keep, f32, f16, bf16, q8_0, int8_row, q5_0, q4_0 or q4_k",
                   option, text);
    return found;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'm':
        a->model = argument;
        return 0;
    case 'o':
        a->output = argument;
        return 0;
    case 't':
        a->options.type = type(state, "--type", argument);
        return 0;
    case EMBEDDING:
        a->options.embedding_type = type(state, "--embedding-type", argument);
        return 0;
    case CALIBRATE:
        a->calibration = argument;
        return 0;
    case PRUNE:
        a->options.sparsity = share(state, "--prune", argument);
        return 0;
    case TWO_FOUR:
        a->options.two_four = true;
        return 0;
    case HEADS:
        a->options.heads = (uint32_t)command_number(state, "--heads", argument, 0, 4096);
        return 0;
    case NEURONS:
        a->options.neurons = share(state, "--neurons", argument);
        return 0;
    case TEXT:
        a->text = argument;
        return 0;
    case INT8:
        a->activations = DECODER_INT8;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too much", argument);
        return 0;
    case ARGP_KEY_END:
        if (a->model == NULL || a->output == NULL)
            argp_error(state, "--model and --output are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_row(const char *name, const struct compress_measures *m)
{
    printf("| %s | %.1f | %.2f | %.1f | %.1f | ", name, m->megabytes, m->bits, m->prefill, m->decode);
    if (isfinite(m->perplexity))
        printf("%.2f |\n", m->perplexity);
    else
        printf("- |\n");
}

static enum status measure_both(const struct arguments *a, const struct backend *backend, struct arena *arena)
{
    struct compress_measures before, after;
    char *text = NULL;
    size_t n = 0;
    if (a->text != NULL)
        TRY(read_whole_file(a->text, (size_t)1 << 26, arena, &text, &n));
    TRY(compress_measure(a->model, text, n, a->activations, backend, &before));
    TRY(compress_measure(a->output, text, n, a->activations, backend, &after));
    printf("| model | MB | bits a weight | prefill tokens/s | decode tokens/s | perplexity |\n"
           "|:--|--:|--:|--:|--:|--:|\n");
    print_row(a->model, &before);
    print_row(a->output, &after);
    return fflush(stdout) == 0 ? STATUS_OK : status_fail(STATUS_SYSTEM, "standard output can't be written");
}

static enum status compress_and_measure(struct arguments *a, struct arena *arena)
{
    const struct backend *backend;
    char *text;
    if (!gguf_file_is(a->model))
        return status_fail(STATUS_USAGE, "%s: no *.gguf file and no folder with one: decoders are compressed",
                           a->model);
    if (a->calibration != NULL) {
        TRY(read_whole_file(a->calibration, (size_t)1 << 26, arena, &text, &a->options.n_calibration));
        a->options.calibration = text;
    }
    TRY(backend_open("cpu", 0, &backend));
    TRY(compress_decoder(a->model, a->output, &a->options, backend));
    return measure_both(a, backend, arena);
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"model", 'm', "M", 0, "GGUF file, or folder with one", 0},
        {"output", 'o', "FILE", 0, "The new GGUF file", 0},
        {"type", 't', "TYPE", 0,
         "The blocks' weights: keep (default), f32, f16, bf16, q8_0, int8_row, q5_0, q4_0, q4_k", 0},
        {"embedding-type", EMBEDDING, "TYPE", 0, "The words and the head (default keep)", 0},
        {"calibrate", CALIBRATE, "FILE", 0, "Text that tells which weights matter (importance matrix)", 0},
        {"prune", PRUNE, "SHARE", 0, "This share of each output's weights becomes 0, the least first", 0},
        {"prune-2-4", TWO_FOUR, NULL, 0, "Of each four weights the two least become 0", 0},
        {"heads", HEADS, "N", 0, "N query heads go in each block, those that give least", 0},
        {"neurons", NEURONS, "SHARE", 0, "This share of each block's inner units goes, those that give least",
         0},
        {"text", TEXT, "FILE", 0, "Text for the perplexity in the table", 0},
        {"int8", INT8, NULL, 0, "Measure with activations in 8 bits", 0},
        {0}};
    static const struct argp argp = {
        options, parse,
        NULL,    "Writes a smaller model and prints a table: size, speed, perplexity before and after.",
        NULL,    NULL,
        NULL};
    struct arguments a = {.options = {.type = -1, .embedding_type = -1}};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    struct arena *arena = arena_new();
    const enum status status = arena != NULL ? compress_and_measure(&a, arena) : STATUS_SYSTEM;
    arena_free(arena);
    return status;
}

const struct command command_compress = {"compress", "--model M -o FILE", "a smaller language model", run};
