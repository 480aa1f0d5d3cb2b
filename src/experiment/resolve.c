/*
 * resolve.c - the resolved experiment as YAML (libyaml's emitter), and what differs between two of them.
 */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "experiment/config_parts.h"

static int write_text(void *stream, unsigned char *bytes, size_t n)
{
    return fwrite(bytes, 1, n, stream) == n;
}

/* A string that reads like a number, a truth value or nothing is quoted: it stays a string for every reader. */
static yaml_scalar_style_t style(const char *text)
{
    static const char *const words[] = {"", "~", "null", "true", "false", "yes", "no", "on", "off"};
    char *end;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0)
            return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    strtod(text, &end);
    return *end == '\0' ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE;
}

static int scalar(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t how)
{
    yaml_event_t event;
    return yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)(uintptr_t)text, (int)strlen(text),
                                        1, 1, how) &&
           yaml_emitter_emit(emitter, &event);
}

static int emit(yaml_emitter_t *emitter, const json_t *value, int depth);

static int emit_children(yaml_emitter_t *emitter, const json_t *value, int depth)
{
    const char *key;
    json_t *child;
    size_t i;
    if (json_is_array(value)) {
        json_array_foreach(value, i, child) if (!emit(emitter, child, depth + 1)) return 0;
        return 1;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, child)
    {
        if (!scalar(emitter, key, YAML_ANY_SCALAR_STYLE) || !emit(emitter, child, depth + 1))
            return 0;
    }
    return 1;
}

static int emit(yaml_emitter_t *emitter, const json_t *value, int depth)
{
    yaml_event_t event;
    char number[64];
    if (json_is_string(value))
        return scalar(emitter, json_string_value(value), style(json_string_value(value)));
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        return scalar(emitter, number, YAML_PLAIN_SCALAR_STYLE);
    }
    if (json_is_real(value)) {
        snprintf(number, sizeof number, "%.9g", json_real_value(value));
        return scalar(emitter, number, YAML_PLAIN_SCALAR_STYLE);
    }
    if (json_is_boolean(value))
        return scalar(emitter, json_is_true(value) ? "true" : "false", YAML_PLAIN_SCALAR_STYLE);
    /* Blocks and lists of blocks one entry a line, what is inside an entry in one line. */
    const int flow = depth >= 3 || (json_is_array(value) && !json_is_object(json_array_get(value, 0)));
    if (json_is_array(value))
        return yaml_sequence_start_event_initialize(
                   &event, NULL, NULL, 1, flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE) &&
               yaml_emitter_emit(emitter, &event) && emit_children(emitter, value, depth) &&
               yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
    return yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                               flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE) &&
           yaml_emitter_emit(emitter, &event) && emit_children(emitter, value, depth) &&
           yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

/* The resolved experiment, the caller's.  Rows of a key `controls` stand in it as models; that the file spoke of them is no part of any result,
 * so `resolved` has it not: `controls: none` says it here, or whoever reads the text would be warned. */
static json_t *with_controls(const struct experiment *e)
{
    json_t *all = json_deep_copy(e->resolved), *blocks = json_object_get(all, "models");
    for (size_t m = 0; m < e->n_models; m++)
        if (config_speaks_of_controls(e, &e->models[m]))
            json_object_set_new(json_array_get(blocks, e->models[m].block), "controls", json_string("none"));
    return all;
}

enum status experiment_yaml(const struct experiment *e, struct arena *arena, char **text)
{
    yaml_emitter_t emitter;
    yaml_event_t event;
    char *bytes = NULL;
    size_t n = 0;
    *text = NULL;
    FILE *stream = open_memstream(&bytes, &n);
    if (stream == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while writing the experiment");
    json_t *all = with_controls(e);
    int fine = yaml_emitter_initialize(&emitter);
    if (fine) {
        yaml_emitter_set_output(&emitter, write_text, stream);
        yaml_emitter_set_unicode(&emitter, 1);
        yaml_emitter_set_width(&emitter, 110);
        fine = yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
               yaml_emitter_emit(&emitter, &event) &&
               yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
               yaml_emitter_emit(&emitter, &event) && all != NULL && emit(&emitter, all, 0) &&
               yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(&emitter, &event) &&
               yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(&emitter, &event);
        yaml_emitter_delete(&emitter);
    }
    fclose(stream);
    json_decref(all);
    if (fine)
        *text = arena_printf(
            arena, "# The experiment with every default written out; `recfuse run` reads it too.\n%s", bytes);
    free(bytes);
    return *text != NULL ? STATUS_OK
                         : status_fail(STATUS_SYSTEM, "out of memory while writing the experiment");
}

static char *show(const json_t *value, struct arena *arena)
{
    char *text =
        value != NULL
            ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9))
            : NULL;
    char *out = arena_strdup(arena, value == NULL ? "absent" : text != NULL ? text : "?");
    free(text);
    return out;
}

static const char *differs(const char *path, const json_t *before, const json_t *after, struct arena *arena)
{
    const char *key, *found;
    json_t *child;
    if (json_is_object(before) && json_is_object(after)) {
        json_object_foreach((json_t *)(uintptr_t)before, key, child)
        {
            found =
                differs(arena_printf(arena, "%s.%s", path, key), child, json_object_get(after, key), arena);
            if (found != NULL)
                return found;
        }
        json_object_foreach((json_t *)(uintptr_t)after, key,
                            child) if (json_object_get(before, key) ==
                                       NULL) return differs(arena_printf(arena, "%s.%s", path, key), NULL,
                                                            child, arena);
        return NULL;
    }
    if (json_is_array(before) && json_is_array(after) && json_array_size(before) == json_array_size(after)) {
        for (size_t i = 0; i < json_array_size(before); i++) {
            found = differs(arena_printf(arena, "%s.%zu", path, i), json_array_get(before, i),
                            json_array_get(after, i), arena);
            if (found != NULL)
                return found;
        }
        return NULL;
    }
    const char *was = show(before, arena),
               *is = show(after, arena); /* as text: numbers were written with 9 digits */
    if (was != NULL && is != NULL && strcmp(was, is) == 0)
        return NULL;
    return arena_printf(arena, "%s was %s, is %s", path, was, is);
}

const char *experiment_difference(const json_t *before, const json_t *after, struct arena *arena)
{
    static const char *const parts[] = {"experiment", "datasets", "models", "evaluate"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *found =
            differs(parts[i], json_object_get(before, parts[i]), json_object_get(after, parts[i]), arena);
        if (found != NULL)
            return found;
    }
    return NULL;
}
