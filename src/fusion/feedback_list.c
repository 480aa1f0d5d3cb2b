/*
 * feedback_list.c - what the feedback loop shows a user: scores of all that was learned, the best candidates through the rules, and what changed
 * their places on the way.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/feedback_parts.h"

/* x, standardised over the items that may be recommended, times weight, onto s. */
static void add_standardized(double *s, const double *x, const uint8_t *had, uint32_t n, double weight)
{
    double sum = 0, squares = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!had[i])
            sum += x[i], count++;
    const double mean = count > 0 ? sum / count : 0;
    for (uint32_t i = 0; i < n; i++)
        if (!had[i])
            squares += (x[i] - mean) * (x[i] - mean);
    const double scale = squares > 0 ? weight / sqrt(squares / count) : 0;
    for (uint32_t i = 0; i < n; i++)
        s[i] += scale * (x[i] - mean);
}

/* before: the scores without the bandit; NULL: not wanted. */
static void add_vectors(const struct feedback *f, uint32_t u, const uint8_t *had, double *x, double *s,
                        double *before)
{
    const struct feedback_options *o = &f->options;
    const uint32_t d = f->vectors != NULL ? f->vectors->d : 0;
    const double n = f->person[u].answers, share = n / (n + o->evidence);
    if (f->profile != NULL) {
        for (uint32_t i = 0; i < f->n_items; i++)
            x[i] = feedback_dot(f->profile + (size_t)u * d, f->vectors->v + (size_t)i * d, d);
        add_standardized(s, x, had, f->n_items, share * o->profile);
    }
    if (before != NULL)
        memcpy(before, s, f->n_items * sizeof *s);
    if (f->bandit.d > 0) {
        double theta[BANDIT_MOST];
        bandit_theta(&f->bandit, u, theta);
        for (uint32_t i = 0; i < f->n_items; i++)
            x[i] = bandit_mean(&f->bandit, theta, f->vectors->v + (size_t)i * d);
        add_standardized(s, x, had, f->n_items, share * o->bandit_weight);
        for (uint32_t i = 0; i < f->n_items && o->alpha > 0; i++)
            s[i] += o->alpha * bandit_uncertainty(&f->bandit, u, f->vectors->v + (size_t)i * d);
    }
}

/* Gives places away at random: place j to a candidate behind it. */
static void explore(const struct feedback *f, uint32_t user, struct strategy_list *list, uint32_t k)
{
    for (uint32_t j = 0; j < k && j + 1 < list->n; j++) {
        const uint64_t name = (f->n_events << 16) + j;
        if (random_unit(f->seed, RANDOM_BANDIT, 2 * user, name) > f->options.epsilon)
            continue;
        const uint32_t from =
            j + 1 + random_u32(f->seed, RANDOM_BANDIT, 2 * user + 1, name) % (list->n - j - 1);
        const struct scored moved = list->candidate[from];
        list->candidate[from] = list->candidate[j];
        list->candidate[j] = moved;
    }
}

/* What the user took since the train rows, in that order. */
static enum status find_taken(const struct feedback *f, uint32_t user, const uint8_t *in_history,
                              struct arena *scratch, struct strategy_list *list)
{
    const struct person *p = &f->person[user];
    uint32_t *taken = NULL;
    ARENA_NEW(taken, scratch, p->taken);
    for (uint32_t i = 0; i < p->n; i++)
        if (p->seen[i].had > 0)
            taken[p->seen[i].had - 1] = p->seen[i].item;
    for (uint32_t t = 0; t < p->taken; t++)
        if (!in_history[taken[t]])
            taken[list->n_taken++] = taken[t];
    list->taken = taken;
    return STATUS_OK;
}

/* All that may be recommended by those scores, best first. */
static enum status in_order(const struct feedback *f, const double *s, const uint8_t *had,
                            struct arena *scratch, struct strategy_list *list)
{
    list->n = 0;
    ARENA_NEW(list->candidate, scratch, f->n_items);
    for (uint32_t i = 0; i < f->n_items; i++)
        if (!had[i])
            list->candidate[list->n++] = (struct scored){i, s[i]};
    qsort(list->candidate, list->n, sizeof *list->candidate, scored_best_first);
    return STATUS_OK;
}

/* The model's scores of all items into x [n_items]. */
static enum status model_scores(const struct feedback *f, uint32_t user, struct arena *scratch, double *x)
{
    float *row;
    if (f->scorer.state == NULL) {
        for (uint32_t i = 0; i < f->n_items; i++)
            x[i] = feedback_predicted(f, user, i);
        return STATUS_OK;
    }
    ARENA_NEW(row, scratch, f->n_items);
    const struct tile tile = {row, f->n_items, f->n_items};
    TRY(model_score_users(f->scorer.type, f->scorer.state, f->backend, &user, 1, &tile));
    for (uint32_t i = 0; i < f->n_items; i++)
        x[i] = (double)row[i];
    return STATUS_OK;
}

/* without (NULL: not wanted): the list as it would be without LinUCB. */
static enum status scores(const struct feedback *f, uint32_t user, struct arena *scratch,
                          struct strategy_list *list, struct strategy_list *without)
{
    const struct person *p = &f->person[user];
    double *s = NULL, *x = NULL, *before = NULL;
    uint8_t *had = NULL;
    float *shown = NULL;
    ARENA_NEW(s, scratch, f->n_items);
    ARENA_NEW(x, scratch, f->n_items);
    ARENA_NEW(had, scratch, f->n_items);
    ARENA_NEW(shown, scratch, f->n_items);
    if (without != NULL)
        ARENA_NEW(before, scratch, f->n_items);
    for (int64_t e = f->history->ptr[user]; e < f->history->ptr[user + 1]; e++)
        had[f->history->idx[e]] = 1;
    TRY(find_taken(f, user, had, scratch, list));
    for (uint32_t i = 0; i < p->n; i++) {
        const uint32_t gone = p->lists + 1 - p->seen[i].stamp;
        had[p->seen[i].item] |= p->seen[i].had > 0;
        shown[p->seen[i].item] = p->seen[i].shown * (float)pow(f->options.shown_decay, gone);
    }
    TRY(model_scores(f, user, scratch, x));
    add_standardized(s, x, had, f->n_items, 1);
    add_vectors(f, user, had, x, s, before);
    list->user = user;
    list->shown = f->options.fatigue ? shown : NULL;
    if (without != NULL)
        TRY(in_order(f, before, had, scratch, without));
    return in_order(f, s, had, scratch, list);
}

/* Into a log that has room: the changes of `from` that touch the first `most` places. */
static void append(const struct strategy_log *from, uint32_t most, struct strategy_log *log)
{
    for (size_t c = 0; c < from->n; c++)
        if (from->change[c].before <= most || (from->change[c].after > 0 && from->change[c].after <= most))
            log->change[log->n++] = from->change[c];
}

/* The list of the user, its front of k places final.  log NULL: not wanted. */
static enum status make_list(const struct feedback *f, uint32_t user, uint32_t k, struct arena *scratch,
                             struct arena *arena, struct strategy_list *list, struct strategy_log *log)
{
    const uint32_t most = (uint32_t)f->options.candidates;
    const bool linucb = f->bandit.d > 0 && log != NULL;
    struct strategy_list without = {0};
    struct strategy_places *before = NULL;
    struct strategy_log linucb_log = {0}, rule_log = {0}, explored = {0};
    TRY(scores(f, user, scratch, list, linucb ? &without : NULL));
    if (linucb) {
        TRY(strategy_places(&without, scratch, &before));
        TRY(strategy_log_changes("linucb", before, list, scratch, &linucb_log));
    }
    if (list->n > most)
        list->n = most;
    if (f->rules != NULL)
        TRY(strategy_apply(f->rules, list, scratch, log != NULL ? &rule_log : NULL));
    if (log != NULL)
        TRY(strategy_places(list, scratch, &before));
    if (f->options.bandit == FEEDBACK_EPSILON_GREEDY)
        explore(f, user, list, k);
    if (log == NULL)
        return STATUS_OK;
    TRY(strategy_log_changes("epsilon_greedy", before, list, scratch, &explored));
    *log = (struct strategy_log){0};
    ARENA_NEW(log->change, arena, linucb_log.n + rule_log.n + explored.n);
    append(&linucb_log, most, log);
    append(&rule_log, most, log);
    append(&explored, most, log);
    return STATUS_OK;
}

enum status feedback_explain(const struct feedback *f, uint32_t user, uint32_t k, struct arena *arena,
                             uint32_t *item, uint32_t *n, struct strategy_log *log)
{
    struct strategy_list list = {0};
    struct arena *scratch = arena_new();
    if (scratch == NULL)
        return STATUS_SYSTEM;
    const enum status status = make_list(f, user, k, scratch, arena, &list, log);
    *n = list.n < k ? list.n : k;
    for (uint32_t j = 0; j < *n && status == STATUS_OK; j++)
        item[j] = list.candidate[j].item;
    arena_free(scratch);
    return status;
}

enum status feedback_recommend(const struct feedback *f, uint32_t user, uint32_t k, uint32_t *item,
                               uint32_t *n)
{
    return feedback_explain(f, user, k, NULL, item, n, NULL);
}
