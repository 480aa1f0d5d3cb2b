/*
 * filter.c - which rows of a dataset take part in an experiment.
 *
 * Filters run in the order of the config.  Each keeps rows in their order and leaves the dense ids alone, so
 * that a filtered dataset still speaks of the same users and items (those without rows are simply not
 * evaluated).  Counts of interactions are counts of distinct (user, item) pairs: a pair rated twice is one.
 *
 * The k-core is the largest set of rows in which every user and every item has at least k distinct partners
 * (Seidman 1983, for bipartite graphs); it is unique, so the order of removal does not matter.  Ours is a
 * queue over both sides: O(rows).
 */
#include "data/filter.h"

#include <string.h>

#include "base/strings.h"

static enum status interactions_new(const struct interactions *like, uint64_t n, struct arena *arena,
                                    struct interactions *out)
{
    *out = (struct interactions){.n = n};
    ARENA_NEW(out->user, arena, n);
    ARENA_NEW(out->item, arena, n);
    ARENA_NEW(out->value, arena, n);
    ARENA_NEW(out->source_row, arena, n);
    if (like->time != NULL)
        ARENA_NEW(out->time, arena, n);
    return STATUS_OK;
}

/* Copies the rows with keep[row] != 0. */
static enum status take(const struct interactions *in, const uint8_t *keep, struct arena *arena,
                        struct interactions *out)
{
    uint64_t n = 0;
    for (uint64_t r = 0; r < in->n; r++)
        n += keep[r] != 0;
    TRY(interactions_new(in, n, arena, out));
    n = 0;
    for (uint64_t r = 0; r < in->n; r++) {
        if (!keep[r])
            continue;
        out->user[n] = in->user[r];
        out->item[n] = in->item[r];
        out->value[n] = in->value[r];
        out->source_row[n] = in->source_row[r];
        if (in->time != NULL)
            out->time[n] = in->time[r];
        n++;
    }
    return STATUS_OK;
}

static enum status min_rating(double value, const struct dataset *d, const struct interactions *in,
                              struct arena *arena, struct interactions *out)
{
    (void)d;
    uint8_t *keep;
    ARENA_NEW(keep, arena, in->n);
    for (uint64_t r = 0; r < in->n; r++)
        keep[r] = in->value[r] >= value;
    return take(in, keep, arena, out);
}

static enum status max_rating(double value, const struct dataset *d, const struct interactions *in,
                              struct arena *arena, struct interactions *out)
{
    (void)d;
    uint8_t *keep;
    ARENA_NEW(keep, arena, in->n);
    for (uint64_t r = 0; r < in->n; r++)
        keep[r] = in->value[r] <= value;
    return take(in, keep, arena, out);
}

static enum status binarize(double value, const struct dataset *d, const struct interactions *in,
                            struct arena *arena, struct interactions *out)
{
    TRY(min_rating(value, d, in, arena, out));
    for (uint64_t r = 0; r < out->n; r++)
        out->value[r] = 1;
    return STATUS_OK;
}

/* Removes users and items with fewer distinct partners than asked; `repeat`: until none is left to remove. */
static enum status keep_degrees(uint32_t min_user, uint32_t min_item, bool repeat, const struct dataset *d,
                                const struct interactions *in, struct arena *arena, struct interactions *out)
{
    struct csr by_user, by_item;
    TRY(csr_from_triples(d->n_users, d->n_items, in->n, in->user, in->item, NULL, arena, &by_user, NULL));
    TRY(csr_transpose(&by_user, arena, &by_item));
    /* One id space for both sides: users first, then items. */
    const uint32_t n_nodes = d->n_users + d->n_items;
    uint32_t *degree, *queue;
    uint8_t *removed, *keep;
    ARENA_NEW(degree, arena, n_nodes);
    ARENA_NEW(queue, arena, n_nodes);
    ARENA_NEW(removed, arena, n_nodes);
    ARENA_NEW(keep, arena, in->n);
    uint32_t n_queue = 0;
    for (uint32_t v = 0; v < n_nodes; v++) {
        const bool is_user = v < d->n_users;
        const struct csr *side = is_user ? &by_user : &by_item;
        const uint32_t row = is_user ? v : v - d->n_users;
        degree[v] = (uint32_t)(side->ptr[row + 1] - side->ptr[row]);
        if (degree[v] < (is_user ? min_user : min_item)) {
            removed[v] = 1;
            queue[n_queue++] = v;
        }
    }
    for (uint32_t head = 0; repeat && head < n_queue; head++) {
        const uint32_t v = queue[head];
        const bool is_user = v < d->n_users;
        const struct csr *side = is_user ? &by_user : &by_item;
        const uint32_t row = is_user ? v : v - d->n_users;
        for (int64_t p = side->ptr[row]; p < side->ptr[row + 1]; p++) {
            const uint32_t other = is_user ? d->n_users + side->idx[p] : side->idx[p];
            if (!removed[other] && --degree[other] < (is_user ? min_item : min_user)) {
                removed[other] = 1;
                queue[n_queue++] = other;
            }
        }
    }
    for (uint64_t r = 0; r < in->n; r++)
        keep[r] = !removed[in->user[r]] && !removed[d->n_users + in->item[r]];
    return take(in, keep, arena, out);
}

static enum status kcore(double value, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct interactions *out)
{
    return keep_degrees((uint32_t)value, (uint32_t)value, true, d, in, arena, out);
}

static enum status min_user_interactions(double value, const struct dataset *d, const struct interactions *in,
                                         struct arena *arena, struct interactions *out)
{
    return keep_degrees((uint32_t)value, 0, false, d, in, arena, out);
}

static enum status min_item_interactions(double value, const struct dataset *d, const struct interactions *in,
                                         struct arena *arena, struct interactions *out)
{
    return keep_degrees(0, (uint32_t)value, false, d, in, arena, out);
}

static const struct filter_type filter_min_rating = {
    "min_rating", "rows with a value of at least this", -1e9, 1e9, false, min_rating};
static const struct filter_type filter_max_rating = {
    "max_rating", "rows with a value of at most this", -1e9, 1e9, false, max_rating};
static const struct filter_type filter_binarize = {
    "binarize", "rows with a value of at least this, which becomes 1", -1e9, 1e9, false, binarize};
static const struct filter_type filter_kcore = {
    "kcore", "repeated until every user and item left has at least this many distinct partners", 1, 1e6, true,
    kcore};
static const struct filter_type filter_min_user_interactions = {
    "min_user_interactions", "users with at least this many items (once, not repeated)", 1, 1e6, true,
    min_user_interactions};
static const struct filter_type filter_min_item_interactions = {
    "min_item_interactions", "items with at least this many users (once, not repeated)", 1, 1e6, true,
    min_item_interactions};

const struct filter_type *const filter_types[] = {&filter_min_rating,
                                                  &filter_max_rating,
                                                  &filter_binarize,
                                                  &filter_kcore,
                                                  &filter_min_user_interactions,
                                                  &filter_min_item_interactions,
                                                  NULL};

static const struct filter_type *filter_find(const char *name)
{
    for (size_t i = 0; filter_types[i] != NULL; i++)
        if (strcmp(filter_types[i]->name, name) == 0)
            return filter_types[i];
    return NULL;
}

static enum status filter_unknown(const struct node *node)
{
    const char *names[sizeof filter_types / sizeof *filter_types];
    size_t n = 0;
    for (; filter_types[n] != NULL; n++)
        names[n] = filter_types[n]->name;
    const char *nearest = string_nearest(node->key, names, n);
    if (nearest != NULL)
        return node_fail_key(node, "unknown filter '%s'; did you mean '%s'?", node->key, nearest);
    return node_fail_key(node,
                         "unknown filter '%s'; there are min_rating, max_rating, binarize, kcore, "
                         "min_user_interactions, min_item_interactions",
                         node->key);
}

/* The type and number of element k of the list. */
static enum status filter_at(const struct node *filters, size_t k, const struct filter_type **type,
                             double *value)
{
    const struct node *entry = filters->child[k];
    if (entry->kind != NODE_MAP || entry->n != 1)
        return node_fail(entry, "a filter is one name with its number, as in {min_rating: 4}");
    const struct node *number = entry->child[0];
    *type = filter_find(number->key);
    if (*type == NULL)
        return filter_unknown(number);
    TRY(node_double(number, value));
    if (!(*value >= (*type)->minimum && *value <= (*type)->maximum))
        return node_fail(number, "%s is %.9g; it must lie between %.9g and %.9g", (*type)->name, *value,
                         (*type)->minimum, (*type)->maximum);
    if ((*type)->whole && *value != (double)(long long)*value)
        return node_fail(number, "%s is %.9g; it counts interactions and must be a whole number",
                         (*type)->name, *value);
    return STATUS_OK;
}

enum status filters_check(const struct node *filters, struct arena *arena, char **json)
{
    char *text = arena_strdup(arena, "[");
    if (text == NULL)
        return STATUS_SYSTEM;
    if (filters != NULL && filters->kind != NODE_LIST)
        return node_fail(filters, "`filter` is a list, as in [{min_rating: 4}, {kcore: 10}]");
    for (size_t k = 0; filters != NULL && k < filters->n; k++) {
        const struct filter_type *type;
        double value;
        TRY(filter_at(filters, k, &type, &value));
        text = arena_printf(arena, "%s%s{\"%s\":%.9g}", text, k > 0 ? "," : "", type->name, value);
        if (text == NULL)
            return STATUS_SYSTEM;
    }
    text = arena_printf(arena, "%s]", text);
    if (text == NULL)
        return STATUS_SYSTEM;
    if (json != NULL)
        *json = text;
    return STATUS_OK;
}

enum status filters_apply(const struct node *filters, const struct dataset *d, struct arena *arena,
                          struct interactions *out)
{
    TRY(filters_check(filters, arena, NULL));
    *out = d->interactions;
    if (out->n == 0)
        return status_fail(STATUS_DATA, "dataset '%s' has no interactions", d->name);
    for (size_t k = 0; filters != NULL && k < filters->n; k++) {
        const struct filter_type *type;
        double value;
        const uint64_t before = out->n;
        struct interactions next;
        TRY(filter_at(filters, k, &type, &value));
        TRY(type->apply(value, d, out, arena, &next));
        *out = next;
        if (out->n == 0) {
            const struct node *where = filters->child[k]->child[0];
            return status_fail(
                STATUS_DATA,
                "%s:%d:%d: no row of dataset '%s' is left after filter {%s: %.9g}; %llu rows were "
                "there before it",
                where->file, where->line, where->column, d->name, type->name, value,
                (unsigned long long)before);
        }
    }
    return STATUS_OK;
}
