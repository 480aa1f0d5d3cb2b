/*
 * encoder_tokenizer.c - see encoder_tokenizer.h.
 *
 * tokenizer.json: only what changes ids is looked at: model, normalizer, pre_tokenizer, post_processor, and which added tokens are
 * special.  Its truncation and padding are another program's settings (MiniLM's says 128, its reference library takes 256).
 */
#include "llm/encoder_tokenizer.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES_MOST = 1 << 24 };

static bool flag(const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static enum status parse_json(const char *path, const char *bytes, size_t n, json_t **out)
{
    json_error_t error;
    *out = json_loadb(bytes, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (*out == NULL)
        return status_fail(STATUS_DATA, "%s:%d:%d: not JSON: %s", path, error.line, error.column, error.text);
    if (json_is_object(*out))
        return STATUS_OK;
    json_decref(*out);
    return status_fail(STATUS_DATA, "%s: no JSON object", path);
}

/* Keys as tokenizer_config.json (do_lower_case ...) or BertNormalizer (lowercase ...) has them. */
static void configure(struct wordpiece *w, const json_t *config, const char *lower, const char *cjk)
{
    const bool lower_case = flag(config, lower, true);
    wordpiece_configure(w, lower_case, flag(config, "strip_accents", lower_case), flag(config, cjk, true));
}

enum status encoder_tokenizer_vocab(const char *path, const char *bytes, size_t n, const char *config_path,
                                    const char *config, size_t n_config, struct encoder_tokenizer *out)
{
    json_t *json = NULL;
    *out = (struct encoder_tokenizer){0};
    if (config != NULL)
        TRY(parse_json(config_path, config, n_config, &json));
    const enum status status = wordpiece_parse(path, bytes, n, &out->wordpiece);
    if (status == STATUS_OK && json != NULL)
        configure(out->wordpiece, json, "do_lower_case", "tokenize_chinese_chars");
    json_decref(json);
    return status;
}

/* The vocabulary as the bytes of a vocab.txt. */
static enum status wordpiece_from_json(const char *path, const json_t *model, struct arena *arena,
                                       struct wordpiece **out)
{
    json_t *vocabulary = json_object_get(model, "vocab"), *value;
    const char *key, **piece;
    const size_t n = json_object_size(vocabulary);
    size_t room = 1, at = 0;
    if (n == 0 || n > PIECES_MOST)
        return status_fail(STATUS_DATA, "%s: the WordPiece model has a vocabulary of %zu pieces", path, n);
    ARENA_NEW(piece, arena, n);
    json_object_foreach(vocabulary, key, value)
    {
        const json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
        if (id < 0 || (size_t)id >= n || piece[id] != NULL || strchr(key, '\n') != NULL)
            return status_fail(STATUS_DATA,
                               "%s: the piece '%.40s' has the id %lld; ids must be 0 to %zu, each once", path,
                               key, (long long)id, n - 1);
        piece[id] = key;
        room += strlen(key) + 1;
    }
    char *lines = arena_alloc(arena, room, 1);
    if (lines == NULL)
        return STATUS_SYSTEM;
    for (size_t i = 0; i < n; i++) {
        const size_t length = strlen(piece[i]);
        memcpy(lines + at, piece[i], length);
        at += length;
        lines[at++] = '\n';
    }
    return wordpiece_parse(path, lines, at, out);
}

/* What of a tokenizer.json's steps matters. */
struct steps {
    const json_t *charsmap; /* a string, base64 */
    bool strip;
    const char *unknown; /* a step that is not supported */
};

static void read_step(const json_t *step, const char *list, struct steps *out)
{
    const char *type = json_string_value(json_object_get(step, "type"));
    if (!json_is_object(step))
        return; /* null: none */
    if (type != NULL && strcmp(type, "Sequence") == 0) {
        const json_t *parts = json_object_get(step, list);
        for (size_t i = 0; i < json_array_size(parts); i++)
            read_step(json_array_get(parts, i), "", out);
    } else if (type != NULL && strcmp(type, "Precompiled") == 0)
        out->charsmap = json_object_get(step, "precompiled_charsmap");
    else if (type != NULL && (strcmp(type, "WhitespaceSplit") == 0 || strcmp(type, "Strip") == 0))
        out->strip = true;
    else if (type == NULL || (strcmp(type, "Replace") != 0 && strcmp(type, "Metaspace") != 0))
        out->unknown = type != NULL ? type : "no type";
}

static enum status read_charsmap(const char *path, const json_t *text, struct arena *arena,
                                 struct unigram_charsmap *out)
{
    const size_t length = json_string_length(text);
    size_t n = 0;
    unsigned char *bytes;
    ARENA_NEW(bytes, arena, length / 4 * 3 + 3);
    if (sodium_base642bin(bytes, length / 4 * 3 + 3, json_string_value(text), length, NULL, &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return status_fail(STATUS_DATA, "%s: the compiled character map is not base64", path);
    return unigram_charsmap_parse(path, (const char *)bytes, n, arena, out);
}

/* The ids that stand at both ends of a text. */
static enum status read_ends(const char *path, const json_t *post, uint32_t n, struct unigram *u)
{
    const json_t *specials = json_object_get(post, "special_tokens"),
                 *single = json_object_get(post, "single");
    json_int_t ids[2] = {json_integer_value(json_array_get(json_object_get(post, "cls"), 1)),
                         json_integer_value(json_array_get(json_object_get(post, "sep"), 1))};
    size_t n_found = json_is_array(json_object_get(post, "cls")) ? 2 : 0;
    for (size_t i = 0; i < json_array_size(single) && n_found < 3; i++) {
        const json_t *token = json_object_get(json_array_get(single, i), "SpecialToken");
        const char *name = json_string_value(json_object_get(token, "id"));
        if (name == NULL)
            continue;
        if (n_found < 2)
            ids[n_found] = json_integer_value(
                json_array_get(json_object_get(json_object_get(specials, name), "ids"), 0));
        n_found++;
    }
    if (n_found != 2 || ids[0] < 0 || ids[0] >= n || ids[1] < 0 || ids[1] >= n)
        return status_fail(
            STATUS_DATA,
            "%s: the post_processor names %zu tokens around a text, expected a begin and an end "
            "token of the vocabulary",
            path, n_found);
    u->begin = (uint32_t)ids[0];
    u->end = (uint32_t)ids[1];
    return STATUS_OK;
}

static enum status unigram_pieces(const char *path, const json_t *root, const json_t *vocabulary,
                                  struct arena *arena, struct unigram *u)
{
    const size_t n = json_array_size(vocabulary);
    const json_t *unknown = json_object_get(json_object_get(root, "model"), "unk_id");
    const json_t *added = json_object_get(root, "added_tokens");
    struct vocabulary_piece *pieces;
    float *scores;
    bool *control;
    if (n == 0 || n > PIECES_MOST || !json_is_integer(unknown) || json_integer_value(unknown) < 0 ||
        (uint64_t)json_integer_value(unknown) >= n)
        return status_fail(STATUS_DATA, "%s: the Unigram model has %zu pieces and no unk_id among them", path,
                           n);
    ARENA_NEW(pieces, arena, n);
    ARENA_NEW(scores, arena, n);
    ARENA_NEW(control, arena, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(vocabulary, i);
        const json_t *text = json_array_get(pair, 0), *score = json_array_get(pair, 1);
        if (!json_is_string(text) || !json_is_number(score))
            return status_fail(STATUS_DATA, "%s: piece %zu is no pair of a text and a score", path, i);
        const size_t length = json_string_length(text);
        const char *copy = arena_copy(arena, json_string_value(text), length + 1, 1);
        if (copy == NULL)
            return STATUS_SYSTEM;
        pieces[i] = (struct vocabulary_piece){copy, length > UINT32_MAX ? UINT32_MAX : (uint32_t)length};
        scores[i] = (float)json_number_value(score);
    }
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *token = json_array_get(added, i);
        const json_int_t id = json_integer_value(json_object_get(token, "id"));
        if (flag(token, "special", false) && id >= 0 && (uint64_t)id < n)
            control[id] = true;
    }
    return unigram_make(path, pieces, scores, control, (uint32_t)n, (uint32_t)json_integer_value(unknown),
                        arena, u);
}

static enum status unigram_from_json(const char *path, const json_t *root, struct arena *arena,
                                     const struct unigram **out)
{
    const json_t *model = json_object_get(root, "model");
    struct unigram *u;
    struct steps steps = {0};
    ARENA_NEW(u, arena, 1);
    TRY(unigram_pieces(path, root, json_object_get(model, "vocab"), arena, u));
    TRY(read_ends(path, json_object_get(root, "post_processor"), u->model.vocabulary.n, u));
    read_step(json_object_get(root, "normalizer"), "normalizers", &steps);
    read_step(json_object_get(root, "pre_tokenizer"), "pretokenizers", &steps);
    if (steps.unknown != NULL || flag(model, "byte_fallback", false))
        return status_fail(STATUS_DATA,
                           "%s: %.40s is not supported; a Unigram tokenizer has Precompiled, Replace, Strip, "
                           "WhitespaceSplit and Metaspace",
                           path, steps.unknown != NULL ? steps.unknown : "byte_fallback");
    if (steps.charsmap != NULL && json_string_length(steps.charsmap) > 0)
        TRY(read_charsmap(path, steps.charsmap, arena, &u->charsmap));
    u->strip = steps.strip;
    *out = u;
    return STATUS_OK;
}

static enum status from_json(const char *path, const json_t *root, struct arena *arena,
                             struct encoder_tokenizer *out)
{
    const json_t *model = json_object_get(root, "model"), *normalizer = json_object_get(root, "normalizer");
    const char *type = json_string_value(json_object_get(model, "type"));
    if (type != NULL && strcmp(type, "Unigram") == 0)
        return unigram_from_json(path, root, arena, &out->unigram);
    if (type == NULL || strcmp(type, "WordPiece") != 0)
        return status_fail(STATUS_DATA,
                           "%s: the tokenizer is of the model '%.40s'; WordPiece and Unigram are read", path,
                           type != NULL ? type : "none");
    const char *cleaning = json_string_value(json_object_get(normalizer, "type"));
    if (cleaning == NULL || strcmp(cleaning, "BertNormalizer") != 0)
        return status_fail(STATUS_DATA, "%s: the normalizer is '%.40s'; WordPiece needs BertNormalizer", path,
                           cleaning != NULL ? cleaning : "none");
    TRY(wordpiece_from_json(path, model, arena, &out->wordpiece));
    configure(out->wordpiece, normalizer, "lowercase", "handle_chinese_chars");
    return STATUS_OK;
}

enum status encoder_tokenizer_json(const char *path, const char *bytes, size_t n, struct arena *arena,
                                   struct encoder_tokenizer *out)
{
    json_t *root;
    *out = (struct encoder_tokenizer){0};
    TRY(parse_json(path, bytes, n, &root));
    const enum status status = from_json(path, root, arena, out);
    json_decref(root);
    return status;
}

void encoder_tokenizer_free(struct encoder_tokenizer *tokenizer)
{
    wordpiece_free(tokenizer->wordpiece);
    *tokenizer = (struct encoder_tokenizer){0};
}

uint32_t encoder_tokenizer_size(const struct encoder_tokenizer *tokenizer)
{
    return tokenizer->wordpiece != NULL ? wordpiece_size(tokenizer->wordpiece)
                                        : tokenizer->unigram->model.vocabulary.n;
}

enum status encoder_tokenizer_encode(const struct encoder_tokenizer *tokenizer, const char *text,
                                     size_t length, bool special, uint32_t limit, uint32_t *ids, uint32_t *n)
{
    if (tokenizer->wordpiece == NULL)
        return unigram_encode(tokenizer->unigram, text, length, special, limit, ids, n);
    wordpiece_encode(tokenizer->wordpiece, text, length, limit, ids, n);
    return STATUS_OK;
}
