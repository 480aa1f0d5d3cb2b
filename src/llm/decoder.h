/*
 * decoder.h - language models that go on with a text: Gemma, Llama, Qwen 2 and 3, GPT-2, from a GGUF file, in this process.
 */
#ifndef LLM_DECODER_H
#define LLM_DECODER_H
#include "backend/backend.h"
#include "llm/tokenizer.h"

struct decoder;

/* Opens a *.gguf file or a folder with one.  Weights are mapped, not copied; metadata, shapes and every scale are checked before
 * use.  STATUS_UNAVAILABLE: nothing there (says what gets it); STATUS_DATA: damaged, of an unknown architecture, parts that do
 * not fit each other, a weight that is not finite. */
enum status decoder_open(const char *path, const struct backend *backend, struct decoder **out);
void decoder_close(struct decoder *decoder); /* takes NULL */

/* What activations are in products: float32, nothing rounded but sums (the default), or 32 numbers at a time in 8 bits (quant.h),
 * which is what llama.cpp does, and faster: logits differ by some tenths.  Weights in F32, F16 and BF16 take float32 either way. */
enum decoder_activations { DECODER_FLOAT32, DECODER_INT8 };
/* Their names, in the order of the enum, for options and tables of parameters. */
#define DECODER_ACTIVATIONS "float32|int8"
void decoder_set_activations(struct decoder *decoder, enum decoder_activations activations);

const struct tokenizer *decoder_tokenizer(const struct decoder *decoder);
uint32_t decoder_vocabulary(const struct decoder *decoder);
uint32_t decoder_hidden(const struct decoder *decoder);
/* Positions that the model was made for. */
uint32_t decoder_context(const struct decoder *decoder);

/* Keys and values of every layer, for n_cells tokens: decoder_cell_bytes() each.  Memory is touched as cells fill. */
struct decoder_cache;
enum status decoder_cache_new(const struct decoder *decoder, uint32_t n_cells, struct decoder_cache **out);
/* The same in 8 bits (Q8_0's blocks): a bit more than a quarter of the memory, and float32 room for one layer. */
enum status decoder_cache_new_int8(const struct decoder *decoder, uint32_t n_cells,
                                   struct decoder_cache **out);
void decoder_cache_free(struct decoder_cache *cache); /* takes NULL */
size_t decoder_cell_bytes(const struct decoder *decoder);

/* Tokens of one sequence, in a row.  The sequence's keys: positions 0 .. shared - 1 are in cells 0 .. shared - 1, position
 * shared + i in cell own + i; so sequences with a common beginning hold it once.  Cells below `position` were filled before. */
struct decoder_run {
    uint32_t n;        /* tokens */
    uint32_t position; /* of the first; at least `shared` */
    uint32_t shared, own;
};

/* Runs the tokens (those of all runs, end to end) through the model, some hundred at a time, and fills their cells.  states gets the
 * final state of the tokens wanted[0 .. n_wanted - 1] (rising), [n_wanted x hidden].  STATUS_USAGE: a position beyond the model's
 * context, an id beyond the vocabulary; STATUS_SYSTEM: memory is out. */
enum status decoder_forward(const struct decoder *decoder, struct decoder_cache *cache, const uint32_t *ids,
                            const struct decoder_run *runs, size_t n_runs, const uint32_t *wanted,
                            size_t n_wanted, float *states);

/* The logits of n states, [n x vocabulary]. */
enum status decoder_logits(const struct decoder *decoder, const float *states, size_t n, float *logits);
/* The same of some tokens alone, [n x n_tokens]: their rows of the head are read, no others. */
enum status decoder_logits_of(const struct decoder *decoder, const float *states, size_t n,
                              const uint32_t *tokens, size_t n_tokens, float *logits);
/* Log-probabilities of one next token for each of n states; logits are made a stretch of the vocabulary at a time and not kept. */
enum status decoder_logprobs(const struct decoder *decoder, const float *states, size_t n,
                             const uint32_t *next, double *logprob);

#endif
