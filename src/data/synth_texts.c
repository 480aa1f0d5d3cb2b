/*
 * synth_texts.c - reviews, tags and queries of a generated set: rows are cut into slices that threads write each for itself and that are
 * put together in their order.
 */
#include <stdlib.h>
#include <string.h>

#include "data/synth_pen.h"
#include "data/synth_scenario.h"

#define REVIEW_SHARE 0.25
#define TAG_SHARE    0.125
#define QUERY_SHARE  0.25
enum { SLICE_ROWS = 8192, TEXTS_A_ROW = 3, QUERY_SECONDS = 30 };

struct slice {
    struct string_builder text;
    uint64_t n, *row; /* [n] the row that each text belongs to; room for TEXTS_A_ROW a row */
    uint8_t *kind;
};

static void note(struct slice *s, uint64_t row, enum text_kind kind)
{
    s->row[s->n] = row;
    s->kind[s->n++] = (uint8_t)kind;
}

static int write_review(struct pen *pen, float rating, char *out, size_t size)
{
    switch (pen->o->scenario) {
    case SYNTH_SHOP:
        return synth_write_goods_review(pen, rating, out, size);
    case SYNTH_COURSES:
        return synth_write_course_review(pen, rating, out, size);
    case SYNTH_FILMS:
        break;
    }
    return synth_write_review(pen, rating, out, size);
}

static enum status write_query(const struct synth_options *o, const struct truth *t,
                               const struct interactions *in, uint64_t r, struct slice *s)
{
    const uint32_t user = in->user[r], item = in->item[r];
    char text[512];
    struct pen pen = synth_pen(o, t, SYNTH_QUERY, user, item, (uint64_t)item * 64);
    if (synth_pen_draw(&pen) >= (1 - o->fewer_texts) * QUERY_SHARE)
        return STATUS_OK;
    const struct synth_goods goods = synth_goods_of(o, t, item);
    TRY(string_builder_add(&s->text, text, (size_t)synth_write_query(&pen, &goods, text, sizeof text)));
    note(s, r, TEXT_QUERY);
    return STATUS_OK;
}

/* The texts of one row, appended. */
static enum status write_row(const struct synth_options *o, const struct truth *t,
                             const struct interactions *in, uint64_t r, struct slice *s)
{
    struct string_builder *b = &s->text;
    const uint32_t user = in->user[r], item = in->item[r];
    char text[512];
    /* 64 draws a text are more than any takes: the streams of two items never meet. */
    struct pen pen = synth_pen(o, t, SYNTH_REVIEW, user, item, (uint64_t)item * 64);
    const double share = 1 - o->fewer_texts;
    pen.dialect = synth_dialect(o, false, user);
    if (o->scenario == SYNTH_SHOP)
        TRY(write_query(o, t, in, r, s));
    if (synth_pen_draw(&pen) < share * REVIEW_SHARE) {
        TRY(string_builder_add(b, text, (size_t)write_review(&pen, in->value[r], text, sizeof text)));
        note(s, r, TEXT_REVIEW);
    }
    if (o->scenario == SYNTH_SHOP)
        return STATUS_OK;
    pen = synth_pen(o, t, SYNTH_TAG, user, item, (uint64_t)item * 64);
    pen.dialect = synth_dialect(o, false, user);
    if (synth_pen_draw(&pen) < share * TAG_SHARE) {
        const uint32_t n_tags = 1 + synth_pen_below(&pen, 2);
        const char *before = NULL;
        for (uint32_t k = 0; k < n_tags; k++) {
            const struct synth_theme *theme = synth_pen_theme(&pen);
            const char *word = synth_pen_tag(&pen, theme);
            if (word == before)
                continue; /* nobody tags the same twice */
            before = word;
            TRY(string_builder_add(b, word, strlen(word)));
            note(s, r, TEXT_TAG);
        }
    }
    return STATUS_OK;
}

static enum status write_slice(const struct synth_options *o, const struct truth *t,
                               const struct interactions *in, uint64_t first, struct slice *s)
{
    const uint64_t end = in->n - first < SLICE_ROWS ? in->n : first + SLICE_ROWS;
    s->row = malloc(TEXTS_A_ROW * SLICE_ROWS * sizeof *s->row);
    s->kind = malloc(TEXTS_A_ROW * SLICE_ROWS);
    if (s->row == NULL || s->kind == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory: synth");
    for (uint64_t r = first; r < end; r++)
        TRY(write_row(o, t, in, r, s));
    return STATUS_OK;
}

static enum status join(const struct slice *slices, uint64_t n_slices, const struct interactions *in,
                        struct arena *arena, struct texts *out)
{
    uint64_t n = 0, length = 0, at = 0, *offsets;
    uint32_t *user, *item;
    int64_t *time;
    uint8_t *kind;
    char *bytes;
    for (uint64_t k = 0; k < n_slices; k++) {
        n += slices[k].n;
        length += slices[k].text.length;
    }
    ARENA_NEW(user, arena, n);
    ARENA_NEW(item, arena, n);
    ARENA_NEW(time, arena, n);
    ARENA_NEW(kind, arena, n);
    ARENA_NEW(offsets, arena, n + 1);
    ARENA_NEW(bytes, arena, length);
    *out = (struct texts){
        .n = n, .user = user, .item = item, .time = time, .kind = kind, .text = {n, offsets, bytes}};
    length = 0;
    for (uint64_t k = 0; k < n_slices; k++) {
        const struct slice *s = &slices[k];
        for (uint64_t i = 0; i < s->n; i++, at++) {
            user[at] = in->user[s->row[i]];
            item[at] = in->item[s->row[i]];
            time[at] = in->time[s->row[i]] - (s->kind[i] == TEXT_QUERY ? QUERY_SECONDS : 0);
            kind[at] = s->kind[i];
            offsets[at + 1] = length + s->text.offsets[i + 1];
        }
        if (s->text.length > 0)
            memcpy(bytes + length, s->text.bytes, s->text.length);
        length += s->text.length;
    }
    return STATUS_OK;
}

enum status synth_texts(const struct synth_options *o, const struct truth *t, const struct interactions *rows,
                        struct arena *arena, struct texts *out)
{
    const uint64_t n_slices = (rows->n + SLICE_ROWS - 1) / SLICE_ROWS;
    struct slice *slices = calloc(n_slices > 0 ? n_slices : 1, sizeof *slices);
    bool failed = slices == NULL;
#pragma omp parallel for schedule(dynamic, 1)
    for (uint64_t k = 0; k < n_slices; k++)
        if (slices != NULL && write_slice(o, t, rows, k * SLICE_ROWS, &slices[k]) != STATUS_OK) {
#pragma omp atomic write
            failed = true;
        }
    const enum status status = failed ? status_fail(STATUS_SYSTEM, "out of memory: synth with %llu rows",
                                                    (unsigned long long)rows->n)
                                      : join(slices, n_slices, rows, arena, out);
    for (uint64_t k = 0; slices != NULL && k < n_slices; k++) {
        string_builder_free(&slices[k].text);
        free(slices[k].row);
        free(slices[k].kind);
    }
    free(slices);
    return status;
}
