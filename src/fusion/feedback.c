/* feedback.c - see feedback.h. */
#include "fusion/feedback_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define O struct feedback_options
const struct param feedback_params[] = {
    PARAM_BOOL(O, online_mf, true, "factors take a step at each event"),
    PARAM_BOOL(O, fatigue, true, "the rule `fatigue` hears how often items were shown"),
    PARAM_CHOICE(O, loss, "squared", "squared|logistic",
                 "of the step: squared for scores near 0 .. 1 (ials), logistic for bpr_mf"),
    PARAM_CHOICE(O, bandit, "linucb", "linucb|epsilon_greedy|none", "how what is not known is tried"),
    PARAM_INT(O, candidates, 100, 1, 100000, "best items that go through the rules"),
    PARAM_REAL(O, learning_rate, 0.1, 0, 1.99, "of the user's factors; a step of 1 fits the event exactly"),
    PARAM_REAL(O, item_learning_rate, 0.005, 0, 1.99, "of the item's factors"),
    PARAM_REAL(O, regularization, 0.001, 0, 1, "share of the way back to the fitted factors at each step"),
    PARAM_REAL(O, skip_weight, 0.2, 0, 100, "what a skip counts; a click counts 1"),
    PARAM_REAL(O, profile, 0.5, 0, 100, "weight of the profile of text vectors; 0: no profile"),
    PARAM_REAL(O, profile_decay, 0.95, 0, 1, "what is left of the profile when something is added"),
    PARAM_REAL(O, evidence, 10, 1e-9, 1e9, "events of a user after which profile and bandit count half"),
    PARAM_REAL(O, bandit_weight, 0.5, 0, 100, "weight of LinUCB's expected reward"),
    PARAM_REAL(O, alpha, 0.25, 0, 100, "weight of LinUCB's uncertainty"),
    PARAM_REAL(O, ridge, 1, 1e-9, 1e9, "LinUCB's prior"),
    PARAM_REAL(O, epsilon, 0.1, 0, 1, "share of places that epsilon-greedy gives to random items"),
    PARAM_REAL(O, shown_decay, 0.8, 0, 1,
               "what is left of an item's count of showings when the user is shown another list"),
    PARAM_END};
#undef O

static const float *copy_rows(struct arena *arena, const float *from, uint32_t n, uint32_t d, size_t ld)
{
    float *to = arena_alloc(arena, (size_t)n * d, sizeof *to);
    for (uint32_t r = 0; to != NULL && r < n; r++)
        memcpy(to + (size_t)r * d, from + r * ld, d * sizeof *to);
    return to;
}

static enum status take_factors(struct feedback *f, const struct factors *x)
{
    struct arena *fit = arena_new();
    if (fit == NULL)
        return STATUS_SYSTEM;
    arena_free(f->fit);
    f->fit = fit;
    f->d = x->factors;
    f->offset = x->offset;
    f->user = f->item = NULL;
    f->user0 = f->item0 = f->user_bias = f->item_bias = NULL;
    if (x->factors == 0)
        return STATUS_OK;
    f->user0 = copy_rows(fit, x->user, x->n_users, x->factors, x->ld_user);
    f->item0 = copy_rows(fit, x->item, x->n_items, x->factors, x->ld_item);
    f->user = arena_copy(fit, f->user0, (size_t)f->n_users * f->d, sizeof(float));
    f->item = arena_copy(fit, f->item0, (size_t)f->n_items * f->d, sizeof(float));
    f->user_bias = x->user_bias == NULL ? NULL : arena_copy(fit, x->user_bias, x->n_users, sizeof(float));
    f->item_bias = x->item_bias == NULL ? NULL : arena_copy(fit, x->item_bias, x->n_items, sizeof(float));
    const bool ok = f->user0 != NULL && f->item0 != NULL && f->user != NULL && f->item != NULL &&
                    (x->user_bias == NULL || f->user_bias != NULL) &&
                    (x->item_bias == NULL || f->item_bias != NULL);
    return ok ? STATUS_OK : STATUS_SYSTEM;
}

static enum status set_up(struct feedback *f, const struct factors *factors)
{
    const uint32_t d = f->vectors != NULL ? f->vectors->d : 0;
    if (f->options.bandit == FEEDBACK_LINUCB && d > BANDIT_MOST)
        return status_fail(
            STATUS_USAGE,
            "LinUCB keeps a matrix of dimensions x dimensions a user: %u are too many, at most %d; "
            "set dimensions of the encoder",
            d, BANDIT_MOST);
    TRY(take_factors(f, factors));
    ARENA_NEW(f->person, f->arena, f->n_users);
    if (d > 0 && f->options.profile > 0)
        ARENA_NEW(f->profile, f->arena, (size_t)f->n_users * d);
    if (d > 0 && f->options.bandit == FEEDBACK_LINUCB)
        TRY(bandit_new(f->n_users, d, f->options.ridge, f->arena, &f->bandit));
    return STATUS_OK;
}

enum status feedback_new(const struct feedback_options *options, const struct factors *factors,
                         const struct csr *history, const struct item_vectors *vectors,
                         const struct strategy *rules, uint64_t seed, struct feedback **out)
{
    struct arena *arena = arena_new();
    struct feedback *f = arena != NULL ? arena_alloc(arena, 1, sizeof *f) : NULL;
    if (f == NULL) {
        arena_free(arena);
        return STATUS_SYSTEM;
    }
    *f = (struct feedback){.options = *options,
                           .n_users = factors->n_users,
                           .n_items = factors->n_items,
                           .arena = arena,
                           .history = history,
                           .vectors = vectors,
                           .rules = rules,
                           .seed = seed};
    const enum status status = set_up(f, factors);
    if (status != STATUS_OK)
        feedback_free(f);
    else
        *out = f;
    return status;
}

static void drop_scorer(struct feedback *f)
{
    if (f->scorer_arena != NULL)
        nested_free(&f->scorer);
    arena_free(f->scorer_arena);
    f->scorer_arena = NULL;
    f->scorer.state = NULL;
}

void feedback_scored_by(struct feedback *f, const struct nested *fitted, const struct backend *backend,
                        struct arena *owner)
{
    drop_scorer(f);
    f->scorer = *fitted;
    f->scorer_arena = owner;
    f->backend = backend;
}

enum status feedback_suits(const struct model_type *type, const struct node *block,
                           struct feedback_options *options)
{
    const struct node *asked = node_get(block, "online_mf");
    if (type->factors != NULL || !options->online_mf)
        return STATUS_OK;
    if (asked != NULL)
        return node_fail_key(
            asked,
            "online_mf of feedback: %s has no factors that an event could move; leave it out "
            "(profile, bandit, fatigue and refits learn without), or take ials, bpr_mf, svd ...",
            type->name);
    options->online_mf = false;
    return STATUS_OK;
}

void feedback_free(struct feedback *f)
{
    if (f == NULL)
        return;
    drop_scorer(f);
    for (uint32_t u = 0; f->person != NULL && u < f->n_users; u++)
        free(f->person[u].seen);
    arena_free(f->fit);
    arena_free(f->arena);
}

enum status feedback_refit(struct feedback *f, const struct factors *factors)
{
    return take_factors(f, factors);
}

/* The entry of an item; made when there is none. */
static struct seen *entry(struct person *p, uint32_t item)
{
    for (uint32_t s = 0; s < p->n; s++)
        if (p->seen[s].item == item)
            return &p->seen[s];
    if (p->n == p->room) {
        const uint32_t room = p->room > 0 ? 2 * p->room : 16;
        struct seen *grown = realloc(p->seen, room * sizeof *grown);
        if (grown == NULL)
            return NULL;
        p->seen = grown;
        p->room = room;
    }
    p->seen[p->n] = (struct seen){.item = item, .stamp = p->lists};
    return &p->seen[p->n++];
}

/* x += rate error y / |y|^2, and a share of the way back to x0. */
static void step(float *x, const float *x0, const float *y, uint32_t d, double rate, double error,
                 double back)
{
    const double norm = feedback_dot(y, y, d), by = norm > 0 ? rate * error / norm : 0;
    for (uint32_t j = 0; j < d; j++)
        x[j] = (float)((double)x[j] + by * (double)y[j] - back * ((double)x[j] - (double)x0[j]));
}

static void learn_factors(struct feedback *f, const struct feedback_event *e, double target, double weight)
{
    const struct feedback_options *o = &f->options;
    float *p = f->user + (size_t)e->user * f->d, *q = f->item + (size_t)e->item * f->d, before[4096];
    const double s = feedback_predicted(f, e->user, e->item),
                 error = target - (o->loss == 0 ? s : 1 / (1 + exp(-s)));
    const uint32_t kept =
        f->d < 4096 ? f->d : 4096; /* the item's step is from the user's factors before theirs */
    memcpy(before, p, kept * sizeof *p);
    step(p, f->user0 + (size_t)e->user * f->d, q, f->d, fmin(o->learning_rate * weight, 1.99), error,
         o->regularization);
    step(q, f->item0 + (size_t)e->item * f->d, before, kept, fmin(o->item_learning_rate * weight, 1.99),
         error, o->regularization);
}

static void learn(struct feedback *f, const struct feedback_event *e)
{
    const double target = e->kind == FEEDBACK_CLICK ? 1 : e->kind == FEEDBACK_SKIP ? 0 : (double)e->value;
    const double weight = e->kind == FEEDBACK_SKIP ? f->options.skip_weight : 1;
    const uint32_t d = f->vectors != NULL ? f->vectors->d : 0;
    const float *x = d > 0 ? f->vectors->v + (size_t)e->item * d : NULL;
    if (f->options.online_mf && f->d > 0)
        learn_factors(f, e, target, weight);
    if (f->profile != NULL && target >= 0.5)
        for (uint32_t j = 0; j < d; j++) {
            float *p = f->profile + (size_t)e->user * d + j;
            *p = (float)f->options.profile_decay * *p + (float)target * x[j];
        }
    if (f->bandit.d > 0)
        bandit_update(&f->bandit, e->user, x, target, weight);
}

enum status feedback_update(struct feedback *f, const struct feedback_event *e)
{
    struct person *p = &f->person[e->user];
    f->n_events++;
    struct seen *s = entry(p, e->item);
    if (s == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: what user %u was shown", e->user);
    const bool again = s->shown > 0 && s->stamp == p->lists; /* in the list that is being shown */
    if (e->kind == FEEDBACK_SHOW && (e->first || !p->listing || again))
        p->lists++;
    p->listing = e->kind == FEEDBACK_SHOW;
    if (e->kind == FEEDBACK_SHOW) {
        s->shown = s->shown * (float)pow(f->options.shown_decay, (double)(p->lists - s->stamp)) + 1;
        s->stamp = p->lists;
        return STATUS_OK;
    }
    if (s->had == 0 && (e->kind == FEEDBACK_CLICK || (e->kind == FEEDBACK_RATE && e->value >= 0.5F)))
        s->had = ++p->taken;
    p->answers++;
    learn(f, e);
    return STATUS_OK;
}

enum status feedback_taken(const struct feedback *f, uint32_t **user, uint32_t **item, uint64_t *n)
{
    uint64_t total = 0;
    for (uint32_t u = 0; u < f->n_users; u++)
        total += f->person[u].taken;
    *user = malloc(total * sizeof **user + 1);
    *item = malloc(total * sizeof **item + 1);
    if (*user == NULL || *item == NULL) {
        free(*user);
        free(*item);
        return status_fail(STATUS_SYSTEM, "memory is out: %llu rows of feedback", (unsigned long long)total);
    }
    *n = 0;
    for (uint32_t u = 0; u < f->n_users; u++) {
        const struct person *p = &f->person[u];
        for (uint32_t s = 0; s < p->n; s++)
            if (p->seen[s].had > 0) {
                (*user)[*n + p->seen[s].had - 1] = u;
                (*item)[*n + p->seen[s].had - 1] = p->seen[s].item;
            }
        *n += p->taken;
    }
    return STATUS_OK;
}

uint64_t feedback_events(const struct feedback *f)
{
    return f->n_events;
}

void feedback_digest(const struct feedback *f, char hex[SHA256_HEX])
{
    struct crypto_hash_sha256_state state;
    unsigned char hash[crypto_hash_sha256_BYTES];
    const size_t dv = f->vectors != NULL ? f->vectors->d : 0;
    crypto_hash_sha256_init(&state);
    sha256_update(&state, &f->n_events, sizeof f->n_events);
    if (f->d > 0) {
        sha256_update(&state, f->user, (size_t)f->n_users * f->d * sizeof(float));
        sha256_update(&state, f->item, (size_t)f->n_items * f->d * sizeof(float));
    }
    if (f->profile != NULL)
        sha256_update(&state, f->profile, f->n_users * dv * sizeof(float));
    sha256_update(&state, f->bandit.b, (size_t)f->bandit.n_users * f->bandit.d * sizeof(double));
    sha256_update(&state, f->bandit.inverse,
                  (size_t)f->bandit.n_users * f->bandit.d * f->bandit.d * sizeof(double));
    for (uint32_t u = 0; u < f->n_users; u++) {
        const struct person *p = &f->person[u];
        const uint32_t counts[5] = {p->n, p->lists, p->taken, p->answers, p->listing};
        sha256_update(&state, counts, sizeof counts);
        sha256_update(&state, p->seen, p->n * sizeof *p->seen);
    }
    crypto_hash_sha256_final(&state, hash);
    sodium_bin2hex(hex, SHA256_HEX, hash, sizeof hash);
}
