/*
 * filter_time.c - rows within a window of time: from a moment on, and before another.
 */
#include "data/date.h"
#include "data/filter_kinds.h"

struct window_params {
    const char *from, *to;
};

static const struct param params[] = {
    PARAM_STRING(struct window_params, from, NULL,
                 "the first moment: a date (2018-09-05) or seconds since 1970"),
    PARAM_STRING(struct window_params, to, NULL, "the first moment after the window"), PARAM_END};

static enum status check(const void *values, const struct node *where)
{
    const struct window_params *p = values;
    const char *moments[] = {p->from, p->to};
    int64_t at[2] = {INT64_MIN, INT64_MAX};
    for (int k = 0; k < 2; k++)
        if (moments[k] != NULL && !date_or_seconds(moments[k], &at[k]))
            return node_fail(
                where,
                "found '%s' for %s of time_window, expected a date as in 2018-09-05, or whole seconds since "
                "1970",
                moments[k], params[k].name);
    if (p->from == NULL && p->to == NULL)
        return node_fail(where, "time_window needs `from` or `to`, or both");
    if (at[0] >= at[1])
        return node_fail(where, "time_window: `to` is not after `from`");
    return STATUS_OK;
}

static enum status apply(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct interactions *out)
{
    const struct window_params *p = values;
    int64_t from = INT64_MIN, to = INT64_MAX;
    uint8_t *keep;
    (void)d;
    if (p->from != NULL && !date_or_seconds(p->from, &from))
        from = INT64_MIN;
    const bool until = p->to != NULL && date_or_seconds(p->to, &to);
    ARENA_NEW(keep, arena, in->n);
    for (uint64_t r = 0; r < in->n; r++)
        keep[r] = in->time[r] >= from && (!until || in->time[r] < to);
    return filter_take(in, keep, arena, out);
}

const struct filter_type filter_time_window = {.name = "time_window",
                                               .help = "rows from one moment on, and before another",
                                               .params = params,
                                               .params_size = sizeof(struct window_params),
                                               .needs_time = true,
                                               .check = check,
                                               .apply = apply};
