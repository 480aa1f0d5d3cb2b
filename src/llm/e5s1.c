/*
 * e5s1.c - see e5s1.h.
 *
 * Little-endian, read in sequence: "E5S1", u32 version 1, i32 hidden, layers, heads, feed-forward, vocabulary, positions, types, f32
 * eps, i32 block (32); i32 pieces, begin, end, pad, unknown, u64 bytes of the pieces, u32 offsets [pieces + 1], f32 scores [pieces],
 * the bytes; i32 entries of normalisation, u32 their bytes, each u32 code point, u8 count, u32 [count]; i32 tensors, each u16 length of its
 * name, name, u8 type (0 f32, 1 Q4_0), u32 elements, u64 offset in the file, u64 bytes.
 */
#include "llm/e5s1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant.h"

enum { LAYERS_MOST = 1024, SIZE_MOST = 1 << 16, BLOCK = 32 };

/* The bytes not yet read. */
struct cursor {
    const char *path;
    const unsigned char *bytes;
    size_t n, at;
};

static enum status take(struct cursor *c, const char *what, size_t n, const unsigned char **out)
{
    if (n > c->n - c->at)
        return status_fail(STATUS_DATA, "%s: ends within %s (byte %zu; %zu more are needed, %zu are left)",
                           c->path, what, c->at, n, c->n - c->at);
    *out = c->bytes + c->at;
    c->at += n;
    return STATUS_OK;
}

static enum status take_number(struct cursor *c, const char *what, size_t size, void *out)
{
    const unsigned char *p = NULL;
    TRY(take(c, what, size, &p));
    memcpy(out, p, size);
    return STATUS_OK;
}

static enum status take_int(struct cursor *c, const char *what, int least, int most, int *out)
{
    int32_t value = 0;
    TRY(take_number(c, what, sizeof value, &value));
    if (value < least || value > most)
        return status_fail(STATUS_DATA, "%s: %s is %d, expected %d to %d", c->path, what, value, least, most);
    *out = value;
    return STATUS_OK;
}

bool e5s1_is(const void *bytes, size_t n)
{
    return n >= 4 && memcmp(bytes, "E5S1", 4) == 0;
}

static enum status read_sizes(struct cursor *c, struct e5s1 *e)
{
    int version = 0, block = 0;
    const unsigned char *magic = NULL;
    TRY(take(c, "its first four bytes", 4, &magic));
    if (!e5s1_is(magic, 4))
        return status_fail(STATUS_DATA, "%s: does not begin with E5S1", c->path);
    TRY(take_int(c, "the version", 1, 1, &version));
    TRY(take_int(c, "the hidden size", BLOCK, SIZE_MOST, &e->hidden));
    TRY(take_int(c, "the number of layers", 1, LAYERS_MOST, &e->n_layers));
    TRY(take_int(c, "the number of heads", 1, LAYERS_MOST, &e->n_heads));
    TRY(take_int(c, "the feed-forward size", BLOCK, SIZE_MOST, &e->feed_forward));
    TRY(take_int(c, "the vocabulary's size", 1, 1 << 24, &e->vocabulary));
    TRY(take_int(c, "the number of positions", 2, SIZE_MOST, &e->positions));
    TRY(take_int(c, "the number of types", 1, 256, &e->types));
    TRY(take_number(c, "eps", sizeof e->eps, &e->eps));
    TRY(take_int(c, "the block size", BLOCK, BLOCK, &block));
    if (!(e->eps > 0 && e->eps < 1))
        return status_fail(STATUS_DATA, "%s: eps is %g, expected between 0 and 1", c->path, (double)e->eps);
    if (e->hidden % BLOCK != 0 || e->feed_forward % BLOCK != 0)
        return status_fail(STATUS_DATA, "%s: the sizes %d and %d are not both multiples of %d", c->path,
                           e->hidden, e->feed_forward, BLOCK);
    return STATUS_OK;
}

static enum status read_pieces(struct cursor *c, struct e5s1 *e, struct arena *arena)
{
    int n = 0, begin = 0, end = 0, pad = 0, unknown = 0;
    uint64_t length = 0;
    const unsigned char *offsets = NULL, *scores = NULL, *blob = NULL;
    TRY(take_int(c, "the number of pieces", 1, e->vocabulary, &n));
    TRY(take_int(c, "the id of the begin token", 0, n - 1, &begin));
    TRY(take_int(c, "the id of the end token", 0, n - 1, &end));
    TRY(take_int(c, "the id of the pad token", 0, n - 1, &pad));
    TRY(take_int(c, "the id of the unknown token", 0, n - 1, &unknown));
    TRY(take_number(c, "the pieces' length", sizeof length, &length));
    TRY(take(c, "the pieces' offsets", ((size_t)n + 1) * 4, &offsets));
    TRY(take(c, "the pieces' scores", (size_t)n * 4, &scores));
    TRY(take(c, "the pieces", (size_t)length, &blob));
    struct vocabulary_piece *pieces;
    bool *control;
    ARENA_NEW(pieces, arena, (size_t)n);
    ARENA_NEW(control, arena, (size_t)n);
    const float *score = arena_copy(arena, scores, (size_t)n, sizeof *score);
    if (score == NULL)
        return STATUS_SYSTEM;
    for (int i = 0; i < n; i++) {
        uint32_t place[2];
        memcpy(place, offsets + (size_t)i * 4, sizeof place);
        if (place[0] > place[1] || place[1] > length)
            return status_fail(STATUS_DATA,
                               "%s: piece %d lies at bytes %u to %u of %llu: offsets must rise within them",
                               c->path, i, place[0], place[1], (unsigned long long)length);
        pieces[i] = (struct vocabulary_piece){(const char *)blob + place[0], place[1] - place[0]};
        control[i] = i == begin || i == end || i == pad || i == unknown ||
                     (pieces[i].length == 6 && memcmp(pieces[i].bytes, "<mask>", 6) == 0);
    }
    TRY(unigram_make(c->path, pieces, score, control, (uint32_t)n, (uint32_t)unknown, arena, &e->tokenizer));
    e->tokenizer.begin = (uint32_t)begin;
    e->tokenizer.end = (uint32_t)end;
    return STATUS_OK;
}

static bool is_code_point(uint32_t c)
{
    return c < 0x110000 && (c < 0xD800 || c > 0xDFFF);
}

static enum status read_table(struct cursor *c, struct e5s1 *e, struct arena *arena)
{
    int n = 0;
    uint32_t length = 0, *from, *first, *to;
    const unsigned char *bytes = NULL;
    TRY(take_int(c, "the number of normalisation entries", 0, 0x110000, &n));
    TRY(take_number(c, "the length of normalisation", sizeof length, &length));
    TRY(take(c, "normalisation", length, &bytes));
    if ((size_t)n * 5 > length || (length - (size_t)n * 5) % 4 != 0)
        return status_fail(STATUS_DATA, "%s: %d entries of normalisation do not fit %u bytes", c->path, n,
                           length);
    const size_t n_to = (length - (size_t)n * 5) / 4;
    ARENA_NEW(from, arena, (size_t)n);
    ARENA_NEW(first, arena, (size_t)n + 1);
    ARENA_NEW(to, arena, n_to);
    struct cursor entries = {c->path, bytes, length, 0};
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        unsigned char count = 0;
        const unsigned char *places = NULL;
        TRY(take_number(&entries, "an entry of normalisation", 4, &from[i]));
        TRY(take_number(&entries, "an entry of normalisation", 1, &count));
        TRY(take(&entries, "an entry of normalisation", 4 * (size_t)count, &places));
        if (!is_code_point(from[i]) || (i > 0 && from[i] <= from[i - 1]))
            return status_fail(STATUS_DATA,
                               "%s: entry %d of normalisation is for U+%X, expected rising code points",
                               c->path, i, from[i]);
        for (int j = 0; j < count && at < n_to; j++, at++) {
            memcpy(&to[at], places + 4 * (size_t)j, 4);
            if (!is_code_point(to[at]))
                return status_fail(STATUS_DATA, "%s: entry %d of normalisation holds U+%X, no code point",
                                   c->path, i, to[at]);
        }
        first[i + 1] = (uint32_t)at;
    }
    if (entries.at != length)
        return status_fail(STATUS_DATA, "%s: %zu bytes behind the last entry of normalisation", c->path,
                           length - entries.at);
    e->tokenizer.table = (struct unigram_table){(uint32_t)n, from, first, to};
    return STATUS_OK;
}

/* What this file calls a tensor, and what Hugging Face does; %d: the layer. */
static const struct name {
    const char *here, *there;
    int rows, cols; /* which sizes */
} names[] = {{"emb.word", "embeddings.word_embeddings.weight", 'v', 'h'},
             {"emb.pos", "embeddings.position_embeddings.weight", 'p', 'h'},
             {"emb.type", "embeddings.token_type_embeddings.weight", 't', 'h'},
             {"emb.ln.w", "embeddings.LayerNorm.weight", 'h', 0},
             {"emb.ln.b", "embeddings.LayerNorm.bias", 'h', 0},
             {"l%d.q.w", "encoder.layer.%d.attention.self.query.weight", 'h', 'h'},
             {"l%d.q.b", "encoder.layer.%d.attention.self.query.bias", 'h', 0},
             {"l%d.k.w", "encoder.layer.%d.attention.self.key.weight", 'h', 'h'},
             {"l%d.k.b", "encoder.layer.%d.attention.self.key.bias", 'h', 0},
             {"l%d.v.w", "encoder.layer.%d.attention.self.value.weight", 'h', 'h'},
             {"l%d.v.b", "encoder.layer.%d.attention.self.value.bias", 'h', 0},
             {"l%d.ao.w", "encoder.layer.%d.attention.output.dense.weight", 'h', 'h'},
             {"l%d.ao.b", "encoder.layer.%d.attention.output.dense.bias", 'h', 0},
             {"l%d.aln.w", "encoder.layer.%d.attention.output.LayerNorm.weight", 'h', 0},
             {"l%d.aln.b", "encoder.layer.%d.attention.output.LayerNorm.bias", 'h', 0},
             {"l%d.fi.w", "encoder.layer.%d.intermediate.dense.weight", 'f', 'h'},
             {"l%d.fi.b", "encoder.layer.%d.intermediate.dense.bias", 'f', 0},
             {"l%d.fo.w", "encoder.layer.%d.output.dense.weight", 'h', 'f'},
             {"l%d.fo.b", "encoder.layer.%d.output.dense.bias", 'h', 0},
             {"l%d.oln.w", "encoder.layer.%d.output.LayerNorm.weight", 'h', 0},
             {"l%d.oln.b", "encoder.layer.%d.output.LayerNorm.bias", 'h', 0}};

static uint64_t size_of(const struct e5s1 *e, int which)
{
    return (uint64_t)(which == 'v'   ? e->vocabulary
                      : which == 'p' ? e->positions
                      : which == 't' ? e->types
                      : which == 'f' ? e->feed_forward
                                     : e->hidden);
}

/* The tensor's other name and shape; false: not known. */
static enum status known(const struct e5s1 *e, const char *name, struct arena *arena,
                         struct safetensors_tensor *t, bool *found)
{
    *found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !*found; i++) {
        int layer = 0, used = 0;
        const char *dot = strchr(name, '.');
        if (strchr(names[i].here, '%') == NULL)
            *found = strcmp(name, names[i].here) == 0;
        else if (sscanf(name, "l%4d%n", &layer, &used) == 1 && name + used == dot && name[1] >= '0' &&
                 name[1] <= '9')
            *found = layer < e->n_layers && strcmp(dot, strchr(names[i].here, '.')) == 0;
        if (!*found)
            continue;
        t->name = arena_printf(arena, names[i].there, layer);
        t->n_dims = names[i].cols != 0 ? 2 : 1;
        t->shape[0] = size_of(e, names[i].rows);
        t->shape[1] = names[i].cols != 0 ? size_of(e, names[i].cols) : 1;
        t->n = t->shape[0] * t->shape[1];
        return t->name != NULL ? STATUS_OK : STATUS_SYSTEM;
    }
    return STATUS_OK;
}

static enum status read_tensor(struct cursor *c, const struct e5s1 *e, struct arena *arena,
                               struct safetensors_tensor *t)
{
    uint16_t length = 0;
    unsigned char type = 0;
    uint32_t elements = 0;
    uint64_t place = 0, bytes = 0;
    const unsigned char *text = NULL;
    char name[64];
    bool found;
    TRY(take_number(c, "a tensor's name", sizeof length, &length));
    TRY(take(c, "a tensor's name", length, &text));
    snprintf(name, sizeof name, "%.*s", length < 63 ? (int)length : 63, (const char *)text);
    TRY(take_number(c, "a tensor's type", 1, &type));
    TRY(take_number(c, "a tensor's elements", 4, &elements));
    TRY(take_number(c, "a tensor's place", 8, &place));
    TRY(take_number(c, "a tensor's length", 8, &bytes));
    TRY(known(e, strlen(name) == length ? name : "", arena, t, &found));
    if (!found)
        return status_fail(STATUS_DATA, "%s: the tensor '%s' is none of an encoder of %d layers", c->path,
                           name, e->n_layers);
    if (elements != t->n)
        return status_fail(STATUS_DATA, "%s: tensor '%s' has %u elements, the sizes ask for %llu", c->path,
                           name, elements, (unsigned long long)t->n);
    if (type > 1)
        return status_fail(STATUS_DATA, "%s: tensor '%s' is of the unknown type %u", c->path, name, type);
    t->type = type == 0 ? "F32" : "Q4_0";
    const uint64_t expected = quant_row_bytes(type == 0 ? QUANT_F32 : QUANT_Q4_0, t->n);
    if (bytes != expected || t->shape[t->n_dims - 1] % (type == 0 ? 1 : BLOCK) != 0)
        return status_fail(STATUS_DATA, "%s: tensor '%s' has %llu bytes, its type and elements need %llu",
                           c->path, name, (unsigned long long)bytes, (unsigned long long)expected);
    if (place > c->n || bytes > c->n - place)
        return status_fail(STATUS_DATA, "%s: tensor '%s' lies beyond the file's end (is it cut off?)",
                           c->path, name);
    t->data = c->bytes + place;
    return STATUS_OK;
}

static int by_place(const void *left, const void *right)
{
    const struct safetensors_tensor *a = left, *b = right;
    return a->data < b->data ? -1 : a->data > b->data;
}

static enum status no_name_twice(const char *path, const struct safetensors_tensor *tensors, int n,
                                 struct arena *arena)
{
    struct vocabulary_piece *pieces;
    struct vocabulary seen;
    uint32_t n_twice = 0;
    ARENA_NEW(pieces, arena, (size_t)n);
    for (int i = 0; i < n; i++)
        pieces[i] = (struct vocabulary_piece){tensors[i].name, (uint32_t)strlen(tensors[i].name)};
    TRY(vocabulary_make(pieces, (uint32_t)n, arena, &seen, &n_twice));
    return n_twice == 0 ? STATUS_OK
                        : status_fail(STATUS_DATA, "%s: %u tensors stand there twice", path, n_twice);
}

static enum status read_tensors(struct cursor *c, struct e5s1 *e, struct arena *arena)
{
    enum { SHORTEST = 23 }; /* bytes that describe a tensor, at least */
    int n = 0;
    struct safetensors_tensor *tensors;
    TRY(take_int(c, "the number of tensors", 1, 1 << 20, &n));
    if ((size_t)n > (c->n - c->at) / SHORTEST)
        return status_fail(STATUS_DATA, "%s: %d tensors cannot be described in %zu bytes", c->path, n,
                           c->n - c->at);
    ARENA_NEW(tensors, arena, (size_t)n);
    for (int i = 0; i < n; i++)
        TRY(read_tensor(c, e, arena, &tensors[i]));
    TRY(no_name_twice(c->path, tensors, n, arena));
    qsort(tensors, (size_t)n, sizeof *tensors, by_place);
    const unsigned char *end = c->bytes + c->at;
    for (int i = 0; i < n; i++) {
        const struct safetensors_tensor *t = &tensors[i];
        if (t->data < end)
            return status_fail(STATUS_DATA, "%s: tensor '%s' overlaps what stands before it", c->path,
                               t->name);
        end = t->data + quant_row_bytes(strcmp(t->type, "F32") == 0 ? QUANT_F32 : QUANT_Q4_0, t->n);
    }
    e->tensors = (struct safetensors){c->path, (size_t)n, tensors};
    return STATUS_OK;
}

enum status e5s1_parse(const char *path, const void *bytes, size_t n, struct arena *arena, struct e5s1 *out)
{
    struct cursor c = {path, bytes, n, 0};
    *out = (struct e5s1){0};
    TRY(read_sizes(&c, out));
    TRY(read_pieces(&c, out, arena));
    TRY(read_table(&c, out, arena));
    return read_tensors(&c, out, arena);
}
