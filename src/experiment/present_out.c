/* present_out.c - see present_out.h. */
#include "experiment/present_out.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "eval/significance.h"
#include "experiment/record.h"
#include "text/unicode.h"

enum { DECIMALS = 6 };

enum status present_out_open(struct present_out *o, uint32_t n_users, const char *folder)
{
    char path[4096];
    for (int k = 0; k < PRESENT_KINDS; k++)
        ARENA_NEW(o->count[k].gain, o->arena, n_users);
    if (folder == NULL)
        return STATUS_OK;
    if (snprintf(path, sizeof path, "%s/present.csv", folder) >= (int)sizeof path)
        return status_fail(STATUS_SYSTEM, "%s: the path is too long", folder);
    TRY(atomic_open(&o->csv, path));
    fputs("user,place,item,facts,title,title_by,description,description_by,first_title,first_description,"
          "problems\n",
          o->csv.stream);
    return STATUS_OK;
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

static enum status count(struct present_out *o, const struct presented *p)
{
    for (int k = 0; k < PRESENT_KINDS; k++) {
        struct present_count *c = &o->count[k];
        const struct presented_text *t = &p->text[k];
        c->n++;
        c->n_first += t->n_problems == 0 && t->defect == NULL;
        c->n_template += t->by_template;
        if (!t->by_template)
            TRY(remember(c, t->text, o->arena));
    }
    return STATUS_OK;
}

static enum status print_item(struct present_out *o, const struct present_user *u, size_t i)
{
    const struct presented *p = &u->texts[i];
    const struct presented_text *title = &p->text[PRESENT_TITLE],
                                *description = &p->text[PRESENT_DESCRIPTION];
    char *first[PRESENT_KINDS], *problems, *user = strings_copy(&o->view->user_ids, u->user, o->arena),
                                           *item = strings_copy(&o->view->item_ids, u->items[i], o->arena);
    if (user == NULL || item == NULL)
        return STATUS_SYSTEM;
    TRY(problems_of(p, o->arena, &problems));
    for (int k = 0; k < PRESENT_KINDS; k++)
        TRY(valid(p->text[k].first, o->arena, &first[k]));
    const char *by[] = {"model", "template"};
    json_t *line = json_pack(
        "{s:s, s:i, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:s, s:s, s:s}", "user", user, "place",
        (int)i + 1, "item", item, "facts", p->facts, "title", title->text, "title_by", by[title->by_template],
        "title_tries", (int)title->tries, "description", description->text, "description_by",
        by[description->by_template], "description_tries", (int)description->tries, "first_title",
        first[PRESENT_TITLE], "first_description", first[PRESENT_DESCRIPTION], "problems", problems);
    if (line == NULL || json_dumpf(line, o->out, JSON_COMPACT) != 0 || fputc('\n', o->out) == EOF) {
        json_decref(line);
        return status_fail(STATUS_SYSTEM, "can't write the texts of user %s", user);
    }
    json_decref(line);
    if (o->csv.stream == NULL)
        return STATUS_OK;
    const char *const fields[] = {p->facts,
                                  title->text,
                                  by[title->by_template],
                                  description->text,
                                  by[description->by_template],
                                  first[PRESENT_TITLE],
                                  first[PRESENT_DESCRIPTION],
                                  problems};
    record_csv_field(o->csv.stream, user);
    fprintf(o->csv.stream, ",%zu,", i + 1);
    record_csv_field(o->csv.stream, item);
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        fputc(',', o->csv.stream);
        record_csv_field(o->csv.stream, fields[k]);
    }
    fputc('\n', o->csv.stream);
    return STATUS_OK;
}

enum status present_out_user(struct present_out *o, const struct present_user *u)
{
    o->n_users++;
    for (size_t i = 0; i < u->n; i++) {
        TRY(count(o, &u->texts[i]));
        TRY(print_item(o, u, i));
    }
    return STATUS_OK;
}

enum status present_out_gain(struct present_out *o, enum present_kind kind, double gain)
{
    o->count[kind].gain[o->count[kind].n_gains++] = gain;
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

enum status present_out_end(struct present_out *o)
{
    json_t *line = json_object(), *summary = json_object();
    enum status status = STATUS_OK;
    json_object_set_new(summary, "users", json_integer((json_int_t)o->n_users));
    for (int k = 0; k < PRESENT_KINDS && status == STATUS_OK; k++)
        status = add_kind(o, (enum present_kind)k, summary);
    json_object_set_new(line, "summary", summary);
    if (status == STATUS_OK && (json_dumpf(line, o->out, JSON_COMPACT | JSON_REAL_PRECISION(DECIMALS)) != 0 ||
                                fputc('\n', o->out) == EOF || fflush(o->out) != 0))
        status = status_fail(STATUS_SYSTEM, "can't write the summary");
    json_decref(line);
    if (status == STATUS_OK && o->csv.stream != NULL) {
        status = atomic_commit(&o->csv);
        o->csv.stream = NULL;
    }
    return status;
}

void present_out_close(struct present_out *o, enum status status)
{
    if (status != STATUS_OK && o->csv.stream != NULL)
        atomic_abort(&o->csv);
}
