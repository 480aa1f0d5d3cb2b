/* compress.c - `recfuse compress`: a smaller decoder or encoder, and a table of what it costs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/log.h"
#include "command/command.h"
#include "experiment/text_quality.h"
#include "llm/compress_encoder.h"
#include "llm/gguf_file.h"
#include "llm/quantize.h"

enum { EMBEDDING = 1000, CALIBRATE, PRUNE, TWO_FOUR, HEADS, NEURONS, TEXT, INT8, DATASET };

struct arguments {
    const char *model, *output, *calibration, *text, *dataset;
    struct compress_options options;
    bool int8;
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
        a->int8 = true;
        return 0;
    case DATASET:
        a->dataset = argument;
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

static void print_number(double x, int digits)
{
    if (isfinite(x))
        printf(" %.*f |", digits, x);
    else
        printf(" - |");
}

static enum status printed(void)
{
    return fflush(stdout) == 0 ? STATUS_OK : status_fail(STATUS_SYSTEM, "standard output can't be written");
}

/* ------------------------------------------------------------------------------------------------------ decoders */

static void print_decoder(const char *name, const struct compress_measures *m)
{
    printf("| %s | %.1f | %.2f | %.1f | %.1f |", name, m->megabytes, m->bits, m->prefill, m->decode);
    print_number(m->perplexity, 2);
    printf("\n");
}

static enum status decoder(const struct arguments *a, const struct backend *backend, const char *text,
                           size_t n)
{
    const enum decoder_activations activations = a->int8 ? DECODER_INT8 : DECODER_FLOAT32;
    struct compress_measures before, after;
    if (a->dataset != NULL)
        return status_fail(STATUS_USAGE,
                           "--dataset is for encoders: llm_content and llm_fusion take no decoder");
    TRY(compress_decoder(a->model, a->output, &a->options, backend));
    TRY(compress_measure(a->model, text, n, activations, backend, &before));
    TRY(compress_measure(a->output, text, n, activations, backend, &after));
    printf("| model | MB | bits a weight | prefill tokens/s | decode tokens/s | perplexity |\n"
           "|:--|--:|--:|--:|--:|--:|\n");
    print_decoder(a->model, &before);
    print_decoder(a->output, &after);
    return printed();
}

/* ------------------------------------------------------------------------------------------------------ encoders */

/* A row of the table. */
struct encoder_row {
    const char *folder;
    int precision;
    struct compress_encoder_measures m;
    double ndcg[N_TEXT_QUALITIES]; /* NaN without a dataset */
};

static enum status measure_encoder(const struct arguments *a, const struct backend *backend,
                                   const struct strings *texts, const float *reference, struct arena *arena,
                                   float **vectors, struct encoder_row *row)
{
    const struct encoder_options options = {.precision = row->precision};
    row->ndcg[TEXT_QUALITY_CONTENT] = row->ndcg[TEXT_QUALITY_FUSION] = NAN;
    TRY(compress_encoder_measure(row->folder, &options, texts, reference, backend, arena, vectors, &row->m));
    return a->dataset != NULL ? text_quality(a->dataset, row->folder, row->precision, backend, row->ndcg)
                              : STATUS_OK;
}

static enum status encoder(const struct arguments *a, const struct backend *backend, const char *text,
                           size_t n, struct arena *arena)
{
    struct encoder_row rows[] = {
        {.folder = a->model}, {.folder = a->output}, {.folder = a->output, .precision = ENCODER_W8A8}};
    const size_t n_rows = a->int8 ? 3 : 2;
    struct strings texts = {0};
    float *reference = NULL;
    if (text == NULL && a->dataset == NULL)
        log_info("neither --text nor --dataset: speed, cosine and NDCG@10 are not measured");
    else
        TRY(text != NULL ? compress_lines(text, n, arena, &texts)
                         : text_quality_titles(a->dataset, arena, &texts));
    TRY(compress_encoder(a->model, a->output, &a->options, backend));
    for (size_t i = 0; i < n_rows; i++)
        TRY(measure_encoder(a, backend, &texts, reference, arena, i == 0 ? &reference : NULL, &rows[i]));
    printf("| model | products | MB | bits a weight | texts/s | cosine | least cosine | NDCG@10 llm_content "
           "| NDCG@10 "
           "llm_fusion |\n|:--|:--|--:|--:|--:|--:|--:|--:|--:|\n");
    for (size_t i = 0; i < n_rows; i++) {
        const struct encoder_row *r = &rows[i];
        printf("| %s | %s | %.1f | %.2f |", r->folder, r->precision == ENCODER_FP32 ? "fp32" : "w8a8",
               r->m.megabytes, r->m.bits);
        print_number(r->m.texts, 0);
        print_number(r->m.cosine, 5);
        print_number(r->m.least, 5);
        print_number(r->ndcg[TEXT_QUALITY_CONTENT], 4);
        print_number(r->ndcg[TEXT_QUALITY_FUSION], 4);
        printf("\n");
    }
    return printed();
}

static enum status compress_and_measure(struct arguments *a, struct arena *arena)
{
    const struct backend *backend;
    char *calibration, *text = NULL;
    size_t n = 0;
    if (a->calibration != NULL) {
        TRY(read_whole_file(a->calibration, (size_t)1 << 26, arena, &calibration, &a->options.n_calibration));
        a->options.calibration = calibration;
    }
    if (a->text != NULL)
        TRY(read_whole_file(a->text, (size_t)1 << 26, arena, &text, &n));
    TRY(backend_open("cpu", 0, &backend));
    return gguf_file_is(a->model) ? decoder(a, backend, text, n) : encoder(a, backend, text, n, arena);
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"model", 'm', "M", 0,
         "GGUF file, or folder with one; or the folder of an encoder with model.safetensors", 0},
        {"output", 'o', "PATH", 0, "The new GGUF file, or the new folder", 0},
        {"type", 't', "TYPE", 0,
         "The blocks' weights: keep (default), f32, f16, bf16, q8_0, int8_row, q4_0; of a decoder also q5_0, "
         "q4_k",
         0},
        {"embedding-type", EMBEDDING, "TYPE", 0, "The words, and a decoder's head (default keep)", 0},
        {"calibrate", CALIBRATE, "FILE", 0,
         "Text (for an encoder: a text a line) that tells which weights matter (importance matrix)", 0},
        {"prune", PRUNE, "SHARE", 0, "This share of each output's weights becomes 0, the least first", 0},
        {"prune-2-4", TWO_FOUR, NULL, 0, "Of each four weights the two least become 0", 0},
        {"heads", HEADS, "N", 0, "N (query) heads go in each block, those that give least", 0},
        {"neurons", NEURONS, "SHARE", 0, "This share of each block's inner units goes, those that give least",
         0},
        {"text", TEXT, "FILE", 0,
         "Of a decoder: text for the perplexity.  Of an encoder: a text a line, for speed and cosine "
         "(default: the titles of --dataset)",
         0},
        {"dataset", DATASET, "FILE", 0,
         "Of an encoder: dataset (recfuse import) for NDCG@10 of llm_content and llm_fusion before and after",
         0},
        {"int8", INT8, NULL, 0, "Measure a decoder with activations in 8 bits; an encoder also in w8a8", 0},
        {0}};
    static const struct argp argp = {options,
                                     parse,
                                     NULL,
                                     "Writes a smaller model and prints a table of before and after: size, "
                                     "speed, and of a decoder perplexity, of an encoder cosine and NDCG@10.",
                                     NULL,
                                     NULL,
                                     NULL};
    struct arguments a = {.options = {.type = -1, .embedding_type = -1}};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    struct arena *arena = arena_new();
    const enum status status = arena != NULL ? compress_and_measure(&a, arena) : STATUS_SYSTEM;
    arena_free(arena);
    return status;
}

const struct command command_compress = {"compress", "--model M -o PATH", "a smaller language model", run};
