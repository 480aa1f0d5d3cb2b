/*
 * shelf_fixture.h - what the tests of `user_text` share: items of two subjects, users who keep to one of them, and what they wrote.
 */
#ifndef SHELF_FIXTURE_H
#define SHELF_FIXTURE_H
#include "mf_fixture.h"

#include "base/log.h"

/* Items 0 .. 9 are of space, 10 .. 19 of cooking.  User u < USERS - 2 has three items of the subject u % 2;
 * the last two have none, and write of space (USERS - 2) and of cooking. */
enum { USERS = 12, ITEMS = 20, SUBJECT = 10, COLD = USERS - 2, MOST = 100 };
static const char *const words[2][5] = {{"rocket", "moon", "galaxy", "astronaut", "comet"},
                                        {"bread", "pastry", "soup", "oven", "recipe"}};

struct shelf {
    struct fixture f;
    struct column title;
    uint32_t user[MOST], item[MOST];
    int64_t time[MOST];
    uint8_t kind[MOST];
    struct string_builder b;
    uint64_t n;
};

static inline void writes(struct shelf *s, uint32_t user, uint32_t item, enum text_kind kind,
                          const char *text)
{
    s->user[s->n] = user, s->item[s->n] = item, s->kind[s->n] = (uint8_t)kind;
    s->time[s->n] = (int64_t)(s->n * 86400);
    s->n++;
    assert_int_equal(string_builder_add(&s->b, text, strlen(text)), STATUS_OK);
}

/* The view's texts are those written so far; to write others after it, begin at s->n = 0. */
static inline void publish(struct shelf *s)
{
    struct strings text;
    assert_int_equal(string_builder_finish(&s->b, s->f.arena, &text), STATUS_OK);
    s->f.view.texts = (struct texts){
        .n = s->n, .user = s->user, .item = s->item, .time = s->time, .kind = s->kind, .text = text};
}

static inline void open_shelf(struct shelf *s, int threads)
{
    uint32_t user[3 * COLD], item[3 * COLD];
    float value[3 * COLD];
    struct string_builder b = {0};
    uint64_t n = 0;
    memset(s, 0, sizeof *s);
    for (uint32_t u = 0; u < COLD; u++)
        for (uint32_t k = 0; k < 3; k++)
            user[n] = u, item[n] = u % 2 * SUBJECT + (u + 3 * k) % SUBJECT, value[n++] = 4;
    fixture_open(&s->f, USERS, ITEMS, n, user, item, value);
    for (uint32_t i = 0; i < ITEMS; i++) {
        char text[64];
        const char *const *w = words[i >= SUBJECT];
        const int length = snprintf(text, sizeof text, "%s %s", w[i % 5], w[(i + 1 + i / 5) % 5]);
        assert_int_equal(string_builder_add(&b, text, (size_t)length), STATUS_OK);
    }
    s->title = (struct column){.name = "title", .kind = COLUMN_TEXT};
    assert_int_equal(string_builder_finish(&b, s->f.arena, &s->title.text), STATUS_OK);
    s->f.view.item_columns = &s->title;
    s->f.view.n_item_columns = 1;
    assert_int_equal(backend_open("cpu", threads, &s->f.backend), STATUS_OK);
    s->f.run.backend = s->f.backend;
    log_set_verbose(false);
}

static inline void write_some(struct shelf *s)
{
    writes(s, 0, 0, TEXT_REVIEW, "rocket moon");
    writes(s, 0, 3, TEXT_REVIEW, "galaxy astronaut");
    writes(s, 0, 3, TEXT_TAG, "comet");
    writes(s, 1, 11, TEXT_REVIEW, "bread pastry");
    writes(s, 1, UINT32_MAX, TEXT_QUERY, "soup recipe");
    writes(s, 1, 11, TEXT_REVIEW, "");
    writes(s, COLD, UINT32_MAX, TEXT_QUERY, "moon galaxy");
    writes(s, COLD + 1, 15, TEXT_TAG, "oven bread");
    publish(s);
}

#endif
