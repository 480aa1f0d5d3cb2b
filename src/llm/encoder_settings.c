/*
 * encoder_settings.c - what a sentence-transformers folder says beside its weights: pooling, length, prompts.
 *
 * 1_Pooling/config.json has a flag a way (pooling_mode_cls_token ...) or, newer, one word (pooling_mode).  Vectors are always divided by
 * their length, as the third module of all such encoders does (2_Normalize) or their cosine does.
 */
#include <jansson.h>
#include <string.h>

#include "llm/encoder_internal.h"

static enum status parse(const struct encoder_files *files, int which, json_t **out)
{
    json_error_t error;
    *out = json_loadb(files->bytes[which], files->n[which], JSON_REJECT_DUPLICATES, &error);
    if (*out == NULL)
        return status_fail(STATUS_DATA, "%s:%d:%d: not JSON: %s", files->path[which], error.line,
                           error.column, error.text);
    if (json_is_object(*out))
        return STATUS_OK;
    json_decref(*out);
    return status_fail(STATUS_DATA, "%s: no JSON object", files->path[which]);
}

static enum status read_pooling(const char *path, const json_t *config, int *out)
{
    static const char before[] = "pooling_mode_";
    const char *word = json_string_value(json_object_get(config, "pooling_mode")), *key;
    json_t *value;
    int n = 0;
    json_object_foreach((json_t *)config, key, value)
    {
        if (strncmp(key, before, sizeof before - 1) == 0 && json_is_true(value)) {
            word = key + sizeof before - 1;
            n++;
        }
    }
    if (word == NULL || n > 1)
        return status_fail(STATUS_DATA, "%s: names %d ways of pooling, expected one: mean or cls", path, n);
    if (strcmp(word, "mean") == 0 || strcmp(word, "mean_tokens") == 0)
        *out = ENCODER_POOLING_MEAN;
    else if (strcmp(word, "cls") == 0 || strcmp(word, "cls_token") == 0)
        *out = ENCODER_POOLING_CLS;
    else
        return status_fail(STATUS_DATA, "%s: pooling by %.40s is not supported; mean and cls are", path,
                           word);
    return STATUS_OK;
}

static enum status read_length(const char *path, const json_t *config, uint32_t *out)
{
    const json_t *value = json_object_get(config, "max_seq_length");
    if (value == NULL || json_is_null(value))
        return STATUS_OK;
    if (!json_is_integer(value) || json_integer_value(value) < 2 || json_integer_value(value) > 1 << 20)
        return status_fail(STATUS_DATA, "%s: max_seq_length is no whole number from 2 to %d", path, 1 << 20);
    *out = (uint32_t)json_integer_value(value);
    return STATUS_OK;
}

/* The prompt of that name in the arena; *out stays as it is where there is none. */
static enum status read_prompt(const json_t *prompts, const char *name, struct arena *arena, const char **out)
{
    const char *text = name != NULL ? json_string_value(json_object_get(prompts, name)) : NULL;
    if (text == NULL || *out != NULL)
        return STATUS_OK;
    *out = arena_strdup(arena, text);
    return *out != NULL ? STATUS_OK : STATUS_SYSTEM;
}

static enum status read_prompts(const json_t *config, struct arena *arena, struct encoder_settings *s)
{
    const json_t *prompts = json_object_get(config, "prompts");
    TRY(read_prompt(prompts, "query", arena, &s->query));
    TRY(read_prompt(prompts, "passage", arena, &s->passage));
    TRY(read_prompt(prompts, "document", arena, &s->passage));
    return read_prompt(prompts, json_string_value(json_object_get(config, "default_prompt_name")), arena,
                       &s->own);
}

static enum status read_one(const struct encoder_files *files, int which, struct arena *arena,
                            struct encoder_settings *s)
{
    json_t *config;
    TRY(parse(files, which, &config));
    const enum status status = which == FILE_POOLING ? read_pooling(files->path[which], config, &s->pooling)
                               : which == FILE_SENTENCE
                                   ? read_length(files->path[which], config, &s->max_tokens)
                                   : read_prompts(config, arena, s);
    json_decref(config);
    return status;
}

enum status encoder_settings_read(const struct encoder_files *files, struct arena *arena,
                                  struct encoder_settings *out)
{
    *out = (struct encoder_settings){.pooling = ENCODER_POOLING_MEAN};
    if (files->path[FILE_E5S1] != NULL && files->path[FILE_WEIGHTS] == NULL) {
        *out = (struct encoder_settings){ENCODER_POOLING_MEAN, 512, "query: ", "passage: ", "query: "};
        return STATUS_OK;
    }
    for (int which = FILE_POOLING; which <= FILE_PROMPTS; which++)
        if (files->path[which] != NULL)
            TRY(read_one(files, which, arena, out));
    return STATUS_OK;
}
