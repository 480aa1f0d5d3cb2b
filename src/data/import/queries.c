/*
 * queries.c - see queries.h.  A search about an item says that it led to this item (`recfuse query --held-out` measures those of held-out pairs);
 * one about none belongs to the user alone, and is what `user_text: [queries]` reads of a user without train rows.
 */
#include "data/import/queries.h"

#include <string.h>

enum { USER, TEXT, ITEM, TIME, N_ROLES };

static const char *const roles[N_ROLES] = {"user", "text", "item", "time"};
static const char *const usual[N_ROLES][4] = {{"user", "userId", "user_id", NULL},
                                              {"text", "query", NULL},
                                              {"item", "itemId", "item_id", NULL},
                                              {"time", "timestamp", NULL}};

struct queries {
    const char *columns; /* the user's names; NULL: the usual ones */
    int at[N_ROLES];     /* which field; -1: not there */
    size_t n_fields;     /* 0: the header is still to come */
    uint64_t n, n_of_no_user, n_without_text, n_of_unknown_items;
};

static bool is_called(const struct queries *q, int role, struct field name)
{
    struct field wanted;
    if (q->columns != NULL)
        return import_column_name(q->columns, roles[role], &wanted) && wanted.length == name.length &&
               memcmp(wanted.at, name.at, name.length) == 0;
    for (const char *const *word = usual[role]; *word != NULL; word++)
        if (field_is(name, *word))
            return true;
    return false;
}

static enum status read_header(struct queries *q, const struct record_reader *r)
{
    struct field wanted;
    q->n_fields = r->n;
    for (int role = 0; role < N_ROLES; role++) {
        q->at[role] = -1;
        for (size_t i = 0; i < r->n && q->at[role] < 0; i++)
            if (is_called(q, role, r->field[i]))
                q->at[role] = (int)i;
        const bool named = q->columns != NULL && import_column_name(q->columns, roles[role], &wanted);
        if (q->at[role] < 0 && (named || role <= TEXT))
            return reader_fail(
                &r->reader, r->line, 0,
                "the header names no column '%.*s' for the %s of a query; --queries FILE,user=NAME,text=NAME "
                "says what it is called%s",
                named ? (int)wanted.length : (int)strlen(roles[role]), named ? wanted.at : roles[role],
                roles[role], record_hint(r));
    }
    return STATUS_OK;
}

static enum status parse_query(struct import *im, const struct record_reader *r, struct queries *q)
{
    int64_t time = IMPORT_NO_TIME;
    uint32_t item = UINT32_MAX;
    if (r->n != q->n_fields)
        return reader_fail(&r->reader, r->line, 0, "found %zu field%s, expected %zu as in the header", r->n,
                           r->n == 1 ? "" : "s", q->n_fields);
    const struct field user = r->field[q->at[USER]], text = r->field[q->at[TEXT]];
    if (user.length == 0)
        return record_expected(r, (size_t)q->at[USER], "a user id");
    if (q->at[TIME] >= 0 && r->field[q->at[TIME]].length > 0 && !import_date(r->field[q->at[TIME]], &time) &&
        !import_seconds(r->field[q->at[TIME]], &time))
        return record_expected(r, (size_t)q->at[TIME], "seconds since 1970, or a date like 2018-09-05");
    const uint32_t u = string_map_find(im->users, user.at, user.length);
    q->n_of_no_user += u == UINT32_MAX;
    q->n_without_text += u != UINT32_MAX && text.length == 0;
    if (u == UINT32_MAX || text.length == 0)
        return STATUS_OK;
    if (q->at[ITEM] >= 0 && r->field[q->at[ITEM]].length > 0) {
        item = string_map_find(im->items, r->field[q->at[ITEM]].at, r->field[q->at[ITEM]].length);
        q->n_of_unknown_items += item == UINT32_MAX;
    }
    q->n++;
    return import_add_text(im, TEXT_QUERY, u, item, text, time);
}

static enum status query_row(struct import *im, const struct record_reader *r, void *context)
{
    struct queries *q = context;
    return q->n_fields == 0 ? read_header(q, r) : import_row_done(im, parse_query(im, r, q));
}

/* "user=NAME,text=NAME" and perhaps item and time, each once. */
static enum status check_columns(const char *columns)
{
    struct field name;
    size_t n = 0, n_parts = 1;
    for (const char *at = columns; *at != '\0'; at++)
        n_parts += *at == ',';
    for (int role = 0; role < N_ROLES; role++)
        n += import_column_name(columns, roles[role], &name) && name.length > 0;
    if (n == n_parts && import_column_name(columns, "user", &name) &&
        import_column_name(columns, "text", &name))
        return STATUS_OK;
    return status_fail(STATUS_USAGE,
                       "--queries: found '%s' behind the file, expected user=NAME,text=NAME and where there "
                       "are such columns item=NAME,time=NAME",
                       columns);
}

enum status queries_read_option(struct import *im, const char *option, struct arena *arena)
{
    const size_t length = strcspn(option, ",");
    struct queries q = {.columns = option[length] == ',' ? option + length + 1 : NULL};
    const char *path = arena_printf(arena, "%.*s", (int)length, option);
    if (path == NULL)
        return STATUS_SYSTEM;
    if (q.columns != NULL)
        TRY(check_columns(q.columns));
    TRY(import_each_row(im, path, import_is_csv(path) ? RECORD_CSV : RECORD_TAB, READER_UTF8, NULL, query_row,
                        &q));
    TRY(import_note_count(im, "queries", q.n));
    TRY(import_note_count(im, "queries_of_no_user_dropped", q.n_of_no_user));
    TRY(import_note_count(im, "queries_without_text_dropped", q.n_without_text));
    return import_note_count(im, "queries_of_unknown_items", q.n_of_unknown_items);
}
