/* trec.c - see trec.h. */
#include "eval/trec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fsio.h"

enum { FIELDS_MOST = 32, NUMBER_MOST = 63 };

struct field {
    const char *at;
    size_t n;
};

/* Where a line's columns stand; -1: absent. */
struct layout {
    bool csv;
    int n_fields; /* of a TREC line */
    int user, item, value;
    double sign; /* -1: the value is a rank */
    const char *expected;
};

struct reader {
    const char *path;
    size_t line;
    struct layout layout;
    struct string_map *users, *items;
    struct arena *arena;
    bool closed; /* the maps hold all ids that there may be */
    struct trec_rows rows;
    size_t allocated;
};

static enum status grow(struct reader *r)
{
    if (r->rows.n < r->allocated)
        return STATUS_OK;
    r->allocated = r->allocated == 0 ? 4096 : r->allocated * 2;
    uint32_t *user = realloc(r->rows.user, r->allocated * sizeof *user);
    r->rows.user = user != NULL ? user : r->rows.user;
    uint32_t *item = realloc(r->rows.item, r->allocated * sizeof *item);
    r->rows.item = item != NULL ? item : r->rows.item;
    double *value = realloc(r->rows.value, r->allocated * sizeof *value);
    r->rows.value = value != NULL ? value : r->rows.value;
    return user != NULL && item != NULL && value != NULL
               ? STATUS_OK
               : status_fail(STATUS_SYSTEM, "memory is out: %zu rows of %s", r->rows.n, r->path);
}

/* Fields between blanks, or between commas where quotes hold what is inside.  Returns their number. */
static int split_blanks(const char *at, const char *end, struct field *field)
{
    int n = 0;
    while (n < FIELDS_MOST) {
        while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
            at++;
        if (at == end)
            break;
        field[n].at = at;
        while (at < end && *at != ' ' && *at != '\t' && *at != '\r')
            at++;
        field[n].n = (size_t)(at - field[n].at);
        n++;
    }
    return n;
}

/* Behind the quote that closes a field beginning at `at`, its first letter behind the quote that opens it; NULL: none does.  Two quotes
 * within are one (RFC 4180): *doubled. */
static const char *closing(const char *at, const char *end, bool *doubled)
{
    *doubled = false;
    while (at < end && (at = memchr(at, '"', (size_t)(end - at))) != NULL) {
        if (at + 1 == end || at[1] != '"')
            return at + 1;
        *doubled = true;
        at += 2;
    }
    return NULL;
}

/* With one quote for two; in the arena. */
static struct field unquoted(struct field f, struct arena *arena)
{
    char *plain = arena_alloc(arena, f.n, 1);
    size_t n = 0;
    for (size_t i = 0; plain != NULL && i < f.n; i++) {
        plain[n++] = f.at[i];
        i += f.at[i] == '"';
    }
    return (struct field){plain, n};
}

/* -1: memory is out. */
static int split_commas(const char *at, const char *end, struct arena *arena, struct field *field)
{
    int n = 0;
    if (end > at && end[-1] == '\r')
        end--;
    if (at == end)
        return 0;
    while (n < FIELDS_MOST) {
        bool doubled;
        const char *after = at < end && *at == '"' ? closing(at + 1, end, &doubled) : NULL;
        if (after != NULL) {
            field[n] = (struct field){at + 1, (size_t)(after - at - 2)};
            if (doubled)
                field[n] = unquoted(field[n], arena);
            if (field[n++].at == NULL)
                return -1;
            at = after;
        } else {
            const char *comma = memchr(at, ',', (size_t)(end - at));
            after = comma != NULL ? comma : end;
            field[n++] = (struct field){at, (size_t)(after - at)};
            at = after;
        }
        if (at >= end || *at != ',')
            break;
        at++;
    }
    return n;
}

static enum status number_of(const struct reader *r, const struct field *f, double *out)
{
    char text[NUMBER_MOST + 1], *end;
    if (f->n > 0 && f->n <= NUMBER_MOST) {
        memcpy(text, f->at, f->n);
        text[f->n] = '\0';
        *out = strtod(text, &end);
        if (*end == '\0' && isfinite(*out))
            return STATUS_OK;
    }
    return status_fail(STATUS_DATA, "%s:%zu: found '%.*s', expected a number", r->path, r->line,
                       (int)(f->n < 60 ? f->n : 60), f->at);
}

static int column(const struct field *field, int n, const char *const *names)
{
    for (; *names != NULL; names++)
        for (int i = 0; i < n; i++)
            if (field[i].n == strlen(*names) && memcmp(field[i].at, *names, field[i].n) == 0)
                return i;
    return -1;
}

static enum status read_header(struct reader *r, const struct field *field, int n, bool run)
{
    static const char *const user[] = {"user", "user_id", NULL}, *const item[] = {"item", "item_id", NULL},
                             *const score[] = {"score", NULL}, *const rank[] = {"rank", NULL},
                             *const grade[] = {"relevance", "rating", "value", NULL};
    struct layout *l = &r->layout;
    l->n_fields = n;
    l->user = column(field, n, user);
    l->item = column(field, n, item);
    l->value = column(field, n, run ? score : grade);
    if (run && l->value < 0 && (l->value = column(field, n, rank)) >= 0)
        l->sign = -1;
    if (l->user < 0 || l->item < 0)
        return status_fail(STATUS_DATA, "%s:1: the header lacks %s: expected user, item and %s", r->path,
                           l->user < 0 ? "'user'" : "'item'",
                           run ? "score or rank" : "relevance, rating or value");
    return STATUS_OK;
}

/* The id's place in the map, added where that is allowed. */
static enum status place_of(const struct reader *r, struct string_map *map, const char *noun,
                            const struct field *f, uint32_t *out)
{
    *out = r->closed ? string_map_find(map, f->at, f->n) : string_map_add(map, f->at, f->n);
    if (*out != UINT32_MAX)
        return STATUS_OK;
    if (!r->closed)
        return STATUS_SYSTEM;
    return status_fail(
        STATUS_DATA,
        "%s:%zu: %s '%.*s' is not in the dataset that filters and split left; expected the publisher's ids",
        r->path, r->line, noun, (int)(f->n < 60 ? f->n : 60), f->at);
}

static enum status add_row(struct reader *r, const struct field *field, int n)
{
    const struct layout *l = &r->layout;
    if (n != l->n_fields)
        return status_fail(STATUS_DATA, "%s:%zu: found %d fields, expected %d (%s)", r->path, r->line, n,
                           l->n_fields, l->expected);
    TRY(grow(r));
    double value = -(double)r->rows.n; /* the order of the file */
    if (l->value >= 0)
        TRY(number_of(r, &field[l->value], &value));
    uint32_t user, item;
    TRY(place_of(r, r->users, "user", &field[l->user], &user));
    TRY(place_of(r, r->items, "item", &field[l->item], &item));
    r->rows.user[r->rows.n] = user;
    r->rows.item[r->rows.n] = item;
    r->rows.value[r->rows.n++] = l->sign * value;
    return STATUS_OK;
}

static enum status read_lines(struct reader *r, const char *at, const char *end, bool run)
{
    struct field field[FIELDS_MOST];
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        r->line++;
        const int n = r->layout.csv ? split_commas(at, stop, r->arena, field) : split_blanks(at, stop, field);
        if (n < 0)
            return STATUS_SYSTEM;
        if (r->layout.csv && r->line == 1)
            TRY(read_header(r, field, n, run));
        else if (n > 0)
            TRY(add_row(r, field, n));
        at = stop + 1;
    }
    return STATUS_OK;
}

/* A pair that stands twice. */
struct pair {
    uint32_t user, item;
    size_t row;
};
static int by_pair(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->user != y->user)
        return x->user < y->user ? -1 : 1;
    if (x->item != y->item)
        return x->item < y->item ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static enum status check_pairs(const struct reader *r)
{
    struct pair *pair = malloc((r->rows.n + 1) * sizeof *pair);
    if (pair == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: %zu rows of %s", r->rows.n, r->path);
    for (size_t i = 0; i < r->rows.n; i++)
        pair[i] = (struct pair){r->rows.user[i], r->rows.item[i], i};
    qsort(pair, r->rows.n, sizeof *pair, by_pair);
    enum status status = STATUS_OK;
    for (size_t i = 1; i < r->rows.n && status == STATUS_OK; i++)
        if (pair[i].user == pair[i - 1].user && pair[i].item == pair[i - 1].item) {
            const struct strings users = string_map_strings(r->users), items = string_map_strings(r->items);
            const uint32_t u = pair[i].user, v = pair[i].item;
            status = status_fail(STATUS_DATA, "%s: user '%.*s' has item '%.*s' twice (rows %zu and %zu)",
                                 r->path, (int)strings_length(&users, u), strings_at(&users, u),
                                 (int)strings_length(&items, v), strings_at(&items, v), pair[i - 1].row + 1,
                                 pair[i].row + 1);
        }
    free(pair);
    return status;
}

static enum status read_file(const char *path, bool run, bool closed, struct string_map *users,
                             struct string_map *items, struct arena *arena, struct trec_rows *out)
{
    const char *bytes;
    const size_t length = strlen(path);
    size_t n;
    struct reader r = {.path = path,
                       .layout = {.csv = length > 4 && strcmp(path + length - 4, ".csv") == 0,
                                  .n_fields = run ? 6 : 4,
                                  .item = 2,
                                  .value = run ? 4 : 3,
                                  .sign = 1,
                                  .expected = run ? "user Q0 item rank score tag" : "user 0 item relevance"},
                       .users = users,
                       .items = items,
                       .arena = arena,
                       .closed = closed};
    if (r.layout.csv)
        r.layout.expected = "as many as the header has";
    TRY(map_file(path, &bytes, &n));
    enum status status = read_lines(&r, bytes, bytes + n, run);
    if (n > 0)
        munmap((void *)(uintptr_t)bytes, n);
    if (status == STATUS_OK && r.rows.n == 0)
        status = status_fail(STATUS_DATA, "%s: has no row", path);
    if (status == STATUS_OK)
        status = check_pairs(&r);
    if (status == STATUS_OK && !run && r.layout.value < 0)
        for (size_t i = 0; i < r.rows.n; i++)
            r.rows.value[i] = 1;
    if (status == STATUS_OK) {
        out->n = r.rows.n;
        out->user = arena_copy(arena, r.rows.user, out->n, sizeof *out->user);
        out->item = arena_copy(arena, r.rows.item, out->n, sizeof *out->item);
        out->value = arena_copy(arena, r.rows.value, out->n, sizeof *out->value);
        if (out->user == NULL || out->item == NULL || out->value == NULL)
            status = STATUS_SYSTEM;
    }
    free(r.rows.user), free(r.rows.item), free(r.rows.value);
    return status;
}

enum status trec_read_run(const char *path, struct string_map *users, struct string_map *items,
                          struct arena *arena, struct trec_rows *out)
{
    return read_file(path, true, false, users, items, arena, out);
}

enum status trec_read_qrels(const char *path, struct string_map *users, struct string_map *items,
                            struct arena *arena, struct trec_rows *out)
{
    return read_file(path, false, false, users, items, arena, out);
}

enum status trec_read_known(const char *path, struct string_map *users, struct string_map *items,
                            struct arena *arena, struct trec_rows *out)
{
    return read_file(path, true, true, users, items, arena, out);
}

/* One place of a list while it is sorted; name: NULL where the file's order decides. */
struct entry {
    uint32_t user, item;
    double score;
    const char *name;
    size_t name_n, row;
};

static int by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->user != y->user)
        return x->user < y->user ? -1 : 1;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->name != NULL) {
        const size_t n = x->name_n < y->name_n ? x->name_n : y->name_n;
        const int order = memcmp(x->name, y->name, n);
        return order != 0 ? -order : (x->name_n < y->name_n) - (x->name_n > y->name_n);
    }
    return (x->row > y->row) - (x->row < y->row);
}

static void fill_lists(const struct entry *e, size_t n, struct lists *out)
{
    for (size_t i = 0; i < (size_t)out->n_users * out->k; i++)
        out->item[i] = UINT32_MAX, out->score[i] = -INFINITY;
    for (size_t i = 0, place = 0; i < n; i++) {
        place = i > 0 && e[i].user == e[i - 1].user ? place + 1 : 0;
        out->item[(size_t)e[i].user * out->k + place] = e[i].item;
        out->score[(size_t)e[i].user * out->k + place] = (float)e[i].score;
        out->n_tied += i > 0 && place > 0 && e[i].score == e[i - 1].score;
    }
}

enum status trec_lists(const struct trec_rows *run, const struct string_map *users,
                       const struct string_map *items, uint32_t least, bool by_document, struct arena *arena,
                       struct lists *out)
{
    const struct strings names = string_map_strings(items);
    uint32_t *count;
    *out = (struct lists){.n_users = string_map_size(users), .k = least > 0 ? least : 1};
    ARENA_NEW(count, arena, out->n_users);
    for (size_t i = 0; i < run->n; i++)
        if (++count[run->user[i]] > out->k)
            out->k = count[run->user[i]];
    ARENA_NEW(out->item, arena, (size_t)out->n_users * out->k);
    ARENA_NEW(out->score, arena, (size_t)out->n_users * out->k);
    struct entry *e = malloc((run->n + 1) * sizeof *e);
    if (e == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: %zu places of lists", run->n);
    for (size_t i = 0; i < run->n; i++) {
        const uint32_t v = run->item[i];
        e[i] = (struct entry){run->user[i],
                              v,
                              by_document ? (double)(float)run->value[i] : run->value[i],
                              by_document ? strings_at(&names, v) : NULL,
                              strings_length(&names, v),
                              i};
    }
    qsort(e, run->n, sizeof *e, by_place);
    fill_lists(e, run->n, out);
    free(e);
    return STATUS_OK;
}
