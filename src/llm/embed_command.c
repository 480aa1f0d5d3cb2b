/* embed_command.c - see embed_command.h. */
#include "llm/embed_command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "llm/encoder.h"
#include "llm/print.h"

enum { AT_ONCE = 512 };          /* texts computed together */
#define BYTES_AT_ONCE (4u << 20) /* and no more bytes than these, but for the last line */

static enum status print_batch(struct encoder *encoder, struct string_builder *builder, FILE *out,
                               struct arena *arena)
{
    struct strings texts;
    TRY(string_builder_finish(builder, arena, &texts));
    const size_t dimensions = encoder_dimensions(encoder);
    float *vectors;
    ARENA_NEW(vectors, arena, texts.n * dimensions);
    TRY(encoder_embed(encoder, &texts, vectors));
    for (uint64_t i = 0; i < texts.n; i++) {
        uint32_t *ids, n;
        TRY(encoder_tokenize(encoder, strings_at(&texts, i), strings_length(&texts, i), arena, &ids, &n));
        fputs("{\"text\": ", out);
        TRY(print_json_text(strings_at(&texts, i), strings_length(&texts, i), out));
        fputs(", \"ids\": ", out);
        print_json_ids(ids, n, out);
        fputs(", \"embedding\": [", out);
        for (size_t j = 0; j < dimensions; j++)
            fprintf(out, "%s%.9g", j > 0 ? ", " : "", (double)vectors[i * dimensions + j]);
        fputs("]}\n", out);
    }
    if (fflush(out) != 0 || ferror(out))
        return status_fail(STATUS_SYSTEM, "the output could not be written: %s", strerror(errno));
    return STATUS_OK;
}

/* What was gathered, with an arena of its own. */
static enum status flush_batch(struct encoder *encoder, struct string_builder *builder, FILE *out)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = print_batch(encoder, builder, out, arena);
    arena_free(arena);
    return status;
}

/* Where the texts go. */
struct sink {
    struct encoder *encoder;
    struct string_builder builder;
    FILE *out;
};

static enum status add(void *context, const char *text, size_t length)
{
    struct sink *sink = context;
    struct string_builder *builder = &sink->builder;
    TRY(string_builder_add(builder, text, length));
    return builder->n < AT_ONCE && builder->length < BYTES_AT_ONCE
               ? STATUS_OK
               : flush_batch(sink->encoder, builder, sink->out);
}

enum status embed_print(const char *folder, const char *const *texts, size_t n_texts, FILE *in, FILE *out,
                        const struct encoder_options *options, const struct backend *backend)
{
    struct sink sink = {.out = out};
    TRY(encoder_open_with(folder, options, backend, &sink.encoder));
    enum status status = print_each(texts, n_texts, in, add, &sink);
    if (status == STATUS_OK && sink.builder.n > 0)
        status = flush_batch(sink.encoder, &sink.builder, out);
    string_builder_free(&sink.builder);
    encoder_close(sink.encoder);
    return status;
}
