/* encoder.c - opens sentence encoders; texts as their tokens.  See encoder.h. */
#include "llm/encoder.h"

#include <stdlib.h>
#include <string.h>

#include "llm/e5s1.h"
#include "llm/encoder_internal.h"

const char *const encoder_known[] = {"minilm", "e5", NULL};

static enum status unavailable(const char *folder, const struct encoder_files *files)
{
    const char *slash = strrchr(folder, '/');
    const char *name = slash != NULL && slash[1] != '\0' ? slash + 1 : folder;
    const char *what = files->path[FILE_VECTORS] != NULL
                           ? "the folder has imported vectors, which stand for no text"
                       : file_exists(folder) ? "the folder has no model.safetensors"
                                             : "no such folder";
    for (size_t i = 0; encoder_known[i] != NULL; i++)
        if (strcmp(name, encoder_known[i]) == 0)
            return status_fail(STATUS_UNAVAILABLE, "%s: %s; run tools/get-models.sh %s", folder, what, name);
    return status_fail(
        STATUS_UNAVAILABLE,
        "%s: %s; an encoder is a folder with model.safetensors, vocab.txt or tokenizer.json, and "
        "config.json, as tools/get-models.sh minilm makes models/minilm",
        folder, what);
}

static enum status missing(const struct encoder_files *files, const char *what)
{
    const char *weights = files->path[FILE_WEIGHTS];
    return status_fail(STATUS_DATA,
                       "%.*s%s: missing beside model.safetensors; get the model again (tools/get-models.sh)",
                       (int)(strrchr(weights, '/') - weights) + 1, weights, what);
}

static enum status open_tokenizer(const struct encoder_files *f, struct encoder *e)
{
    if (f->path[FILE_VOCAB] == NULL && f->path[FILE_TOKENIZER] == NULL)
        return missing(f, "vocab.txt");
    if (f->path[FILE_VOCAB] == NULL || e->first_position != 0) {
        if (f->path[FILE_TOKENIZER] == NULL)
            return missing(f, "tokenizer.json");
        TRY(encoder_tokenizer_json(f->path[FILE_TOKENIZER], f->bytes[FILE_TOKENIZER], f->n[FILE_TOKENIZER],
                                   e->arena, &e->tokenizer));
        const uint32_t n = encoder_tokenizer_size(&e->tokenizer);
        return n <= (uint32_t)e->vocabulary
                   ? STATUS_OK
                   : status_fail(STATUS_DATA,
                                 "%s: %u pieces, but config.json's vocab_size is %d: ids would lie beyond it",
                                 f->path[FILE_TOKENIZER], n, e->vocabulary);
    }
    TRY(encoder_tokenizer_vocab(f->path[FILE_VOCAB], f->bytes[FILE_VOCAB], f->n[FILE_VOCAB],
                                f->path[FILE_TOKENIZER_CONFIG], f->bytes[FILE_TOKENIZER_CONFIG],
                                f->n[FILE_TOKENIZER_CONFIG], &e->tokenizer));
    const uint32_t n = encoder_tokenizer_size(&e->tokenizer);
    return n == (uint32_t)e->vocabulary
               ? STATUS_OK
               : status_fail(STATUS_DATA,
                             "%s: %u pieces, but config.json's vocab_size is %d (is it cut off?)",
                             f->path[FILE_VOCAB], n, e->vocabulary);
}

static enum status open_folder(const struct encoder_files *f, struct encoder *e, struct arena *scratch)
{
    struct safetensors tensors;
    if (f->path[FILE_CONFIG] == NULL)
        return missing(f, "config.json");
    TRY(encoder_load_config(f->path[FILE_CONFIG], f->bytes[FILE_CONFIG], f->n[FILE_CONFIG], e));
    TRY(open_tokenizer(f, e));
    TRY(safetensors_parse(f->path[FILE_WEIGHTS], f->bytes[FILE_WEIGHTS], f->n[FILE_WEIGHTS], scratch,
                          &tensors));
    return encoder_load_weights(&tensors, e);
}

static enum status open_e5s1(const struct encoder_files *f, struct encoder *e)
{
    struct e5s1 *model; /* holds the tokenizer */
    ARENA_NEW(model, e->arena, 1);
    TRY(e5s1_parse(f->path[FILE_E5S1], f->bytes[FILE_E5S1], f->n[FILE_E5S1], e->arena, model));
    e->tokenizer.unigram = &model->tokenizer;
    e->e5s1 = true;
    e->vocabulary = model->vocabulary;
    e->hidden = model->hidden;
    e->n_layers = model->n_layers;
    e->n_heads = model->n_heads;
    e->feed_forward = model->feed_forward;
    e->positions = model->positions;
    e->eps = model->eps;
    TRY(encoder_check_sizes(f->path[FILE_E5S1], e));
    ARENA_NEW(e->layers, e->arena, (size_t)e->n_layers);
    for (int i = 0; i < e->n_layers; i++)
        e->layers[i].n_heads = e->n_heads;
    return encoder_load_weights(&model->tensors, e);
}

static const char *choose_prefix(const char *asked, const struct encoder_settings *s)
{
    if (asked == NULL || strcmp(asked, "model") == 0)
        return s->own != NULL ? s->own : "";
    if (strcmp(asked, "none") == 0)
        return "";
    if (strcmp(asked, "own_query") == 0)
        return s->query != NULL ? s->query : "";
    if (strcmp(asked, "own_passage") == 0)
        return s->passage != NULL ? s->passage : "";
    if (strcmp(asked, "query") == 0)
        return s->query != NULL ? s->query : "query: ";
    if (strcmp(asked, "passage") == 0)
        return s->passage != NULL ? s->passage : "passage: ";
    return asked;
}

/* Options and the folder's own settings; what is not the model's own goes into the hash. */
static enum status apply(const struct encoder_files *f, const struct encoder_options *o,
                         const struct encoder_settings *s, struct encoder *e)
{
    const uint32_t room = (uint32_t)(e->positions - e->first_position);
    const uint32_t usual = s->max_tokens > 0 ? s->max_tokens : ENCODER_MAX_TOKENS;
    const uint32_t wanted = o->max_tokens > 0 ? o->max_tokens : usual < room ? usual : room;
    if (wanted < 2 || wanted > room || wanted > ENCODER_TOKENS_LIMIT)
        return status_fail(STATUS_USAGE, "max_tokens is %u; this model takes 2 to %u tokens of a text",
                           wanted, room < ENCODER_TOKENS_LIMIT ? room : ENCODER_TOKENS_LIMIT);
    const int pooling = o->pooling != ENCODER_POOLING_MODEL ? o->pooling : s->pooling;
    const char *prefix = choose_prefix(o->prefix, s);
    e->max_tokens = wanted;
    e->precision = o->precision;
    e->special = o->special;
    e->cls = pooling == ENCODER_POOLING_CLS;
    e->prefix_length = strlen(prefix);
    e->prefix = arena_strdup(e->arena, prefix);
    const char *all = arena_printf(e->arena, "%s precision %d cls %d tokens %u prefix %s", f->sha256,
                                   e->precision, e->cls, e->max_tokens, prefix);
    if (e->prefix == NULL || all == NULL)
        return STATUS_SYSTEM;
    sha256_hex(all, strlen(all), e->sha256);
    return STATUS_OK;
}

static enum status open_into(const char *folder, const struct encoder_options *options, struct encoder *e,
                             struct arena *scratch)
{
    struct encoder_files files;
    struct encoder_settings settings;
    TRY(encoder_files_find(folder, scratch, &files));
    if (files.path[FILE_WEIGHTS] == NULL && files.path[FILE_E5S1] == NULL)
        return unavailable(folder, &files);
    files.path[FILE_VECTORS] = NULL;
    e->precision = options->precision;
    enum status status = encoder_files_read(&files, scratch);
    e->map = files.map; /* closed with the encoder */
    TRY(status);
    TRY(files.path[FILE_WEIGHTS] != NULL ? open_folder(&files, e, scratch) : open_e5s1(&files, e));
    TRY(encoder_settings_read(&files, scratch, &settings));
    return apply(&files, options, &settings, e);
}

enum status encoder_open_with(const char *folder, const struct encoder_options *options,
                              const struct backend *backend, struct encoder **out)
{
    static const struct encoder_options usual = {0};
    struct encoder *e = calloc(1, sizeof *e);
    if (e == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: encoder %s", folder);
    struct arena *scratch = arena_new();
    e->backend = backend;
    e->arena = arena_new();
    enum status status = scratch != NULL && e->arena != NULL
                             ? open_into(folder, options != NULL ? options : &usual, e, scratch)
                             : STATUS_SYSTEM;
    arena_free(scratch);
    if (status != STATUS_OK) {
        encoder_close(e);
        return status;
    }
    *out = e;
    return STATUS_OK;
}

enum status encoder_open(const char *folder, const struct backend *backend, struct encoder **out)
{
    return encoder_open_with(folder, NULL, backend, out);
}

enum status encoder_folder_sha256(const char *folder, char hex[SHA256_HEX])
{
    struct arena *arena = arena_new();
    struct encoder_files files = {0};
    enum status status = arena != NULL ? encoder_files_find(folder, arena, &files) : STATUS_SYSTEM;
    const bool any =
        files.path[FILE_WEIGHTS] != NULL || files.path[FILE_E5S1] != NULL || files.path[FILE_VECTORS] != NULL;
    if (status == STATUS_DATA)
        status = STATUS_OK; /* opening it will say what is wrong */
    if (status == STATUS_OK && any)
        status = encoder_files_read(&files, arena);
    snprintf(hex, SHA256_HEX, "%s", any ? files.sha256 : "missing");
    encoder_files_close(&files);
    arena_free(arena);
    return status;
}

void encoder_close(struct encoder *encoder)
{
    if (encoder == NULL)
        return;
    encoder_tokenizer_free(&encoder->tokenizer);
    mapped_close(&encoder->map);
    arena_free(encoder->arena);
    free(encoder);
}

uint32_t encoder_dimensions(const struct encoder *encoder)
{
    return (uint32_t)encoder->hidden;
}

const char *encoder_sha256(const struct encoder *encoder)
{
    return encoder->sha256;
}

enum status encoder_ids(const struct encoder *e, const char *text, size_t length, uint32_t *ids, uint32_t *n)
{
    char little[512], *both = little;
    if (e->prefix_length == 0)
        return encoder_tokenizer_encode(&e->tokenizer, text, length, e->special, e->max_tokens, ids, n);
    if (e->prefix_length + length > sizeof little) {
        both = malloc(e->prefix_length + length);
        if (both == NULL)
            return status_fail(STATUS_SYSTEM, "memory is out: a text of %zu bytes", length);
    }
    memcpy(both, e->prefix, e->prefix_length);
    if (length > 0)
        memcpy(both + e->prefix_length, text, length);
    const enum status status = encoder_tokenizer_encode(&e->tokenizer, both, e->prefix_length + length,
                                                        e->special, e->max_tokens, ids, n);
    if (both != little)
        free(both);
    return status;
}

enum status encoder_tokenize(const struct encoder *encoder, const char *text, size_t length,
                             struct arena *arena, uint32_t **ids, uint32_t *n)
{
    ARENA_NEW(*ids, arena, encoder->max_tokens);
    return encoder_ids(encoder, text, length, *ids, n);
}
