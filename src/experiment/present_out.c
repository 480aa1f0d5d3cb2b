/* present_out.c - see present_out.h. */
#include "experiment/present_out.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/csv_put.h"
#include "eval/significance.h"
#include "experiment/record.h"
#include "text/unicode.h"

enum { DECIMALS = 6 };

static enum status open_csv(const char *folder, const char *name, const char *head, struct atomic_file *out)
{
    char path[4096];
    TRY(path_join(folder, name, path));
    TRY(atomic_open(out, path));
    fputs(head, out->stream);
    return STATUS_OK;
}

enum status present_out_open(struct present_out *o, uint32_t n_users, const char *folder)
{
    for (int k = 0; k < PRESENT_KINDS; k++)
        ARENA_NEW(o->count[k].gain, o->arena, n_users);
    if (folder == NULL)
        return STATUS_OK;
    TRY(open_csv(folder, "present.csv",
                 "user,place,item,facts,title,title_by,description,description_by,first_title,"
                 "first_description,problems\n",
                 &o->csv));
    return open_csv(
        folder, "present-summary.csv",
        "text,texts,passed_at_first_try,by_template,distinct_1,distinct_2,gain,gain_low,gain_high,"
        "gain_p\n",
        &o->summary);
}

/* The text with U+FFFD for what is no UTF-8. */
static enum status valid(const char *text, struct arena *arena, char **out)
{
    const size_t n = strlen(text);
    size_t at = 0, k = 0;
    ARENA_NEW(*out, arena, 3 * n + 1);
    while (at < n)
        k += unicode_put(unicode_next(text, n, &at), *out + k);
    return STATUS_OK;
}

/* "title: number 1994; description: unfinished" */
static enum status problems_of(const struct presented *p, struct arena *arena, char **out)
{
    *out = arena_strdup(arena, "");
    for (int k = 0; k < PRESENT_KINDS; k++) {
        const struct presented_text *t = &p->text[k];
        if (t->defect != NULL && *out != NULL)
            *out = arena_printf(arena, "%s%s%s: %s", *out, **out != '\0' ? "; " : "", present_kinds[k],
                                t->defect);
        for (size_t i = 0; i < t->n_problems && *out != NULL; i++)
            *out = arena_printf(arena, "%s%s%s: %s %s", *out, **out != '\0' ? "; " : "", present_kinds[k],
                                fact_kinds[t->problem[i].kind], t->problem[i].text);
    }
    return *out != NULL ? STATUS_OK : STATUS_SYSTEM;
}

static enum status remember(struct present_count *c, const char *text, struct arena *arena)
{
    if (c->n_written == c->room) {
        const size_t room = c->room == 0 ? 64 : 2 * c->room;
        const char **more;
        ARENA_NEW(more, arena, room);
        if (c->n_written > 0)
            memcpy(more, c->written, c->n_written * sizeof *more);
        c->written = more, c->room = room;
    }
    c->written[c->n_written++] = text;
    return STATUS_OK;
}

static bool by_template(const json_t *item, const char *kind)
{
    char key[40];
    snprintf(key, sizeof key, "%s_by", kind);
    const char *by = json_string_value(json_object_get(item, key));
    return by == NULL || strcmp(by, "template") == 0;
}

/* A text of the model that took one try passed at once. */
static enum status count(struct present_out *o, const json_t *item)
{
    char key[40];
    for (int k = 0; k < PRESENT_KINDS; k++) {
        struct present_count *c = &o->count[k];
        const bool template = by_template(item, present_kinds[k]);
        snprintf(key, sizeof key, "%s_tries", present_kinds[k]);
        c->n++;
        c->n_first += !template && json_integer_value(json_object_get(item, key)) == 1;
        c->n_template += template;
        if (!template)
            TRY(remember(c,
                         arena_strdup(o->arena, json_string_value(json_object_get(item, present_kinds[k]))),
                         o->arena));
    }
    return STATUS_OK;
}

/* One item of a user's line. */
static enum status add_item(const struct view *view, const struct present_user *u, size_t i, const char *user,
                            struct arena *arena, json_t *items)
{
    static const char *const by[] = {"model", "template"};
    const struct presented *p = &u->texts[i];
    const struct presented_text *title = &p->text[PRESENT_TITLE],
                                *description = &p->text[PRESENT_DESCRIPTION];
    char *first[PRESENT_KINDS], *problems, *item = strings_copy(&view->item_ids, u->items[i], arena);
    if (item == NULL)
        return STATUS_SYSTEM;
    TRY(problems_of(p, arena, &problems));
    for (int k = 0; k < PRESENT_KINDS; k++)
        TRY(valid(p->text[k].first, arena, &first[k]));
    json_t *line = json_pack(
        "{s:s, s:i, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:s, s:s, s:s}", "user", user, "place",
        (int)i + 1, "item", item, "facts", p->facts, "title", title->text, "title_by", by[title->by_template],
        "title_tries", (int)title->tries, "description", description->text, "description_by",
        by[description->by_template], "description_tries", (int)description->tries, "first_title",
        first[PRESENT_TITLE], "first_description", first[PRESENT_DESCRIPTION], "problems", problems);
    if (line == NULL || json_array_append_new(items, line) != 0)
        return status_fail(STATUS_SYSTEM, "memory is out: the texts of user %s", user);
    return STATUS_OK;
}

enum status present_out_line(const struct view *view, const struct present_user *u, struct arena *arena,
                             json_t *line)
{
    json_t *items = json_array();
    const char *user = strings_copy(&view->user_ids, u->user, arena);
    if (user == NULL || json_object_set_new(line, "items", items) != 0)
        return STATUS_SYSTEM;
    json_object_set_new(line, "user", json_string(user));
    for (size_t i = 0; i < u->n; i++)
        TRY(add_item(view, u, i, user, arena, items));
    return STATUS_OK;
}

static enum status print_item(struct present_out *o, const json_t *item)
{
    static const char *const fields[] = {
        "user",     "place",       "item",           "facts",       "title",
        "title_by", "description", "description_by", "first_title", "first_description",
        "problems"};
    if (o->out != NULL && (json_dumpf(item, o->out, JSON_COMPACT) != 0 || fputc('\n', o->out) == EOF))
        return status_fail(STATUS_SYSTEM, "can't write the texts of a user");
    for (size_t k = 0; k < sizeof fields / sizeof *fields && o->csv.stream != NULL; k++) {
        const json_t *value = json_object_get(item, fields[k]);
        if (k > 0)
            fputc(',', o->csv.stream);
        if (json_is_integer(value))
            fprintf(o->csv.stream, "%lld", (long long)json_integer_value(value));
        else
            csv_put(o->csv.stream, json_string_value(value));
    }
    if (o->csv.stream != NULL)
        fputc('\n', o->csv.stream);
    return STATUS_OK;
}

enum status present_out_user(struct present_out *o, const json_t *line)
{
    const json_t *items = json_object_get(line, "items"), *gains = json_object_get(line, "gain");
    o->n_users++;
    for (size_t i = 0; i < json_array_size(items); i++) {
        TRY(count(o, json_array_get(items, i)));
        TRY(print_item(o, json_array_get(items, i)));
    }
    for (int k = 0; k < PRESENT_KINDS && gains != NULL; k++)
        o->count[k].gain[o->count[k].n_gains++] = json_number_value(json_object_get(gains, present_kinds[k]));
    return STATUS_OK;
}

/* null where nothing was measured. */
static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static enum status add_gain(const struct present_count *c, struct arena *arena, json_t *part)
{
    struct paired_test t;
    double *zero;
    ARENA_NEW(zero, arena, c->n_gains);
    if (c->n_gains < 2) {
        json_object_set_new(part, "gain", c->n_gains == 1 ? number(c->gain[0]) : json_null());
        return STATUS_OK;
    }
    TRY(significance_paired_t(c->gain, zero, c->n_gains, &t));
    json_object_set_new(part, "gain", number(t.mean_difference));
    json_object_set_new(part, "gain_low", number(t.low));
    json_object_set_new(part, "gain_high", number(t.high));
    json_object_set_new(part, "gain_p", number(t.p));
    return STATUS_OK;
}

static enum status add_kind(const struct present_out *o, enum present_kind kind, json_t *summary)
{
    const struct present_count *c = &o->count[kind];
    const double n = c->n > 0 ? (double)c->n : NAN;
    double distinct[2];
    TRY(present_distinct(c->written, c->n_written, distinct));
    json_t *part = json_object();
    json_object_set_new(part, "texts", json_integer((json_int_t)c->n));
    json_object_set_new(part, "passed_at_first_try", number((double)c->n_first / n));
    json_object_set_new(part, "by_template", number((double)c->n_template / n));
    json_object_set_new(part, "distinct_1", number(distinct[0]));
    json_object_set_new(part, "distinct_2", number(distinct[1]));
    const enum status status = o->with_gain ? add_gain(c, o->arena, part) : STATUS_OK;
    json_object_set_new(summary, present_kinds[kind], part);
    return status;
}

/* A line of present-summary.csv; empty where nothing was measured. */
static void csv_kind(const struct present_out *o, const char *kind, const json_t *part)
{
    static const char *const fields[] = {"texts",      "passed_at_first_try", "by_template",
                                         "distinct_1", "distinct_2",          "gain",
                                         "gain_low",   "gain_high",           "gain_p"};
    fputs(kind, o->summary.stream);
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        const json_t *value = json_object_get(part, fields[k]);
        fputc(',', o->summary.stream);
        if (json_is_number(value))
            fprintf(o->summary.stream, "%.6g", json_number_value(value));
    }
    fputc('\n', o->summary.stream);
}

static enum status commit(struct atomic_file *file)
{
    const enum status status = file->stream != NULL ? atomic_commit(file) : STATUS_OK;
    file->stream = NULL;
    return status;
}

enum status present_out_end(struct present_out *o)
{
    json_t *line = json_object(), *summary = json_object();
    enum status status = STATUS_OK;
    json_object_set_new(summary, "users", json_integer((json_int_t)o->n_users));
    for (int k = 0; k < PRESENT_KINDS && status == STATUS_OK; k++) {
        status = add_kind(o, (enum present_kind)k, summary);
        if (status == STATUS_OK && o->summary.stream != NULL)
            csv_kind(o, present_kinds[k], json_object_get(summary, present_kinds[k]));
    }
    json_object_set_new(line, "summary", summary);
    if (status == STATUS_OK && o->out != NULL &&
        (json_dumpf(line, o->out, JSON_COMPACT | JSON_REAL_PRECISION(DECIMALS)) != 0 ||
         fputc('\n', o->out) == EOF || fflush(o->out) != 0))
        status = status_fail(STATUS_SYSTEM, "can't write the summary");
    json_decref(line);
    if (status == STATUS_OK)
        status = commit(&o->csv);
    return status == STATUS_OK ? commit(&o->summary) : status;
}

void present_out_close(struct present_out *o, enum status status)
{
    if (status != STATUS_OK && o->csv.stream != NULL)
        atomic_abort(&o->csv);
    if (status != STATUS_OK && o->summary.stream != NULL)
        atomic_abort(&o->summary);
}
