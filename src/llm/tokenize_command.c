/* tokenize_command.c - see tokenize_command.h. */
#include "llm/tokenize_command.h"

#include "llm/encoder.h"
#include "llm/gguf_file.h"
#include "llm/print.h"
#include "llm/tokenizer.h"

struct sink {
    struct tokenizer *tokenizer; /* a decoder's, or */
    struct encoder *encoder;
    bool special;
    FILE *out;
};

static enum status print_ids(const struct sink *sink, const char *text, size_t length, struct arena *arena)
{
    uint32_t *ids = NULL, few = 0;
    size_t n = 0;
    if (sink->encoder != NULL) {
        TRY(encoder_tokenize(sink->encoder, text, length, arena, &ids, &few));
        n = few;
    } else
        TRY(tokenizer_encode(sink->tokenizer, text, length,
                             TOKENIZER_BEGIN | (sink->special ? TOKENIZER_SPECIAL : 0), arena, &ids, &n));
    fputs("{\"text\": ", sink->out);
    TRY(print_json_text(text, length, sink->out));
    fputs(", \"ids\": ", sink->out);
    print_json_ids(ids, n, sink->out);
    fputs("}\n", sink->out);
    return print_flush(sink->out);
}

static enum status each(void *context, const char *text, size_t length)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = print_ids(context, text, length, arena);
    arena_free(arena);
    return status;
}

enum status tokenize_print(const char *model, bool special, const char *const *texts, size_t n_texts,
                           FILE *in, FILE *out, const struct backend *backend)
{
    struct sink sink = {.special = special, .out = out};
    struct gguf_file file = {0};
    enum status status;
    if (gguf_file_is(model)) {
        status = gguf_file_open(model, &file);
        if (status == STATUS_OK)
            status = tokenizer_open(&file.gguf, file.arena, &sink.tokenizer);
    } else
        status =
            encoder_open_with(model, &(struct encoder_options){.special = special}, backend, &sink.encoder);
    if (status == STATUS_OK)
        status = print_each(texts, n_texts, in, each, &sink);
    encoder_close(sink.encoder);
    gguf_file_close(&file);
    return status;
}
