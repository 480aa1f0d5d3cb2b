/*
 * filter_counts.c - users and items by how much there is of them.
 *
 * Counts of interactions are counts of distinct (user, item) pairs: a pair rated twice is one.
 *
 * The k-core is the largest set of rows in which every user and every item has at least k distinct partners
 * (Seidman 1983, for bipartite graphs); it is unique, so the order of removal does not matter.  Ours is a
 * queue over both sides: O(rows).
 */
#include "base/csr.h"
#include "data/filter_kinds.h"

struct count_params {
    int count;
};

static const struct param params[] = {PARAM_INT(struct count_params, count, 1, 1, 1000000,
                                                "distinct partners: items of a user, users of an item"),
                                      PARAM_END};

/* How many distinct partners a user or an item may have. */
struct range {
    uint32_t min, max;
};

/* Removes users and items with fewer or more than that; `repeat`: until none is left to remove. */
static enum status keep_degrees(struct range users, struct range items, bool repeat, const struct dataset *d,
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
        const struct range range = is_user ? users : items;
        if (degree[v] < range.min || degree[v] > range.max) {
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
            if (!removed[other] && --degree[other] < (is_user ? items.min : users.min)) {
                removed[other] = 1;
                queue[n_queue++] = other;
            }
        }
    }
    for (uint64_t r = 0; r < in->n; r++)
        keep[r] = !removed[in->user[r]] && !removed[d->n_users + in->item[r]];
    return filter_take(in, keep, arena, out);
}

static enum status kcore(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct interactions *out)
{
    const uint32_t count = (uint32_t)((const struct count_params *)values)->count;
    return keep_degrees((struct range){count, UINT32_MAX}, (struct range){count, UINT32_MAX}, true, d, in,
                        arena, out);
}

static enum status min_user_interactions(const void *values, const struct dataset *d,
                                         const struct interactions *in, struct arena *arena,
                                         struct interactions *out)
{
    const uint32_t count = (uint32_t)((const struct count_params *)values)->count;
    return keep_degrees((struct range){count, UINT32_MAX}, (struct range){0, UINT32_MAX}, false, d, in, arena,
                        out);
}

static enum status max_user_interactions(const void *values, const struct dataset *d,
                                         const struct interactions *in, struct arena *arena,
                                         struct interactions *out)
{
    const uint32_t count = (uint32_t)((const struct count_params *)values)->count;
    return keep_degrees((struct range){0, count}, (struct range){0, UINT32_MAX}, false, d, in, arena, out);
}

static enum status min_item_interactions(const void *values, const struct dataset *d,
                                         const struct interactions *in, struct arena *arena,
                                         struct interactions *out)
{
    const uint32_t count = (uint32_t)((const struct count_params *)values)->count;
    return keep_degrees((struct range){0, UINT32_MAX}, (struct range){count, UINT32_MAX}, false, d, in, arena,
                        out);
}

static enum status max_item_interactions(const void *values, const struct dataset *d,
                                         const struct interactions *in, struct arena *arena,
                                         struct interactions *out)
{
    const uint32_t count = (uint32_t)((const struct count_params *)values)->count;
    return keep_degrees((struct range){0, UINT32_MAX}, (struct range){0, count}, false, d, in, arena, out);
}

const struct filter_type filter_kcore = {
    .name = "kcore",
    .help = "repeated until every user and item left has at least this many distinct partners",
    .params = params,
    .params_size = sizeof(struct count_params),
    .apply = kcore};
const struct filter_type filter_min_user_interactions = {
    .name = "min_user_interactions",
    .help = "users with at least this many items (once, not repeated)",
    .params = params,
    .params_size = sizeof(struct count_params),
    .apply = min_user_interactions};
const struct filter_type filter_max_user_interactions = {.name = "max_user_interactions",
                                                         .help = "users with at most this many items",
                                                         .params = params,
                                                         .params_size = sizeof(struct count_params),
                                                         .apply = max_user_interactions};
const struct filter_type filter_min_item_interactions = {
    .name = "min_item_interactions",
    .help = "items with at least this many users (once, not repeated)",
    .params = params,
    .params_size = sizeof(struct count_params),
    .apply = min_item_interactions};
const struct filter_type filter_max_item_interactions = {.name = "max_item_interactions",
                                                         .help = "items with at most this many users",
                                                         .params = params,
                                                         .params_size = sizeof(struct count_params),
                                                         .apply = max_item_interactions};
