/* embed_command.c - see embed_command.h. */
#include "llm/embed_command.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "llm/encoder.h"
#include "text/unicode.h"

enum { AT_ONCE = 512 };          /* texts computed together */
#define BYTES_AT_ONCE (4u << 20) /* and no more bytes than these, but for the last line */

/* The text as a JSON string. */
static enum status print_text(const char *text, size_t length, FILE *out)
{
    char *valid = malloc(3 * length + 4); /* a bad byte becomes the three of U+FFFD */
    size_t n = 0;
    if (valid == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: a text of %zu bytes", length);
    for (size_t at = 0; at < length;)
        n += unicode_put(unicode_next(text, length, &at), valid + n);
    json_t *json = json_stringn(valid, n);
    free(valid);
    const int failed = json == NULL || json_dumpf(json, out, JSON_ENCODE_ANY) != 0;
    json_decref(json);
    return failed ? status_fail(STATUS_SYSTEM, "the output could not be written: %s", strerror(errno))
                  : STATUS_OK;
}

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
        TRY(print_text(strings_at(&texts, i), strings_length(&texts, i), out));
        fputs(", \"ids\": [", out);
        for (uint32_t j = 0; j < n; j++)
            fprintf(out, "%s%u", j > 0 ? ", " : "", ids[j]);
        fputs("], \"embedding\": [", out);
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

static enum status add(struct encoder *encoder, const char *text, size_t length,
                       struct string_builder *builder, FILE *out)
{
    TRY(string_builder_add(builder, text, length));
    return builder->n < AT_ONCE && builder->length < BYTES_AT_ONCE ? STATUS_OK
                                                                   : flush_batch(encoder, builder, out);
}

static enum status embed_lines(struct encoder *encoder, FILE *in, struct string_builder *builder, FILE *out)
{
    char *line = NULL;
    size_t allocated = 0;
    ssize_t n;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (n = getline(&line, &allocated, in)) >= 0) {
        if (n > 0 && line[n - 1] == '\n')
            n--;
        if (n > 0 && line[n - 1] == '\r')
            n--;
        status = add(encoder, line, (size_t)n, builder, out);
    }
    if (status == STATUS_OK && ferror(in))
        status = status_fail(STATUS_SYSTEM, "the input could not be read: %s", strerror(errno));
    free(line);
    return status;
}

enum status embed_print(const char *folder, const char *const *texts, size_t n_texts, FILE *in, FILE *out,
                        const struct backend *backend)
{
    struct encoder *encoder;
    TRY(encoder_open(folder, backend, &encoder));
    struct string_builder builder = {0};
    enum status status = STATUS_OK;
    if (n_texts == 0)
        status = embed_lines(encoder, in, &builder, out);
    for (size_t i = 0; i < n_texts && status == STATUS_OK; i++)
        status = add(encoder, texts[i], strlen(texts[i]), &builder, out);
    if (status == STATUS_OK && builder.n > 0)
        status = flush_batch(encoder, &builder, out);
    string_builder_free(&builder);
    encoder_close(encoder);
    return status;
}
