/*
 * fm_design.c - see fm_design.h.  Fields are made one by one as sparse matrices with columns of their own, then laid side by
 * side.
 */
#include "models/fm_design.h"

#include <math.h>
#include <string.h>

#include "text/tfidf.h"

enum { MAX_FIELDS = 64, MAX_CATEGORIES = 1000 };

struct part {
    struct fm_field field; /* first, last: set when they are joined */
    struct csr rows;       /* [n x features of the field] */
};
struct parts {
    size_t n;
    struct part part[MAX_FIELDS];
    const char *model;
    struct arena *arena;
};

static enum status add(struct parts *p, const char *name, bool of_users, bool one_each,
                       const struct csr *rows)
{
    if (rows->n_cols == 0 || rows->nnz == 0)
        return STATUS_OK;
    if (p->n == MAX_FIELDS)
        return status_fail(STATUS_DATA, "%s: more than %d kinds of features: name fewer in features",
                           p->model, MAX_FIELDS);
    p->part[p->n++] = (struct part){{.name = name, .of_users = of_users, .one_each = one_each}, *rows};
    return STATUS_OK;
}

static enum status add_ids(struct parts *p, const char *name, bool of_users, const struct csr *train)
{
    int64_t *ptr;
    uint32_t *idx;
    float *val;
    const uint32_t n = train->n_rows;
    ARENA_NEW(ptr, p->arena, (size_t)n + 1);
    ARENA_NEW(idx, p->arena, n);
    ARENA_NEW(val, p->arena, n);
    for (uint32_t r = 0; r < n; r++) {
        ptr[r + 1] = ptr[r];
        if (train->ptr[r] < train->ptr[r + 1]) {
            val[ptr[r]] = 1;
            idx[ptr[r + 1]++] = r;
        }
    }
    const struct csr rows = {.n_rows = n, .n_cols = n, .nnz = ptr[n], .ptr = ptr, .idx = idx, .val = val};
    return add(p, name, of_users, true, &rows);
}

/* `a` with values that sum to 1 in each row (power 1), or whose squares do (power 0.5). */
static enum status add_set(struct parts *p, const char *name, bool of_users, const struct csr *a,
                           double power)
{
    struct csr rows = *a;
    float *val;
    ARENA_NEW(val, p->arena, (size_t)a->nnz);
    for (uint32_t r = 0; r < a->n_rows; r++)
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++)
            val[e] = (float)pow((double)(a->ptr[r + 1] - a->ptr[r]), -power);
    rows.val = val;
    return add(p, name, of_users, false, &rows);
}

static enum status add_number(struct parts *p, const struct column *c, bool of_users, uint32_t n)
{
    double sum = 0, squares = 0;
    uint32_t known = 0, *idx;
    int64_t *ptr;
    float *val;
    ARENA_NEW(ptr, p->arena, (size_t)n + 1);
    ARENA_NEW(idx, p->arena, n);
    ARENA_NEW(val, p->arena, n);
    for (uint32_t r = 0; r < n; r++)
        if (!isnan(c->number[r]))
            sum += (double)c->number[r], known++;
    const double mean = known > 0 ? sum / known : 0;
    for (uint32_t r = 0; r < n; r++)
        if (!isnan(c->number[r]))
            squares += ((double)c->number[r] - mean) * ((double)c->number[r] - mean);
    const double deviation = known > 0 ? sqrt(squares / known) : 0;
    for (uint32_t r = 0; r < n; r++) {
        ptr[r + 1] = ptr[r];
        if (!isnan(c->number[r]) && deviation > 0)
            val[ptr[r + 1]++] = (float)(((double)c->number[r] - mean) / deviation);
    }
    const struct csr rows = {.n_rows = n, .n_cols = 1, .nnz = ptr[n], .ptr = ptr, .idx = idx, .val = val};
    return add(p, c->name, of_users, false, &rows); /* one feature: its rows are summed in chunks */
}

/* The categories of a text column, in order of first appearance; an empty text is none. */
static enum status add_categories(struct parts *p, const struct column *c, bool of_users, uint32_t n,
                                  bool any)
{
    uint32_t *idx, known = 0;
    int64_t *ptr;
    float *val;
    ARENA_NEW(ptr, p->arena, (size_t)n + 1);
    ARENA_NEW(idx, p->arena, n);
    ARENA_NEW(val, p->arena, n);
    struct string_map *map = string_map_new();
    if (map == NULL)
        return STATUS_SYSTEM;
    for (uint32_t r = 0; r < n && known != UINT32_MAX; r++) {
        if (strings_length(&c->text, r) > 0) {
            const uint32_t category =
                string_map_add(map, strings_at(&c->text, r), strings_length(&c->text, r));
            val[known] = 1;
            idx[known] = category;
            known = category == UINT32_MAX ? UINT32_MAX : known + 1;
        }
        ptr[r + 1] = known;
    }
    const uint32_t n_categories = (uint32_t)string_map_strings(map).n;
    string_map_free(map);
    if (known == UINT32_MAX)
        return STATUS_SYSTEM;
    if (!any && (n_categories > MAX_CATEGORIES || n_categories * 2 > known))
        return STATUS_OK;
    const struct csr rows = {
        .n_rows = n, .n_cols = n_categories, .nnz = known, .ptr = ptr, .idx = idx, .val = val};
    return add(p, c->name, of_users, true, &rows);
}

/* The dataset's vectors of items (/features: images, audio): a number each, in standard deviations from its mean; an item without a
 * vector has none. */
static enum status add_vectors(struct parts *p, const struct feature *f, uint32_t n)
{
    const uint32_t width = f->width;
    double *mean, *deviation;
    int64_t *ptr;
    uint32_t *idx, known = 0;
    float *val;
    ARENA_NEW(mean, p->arena, width);
    ARENA_NEW(deviation, p->arena, width);
    ARENA_NEW(ptr, p->arena, (size_t)n + 1);
    for (uint32_t r = 0; r < n; r++) {
        const float *x = f->value + (size_t)r * width;
        if (isnan(x[0]))
            continue;
        known++;
        for (uint32_t k = 0; k < width; k++) /* Welford 1962 */
            deviation[k] += ((double)x[k] - mean[k]) * ((double)x[k] - mean[k]) * (known - 1) / known,
                mean[k] += ((double)x[k] - mean[k]) / known;
    }
    ARENA_NEW(idx, p->arena, (size_t)known * width);
    ARENA_NEW(val, p->arena, (size_t)known * width);
    for (uint32_t r = 0; r < n; r++) {
        const float *x = f->value + (size_t)r * width;
        ptr[r + 1] = ptr[r];
        for (uint32_t k = 0; k < width && !isnan(x[0]); k++)
            if (deviation[k] > 0) {
                idx[ptr[r + 1]] = k;
                val[ptr[r + 1]++] = (float)(((double)x[k] - mean[k]) / sqrt(deviation[k] / known));
            }
    }
    const struct csr rows = {.n_rows = n, .n_cols = width, .nnz = ptr[n], .ptr = ptr, .idx = idx, .val = val};
    return add(p, f->name, false, false, &rows);
}

/* any: whatever it holds; else only what `columns` takes. */
static enum status add_column(struct parts *p, const struct column *c, bool of_users, uint32_t n, bool any)
{
    if (c->kind == COLUMN_LIST)
        return add_set(p, c->name, of_users, &c->list, 1);
    return c->kind == COLUMN_NUMBER ? add_number(p, c, of_users, n) : add_categories(p, c, of_users, n, any);
}

/* The columns of one side of that name; all for "columns". */
static enum status add_columns(struct parts *p, const struct view *v, const char *name, bool of_users)
{
    const bool all = strcmp(name, "columns") == 0;
    const struct column *columns = of_users ? v->user_columns : v->item_columns;
    const uint32_t n = of_users ? v->n_user_columns : v->n_item_columns;
    for (uint32_t i = 0; i < n; i++)
        if (all || strcmp(columns[i].name, name) == 0)
            TRY(add_column(p, &columns[i], of_users, of_users ? v->n_users : v->n_items, !all));
    for (uint32_t i = 0; i < v->n_features && !of_users && !all; i++)
        if (strcmp(v->features[i].name, name) == 0)
            TRY(add_vectors(p, &v->features[i], v->n_items));
    return STATUS_OK;
}

/* Is it one of the names that stand for something, or a column? */
static bool known_name(const struct view *v, const char *name)
{
    static const char *const words[] = {"user", "item", "history", "columns"};
    bool found = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        found = found || strcmp(words[i], name) == 0;
    for (uint32_t i = 0; i < v->n_user_columns; i++)
        found = found || strcmp(v->user_columns[i].name, name) == 0;
    for (uint32_t i = 0; i < v->n_item_columns; i++)
        found = found || strcmp(v->item_columns[i].name, name) == 0;
    for (uint32_t i = 0; i < v->n_features; i++)
        found = found || strcmp(v->features[i].name, name) == 0;
    return found;
}

static enum status no_column(const struct view *v, const char *model, const char *name, struct arena *scratch)
{
    char *list = arena_strdup(scratch, "");
    for (uint32_t i = 0; list != NULL && i < v->n_user_columns + v->n_item_columns; i++) {
        const struct column *c =
            i < v->n_user_columns ? &v->user_columns[i] : &v->item_columns[i - v->n_user_columns];
        list = arena_printf(scratch, "%s%s%s", list, i > 0 ? ", " : "", c->name);
    }
    for (uint32_t i = 0; list != NULL && i < v->n_features; i++)
        list = arena_printf(scratch, "%s%s%s", list, list[0] != '\0' ? ", " : "", v->features[i].name);
    return status_fail(
        STATUS_UNAVAILABLE,
        "%s: features names '%s', which is no column of the dataset: it has user, item, history, columns%s%s",
        model, name, list != NULL && list[0] != '\0' ? ", " : "", list != NULL ? list : "");
}

/* What describes users, then what describes items, in the order asked for. */
static enum status add_features(struct parts *p, const struct fm_design_options *o, const struct view *v,
                                struct arena *scratch)
{
    for (size_t i = 0; i < o->features.n; i++)
        if (!known_name(v, o->features.item[i]))
            return no_column(v, p->model, o->features.item[i], scratch);
    for (size_t i = 0; i < 2 * o->features.n; i++) {
        const bool of_users = i < o->features.n;
        const char *name = o->features.item[i % o->features.n];
        if (strcmp(name, of_users ? "user" : "item") == 0)
            TRY(add_ids(p, name, of_users, of_users ? v->by_user : v->by_item));
        else if (strcmp(name, "history") == 0 && of_users)
            TRY(add_set(p, name, true, v->by_user, 0.5));
        else
            TRY(add_columns(p, v, name, of_users));
    }
    return STATUS_OK;
}

static enum status add_words(struct parts *p, const struct fm_design_options *o, const struct view *v,
                             struct arena *scratch)
{
    const struct tfidf_options options = {
        .sublinear = true,
        .text = {.stop_words = STOPS_ENGLISH, .min_df = o->min_df, .max_features = o->max_words}};
    struct strings texts;
    struct tfidf words;
    if (o->words.n == 0)
        return STATUS_OK;
    TRY(item_texts_read(v, &o->words, o->max_reviews, &o->corruption, scratch, &texts));
    TRY(tfidf_fit(&texts, &options, p->arena, scratch, &words));
    return add(p, "words", false, false, &words.weights);
}

/* The parts of one side, side by side. */
static enum status join(const struct parts *p, bool of_users, uint32_t n, uint32_t n_features,
                        struct csr *out)
{
    int64_t nnz = 0, *ptr;
    uint32_t *idx;
    float *val;
    for (size_t i = 0; i < p->n; i++)
        nnz += p->part[i].field.of_users == of_users ? p->part[i].rows.nnz : 0;
    ARENA_NEW(ptr, p->arena, (size_t)n + 1);
    ARENA_NEW(idx, p->arena, (size_t)nnz);
    ARENA_NEW(val, p->arena, (size_t)nnz);
    nnz = 0;
    for (uint32_t r = 0; r < n; r++) {
        for (size_t i = 0; i < p->n; i++) {
            const struct part *part = &p->part[i];
            for (int64_t e = part->rows.ptr[r]; part->field.of_users == of_users && e < part->rows.ptr[r + 1];
                 e++) {
                idx[nnz] = part->field.first + part->rows.idx[e];
                val[nnz++] = part->rows.val[e];
            }
        }
        ptr[r + 1] = nnz;
    }
    *out = (struct csr){.n_rows = n, .n_cols = n_features, .nnz = nnz, .ptr = ptr, .idx = idx, .val = val};
    return STATUS_OK;
}

enum status fm_design_build(const struct fm_design_options *options, const struct view *view,
                            const char *model, struct arena *arena, struct arena *scratch,
                            struct fm_design *out)
{
    struct parts *p;
    ARENA_NEW(p, scratch, 1);
    p->model = model, p->arena = arena;
    TRY(add_features(p, options, view, scratch));
    TRY(add_words(p, options, view, scratch));
    *out = (struct fm_design){.n_fields = (uint32_t)p->n};
    ARENA_NEW(out->fields, arena, p->n);
    for (size_t i = 0; i < p->n; i++) {
        p->part[i].field.first = out->n_features;
        out->n_features += p->part[i].rows.n_cols;
        p->part[i].field.last = out->n_features;
        out->fields[i] = p->part[i].field;
    }
    TRY(join(p, true, view->n_users, out->n_features, &out->users));
    return join(p, false, view->n_items, out->n_features, &out->items);
}
