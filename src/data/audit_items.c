/*
 * audit_items.c - leaks through what is known of items: columns that users made, lists of what was bought together, items that are
 * one thing under two ids.
 */
#include <string.h>

#include "base/strings.h"
#include "data/audit_parts.h"

/* Columns of the formats that recfuse reads which are made from what users did.  The first ones are lists of item ids. */
enum { N_LINKS = 6 };
static const char *const user_made[] = {
    "also_bought", "also_viewed", "bought_together", "buy_after_viewing", "also_buy",
    "also_view",   "rank",        "average_rating",  "rating_number",     "score",
    "tags",        NULL};

enum status audit_user_made(const struct dataset *d, struct arena *arena, struct audit *out)
{
    const char *names = "";
    uint64_t n = 0;
    for (uint32_t c = 0; c < d->n_item_columns; c++)
        for (size_t k = 0; user_made[k] != NULL; k++)
            if (strcmp(d->item_columns[c].name, user_made[k]) == 0) {
                names = arena_printf(arena, "%s%s%s", names, n++ > 0 ? ", " : "", user_made[k]);
                if (names == NULL)
                    return STATUS_SYSTEM;
            }
    for (uint32_t f = 0; f < d->n_features; f++)
        if (d->features[f].from_users) {
            names = arena_printf(arena, "%s%s%s", names, n++ > 0 ? ", " : "", d->features[f].name);
            if (names == NULL)
                return STATUS_SYSTEM;
        }
    out->count[AUDIT_USER_MADE] = n;
    out->of[AUDIT_USER_MADE] = (uint64_t)d->n_item_columns + d->n_features;
    out->detail[AUDIT_USER_MADE] = names;
    return STATUS_OK;
}

/* Pairs of items that a list joins, either way round. */
struct links {
    uint32_t *from, *to;
    uint64_t n;
};

/* The entries of the linking columns, in items of the dataset. */
static enum status collect_links(const struct dataset *d, const struct string_map *items, struct arena *arena,
                                 struct links *out)
{
    uint64_t most = 0;
    for (size_t k = 0; k < N_LINKS; k++) {
        const struct column *c = dataset_item_column(d, user_made[k]);
        most += c != NULL && c->kind == COLUMN_LIST ? 2 * (uint64_t)c->list.nnz : 0;
    }
    ARENA_NEW(out->from, arena, most);
    ARENA_NEW(out->to, arena, most);
    for (size_t k = 0; k < N_LINKS; k++) {
        const struct column *c = dataset_item_column(d, user_made[k]);
        if (c == NULL || c->kind != COLUMN_LIST)
            continue;
        for (uint32_t i = 0; i < d->n_items; i++)
            for (int64_t e = c->list.ptr[i]; e < c->list.ptr[i + 1]; e++) {
                const uint32_t name = c->list.idx[e];
                const uint32_t j =
                    string_map_find(items, strings_at(&c->names, name), strings_length(&c->names, name));
                if (j == UINT32_MAX || j == i)
                    continue;
                out->from[out->n] = out->to[out->n + 1] = i;
                out->to[out->n] = out->from[out->n + 1] = j;
                out->n += 2;
            }
    }
    return STATUS_OK;
}

static uint64_t linked_rows(const struct interactions *test, const struct csr *links, const struct csr *train)
{
    uint64_t n = 0;
    for (uint64_t r = 0; r < test->n; r++) {
        const uint32_t i = test->item[r];
        for (int64_t e = links->ptr[i]; e < links->ptr[i + 1]; e++)
            if (csr_has(train, test->user[r], links->idx[e])) {
                n++;
                break;
            }
    }
    return n;
}

enum status audit_links(const struct dataset *d, const struct interactions *test, const struct csr *train,
                        struct arena *arena, struct audit *out)
{
    bool any = false;
    for (size_t k = 0; k < N_LINKS; k++)
        any = any || dataset_item_column(d, user_made[k]) != NULL;
    if (!any)
        return STATUS_OK;
    struct links links = {0};
    struct csr joined;
    struct string_map *items = string_map_new();
    enum status status = items != NULL ? STATUS_OK : STATUS_SYSTEM;
    for (uint32_t i = 0; status == STATUS_OK && i < d->n_items; i++)
        if (string_map_add(items, strings_at(&d->item_ids, i), strings_length(&d->item_ids, i)) == UINT32_MAX)
            status = STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = collect_links(d, items, arena, &links);
    string_map_free(items);
    TRY(status);
    TRY(csr_from_triples(d->n_items, d->n_items, links.n, links.from, links.to, NULL, arena, &joined, NULL));
    out->count[AUDIT_LINKED_ROWS] = linked_rows(test, &joined, train);
    out->of[AUDIT_LINKED_ROWS] = test->n;
    return STATUS_OK;
}

/* Each item's title as a number, ASCII letters in one case; UINT32_MAX: no title. */
static enum status number_titles(const struct dataset *d, const struct column *title,
                                 struct string_map *titles, uint32_t *of_item)
{
    char folded[512];
    for (uint32_t i = 0; i < d->n_items; i++) {
        const char *at = strings_at(&title->text, i);
        const size_t whole = strings_length(&title->text, i),
                     n = whole < sizeof folded ? whole : sizeof folded;
        of_item[i] = UINT32_MAX;
        if (n == 0)
            continue;
        for (size_t k = 0; k < n; k++)
            folded[k] = at[k] >= 'A' && at[k] <= 'Z' ? (char)(at[k] - 'A' + 'a') : at[k];
        of_item[i] = string_map_add(titles, folded, n);
        if (of_item[i] == UINT32_MAX)
            return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

static uint64_t same_title_rows(const struct interactions *test, const struct csr *train,
                                const uint32_t *of_item, uint32_t *stamp)
{
    uint64_t n = 0;
    for (uint64_t r = 0; r < test->n; r++) {
        const uint32_t user = test->user[r], title = of_item[test->item[r]];
        if (r == 0 || test->user[r - 1] != user)
            for (int64_t e = train->ptr[user]; e < train->ptr[user + 1]; e++)
                if (of_item[train->idx[e]] != UINT32_MAX)
                    stamp[of_item[train->idx[e]]] = user + 1;
        n += title != UINT32_MAX && stamp[title] == user + 1 && !csr_has(train, user, test->item[r]);
    }
    return n;
}

enum status audit_titles(const struct dataset *d, const struct interactions *test, const struct csr *train,
                         struct arena *arena, struct audit *out)
{
    const struct column *title = dataset_item_column(d, "title");
    uint32_t *of_item, *n_of_title, *stamp;
    if (title == NULL || title->kind != COLUMN_TEXT)
        return STATUS_OK;
    ARENA_NEW(of_item, arena, d->n_items);
    ARENA_NEW(n_of_title, arena, d->n_items);
    ARENA_NEW(stamp, arena, d->n_items);
    struct string_map *titles = string_map_new();
    const enum status status = titles != NULL ? number_titles(d, title, titles, of_item) : STATUS_SYSTEM;
    string_map_free(titles);
    TRY(status);
    for (uint32_t i = 0; i < d->n_items; i++)
        if (of_item[i] != UINT32_MAX)
            n_of_title[of_item[i]]++;
    for (uint32_t i = 0; i < d->n_items; i++)
        if (of_item[i] != UINT32_MAX) {
            out->of[AUDIT_SAME_TITLE_ITEMS]++;
            out->count[AUDIT_SAME_TITLE_ITEMS] += n_of_title[of_item[i]] > 1;
        }
    out->count[AUDIT_SAME_TITLE_ROWS] = same_title_rows(test, train, of_item, stamp);
    out->of[AUDIT_SAME_TITLE_ROWS] = test->n;
    return STATUS_OK;
}
