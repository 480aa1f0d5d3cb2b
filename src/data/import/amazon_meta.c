/*
 * amazon_meta.c - product metadata of Amazon: item columns title, description, brand (2023: store),
 * categories, price, rank (best-seller rank in the main category), also_bought, also_viewed, bought_together,
 * buy_after_viewing (lists of product ids).
 *
 * What differs between editions, and within one: description is a string or a list of strings (joined by line
 * ends); categories a list or a list of lists; price a number, "$12.99", "$10 - $20" (the lower is taken),
 * "from 5.00", or page markup (then missing, counted); rank a string, a list of strings, an object {category:
 * rank} (the least is taken), or an empty list.  A product described twice keeps its first description.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/import/amazon.h"
#include "data/import/attributes.h"

/* Lists of products that others looked at or bought: in 2014 within "related", in 2018 under short names. */
static const struct {
    const char *column, *name_2014, *name_2018;
} link_lists[] = {{"also_bought", "also_bought", "also_buy"},
                  {"also_viewed", "also_viewed", "also_view"},
                  {"bought_together", "bought_together", NULL},
                  {"buy_after_viewing", "buy_after_viewing", NULL}};
enum { N_LINKS = sizeof link_lists / sizeof *link_lists };

struct meta {
    struct attributes table;
    uint32_t title, description, brand, categories, price, rank;
    uint32_t link[N_LINKS];
    uint64_t n_left_out, n_again, n_bad_prices;
};

static struct field string_of(const json_t *value)
{
    return (struct field){json_string_value(value), json_string_length(value)};
}

/* A string, or a list of strings joined by line ends. */
static enum status add_joined(struct meta *m, const struct json_lines *j, const char *key, uint32_t column,
                              uint32_t item)
{
    struct string_builder text = {0};
    const json_t *value = json_either(j, key, NULL), *part;
    enum status status = STATUS_OK;
    size_t i;
    if (value == NULL)
        return STATUS_OK;
    if (json_is_string(value))
        return attributes_text(&m->table, column, item, string_of(value));
    if (!json_is_array(value))
        return json_lines_fail(j, "'%s' is %s, expected a string or a list of strings", key,
                               json_kind(value));
    json_array_foreach(value, i, part)
    {
        if (!json_is_string(part)) {
            status = json_lines_fail(j, "'%s' holds %s, expected strings", key, json_kind(part));
            break;
        }
        if (json_string_length(part) == 0)
            continue;
        status = text.length > 0 ? string_builder_append(&text, "\n", 1) : STATUS_OK;
        if (status == STATUS_OK)
            status = string_builder_append(&text, json_string_value(part), json_string_length(part));
        if (status != STATUS_OK)
            break;
    }
    if (status == STATUS_OK)
        status = attributes_text(&m->table, column, item, (struct field){text.bytes, text.length});
    string_builder_free(&text);
    return status;
}

/* A list of names, or a list of such lists. */
static enum status add_categories(struct meta *m, const struct json_lines *j, uint32_t item)
{
    const json_t *value = json_either(j, "categories", "category"), *part, *name;
    size_t i, k;
    if (value == NULL)
        return STATUS_OK;
    if (json_is_string(value))
        return attributes_entry(&m->table, m->categories, item, string_of(value));
    if (!json_is_array(value))
        return json_lines_fail(j, "'categories' is %s, expected a list", json_kind(value));
    json_array_foreach(value, i, part)
    {
        if (json_is_string(part)) {
            TRY(attributes_entry(&m->table, m->categories, item, string_of(part)));
            continue;
        }
        if (!json_is_array(part))
            return json_lines_fail(j, "'categories' holds %s, expected names", json_kind(part));
        json_array_foreach(part, k, name)
        {
            if (!json_is_string(name))
                return json_lines_fail(j, "'categories' holds %s, expected names", json_kind(name));
            TRY(attributes_entry(&m->table, m->categories, item, string_of(name)));
        }
    }
    return STATUS_OK;
}

/* The number at the head of the text, "$" and "from" passed over, "," between digits left out. */
static bool leading_number(struct field f, const char *prefix, float *out)
{
    char digits[32];
    size_t n = 0, at = 0;
    const size_t skip = strlen(prefix);
    if (f.length >= skip && memcmp(f.at, prefix, skip) == 0)
        at = skip;
    while (at < f.length && (f.at[at] == ' ' || f.at[at] == '$' || f.at[at] == '>' || f.at[at] == '#'))
        at++;
    for (; at < f.length && n < sizeof digits - 1; at++) {
        if (f.at[at] == ',' && n > 0)
            continue;
        if ((f.at[at] < '0' || f.at[at] > '9') && f.at[at] != '.')
            break;
        digits[n++] = f.at[at];
    }
    return n > 0 && field_real((struct field){digits, n}, out);
}

static enum status add_price(struct meta *m, const struct json_lines *j, uint32_t item)
{
    const json_t *value = json_either(j, "price", NULL);
    float price;
    if (value == NULL || (json_is_string(value) && json_string_length(value) == 0))
        return STATUS_OK;
    if (json_is_number(value))
        price = (float)json_number_value(value);
    else if (!json_is_string(value))
        return json_lines_fail(j, "'price' is %s, expected a number or a string", json_kind(value));
    else if (!leading_number(string_of(value), "from", &price)) {
        m->n_bad_prices++;
        return STATUS_OK;
    }
    if (!isfinite(price) || price < 0) {
        m->n_bad_prices++;
        return STATUS_OK;
    }
    return attributes_number(&m->table, m->price, item, price);
}

static enum status add_rank(struct meta *m, const struct json_lines *j, uint32_t item)
{
    const json_t *value = json_either(j, "rank", "salesRank"), *part;
    float rank, least = INFINITY;
    size_t i;
    const char *key;
    if (json_is_string(value) && leading_number(string_of(value), "", &rank))
        least = rank;
    if (json_is_array(value))
        json_array_foreach(value, i,
                           part) if (json_is_string(part) && leading_number(string_of(part), "", &rank))
            least = fminf(least, rank);
    if (json_is_object(value))
        json_object_foreach((json_t *)value, key, part) if (json_is_number(part)) least =
            fminf(least, (float)json_number_value(part));
    return isfinite(least) ? attributes_number(&m->table, m->rank, item, least) : STATUS_OK;
}

/* Anything but a list of ids is taken for none: 2018 has empty strings there, 2023 null. */
static enum status add_links(struct meta *m, const struct json_lines *j, uint32_t item)
{
    const json_t *related = json_either(j, "related", NULL), *part;
    size_t i;
    for (int k = 0; k < N_LINKS; k++) {
        const json_t *list = json_object_get(related, link_lists[k].name_2014);
        if (list == NULL)
            list = json_either(j, link_lists[k].name_2014, link_lists[k].name_2018);
        json_array_foreach(list, i, part)
        {
            if (json_is_string(part))
                TRY(attributes_entry(&m->table, m->link[k], item, string_of(part)));
        }
    }
    return STATUS_OK;
}

static enum status add_product(struct import *im, struct meta *m, const struct json_lines *j)
{
    struct field id, text;
    bool there, again;
    TRY(json_id(j, "parent_asin", "asin", &id));
    const uint32_t item = string_map_find(im->items, id.at, id.length);
    if (item == UINT32_MAX) {
        m->n_left_out++;
        return STATUS_OK;
    }
    TRY(attributes_row(&m->table, item, &again));
    if (again) {
        m->n_again++;
        return STATUS_OK;
    }
    TRY(json_text(j, "title", NULL, &text, &there));
    TRY(attributes_text(&m->table, m->title, item, text));
    TRY(add_joined(m, j, "description", m->description, item));
    TRY(json_text(j, "brand", "store", &text, &there));
    TRY(attributes_text(&m->table, m->brand, item, text));
    TRY(add_categories(m, j, item));
    TRY(add_price(m, j, item));
    TRY(add_links(m, j, item));
    return add_rank(m, j, item);
}

static enum status define(struct meta *m)
{
    TRY(attributes_define(&m->table, "title", COLUMN_TEXT, &m->title));
    TRY(attributes_define(&m->table, "description", COLUMN_TEXT, &m->description));
    TRY(attributes_define(&m->table, "brand", COLUMN_TEXT, &m->brand));
    TRY(attributes_define(&m->table, "categories", COLUMN_LIST, &m->categories));
    TRY(attributes_define(&m->table, "price", COLUMN_NUMBER, &m->price));
    for (int k = 0; k < N_LINKS; k++)
        TRY(attributes_define(&m->table, link_lists[k].column, COLUMN_LIST, &m->link[k]));
    return attributes_define(&m->table, "rank", COLUMN_NUMBER, &m->rank);
}

static enum status read_products(struct import *im, struct meta *m, struct json_lines *j)
{
    const char *line;
    size_t length;
    TRY(json_lines_next(j, &line, &length));
    while (length > 0) {
        TRY(import_row_done(im, json_lines_parse(j, line, length)));
        if (j->row != NULL) /* a product half described when it goes wrong keeps that half */
            TRY(import_row_done(im, add_product(im, m, j)));
        TRY(json_lines_next(j, &line, &length));
    }
    TRY(import_note_count(im, "metadata_lines_in_python", j->n_python));
    TRY(import_note_count(im, "products_without_review_left_out", m->n_left_out));
    TRY(import_note_count(im, "products_described_again", m->n_again));
    TRY(import_note_count(im, "prices_not_understood", m->n_bad_prices));
    return import_note_count(im, "items_without_columns", string_map_size(im->items) - m->table.n_described);
}

enum status amazon_read_meta(struct import *im, const char *path, struct arena *arena)
{
    struct meta m = {0};
    struct json_lines j = {0};
    enum status status = define(&m);
    if (status == STATUS_OK)
        status = json_lines_open(&j, path, &im->log);
    if (status == STATUS_OK)
        status = read_products(im, &m, &j);
    json_lines_close(&j);
    if (status == STATUS_OK)
        status = attributes_finish(&m.table, im->item_columns, &im->n_item_columns,
                                   string_map_size(im->items), arena);
    attributes_close(&m.table);
    return status;
}
