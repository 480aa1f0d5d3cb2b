/*
 * friends_knn.c - an item is worth what a user's friends have done with it: neighbours by trust, not by likeness.
 *
 *     score(u, i) = (sum over friends v of w(u, v) r_vi + prior p_i) / (sum over v of w(u, v) + prior),   the denominator where `normalize`
 *
 * with w the weight of friends.h, r_vi 1 where `binary`, else the rating, and p_i the mean of r over all users: with few friends, or none, the
 * list is that of all.  With two hops a friend's friend v, who is not a friend, counts
 *     w(u, v) = second_hop sum over friends f of w(u, f) w(f, v) / sum over friends f of w(u, f)
 * (trust that falls from hop to hop: Golbeck 2005; Massa, Avesani 2007, whose linear fall is second_hop: 0.5; for lists: Yang, Steck, Guo, Liu
 * 2012).  It needs no train row of the user's own but where weights are made of them.
 */
#include "models/friends.h"
#include "models/model_io.h"
#include "models/neighbours.h"

struct friends_knn_params {
    int friends, similarity, hops;
    double second_hop, prior;
    bool binary, normalize;
};
#define P struct friends_knn_params
static const struct param friends_knn_params[] = {
    FRIENDS_PARAM(P),
    FRIEND_WEIGHT_PARAM(P),
    PARAM_INT(P, hops, 1, 1, 2, "2: friends of friends count too"),
    PARAM_REAL(P, second_hop, 0.5, 0, 1, "what a friend's friend counts of a friend"),
    PARAM_REAL(P, prior, 1, 0, 1e9, "so many friends more, each with everyone's mean taste"),
    PARAM_BOOL(P, binary, 1, "every interaction counts 1, whatever its value"),
    PARAM_BOOL(P, normalize, 1, "scores are means over friends, not sums"),
    PARAM_END};
#undef P

struct friends_knn_state {
    struct knn_state knn;    /* profile: the weights [n_users x n_users]; matrix: train [n_users x n_items] */
    const float *popularity; /* [n_items] p_i */
    const float *prior;      /* [n_users] what p_i counts in a user's scores */
};

/* Room of one thread: the weight of every user seen from one of them. */
struct reach {
    float *weight;   /* [n_users] 0 but for those listed */
    uint32_t *who;   /* [n] */
    uint8_t *listed; /* [n_users] */
    uint32_t n;
};

static enum status reach_new(uint32_t n_users, struct arena *arena, struct reach *r)
{
    *r = (struct reach){.n = 0};
    ARENA_NEW(r->weight, arena, n_users);
    ARENA_NEW(r->who, arena, n_users);
    ARENA_NEW(r->listed, arena, n_users);
    return STATUS_OK;
}

static void reach_add(struct reach *r, uint32_t v, float weight)
{
    if (!r->listed[v])
        r->listed[v] = 1, r->weight[v] = 0, r->who[r->n++] = v;
    r->weight[v] += weight;
}

/* Friends of friends of u, without u and his friends. */
static void reach_second(struct reach *r, const struct csr *f, uint32_t u, double second_hop)
{
    double sum = 0;
    for (uint32_t k = 0; k < r->n; k++)
        r->listed[r->who[k]] = 0;
    r->n = 0;
    for (int64_t e = f->ptr[u]; e < f->ptr[u + 1]; e++)
        sum += (double)f->val[e];
    for (int64_t e = f->ptr[u]; sum > 0 && e < f->ptr[u + 1]; e++) {
        const uint32_t friend = f->idx[e];
        const float share = (float)(second_hop * (double)f->val[e] / sum);
        for (int64_t g = f->ptr[friend]; g < f->ptr[friend + 1]; g++)
            if (f->idx[g] != u && !csr_has(f, u, f->idx[g]))
                reach_add(r, f->idx[g], share * f->val[g]);
    }
}

/* *out: the links of f and those of the second hop. */
static enum status add_second_hop(const struct csr *f, double second_hop, struct run *run, struct csr *out)
{
    struct reach r;
    uint32_t *row, *col;
    float *val;
    uint64_t n = (uint64_t)f->nnz, at = 0;
    TRY(reach_new(f->n_rows, run->scratch, &r));
    for (uint32_t u = 0; u < f->n_rows; u++) {
        reach_second(&r, f, u, second_hop);
        n += r.n;
    }
    ARENA_NEW(row, run->scratch, n);
    ARENA_NEW(col, run->scratch, n);
    ARENA_NEW(val, run->scratch, n);
    for (uint32_t u = 0; u < f->n_rows; u++) {
        if (*run->cancelled)
            return STATUS_STOPPED;
        for (int64_t e = f->ptr[u]; e < f->ptr[u + 1]; e++)
            row[at] = u, col[at] = f->idx[e], val[at++] = f->val[e];
        reach_second(&r, f, u, second_hop);
        for (uint32_t k = 0; k < r.n; k++)
            row[at] = u, col[at] = r.who[k], val[at++] = r.weight[r.who[k]];
    }
    return csr_from_grouped(f->n_rows, f->n_rows, n, row, col, val, run->scratch, out, NULL);
}

/* Weights as scores take them, and what the prior counts beside them: kept, unlike f. */
static enum status set_weights(struct friends_knn_state *s, const struct csr *f,
                               const struct friends_knn_params *p, struct arena *arena)
{
    const int64_t *ptr = arena_copy(arena, f->ptr, (size_t)f->n_rows + 1, sizeof *ptr);
    const uint32_t *idx = arena_copy(arena, f->idx, (size_t)f->nnz, sizeof *idx);
    float *prior, *val;
    if (ptr == NULL || idx == NULL)
        return STATUS_SYSTEM;
    ARENA_NEW(prior, arena, f->n_rows);
    ARENA_NEW(val, arena, (size_t)f->nnz);
    for (uint32_t u = 0; u < f->n_rows; u++) {
        double sum = p->prior;
        for (int64_t e = f->ptr[u]; e < f->ptr[u + 1]; e++)
            sum += (double)f->val[e];
        const double scale = p->normalize && sum > 0 ? 1 / sum : 1;
        prior[u] = (float)(p->prior * scale);
        for (int64_t e = f->ptr[u]; e < f->ptr[u + 1]; e++)
            val[e] = (float)(scale * (double)f->val[e]);
    }
    s->prior = prior;
    s->knn.profile = (struct csr){f->n_rows, f->n_cols, f->nnz, ptr, idx, val};
    return STATUS_OK;
}

static enum status count_popularity(struct friends_knn_state *s, struct arena *arena, struct arena *scratch)
{
    const struct csr *a = &s->knn.matrix;
    float *popularity;
    double *sum;
    ARENA_NEW(popularity, arena, a->n_cols);
    ARENA_NEW(sum, scratch, a->n_cols);
    for (int64_t e = 0; e < a->nnz; e++)
        sum[a->idx[e]] += a->val != NULL ? (double)a->val[e] : 1;
    for (uint32_t i = 0; i < a->n_cols; i++)
        popularity[i] = (float)(sum[i] / a->n_rows);
    s->popularity = popularity;
    return STATUS_OK;
}

static enum status friends_knn_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct friends_knn_state *s = state;
    const struct friends_knn_params *p = params;
    const struct knn_params rows = {.binary = p->binary, .decay = 1};
    struct csr friends;
    TRY(friends_of("friends_knn", train, p->friends, run->seed, run->scratch, &friends));
    TRY(friends_weigh(train->by_user, &friends, p->similarity, run->scratch, &friends));
    if (p->hops == 2)
        TRY(add_second_hop(&friends, p->second_hop, run, &friends));
    TRY(knn_profiles(train, false, &rows, run, &s->knn.matrix));
    s->knn.n_items = train->n_items;
    s->knn.backend = run->backend;
    TRY(set_weights(s, &friends, p, run->arena));
    return count_popularity(s, run->arena, run->scratch);
}

static enum status friends_knn_score_users(const void *state, const uint32_t *users, size_t n,
                                           const struct tile *out)
{
    const struct friends_knn_state *s = state;
    TRY(knn_score_users(&s->knn, users, n, out));
    for (size_t r = 0; r < n; r++) {
        float *row = out->scores + r * out->ld;
        const float prior = s->prior[users[r]];
#pragma omp simd
        for (uint32_t i = 0; i < s->knn.n_items; i++)
            row[i] += prior * s->popularity[i];
    }
    return STATUS_OK;
}

static enum status friends_knn_save(const void *state, struct model_writer *w)
{
    const struct friends_knn_state *s = state;
    TRY(knn_save(&s->knn, w));
    TRY(model_put(w, "popularity", ARRAY_F32, s->knn.n_items, 1, s->popularity));
    return model_put(w, "prior", ARRAY_F32, s->knn.profile.n_rows, 1, s->prior);
}

static enum status friends_knn_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct friends_knn_state *s = state;
    const void *popularity, *prior;
    TRY(knn_load(&s->knn, params, r, run));
    uint64_t n_items = s->knn.n_items, n_users = s->knn.profile.n_rows, one = 1;
    TRY(model_get(r, "popularity", ARRAY_F32, &n_items, &one, &popularity));
    TRY(model_get(r, "prior", ARRAY_F32, &n_users, &one, &prior));
    s->popularity = popularity;
    s->prior = prior;
    return STATUS_OK;
}

extern const struct model_type model_friends_knn;
const struct model_type model_friends_knn = {
    .name = "friends_knn",
    .family = "social",
    .source = "Golbeck 2005; Massa, Avesani 2007; Yang, Steck, Guo, Liu 2012",
    .help = "what a user's friends like",
    .version = 1,
    .params = friends_knn_params,
    .params_size = sizeof(struct friends_knn_params),
    .needs = NEEDS_FRIENDS,
    .state_size = sizeof(struct friends_knn_state),
    .cost = model_cost_counts,
    .fit = friends_knn_fit,
    .score_users = friends_knn_score_users,
    .save = friends_knn_save,
    .load = friends_knn_load};
