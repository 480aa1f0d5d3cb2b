/*
 * synth_courses.c - generated courses: a subject, a level, and courses of the level below that come first.
 */
#include <stdio.h>
#include <string.h>

#include "data/synth_scenario.h"

#define TWO_PREREQUISITES 0.3
enum { BUCKETS = SYNTH_THEMES * SYNTH_LEVELS };
static const double level_end[SYNTH_LEVELS] = {0.4, 0.7, 0.88, 1};

struct course {
    const struct synth_theme *subject;
    uint32_t level; /* 1 .. SYNTH_LEVELS */
};

static struct course course_of(const struct synth_options *o, const struct truth *t, uint32_t item)
{
    struct pen pen = synth_pen(o, t, SYNTH_COURSE, item, item, 0);
    struct course c = {synth_pen_theme(&pen), 1};
    const double at = synth_pen_draw(&pen);
    while (c.level < SYNTH_LEVELS && at >= level_end[c.level - 1])
        c.level++;
    return c;
}

static int write_title(struct pen *pen, const struct course *c, char *out, size_t size)
{
    static const char *const form[2 * SYNTH_LEVELS] = {
        "Introduction to %s", "First Steps in %s", "Intermediate %s", "%s in Practice",
        "Advanced %s",        "%s in Depth",       "%s: Seminar",     "Research Topics in %s"};
    static const char *const form_zh[2 * SYNTH_LEVELS] = {"%s入门", "%s基础", "%s进阶",   "%s实践",
                                                          "高级%s", "深入%s", "%s研讨班", "%s前沿专题"};
    const char *topic = synth_pen_noun(pen, c->subject);
    const uint32_t which = 2 * (c->level - 1) + synth_pen_below(pen, 2);
    return snprintf(out, size, (pen->o->language == SYNTH_CHINESE ? form_zh : form)[which], topic);
}

static int write_description(struct pen *pen, const struct course *c, char *out, size_t size)
{
    const char *x = synth_pen_noun(pen, c->subject), *y = synth_pen_noun(pen, synth_pen_theme(pen));
    const char *a = synth_pen_adjective(pen, c->subject), *b = synth_pen_adjective(pen, synth_pen_theme(pen));
    const char *t = synth_pen_tag(pen, c->subject), *w = synth_pen_tag(pen, synth_pen_theme(pen));
    const bool chinese = pen->o->language == SYNTH_CHINESE;
    if (a == b)
        b = synth_pen_adjective(pen, synth_pen_theme(pen));
    if (t == w)
        w = synth_pen_tag(pen, synth_pen_theme(pen));
    if (synth_pen_below(pen, 2) == 0)
        return snprintf(out, size,
                        chinese ? "本课程讲授%s和%s，从%s与%s的角度，也涉及%s和%s。"
                                : "This course treats %s and %s. Points of view: %s, %s. Also: %s, %s.",
                        x, y, a, b, t, w);
    return snprintf(out, size,
                    chinese
                        ? "学习%s：%s、%s的方法。课堂上讨论%s，并以%s和%s练习。"
                        : "Learn about %s by %s and %s methods. We discuss %s, with exercises on %s and %s.",
                    x, a, b, y, t, w);
}

int synth_write_course_review(struct pen *pen, float rating, char *out, size_t size)
{
    const char *opinion = synth_pen_opinion(pen, rating);
    const char *x = synth_pen_noun(pen, synth_pen_theme(pen)), *y = synth_pen_noun(pen, synth_pen_theme(pen));
    const char *t = synth_pen_tag(pen, synth_pen_theme(pen));
    const bool chinese = pen->o->language == SYNTH_CHINESE;
    if (synth_pen_below(pen, 2) == 0)
        return snprintf(out, size,
                        chinese ? "%s。内容有%s、%s，还有%s。" : "%s. It was on %s and %s, with %s.", opinion,
                        x, y, t);
    return snprintf(out, size, chinese ? "%s！主要讲%s，以及%s和%s。" : "%s! Mostly %s, with %s and %s.",
                    opinion, x, t, y);
}

/* Courses by subject and level: those of bucket b are item[start[b]] .. item[start[b + 1] - 1], rising. */
struct catalogue {
    struct course *course; /* [n_items] */
    uint32_t start[BUCKETS + 1], *item;
};

static uint32_t bucket_of(const struct synth_options *o, const struct course *c)
{
    return (uint32_t)(c->subject - synth_themes_of(o)) * SYNTH_LEVELS + c->level - 1;
}

static enum status catalogue_of(const struct synth_options *o, const struct truth *t, struct arena *arena,
                                struct catalogue *out)
{
    uint32_t next[BUCKETS];
    memset(out->start, 0, sizeof out->start);
    ARENA_NEW(out->course, arena, o->n_items);
    ARENA_NEW(out->item, arena, o->n_items);
    for (uint32_t i = 0; i < o->n_items; i++) {
        out->course[i] = course_of(o, t, i);
        out->start[bucket_of(o, &out->course[i]) + 1]++;
    }
    for (uint32_t b = 0; b < BUCKETS; b++) {
        out->start[b + 1] += out->start[b];
        next[b] = out->start[b];
    }
    for (uint32_t i = 0; i < o->n_items; i++)
        out->item[next[bucket_of(o, &out->course[i])]++] = i;
    return STATUS_OK;
}

static enum status draw_prerequisites(const struct synth_options *o, const struct catalogue *c,
                                      struct arena *arena, struct csr *needs)
{
    uint32_t *row, *col;
    uint64_t n = 0;
    ARENA_NEW(row, arena, 2 * (size_t)o->n_items);
    ARENA_NEW(col, arena, 2 * (size_t)o->n_items);
    for (uint32_t i = 0; i < o->n_items; i++) {
        if (c->course[i].level == 1)
            continue;
        const uint32_t below = bucket_of(o, &c->course[i]) - 1, from = c->start[below],
                       m = c->start[below + 1] - from;
        if (m == 0)
            continue;
        const uint32_t first = (uint32_t)(synth_unit(o->seed, SYNTH_PREREQUISITE, 0, i) * m);
        row[n] = i;
        col[n++] = c->item[from + first];
        if (m > 1 && synth_unit(o->seed, SYNTH_PREREQUISITE, 1, i) < TWO_PREREQUISITES) {
            const uint32_t step = 1 + (uint32_t)(synth_unit(o->seed, SYNTH_PREREQUISITE, 2, i) * (m - 1));
            row[n] = i;
            col[n++] = c->item[from + (first + step) % m];
        }
    }
    return csr_from_triples(o->n_items, o->n_items, n, row, col, NULL, arena, needs, NULL);
}

/* The list column of the prerequisites' ids; its names are the courses that any other needs, in their order. */
static enum status prerequisite_column(const struct dataset *d, const struct csr *needs, struct arena *arena,
                                       struct column *out)
{
    struct string_builder names = {0};
    uint32_t *name_of, *idx, n_names = 0;
    enum status s = STATUS_OK;
    ARENA_NEW(name_of, arena, d->n_items);
    ARENA_NEW(idx, arena, (size_t)needs->nnz);
    for (int64_t e = 0; e < needs->nnz; e++)
        name_of[needs->idx[e]] = 1;
    for (uint32_t i = 0; i < d->n_items && s == STATUS_OK; i++) {
        if (name_of[i] == 0)
            continue;
        name_of[i] = n_names++;
        s = string_builder_add(&names, strings_at(&d->item_ids, i), strings_length(&d->item_ids, i));
    }
    for (int64_t e = 0; e < needs->nnz; e++)
        idx[e] = name_of[needs->idx[e]];
    *out = (struct column){.name = "prerequisites",
                           .kind = COLUMN_LIST,
                           .list = {d->n_items, n_names, needs->nnz, needs->ptr, idx, NULL}};
    if (s == STATUS_OK)
        s = string_builder_finish(&names, arena, &out->names);
    string_builder_free(&names);
    return s;
}

static enum status subject_column(const struct synth_options *o, const struct catalogue *c,
                                  struct arena *arena, struct column *out)
{
    struct string_builder names = {0};
    uint32_t *row, *col;
    enum status s = STATUS_OK;
    ARENA_NEW(row, arena, o->n_items);
    ARENA_NEW(col, arena, o->n_items);
    for (uint32_t i = 0; i < o->n_items; i++) {
        row[i] = i;
        col[i] = (uint32_t)(c->course[i].subject - synth_themes_of(o));
    }
    *out = (struct column){.name = "subject", .kind = COLUMN_LIST};
    TRY(csr_from_triples(o->n_items, o->factors, o->n_items, row, col, NULL, arena, &out->list, NULL));
    for (uint32_t k = 0; k < o->factors && s == STATUS_OK; k++)
        s = string_builder_add(&names, synth_themes_of(o)[k].genre, strlen(synth_themes_of(o)[k].genre));
    if (s == STATUS_OK)
        s = string_builder_finish(&names, arena, &out->names);
    string_builder_free(&names);
    return s;
}

static enum status text_column(const struct synth_options *o, const struct dataset *d,
                               const struct catalogue *c, bool title, struct arena *arena, struct column *out)
{
    struct string_builder b = {0};
    char text[512];
    enum status s = STATUS_OK;
    for (uint32_t i = 0; i < d->n_items && s == STATUS_OK; i++) {
        struct pen pen = synth_pen(o, d->truth, title ? SYNTH_TITLE : SYNTH_DESCRIPTION, i, i, 0);
        const int n = title ? write_title(&pen, &c->course[i], text, sizeof text)
                            : write_description(&pen, &c->course[i], text, sizeof text);
        s = string_builder_add(&b, text, (size_t)n);
    }
    *out = (struct column){.name = title ? "title" : "description", .kind = COLUMN_TEXT};
    if (s == STATUS_OK)
        s = string_builder_finish(&b, arena, &out->text);
    string_builder_free(&b);
    return s;
}

enum status synth_course_columns(const struct synth_options *o, struct arena *arena, struct dataset *d,
                                 struct csr *needs)
{
    enum { TITLE, SUBJECT, LEVEL, PREREQUISITES, DESCRIPTION, N_COLUMNS };
    struct catalogue catalogue;
    struct column *columns;
    float *level;
    ARENA_NEW(columns, arena, N_COLUMNS);
    ARENA_NEW(level, arena, d->n_items);
    TRY(catalogue_of(o, d->truth, arena, &catalogue));
    for (uint32_t i = 0; i < d->n_items; i++)
        level[i] = (float)catalogue.course[i].level;
    columns[LEVEL] = (struct column){.name = "level", .kind = COLUMN_NUMBER, .number = level};
    TRY(draw_prerequisites(o, &catalogue, arena, needs));
    TRY(text_column(o, d, &catalogue, true, arena, &columns[TITLE]));
    TRY(text_column(o, d, &catalogue, false, arena, &columns[DESCRIPTION]));
    TRY(subject_column(o, &catalogue, arena, &columns[SUBJECT]));
    TRY(prerequisite_column(d, needs, arena, &columns[PREREQUISITES]));
    d->item_columns = columns;
    d->n_item_columns = N_COLUMNS;
    return STATUS_OK;
}
