/*
 * external.c - lists of another system from a file, by the publisher's ids: a model that anyone may have fitted anywhere enters the same
 * metrics, dialects, strata and tests as ours.
 *
 * An item's score is minus its place, so that the file's order holds; items that the file doesn't list are not to be ranked
 * (-infinity), and lists are as short as they are there.
 */
#include <math.h>
#include <string.h>

#include "base/placeholder.h"
#include "eval/trec.h"
#include "models/model_io.h"

struct external_params {
    const char *file;
};
static const struct param external_params[] = {
    PARAM_STRING(struct external_params, file, NULL,
                 "lists for the test users: TREC's run format, or csv with user, item and score or rank; "
                 "{dataset}, {fold} and "
                 "{seed} stand for those of the cell"),
    PARAM_END};

struct external {
    uint32_t n_users, n_items, k;
    const uint32_t *item; /* [n_users x k] best first; UINT32_MAX: no more */
};

static enum status external_check(const void *params, const struct node *where)
{
    const struct external_params *p = params;
    if (p->file != NULL && p->file[0] != '\0')
        return STATUS_OK;
    return node_fail(
        where,
        "external needs `file`: the lists of another system (`recfuse export-topk` writes that format)");
}

static const char *external_file(const void *params)
{
    return ((const struct external_params *)params)->file;
}

static enum status fill_map(struct string_map *map, const struct strings *ids)
{
    for (uint64_t i = 0; i < ids->n; i++)
        if (string_map_add(map, strings_at(ids, i), strings_length(ids, i)) == UINT32_MAX)
            return STATUS_SYSTEM;
    return STATUS_OK;
}

static enum status read_lists(const char *path, const struct view *train, struct string_map *users,
                              struct string_map *items, struct run *run, struct lists *out)
{
    struct trec_rows rows;
    TRY(fill_map(users, &train->user_ids));
    TRY(fill_map(items, &train->item_ids));
    TRY(trec_read_known(path, users, items, run->scratch, &rows));
    return trec_lists(&rows, users, items, 1, false, run->scratch, out);
}

/* Places that can't count since the user has the item already. */
static void tell_known(const char *path, const struct lists *lists, const struct view *train)
{
    uint64_t n = 0, known = 0;
    for (uint32_t u = 0; u < lists->n_users; u++)
        for (uint32_t j = 0; j < lists->k && lists->item[(size_t)u * lists->k + j] != UINT32_MAX; j++) {
            known += csr_has(train->by_user, u, lists->item[(size_t)u * lists->k + j]);
            n++;
        }
    if (known > 0)
        log_warn("%s: %llu of %llu places hold an item of the user's own train rows: not ranked, what "
                 "follows moves up",
                 path, (unsigned long long)known, (unsigned long long)n);
}

static enum status external_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct external *e = state;
    struct lists lists = {0};
    const char *path = placeholder_path(external_file(params), run->dataset != NULL ? run->dataset : "",
                                        run->fold, run->seed, run->scratch);
    if (path == NULL)
        return STATUS_SYSTEM;
    if (!file_exists(path))
        return status_fail(STATUS_UNAVAILABLE,
                           "%s: there is no such file; write the other system's lists there (`recfuse "
                           "export-topk --rows` gives "
                           "the rows to fit it on)",
                           path);
    struct string_map *users = string_map_new(), *items = string_map_new();
    const enum status status =
        users != NULL && items != NULL ? read_lists(path, train, users, items, run, &lists) : STATUS_SYSTEM;
    string_map_free(users);
    string_map_free(items);
    TRY(status);
    tell_known(path, &lists, train);
    *e = (struct external){.n_users = lists.n_users, .n_items = train->n_items, .k = lists.k};
    e->item = arena_copy(run->arena, lists.item, (size_t)lists.n_users * lists.k, sizeof *e->item);
    return e->item != NULL ? STATUS_OK : STATUS_SYSTEM;
}

static enum status external_score_users(const void *state, const uint32_t *users, size_t n,
                                        const struct tile *out)
{
    const struct external *e = state;
    for (size_t u = 0; u < n; u++) {
        float *row = out->scores + u * out->ld;
        const uint32_t *item = e->item + (size_t)users[u] * e->k;
        for (uint32_t i = 0; i < out->n_items; i++)
            row[i] = -INFINITY;
        for (uint32_t j = 0; j < e->k && item[j] != UINT32_MAX; j++)
            row[item[j]] = -(float)(j + 1);
    }
    return STATUS_OK;
}

static enum status external_save(const void *state, struct model_writer *w)
{
    const struct external *e = state;
    TRY(model_put(w, "n_items", ARRAY_U32, 1, 1, &e->n_items));
    return model_put(w, "item", ARRAY_U32, e->n_users, e->k, e->item);
}

static enum status external_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    (void)params, (void)run;
    struct external *e = state;
    uint64_t one = 1, n_users = 0, k = 0;
    const void *n_items, *item;
    TRY(model_get(r, "n_items", ARRAY_U32, &one, &one, &n_items));
    TRY(model_get(r, "item", ARRAY_U32, &n_users, &k, &item));
    if (n_users > UINT32_MAX || k > UINT32_MAX)
        return status_fail(STATUS_DATA, "the model file holds more than 2^32 users or places");
    *e = (struct external){(uint32_t)n_users, *(const uint32_t *)n_items, (uint32_t)k, item};
    for (size_t i = 0; i < (size_t)n_users * k; i++)
        if (e->item[i] != UINT32_MAX && e->item[i] >= e->n_items)
            return status_fail(STATUS_DATA, "the model file lists item %u of %u", e->item[i], e->n_items);
    return STATUS_OK;
}

extern const struct model_type model_external;
const struct model_type model_external = {
    .name = "external",
    .family = "another system",
    .source = "a file of lists by the publisher's ids",
    .help = "lists of another system, measured and tested like any model's",
    .version = 1,
    .params = external_params,
    .params_size = sizeof(struct external_params),
    .needs = NEEDS_FILE,
    .state_size = sizeof(struct external),
    .check = external_check,
    .file = external_file,
    .fit = external_fit,
    .score_users = external_score_users,
    .save = external_save,
    .load = external_load,
};
