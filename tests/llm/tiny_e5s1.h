/*
 * tiny_e5s1.h - an E5S1 file of one small layer, as bytes: for test_e5s1.c and the fuzz target's corpus.
 */
#ifndef TESTS_LLM_TINY_E5S1_H
#define TESTS_LLM_TINY_E5S1_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../test.h"
#include "backend/backend.h"

enum { E5S1_HIDDEN = 32, E5S1_PIECES = 12, E5S1_TENSORS = 21, E5S1_ROOM = 1 << 16 };

static const char *const e5s1_pieces[E5S1_PIECES] = {"<s>",
                                                     "<pad>",
                                                     "</s>",
                                                     "<unk>",
                                                     "\xE2\x96\x81",
                                                     "a",
                                                     "b",
                                                     "ab",
                                                     "\xE2\x96\x81"
                                                     "a",
                                                     "c",
                                                     "\xE4\xB8\xAD",
                                                     "<mask>"};

/* Where parts of the file begin, for tests that change them. */
struct tiny_e5s1 {
    unsigned char bytes[E5S1_ROOM];
    size_t n;
    size_t pieces, offsets, scores, table, tensors; /* counts and arrays */
    size_t entry[E5S1_TENSORS];                     /* of each tensor: its name's length */
    size_t data[E5S1_TENSORS];
};

static inline void e5s1_put(struct tiny_e5s1 *f, const void *bytes, size_t n)
{
    assert_true(f->n + n <= E5S1_ROOM);
    memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
}
static inline void e5s1_int(struct tiny_e5s1 *f, int32_t value)
{
    e5s1_put(f, &value, sizeof value);
}

static inline void e5s1_tokenizer(struct tiny_e5s1 *f)
{
    static const int ids[] = {0, 2, 1, 3};
    static const uint32_t table[][3] = {
        {'\t', 1, ' '}, {0xAD, 0, 0}, {0xFF21, 1, 'a'}}; /* code point, how many, which */
    uint64_t length = 0;
    f->pieces = f->n;
    e5s1_int(f, E5S1_PIECES);
    for (int i = 0; i < 4; i++)
        e5s1_int(f, ids[i]);
    for (int i = 0; i < E5S1_PIECES; i++)
        length += strlen(e5s1_pieces[i]);
    e5s1_put(f, &length, sizeof length);
    f->offsets = f->n;
    uint32_t at = 0;
    for (int i = 0; i <= E5S1_PIECES; i++) {
        e5s1_put(f, &at, sizeof at);
        at += i < E5S1_PIECES ? (uint32_t)strlen(e5s1_pieces[i]) : 0;
    }
    f->scores = f->n;
    for (int i = 0; i < E5S1_PIECES; i++) {
        const float score = i < 4 || i == 11 ? 0 : -1 - 0.5f * (float)(i % 5);
        e5s1_put(f, &score, sizeof score);
    }
    for (int i = 0; i < E5S1_PIECES; i++)
        e5s1_put(f, e5s1_pieces[i], strlen(e5s1_pieces[i]));
    f->table = f->n;
    e5s1_int(f, 3);
    e5s1_int(f, 3 * 5 + 2 * 4);
    for (int i = 0; i < 3; i++) {
        const unsigned char count = (unsigned char)table[i][1];
        e5s1_put(f, &table[i][0], 4);
        e5s1_put(f, &count, 1);
        if (count > 0)
            e5s1_put(f, &table[i][2], 4);
    }
}

/* The whole file: hidden 32, 1 layer, 1 head, feed-forward 64, vocabulary 12, 16 positions, 2 types. */
static inline void e5s1_make(struct tiny_e5s1 *f)
{
    static const struct {
        const char *name;
        int type, n;
    } list[E5S1_TENSORS] = {{"emb.word", 1, 12 * 32}, {"emb.pos", 0, 16 * 32}, {"emb.type", 0, 2 * 32},
                            {"emb.ln.w", 0, 32},      {"emb.ln.b", 0, 32},     {"l0.q.w", 1, 32 * 32},
                            {"l0.q.b", 0, 32},        {"l0.k.w", 1, 32 * 32},  {"l0.k.b", 0, 32},
                            {"l0.v.w", 1, 32 * 32},   {"l0.v.b", 0, 32},       {"l0.ao.w", 1, 32 * 32},
                            {"l0.ao.b", 0, 32},       {"l0.aln.w", 0, 32},     {"l0.aln.b", 0, 32},
                            {"l0.fi.w", 1, 64 * 32},  {"l0.fi.b", 0, 64},      {"l0.fo.w", 1, 32 * 64},
                            {"l0.fo.b", 0, 32},       {"l0.oln.w", 0, 32},     {"l0.oln.b", 0, 32}};
    static const int sizes[] = {1, 32, 1, 1, 64, 12, 16, 2};
    const float eps = 1e-12f;
    memset(f, 0, sizeof *f);
    e5s1_put(f, "E5S1", 4);
    for (int i = 0; i < 8; i++)
        e5s1_int(f, sizes[i]);
    e5s1_put(f, &eps, sizeof eps);
    e5s1_int(f, 32);
    e5s1_tokenizer(f);
    f->tensors = f->n;
    e5s1_int(f, E5S1_TENSORS);
    for (int i = 0; i < E5S1_TENSORS; i++) {
        const uint16_t length = (uint16_t)strlen(list[i].name);
        const unsigned char type = (unsigned char)list[i].type;
        f->entry[i] = f->n;
        e5s1_put(f, &length, 2);
        e5s1_put(f, list[i].name, length);
        e5s1_put(f, &type, 1);
        e5s1_int(f, list[i].n);
        f->n += 16; /* place and bytes, below */
    }
    for (int i = 0; i < E5S1_TENSORS; i++) {
        const uint64_t place = (f->n + 31) / 32 * 32,
                       bytes = list[i].type == 1 ? (uint64_t)list[i].n / 32 * 18 : (uint64_t)list[i].n * 4;
        const size_t where = f->entry[i] + 2 + strlen(list[i].name) + 5;
        memcpy(f->bytes + where, &place, 8);
        memcpy(f->bytes + where + 8, &bytes, 8);
        f->n = (size_t)place;
        f->data[i] = f->n;
        for (int k = 0; list[i].type == 0 && k < list[i].n; k++) {
            const float x = (float)(0.2 * random_normal(5, RANDOM_INIT, (uint32_t)i, (uint64_t)k) +
                                    (strstr(list[i].name, "ln.w") != NULL));
            e5s1_put(f, &x, sizeof x);
        }
        for (uint64_t k = 0; list[i].type == 1 && k < bytes; k++) {
            const unsigned char b = k % 18 == 0   ? 0
                                    : k % 18 == 1 ? 0x28
                                                  : (unsigned char)random_u32(6, RANDOM_INIT, (uint32_t)i, k);
            e5s1_put(f, &b, 1);
        }
    }
}

#endif
