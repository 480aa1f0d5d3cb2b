/*
 * co_clustering.c - ratings from averages of clusters of users, clusters of items, and their crossings.
 *
 *     r(u, i) = mean(C_ui) + (mean_u - mean(C_u)) + (mean_i - mean(C_i))
 * where C_u, C_i are the clusters of user and item, C_ui the ratings where the two cross, and mean(.) the mean of the
 * ratings in it (of all where there are none).  Clusters start at random; an epoch takes the means, then puts every
 * user into the cluster with the least squared error over its ratings, then every item; a tie goes to the smaller one.
 * Source: George, Merugu, ICDM 2005; names and defaults are those of Surprise's CoClustering.
 *
 * Users are independent of each other, and items, so they run in parallel; the means are taken by one thread.
 * Without ratings of the user: mean_i; of the item: mean_u; of both: the mean of all.
 */
#include "models/curve.h"
#include "models/model_io.h"
#include "models/ratings.h"

struct cluster_params {
    int n_cltr_u, n_cltr_i, epochs;
};
#define P struct cluster_params
static const struct param cluster_params[] = {
    PARAM_INT(P, n_cltr_u, 3, 1, 1000, "clusters of users"),
    PARAM_INT(P, n_cltr_i, 3, 1, 1000, "clusters of items"),
    PARAM_INT(P, epochs, 20, 1, 100000, "times that users and items choose their cluster"), PARAM_END};
#undef P

/* One side: its rows, the cluster of each, the means of rows and of clusters. */
struct side {
    uint32_t n, n_clusters;
    uint32_t *cluster; /* [n] */
    uint32_t *known;   /* [n] 1: has ratings */
    double *row_mean;  /* [n] */
    double *mean;      /* [n_clusters] */
};
struct clusters {
    struct side user, item;
    double *cross; /* [user.n_clusters x item.n_clusters] */
    double mean;
};

/* Named draws: the sub-streams of RANDOM_INIT. */
enum { INIT_USERS, INIT_ITEMS };

static enum status side_new(struct side *side, const struct csr *by_row, int n_clusters, double mean,
                            uint32_t stream, struct run *run)
{
    *side = (struct side){.n = by_row->n_rows, .n_clusters = (uint32_t)n_clusters};
    ARENA_NEW(side->cluster, run->arena, side->n);
    ARENA_NEW(side->known, run->arena, side->n);
    ARENA_NEW(side->row_mean, run->arena, side->n);
    ARENA_NEW(side->mean, run->arena, side->n_clusters);
    ratings_row_means(by_row, mean, side->row_mean);
    for (uint32_t r = 0; r < side->n; r++) {
        const double x = random_unit(run->seed, RANDOM_INIT, stream, r) * n_clusters;
        side->cluster[r] = x < n_clusters - 1 ? (uint32_t)x : (uint32_t)n_clusters - 1;
        side->known[r] = by_row->ptr[r] < by_row->ptr[r + 1];
    }
    return STATUS_OK;
}

static void divide(double *sum, const double *count, size_t n, double empty)
{
    for (size_t c = 0; c < n; c++)
        sum[c] = count[c] > 0 ? sum[c] / count[c] : empty;
}

/* The means of all clusters and crossings; count: [user clusters + item clusters + crossings]. */
static void take_means(struct clusters *s, const struct csr *a, double *count)
{
    const uint32_t n_u = s->user.n_clusters, n_i = s->item.n_clusters;
    double *count_u = count, *count_i = count + n_u, *count_cross = count + n_u + n_i;
    for (size_t c = 0; c < (size_t)n_u + n_i + (size_t)n_u * n_i; c++)
        count[c] = 0;
    for (uint32_t c = 0; c < n_u; c++)
        s->user.mean[c] = 0;
    for (uint32_t c = 0; c < n_i; c++)
        s->item.mean[c] = 0;
    for (size_t c = 0; c < (size_t)n_u * n_i; c++)
        s->cross[c] = 0;
    for (uint32_t u = 0; u < a->n_rows; u++)
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++) {
            const uint32_t c = s->user.cluster[u], d = s->item.cluster[a->idx[e]];
            const double value = (double)a->val[e];
            s->user.mean[c] += value, count_u[c]++;
            s->item.mean[d] += value, count_i[d]++;
            s->cross[(size_t)c * n_i + d] += value, count_cross[(size_t)c * n_i + d]++;
        }
    divide(s->user.mean, count_u, n_u, s->mean);
    divide(s->item.mean, count_i, n_i, s->mean);
    divide(s->cross, count_cross, (size_t)n_u * n_i, s->mean);
}

/* Every row of `own` chooses.  cross[c * step_own + d * step_other]: own cluster c, other cluster d. */
static void choose(struct side *own, const struct side *other, const struct csr *a, const double *cross,
                   size_t step_own, size_t step_other)
{
#pragma omp parallel for schedule(static)
    for (uint32_t r = 0; r < own->n; r++) {
        double least = 0;
        uint32_t best = own->cluster[r];
        for (uint32_t c = 0; c < own->n_clusters && own->known[r]; c++) {
            double error = 0;
            for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++) {
                const uint32_t o = a->idx[e], d = other->cluster[o];
                const double away = (double)a->val[e] - cross[c * step_own + d * step_other] -
                                    (own->row_mean[r] - own->mean[c]) - (other->row_mean[o] - other->mean[d]);
                error += away * away;
            }
            if (c == 0 || error < least)
                least = error, best = c;
        }
        own->cluster[r] = best;
    }
}

static curve_scorer co_clustering_score_pairs;

static enum status co_clustering_fit(void *state, const void *params, const struct view *train,
                                     struct run *run)
{
    const struct cluster_params *p = params;
    struct clusters *s = state;
    const size_t n_u = (size_t)p->n_cltr_u, n_i = (size_t)p->n_cltr_i;
    double *count;
    struct curve_pairs pairs;
    TRY(ratings_check(train, "co_clustering"));
    s->mean = ratings_mean(train->by_user);
    TRY(side_new(&s->user, train->by_user, p->n_cltr_u, s->mean, INIT_USERS, run));
    TRY(side_new(&s->item, train->by_item, p->n_cltr_i, s->mean, INIT_ITEMS, run));
    ARENA_NEW(s->cross, run->arena, n_u * n_i);
    ARENA_NEW(count, run->scratch, n_u + n_i + n_u * n_i);
    TRY(curve_pairs_new(train->by_user, run, &pairs));
    for (int epoch = 0; epoch < p->epochs; epoch++) {
        if (*run->cancelled)
            return STATUS_STOPPED;
        take_means(s, train->by_user, count);
        if (epoch > 0)
            TRY(curve_rmse(run, &pairs, co_clustering_score_pairs, s, epoch));
        choose(&s->user, &s->item, train->by_user, s->cross, n_i, 1);
        choose(&s->item, &s->user, train->by_item, s->cross, 1, n_i);
    }
    take_means(s, train->by_user, count);
    return curve_rmse(run, &pairs, co_clustering_score_pairs, s, p->epochs);
}

static enum status co_clustering_score_pairs(const void *state, const uint32_t *users, const uint32_t *items,
                                             size_t n, float *scores)
{
    const struct clusters *s = state;
    for (size_t j = 0; j < n; j++) {
        const uint32_t u = users[j], i = items[j], c = s->user.cluster[u], d = s->item.cluster[i];
        double r = s->cross[(size_t)c * s->item.n_clusters + d] + s->user.row_mean[u] - s->user.mean[c] +
                   s->item.row_mean[i] - s->item.mean[d];
        if (!s->user.known[u] || !s->item.known[i]) /* a row mean without ratings is the mean of all */
            r = s->user.row_mean[u] + s->item.row_mean[i] - s->mean;
        scores[j] = (float)r;
    }
    return STATUS_OK;
}

static enum status put_side(struct model_writer *w, const char *const name[4], const struct side *side)
{
    TRY(model_put(w, name[0], ARRAY_U32, side->n, 1, side->cluster));
    TRY(model_put(w, name[1], ARRAY_U32, side->n, 1, side->known));
    TRY(model_put(w, name[2], ARRAY_F64, side->n, 1, side->row_mean));
    return model_put(w, name[3], ARRAY_F64, side->n_clusters, 1, side->mean);
}

static enum status get_side(struct model_reader *r, const char *const name[4], int n_clusters,
                            struct side *side)
{
    uint64_t n = 0, n_means = (uint64_t)n_clusters, one = 1;
    const void *cluster, *known, *row_mean, *mean;
    TRY(model_get(r, name[0], ARRAY_U32, &n, &one, &cluster));
    TRY(model_get(r, name[1], ARRAY_U32, &n, &one, &known));
    TRY(model_get(r, name[2], ARRAY_F64, &n, &one, &row_mean));
    TRY(model_get(r, name[3], ARRAY_F64, &n_means, &one, &mean));
    *side = (struct side){(uint32_t)n,       (uint32_t)n_clusters, (uint32_t *)cluster,
                          (uint32_t *)known, (double *)row_mean,   (double *)mean};
    for (uint64_t row = 0; row < n; row++)
        if (side->cluster[row] >= side->n_clusters)
            return status_fail(STATUS_DATA, "%s[%llu] of the model file is %u of %d clusters; fit again",
                               name[0], (unsigned long long)row, side->cluster[row], n_clusters);
    return STATUS_OK;
}

static const char *const user_names[] = {"user_cluster", "user_known", "user_mean", "user_cluster_mean"};
static const char *const item_names[] = {"item_cluster", "item_known", "item_mean", "item_cluster_mean"};

static enum status co_clustering_save(const void *state, struct model_writer *w)
{
    const struct clusters *s = state;
    TRY(put_side(w, user_names, &s->user));
    TRY(put_side(w, item_names, &s->item));
    TRY(model_put(w, "cross", ARRAY_F64, s->user.n_clusters, s->item.n_clusters, s->cross));
    return model_put(w, "mean", ARRAY_F64, 1, 1, &s->mean);
}

static enum status co_clustering_load(void *state, const void *params, struct model_reader *r,
                                      struct run *run)
{
    const struct cluster_params *p = params;
    struct clusters *s = state;
    uint64_t n_u = (uint64_t)p->n_cltr_u, n_i = (uint64_t)p->n_cltr_i, one = 1;
    const void *cross, *mean;
    (void)run;
    TRY(get_side(r, user_names, p->n_cltr_u, &s->user));
    TRY(get_side(r, item_names, p->n_cltr_i, &s->item));
    TRY(model_get(r, "cross", ARRAY_F64, &n_u, &n_i, &cross));
    TRY(model_get(r, "mean", ARRAY_F64, &one, &one, &mean));
    s->cross = (double *)cross, s->mean = *(const double *)mean;
    return STATUS_OK;
}

static void co_clustering_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz,
                               double *bytes, double *flops)
{
    const struct cluster_params *p = params;
    *bytes = 16.0 * ((double)n_users + n_items) + 16.0 * p->n_cltr_u * p->n_cltr_i;
    *flops = (double)p->epochs * (double)nnz * (6.0 * ((double)p->n_cltr_u + p->n_cltr_i) + 3);
}

extern const struct model_type model_co_clustering;
const struct model_type model_co_clustering = {
    .name = "co_clustering",
    .family = "clustering",
    .source = "George, Merugu, ICDM 2005",
    .help = "ratings from averages of clusters of users and of items",
    .version = 1,
    .params = cluster_params,
    .params_size = sizeof(struct cluster_params),
    .needs = NEEDS_RATINGS,
    .state_size = sizeof(struct clusters),
    .fit = co_clustering_fit,
    .score_pairs = co_clustering_score_pairs,
    .save = co_clustering_save,
    .load = co_clustering_load,
    .cost = co_clustering_cost,
};
