/* simulate.c - see simulate.h. */
#include "fusion/simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"

#define S struct simulate_options
const struct param simulate_params[] = {
    PARAM_INT(S, users, 200, 1, 1000000, "users of the dataset, drawn by the seed"),
    PARAM_INT(S, rounds, 20, 1, 100000, "lists that each user is shown"),
    PARAM_INT(S, k, 10, 1, 1000, "items a list"),
    PARAM_INT(S, refit_every, 5, 1, 100000, "rounds between two fits of the model"),
    PARAM_REAL(S, position_bias, 0.7, 0, 10,
               "a user looks at place j with probability j to the power of minus this"),
    PARAM_REAL(S, attractive, 0.05, 1e-6, 1, "share of items whose attraction is one half or more"),
    PARAM_REAL(S, slope, 3, 0, 1000, "how sharp the border is, a standard deviation of preference"),
    PARAM_REAL(S, fatigue, 0.3, 0, 1, "what an item loses of its attraction each time it was shown lately"),
    PARAM_REAL(S, fatigue_memory, 0.8, 0, 1, "what is left of a showing a round later"),
    PARAM_END};
#undef S

enum status simulate_arms(const struct feedback_options *options, bool vectors, struct arena *arena,
                          struct simulate_arm **out, size_t *n)
{
    struct simulate_arm *a, still = {"static", *options, false, false};
    const bool bandit =
        options->bandit == FEEDBACK_EPSILON_GREEDY || (vectors && options->bandit == FEEDBACK_LINUCB);
    ARENA_NEW(a, arena, SIMULATE_ARMS);
    still.options.fatigue = false;
    still.options.bandit = FEEDBACK_NO_BANDIT;
    *out = a;
    *n = 0;
    a[(*n)++] = (struct simulate_arm){"loop", *options, true, true};
    a[(*n)++] = still;
    if (options->fatigue) {
        a[*n] = still, a[*n].name = "fatigue alone";
        a[(*n)++].options.fatigue = true;
    }
    if (options->online_mf) {
        a[*n] = a[0], a[*n].name = "without online_mf";
        a[(*n)++].options.online_mf = false;
    }
    if (vectors && options->profile > 0) {
        a[*n] = a[0], a[*n].name = "without profile";
        a[(*n)++].options.profile = 0;
    }
    if (bandit) {
        a[*n] = a[0], a[*n].name = "without bandit";
        a[(*n)++].options.bandit = FEEDBACK_NO_BANDIT;
    }
    if (options->fatigue) {
        a[*n] = a[0], a[*n].name = "without fatigue";
        a[(*n)++].options.fatigue = false;
    }
    a[*n] = a[0], a[*n].name = "without refit";
    a[(*n)++].refits = false;
    return STATUS_OK;
}

/* What a user of the simulation is like, and has been through. */
struct world {
    const struct simulate_options *o;
    uint32_t n_items, n_users;
    uint32_t *user;    /* [n_users] of the dataset, rising */
    float *attraction; /* [n_users x n_items], 0 for what the user has had */
    float *shown;      /* [n_users x n_items] decayed count of showings */
    uint64_t seed;
};

/* Attraction of all items for one user, from the true preference. */
static void fill_attraction(struct world *w, const struct view *view, uint32_t r, double *preference,
                            double *sorted)
{
    const struct truth *t = view->truth;
    const uint32_t u = w->user[r];
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < w->n_items; i++) {
        double x = (double)t->item_bias[i];
        for (uint32_t j = 0; j < t->factors; j++)
            x += (double)t->user[(size_t)u * t->factors + j] * (double)t->item[(size_t)i * t->factors + j];
        preference[i] = sorted[i] = x;
        sum += x;
    }
    const double mean = sum / w->n_items;
    for (uint32_t i = 0; i < w->n_items; i++)
        squares += (preference[i] - mean) * (preference[i] - mean);
    const double deviation = squares > 0 ? sqrt(squares / w->n_items) : 1;
    qsort(sorted, w->n_items, sizeof *sorted, falling_f64);
    const double threshold = sorted[(size_t)fmin(w->o->attractive * w->n_items, w->n_items - 1)];
    for (uint32_t i = 0; i < w->n_items; i++)
        w->attraction[(size_t)r * w->n_items + i] =
            (float)(1 / (1 + exp(-w->o->slope * (preference[i] - threshold) / deviation)));
    for (int64_t e = view->by_user->ptr[u]; e < view->by_user->ptr[u + 1]; e++)
        w->attraction[(size_t)r * w->n_items + view->by_user->idx[e]] = 0;
}

static enum status world_new(struct world *w, const struct view *view, struct arena *arena)
{
    uint32_t *order = NULL;
    double *preference = NULL, *sorted = NULL;
    ARENA_NEW(order, arena, view->n_users);
    ARENA_NEW(w->user, arena, w->n_users);
    ARENA_NEW(w->attraction, arena, (size_t)w->n_users * w->n_items);
    ARENA_NEW(w->shown, arena, (size_t)w->n_users * w->n_items);
    ARENA_NEW(preference, arena, w->n_items);
    ARENA_NEW(sorted, arena, w->n_items);
    random_permutation(w->seed, RANDOM_SIMULATION, 0, view->n_users, order);
    memcpy(w->user, order, w->n_users * sizeof *w->user);
    qsort(w->user, w->n_users, sizeof *w->user, rising_u32);
    for (uint32_t r = 0; r < w->n_users; r++)
        fill_attraction(w, view, r, preference, sorted);
    return STATUS_OK;
}

/* What would be clicked if looked at, now. */
static double pull_of(const struct world *w, uint32_t r, uint32_t item)
{
    const size_t at = (size_t)r * w->n_items + item;
    return (double)w->attraction[at] * pow(1 - w->o->fatigue, (double)w->shown[at]);
}

static double looks(const struct world *w, uint32_t place)
{
    return pow(place + 1, -w->o->position_bias);
}

/* Expected clicks and DCG of the shown list and of the best one. */
static void judge(const struct world *w, uint32_t r, const uint32_t *item, uint32_t n, double *room,
                  double *regret, double *ndcg)
{
    double best = 0, got = 0, best_dcg = 0, dcg = 0;
    for (uint32_t i = 0; i < w->n_items; i++)
        room[i] = pull_of(w, r, i);
    for (uint32_t j = 0; j < n; j++) {
        got += looks(w, j) * room[item[j]];
        dcg += room[item[j]] / log2(j + 2);
    }
    qsort(room, w->n_items, sizeof *room, falling_f64);
    for (uint32_t j = 0; j < (uint32_t)w->o->k && j < w->n_items; j++) {
        best += looks(w, j) * room[j];
        best_dcg += room[j] / log2(j + 2);
    }
    *regret = best - got;
    *ndcg = best_dcg > 0 ? dcg / best_dcg : 0;
}

/* The user goes through the list: clicked [n]; returns one more than the place of the last click, 0 without one. */
static uint32_t go_through(struct world *w, uint32_t r, uint32_t round, const uint32_t *item, uint32_t n,
                           uint8_t *clicked)
{
    uint32_t last = 0;
    const uint64_t who = (uint64_t)w->user[r] * w->n_items;
    for (uint32_t j = 0; j < n; j++) {
        clicked[j] =
            random_unit(w->seed, RANDOM_SIMULATION, 2 * round + 1, who + item[j]) <= looks(w, j) &&
            random_unit(w->seed, RANDOM_SIMULATION, 2 * round + 2, who + item[j]) <= pull_of(w, r, item[j]);
        last = clicked[j] ? j + 1 : last;
    }
    float *shown = w->shown + (size_t)r * w->n_items;
    for (uint32_t i = 0; i < w->n_items; i++)
        shown[i] *= (float)w->o->fatigue_memory;
    for (uint32_t j = 0; j < n; j++) {
        shown[item[j]] += 1;
        if (clicked[j])
            w->attraction[(size_t)r * w->n_items + item[j]] = 0;
    }
    return last;
}

static enum status tell(struct feedback *f, bool learns, uint32_t user, const uint32_t *item, uint32_t n,
                        const uint8_t *clicked, uint32_t last)
{
    struct feedback_event e = {.user = user};
    for (uint32_t j = 0; j < n; j++) {
        e.item = item[j];
        e.kind = FEEDBACK_SHOW;
        e.first = j == 0;
        TRY(feedback_update(f, &e));
    }
    for (uint32_t j = 0; j < n; j++) {
        e.item = item[j];
        e.kind = clicked[j] ? FEEDBACK_CLICK : FEEDBACK_SKIP;
        if (clicked[j] || (j < last && learns))
            TRY(feedback_update(f, &e));
    }
    return STATUS_OK;
}

/* All users' lists of a round, by all threads: the state stands still meanwhile. */
static enum status lists_of(const struct world *w, const struct feedback *f, uint32_t *item, uint32_t *n)
{
    enum status status = STATUS_OK;
#pragma omp parallel for schedule(dynamic, 4)
    for (uint32_t r = 0; r < w->n_users; r++) {
        const enum status s =
            feedback_recommend(f, w->user[r], (uint32_t)w->o->k, item + (size_t)r * w->o->k, &n[r]);
        if (s != STATUS_OK)
#pragma omp atomic write
            status = s;
    }
    return status;
}

static enum status play_round(struct world *w, const struct simulate_arm *arm, uint32_t round,
                              struct feedback *f, uint32_t *item, uint32_t *n, double *room,
                              struct simulate_result *out)
{
    uint8_t clicked[1000];
    struct simulate_round *mean = &out->round[round];
    TRY(lists_of(w, f, item, n));
    for (uint32_t r = 0; r < w->n_users; r++) {
        const uint32_t *list = item + (size_t)r * w->o->k;
        double regret, ndcg;
        judge(w, r, list, n[r], room, &regret, &ndcg);
        const uint32_t last = go_through(w, r, round, list, n[r], clicked);
        TRY(tell(f, arm->learns, w->user[r], list, n[r], clicked, last));
        out->regret[r] += regret;
        mean->regret += regret / w->n_users;
        mean->ndcg += ndcg / w->n_users;
        for (uint32_t j = 0; j < n[r]; j++)
            mean->clicks += (double)clicked[j] / w->n_users;
    }
    return STATUS_OK;
}

enum status simulate(const struct simulate_options *options, const struct simulate_arm *arm,
                     const struct view *view, const struct nested *base, const struct item_vectors *vectors,
                     const struct strategy *rules, struct run *run, struct arena *arena,
                     struct simulate_result *out)
{
    struct world w = {.o = options, .n_items = view->n_items, .seed = run->seed};
    struct feedback_options learning = arm->options;
    struct feedback *f = NULL;
    struct nested fitted = {0};
    struct factors factors;
    uint32_t *item = NULL, *n = NULL;
    double *room = NULL;
    if (view->truth == NULL)
        return status_fail(STATUS_UNAVAILABLE,
                           "the simulation needs a generated dataset (recfuse synth), whose truth is known");
    w.n_users = (uint32_t)fmin(options->users, view->n_users);
    *out = (struct simulate_result){.n_users = w.n_users, .n_rounds = (uint32_t)options->rounds};
    ARENA_NEW(out->round, arena, out->n_rounds);
    ARENA_NEW(out->regret, arena, w.n_users);
    ARENA_NEW(item, run->scratch, (size_t)w.n_users * (size_t)options->k);
    ARENA_NEW(n, run->scratch, w.n_users);
    ARENA_NEW(room, run->scratch, w.n_items);
    TRY(world_new(&w, view, run->scratch));
    if (!arm->learns)
        learning.online_mf = false, learning.profile = 0;
    TRY(feedback_fit(base, view, NULL, run, &fitted, &factors));
    enum status status = feedback_new(&learning, &factors, view->by_user, vectors, rules, run->seed, &f);
    if (status == STATUS_OK && factors.factors == 0)
        feedback_scored_by(f, &fitted, run->backend, NULL);
    for (uint32_t t = 0; t < out->n_rounds && status == STATUS_OK; t++) {
        status = *run->cancelled ? STATUS_STOPPED : play_round(&w, arm, t, f, item, n, room, out);
        if (status == STATUS_OK && arm->refits && (t + 1) % (uint32_t)options->refit_every == 0)
            status = feedback_fit_again(base, view, f, run);
    }
    feedback_free(f);
    nested_free(&fitted);
    return status;
}
