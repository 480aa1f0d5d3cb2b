/*
 * strategy_business.c - rules that remove items: require (stock), price_band, prerequisite (courses).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/strings.h"
#include "fusion/strategy.h"

struct require_params {
    const char *column, *value;
    double minimum, maximum;
};
static enum status require_prepare(void *state, const void *params, const struct strategy_facts *facts,
                                   struct arena *arena)
{
    const struct require_params *p = params;
    (void)arena;
    return strategy_match_find("require", p->column, p->value, p->minimum, p->maximum, facts, state);
}

static enum status require_apply(const void *state, const void *params, const struct strategy_facts *facts,
                                 struct strategy_list *list, struct arena *scratch)
{
    uint32_t n = 0;
    (void)params, (void)facts, (void)scratch;
    for (uint32_t k = 0; k < list->n; k++)
        if (strategy_matches(state, list->candidate[k].item))
            list->candidate[n++] = list->candidate[k];
    list->n = n;
    return STATUS_OK;
}

static const struct param require_table[] = {
    PARAM_STRING(struct require_params, column, NULL, "an item column: stock, brand ..."),
    PARAM_STRING(struct require_params, value, NULL, "of a column of words: only items that have this one"),
    PARAM_REAL(struct require_params, minimum, -1e300, -1e300, 1e300,
               "of a column of numbers: from; unknown is out"),
    PARAM_REAL(struct require_params, maximum, 1e300, -1e300, 1e300, "to"), PARAM_END};
const struct strategy_rule_type rule_require = {.name = "require",
                                                .help =
                                                    "only items that have a value: in stock, for sale here",
                                                .source = "usual practice",
                                                .params = require_table,
                                                .params_size = sizeof(struct require_params),
                                                .state_size = sizeof(struct strategy_match),
                                                .prepare = require_prepare,
                                                .apply = require_apply};

struct band_params {
    const char *column;
    double below, above;
};
struct band {
    const float *price; /* [n_items] */
};

static enum status band_prepare(void *state, const void *params, const struct strategy_facts *facts,
                                struct arena *arena)
{
    const struct band_params *p = params;
    const struct column *c = NULL;
    (void)arena;
    TRY(strategy_column(facts, "price_band", p->column, COLUMN_NUMBER, &c));
    ((struct band *)state)->price = c->number;
    return STATUS_OK;
}

static enum status band_apply(const void *state, const void *params, const struct strategy_facts *facts,
                              struct strategy_list *list, struct arena *scratch)
{
    const float *price = ((const struct band *)state)->price;
    const struct band_params *p = params;
    float *paid = NULL;
    uint32_t *had = NULL, n = 0;
    size_t n_had = 0, n_paid = 0;
    TRY(strategy_history(facts, list, scratch, &had, &n_had));
    ARENA_NEW(paid, scratch, n_had);
    for (size_t h = 0; h < n_had; h++)
        if (!isnan(price[had[h]]))
            paid[n_paid++] = price[had[h]];
    if (n_paid == 0) /* no price is known of this user */
        return STATUS_OK;
    qsort(paid, n_paid, sizeof *paid, rising_f32);
    const double usual = ((double)paid[(n_paid - 1) / 2] + (double)paid[n_paid / 2]) / 2;
    for (uint32_t k = 0; k < list->n; k++) {
        const double x = (double)price[list->candidate[k].item];
        if (isnan(x) || (x >= p->below * usual && x <= p->above * usual))
            list->candidate[n++] = list->candidate[k];
    }
    list->n = n;
    return STATUS_OK;
}

static const struct param band_table[] = {
    PARAM_STRING(struct band_params, column, "price", "a column of numbers"),
    PARAM_REAL(struct band_params, below, 0.3, 0, 1, "of the median price that the user paid: no cheaper"),
    PARAM_REAL(struct band_params, above, 2, 1, 1e9, "no dearer; items without a price stay"), PARAM_END};
const struct strategy_rule_type rule_price_band = {.name = "price_band",
                                                   .help = "only items about as dear as what the user buys",
                                                   .source = "usual practice",
                                                   .params = band_table,
                                                   .params_size = sizeof(struct band_params),
                                                   .state_size = sizeof(struct band),
                                                   .prepare = band_prepare,
                                                   .apply = band_apply};

struct prerequisite_params {
    const char *column;
};
struct prerequisite {
    const struct csr *needs; /* [n_items x names] */
    const uint32_t *item_of; /* [names] the item that a name is the id of */
};

static enum status prerequisite_prepare(void *state, const void *params, const struct strategy_facts *facts,
                                        struct arena *arena)
{
    const struct prerequisite_params *p = params;
    const struct column *c = NULL;
    uint32_t *item_of = NULL;
    TRY(strategy_column(facts, "prerequisite", p->column, COLUMN_LIST, &c));
    ARENA_NEW(item_of, arena, c->names.n);
    struct string_map *map = string_map_new();
    if (map == NULL)
        return STATUS_SYSTEM;
    enum status status = STATUS_OK;
    for (uint64_t i = 0; i < facts->item_ids->n && status == STATUS_OK; i++)
        if (string_map_add(map, strings_at(facts->item_ids, i), strings_length(facts->item_ids, i)) ==
            UINT32_MAX)
            status = STATUS_SYSTEM;
    for (uint64_t n = 0; n < c->names.n && status == STATUS_OK; n++) {
        item_of[n] = string_map_find(map, strings_at(&c->names, n), strings_length(&c->names, n));
        if (item_of[n] == UINT32_MAX)
            status = status_fail(STATUS_DATA,
                                 "rule prerequisite: column '%s' names '%.*s', which is no item's id; give "
                                 "items by the publisher's ids",
                                 p->column, (int)strings_length(&c->names, n), strings_at(&c->names, n));
    }
    string_map_free(map);
    *(struct prerequisite *)state = (struct prerequisite){&c->list, item_of};
    return status;
}

static enum status prerequisite_apply(const void *state, const void *params,
                                      const struct strategy_facts *facts, struct strategy_list *list,
                                      struct arena *scratch)
{
    const struct prerequisite *r = state;
    uint32_t n = 0;
    (void)params, (void)scratch;
    for (uint32_t k = 0; k < list->n; k++) {
        const uint32_t item = list->candidate[k].item;
        bool ready = true;
        for (int64_t e = r->needs->ptr[item]; e < r->needs->ptr[item + 1] && ready; e++)
            ready = strategy_had(facts, list, r->item_of[r->needs->idx[e]]);
        if (ready)
            list->candidate[n++] = list->candidate[k];
    }
    list->n = n;
    return STATUS_OK;
}

static const struct param prerequisite_table[] = {
    PARAM_STRING(struct prerequisite_params, column, "prerequisites",
                 "a list column of ids of items that come first"),
    PARAM_END};
const struct strategy_rule_type rule_prerequisite = {
    .name = "prerequisite",
    .help = "only items whose prerequisites the user has all had",
    .source = "Parameswaran et al., TOIS 2011 (course recommendation)",
    .params = prerequisite_table,
    .params_size = sizeof(struct prerequisite_params),
    .state_size = sizeof(struct prerequisite),
    .prepare = prerequisite_prepare,
    .apply = prerequisite_apply};
