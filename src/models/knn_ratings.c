/*
 * knn_ratings.c - ratings as weighted means of what similar users (or items) gave.
 *
 * x stands for the side that is compared (users, or items when user_based is off), y for the other.  For x and y, N are
 * the k raters of y most similar to x, those with a similarity above 0 only:
 *     r(x, y) = base(x, y) + scale_x (sum over z in N of sim(x, z) (r_zy - base(z, y)) / scale_z) / (sum of sim(x, z))
 *     basic     base 0;             scale 1; the mean of all ratings where N has fewer than min_k
 *     means     base mean_x;        scale 1
 *     zscore    base mean_x;        scale: standard deviation of x's ratings (that of all ratings where it is 0)
 *     baseline  base mean + b_x + b_y (ratings.h);  scale 1
 * and base alone where N has fewer than min_k.  Where x or y has no ratings: the mean of all (baseline: base).
 *
 * sim over the y that both rated, n of them (fewer than min_support: 0):
 *     cosine, msd: 1 / (mean squared difference + 1), pearson (means over the common ones), pearson_baseline (residuals
 *     of the baseline, times (n - 1) / (n - 1 + shrinkage), at least two)
 * Sources: Herlocker et al., SIGIR 1999; Koren, ACM TKDD 4(1), 2010, equation 3.  Names and defaults are those of
 * Surprise's KNNBasic, KNNWithMeans, KNNWithZScore and KNNBaseline.
 *
 * Order: rows of sim are independent, each is summed over y rising; a tie of similarities goes to the smaller z.
 * Limit: sim is dense, 4 n_x^2 bytes.
 */
#include <math.h>
#include <stdlib.h>

#include "models/history.h"
#include "models/model_io.h"
#include "models/ratings.h"

enum { BASIC, MEANS, ZSCORE, BASELINE };
enum { COSINE, MSD, PEARSON, PEARSON_BASELINE };

struct knn_params {
    int variant, similarity, k, min_k, min_support, baseline_method, baseline_epochs;
    double shrinkage, reg_u, reg_i, baseline_learning_rate, baseline_regularization;
    bool user_based;
};
#define P struct knn_params
static const struct param knn_params[] = {
    PARAM_CHOICE(P, variant, "basic", "basic|means|zscore|baseline", "what neighbours' ratings deviate from"),
    PARAM_CHOICE(P, similarity, "msd", "cosine|msd|pearson|pearson_baseline", "of two rows of ratings"),
    PARAM_BOOL(P, user_based, true, "neighbours are users; else items"),
    PARAM_INT(P, k, 40, 1, 100000, "neighbours taken, at most"),
    PARAM_INT(P, min_k, 1, 1, 100000, "with fewer neighbours the prediction falls back"),
    PARAM_INT(P, min_support, 1, 1, 100000, "with fewer common ratings two rows are not similar"),
    PARAM_REAL(P, shrinkage, 100, 0, 1e6, "pearson_baseline: damps similarities of few common ratings"),
    PARAM_CHOICE(P, baseline_method, "als", BASELINE_METHODS, "how baseline estimates are fitted"),
    PARAM_INT(P, baseline_epochs, 0, 0, 100000, "passes of the baseline; 0: 10 of als, 20 of sgd"),
    PARAM_REAL(P, reg_u, 15, 0, 1e6, "baseline, als: weight of the squared user biases"),
    PARAM_REAL(P, reg_i, 10, 0, 1e6, "baseline, als: weight of the squared item biases"),
    PARAM_REAL(P, baseline_learning_rate, 0.005, 1e-9, 1, "baseline, sgd: length of a step"),
    PARAM_REAL(P, baseline_regularization, 0.02, 0, 1e3, "baseline, sgd: weight of the squared biases"),
    PARAM_END};
#undef P

struct knn {
    uint32_t n_x, n_y;
    bool user_based;
    int variant;
    uint32_t k, min_k;
    const float *sim;     /* [n_x x n_x] */
    struct csr by_y;      /* [n_y x n_x] train ratings */
    const double *centre; /* [n_x] base(x, y) = centre[x] + other[y] */
    const double *scale;  /* [n_x] */
    const double *other;  /* [n_y] */
    double mean;
};

/* Sums over the common y of two rows. */
struct common {
    double product, square_x, square_z, sum_x, sum_z;
    uint32_t n;
};
struct matrices {
    const struct csr *by_x, *by_y;
};

static float similarity(const struct common *c, const struct knn_params *p)
{
    const double n = c->n;
    double value = 0, below;
    if (c->n < (uint32_t)p->min_support || c->n == 0)
        return 0;
    switch (p->similarity) {
    case MSD:
        return (float)(1 / ((c->square_x + c->square_z - 2 * c->product) / n + 1));
    case PEARSON:
        below = sqrt((n * c->square_x - c->sum_x * c->sum_x) * (n * c->square_z - c->sum_z * c->sum_z));
        value = n * c->product - c->sum_x * c->sum_z;
        break;
    case PEARSON_BASELINE:
        below = sqrt(c->square_x * c->square_z);
        value = c->n < 2 ? 0 : c->product * (n - 1) / (n - 1 + p->shrinkage);
        break;
    default:
        below = sqrt(c->square_x * c->square_z);
        value = c->product;
    }
    return below > 0 ? (float)(value / below) : 0;
}

/* Row x of sim, through common [n_x].  centre, other: taken off the ratings first. */
static void similar_row(const struct matrices *m, const struct knn_params *p, uint32_t x,
                        const double *centre, const double *other, struct common *common, float *sim)
{
    const struct csr *by_x = m->by_x, *by_y = m->by_y;
    for (uint32_t z = 0; z < by_x->n_rows; z++)
        common[z] = (struct common){0};
    for (int64_t e = by_x->ptr[x]; e < by_x->ptr[x + 1]; e++) {
        const uint32_t y = by_x->idx[e];
        const double a = (double)by_x->val[e] - centre[x] - other[y];
        for (int64_t f = by_y->ptr[y]; f < by_y->ptr[y + 1]; f++) {
            const uint32_t z = by_y->idx[f];
            const double b = (double)by_y->val[f] - centre[z] - other[y];
            struct common *c = &common[z];
            c->product += a * b;
            c->square_x += a * a;
            c->square_z += b * b;
            c->sum_x += a;
            c->sum_z += b;
            c->n++;
        }
    }
    for (uint32_t z = 0; z < by_x->n_rows; z++)
        sim[z] = similarity(&common[z], p);
}

static enum status all_similar(const struct matrices *m, const struct knn_params *p, const double *centre,
                               const double *other, const volatile sig_atomic_t *cancelled, float *sim)
{
    const size_t n = m->by_x->n_rows;
    int failed = 0;
#pragma omp parallel reduction(| : failed)
    {
        struct common *common = malloc((n + 1) * sizeof *common);
        failed = common == NULL;
#pragma omp for schedule(dynamic, 16)
        for (uint32_t x = 0; x < m->by_x->n_rows; x++)
            if (!failed && !*cancelled)
                similar_row(m, p, x, centre, other, common, sim + x * n);
        free(common);
    }
    if (failed)
        return status_fail(STATUS_SYSTEM, "memory is out: %zu bytes a thread in knn_ratings",
                           n * sizeof(struct common));
    return *cancelled ? STATUS_STOPPED : STATUS_OK;
}

/* Standard deviation of values [from, to), 0 for none. */
static double deviation(const struct csr *a, int64_t from, int64_t to, double mean)
{
    double sum = 0;
    for (int64_t e = from; e < to; e++)
        sum += ((double)a->val[e] - mean) * ((double)a->val[e] - mean);
    return to > from ? sqrt(sum / (double)(to - from)) : 0;
}

static void scales(const struct csr *by_x, const double *centre, double mean, double *scale)
{
    const double whole = deviation(by_x, 0, by_x->nnz, mean);
    for (uint32_t x = 0; x < by_x->n_rows; x++) {
        const double own = deviation(by_x, by_x->ptr[x], by_x->ptr[x + 1], centre[x]);
        scale[x] = own > 0 ? own : whole > 0 ? whole : 1;
    }
}

static enum status biases(const struct view *train, const struct knn_params *p, struct run *run, double mean,
                          double *bias_x, double *bias_y)
{
    const struct baseline_options options = {.method = p->baseline_method,
                                             .epochs = p->baseline_epochs,
                                             .reg_u = p->reg_u,
                                             .reg_i = p->reg_i,
                                             .learning_rate = p->baseline_learning_rate,
                                             .regularization = p->baseline_regularization};
    return baseline_biases(train, &options, mean, run, p->user_based ? bias_x : bias_y,
                           p->user_based ? bias_y : bias_x);
}

static enum status knn_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    const struct knn_params *p = params;
    struct knn *s = state;
    const struct matrices m = {p->user_based ? train->by_user : train->by_item,
                               p->user_based ? train->by_item : train->by_user};
    const uint32_t n_x = m.by_x->n_rows, n_y = m.by_y->n_rows;
    double *centre, *scale, *other, *bias_x, *bias_y, *no_x, *no_y;
    float *sim;
    TRY(ratings_check(train, "knn_ratings"));
    ARENA_NEW(centre, run->arena, n_x);
    ARENA_NEW(scale, run->arena, n_x);
    ARENA_NEW(other, run->arena, n_y);
    ARENA_NEW(sim, run->arena, (size_t)n_x * n_x);
    ARENA_NEW(bias_x, run->scratch, n_x);
    ARENA_NEW(bias_y, run->scratch, n_y);
    ARENA_NEW(no_x, run->scratch, n_x);
    ARENA_NEW(no_y, run->scratch, n_y);
    *s = (struct knn){.n_x = n_x,
                      .n_y = n_y,
                      .user_based = p->user_based,
                      .variant = p->variant,
                      .k = (uint32_t)p->k,
                      .min_k = (uint32_t)p->min_k,
                      .sim = sim,
                      .centre = centre,
                      .scale = scale,
                      .other = other,
                      .mean = ratings_mean(train->by_user)};
    if (p->variant == BASELINE || p->similarity == PEARSON_BASELINE)
        TRY(biases(train, p, run, s->mean, bias_x, bias_y));
    for (uint32_t x = 0; x < n_x; x++)
        bias_x[x] += s->mean, scale[x] = 1, centre[x] = p->variant == BASELINE ? bias_x[x] : 0;
    for (uint32_t y = 0; y < n_y && p->variant == BASELINE; y++)
        other[y] = bias_y[y];
    if (p->variant == MEANS || p->variant == ZSCORE)
        ratings_row_means(m.by_x, s->mean, centre);
    if (p->variant == ZSCORE)
        scales(m.by_x, centre, s->mean, scale);
    const bool residuals = p->similarity == PEARSON_BASELINE;
    TRY(all_similar(&m, p, residuals ? bias_x : no_x, residuals ? bias_y : no_y, run->cancelled, sim));
    return history_copy(m.by_y, HISTORY_RATING, run->arena, &s->by_y);
}

struct neighbour {
    float sim;
    int64_t entry; /* of by_y */
};

/* Is a less similar than b?  Of equal ones the later entry is less. */
static bool less(const struct neighbour *a, const struct neighbour *b)
{
    return a->sim != b->sim ? a->sim < b->sim : a->entry > b->entry;
}

/* Makes heap[at], whose children are heaps with their least on top, one too. */
static void sift(struct neighbour *heap, uint32_t n, uint32_t at)
{
    for (uint32_t child = 2 * at + 1; child < n; at = child, child = 2 * at + 1) {
        child += child + 1 < n && less(&heap[child + 1], &heap[child]);
        if (!less(&heap[child], &heap[at]))
            return;
        const struct neighbour kept = heap[at];
        heap[at] = heap[child];
        heap[child] = kept;
    }
}

/* The k raters of y most similar to x, of those above 0; in the order of a heap.  Returns their number. */
static uint32_t nearest(const struct knn *s, uint32_t x, uint32_t y, struct neighbour *heap)
{
    const float *sim = s->sim + (size_t)x * s->n_x;
    uint32_t n = 0;
    for (int64_t e = s->by_y.ptr[y]; e < s->by_y.ptr[y + 1]; e++) {
        const struct neighbour new = {sim[s->by_y.idx[e]], e};
        if (!(new.sim > 0))
            continue;
        if (n < s->k) {
            heap[n++] = new;
            for (uint32_t at = n / 2; n == s->k && at-- > 0;)
                sift(heap, n, at);
        } else if (less(&heap[0], &new)) {
            heap[0] = new;
            sift(heap, n, 0);
        }
    }
    return n;
}

static double predict(const struct knn *s, uint32_t x, uint32_t y, struct neighbour *heap)
{
    const double base = s->centre[x] + s->other[y];
    if (s->by_y.ptr[y] == s->by_y.ptr[y + 1] && s->variant != BASELINE)
        return s->mean;
    const uint32_t n = nearest(s, x, y, heap);
    double sum = 0, weight = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t z = s->by_y.idx[heap[i].entry];
        const double away = (double)s->by_y.val[heap[i].entry] - s->centre[z] - s->other[y];
        sum += (double)heap[i].sim * away / s->scale[z];
        weight += (double)heap[i].sim;
    }
    if (n < s->min_k)
        return s->variant == BASIC ? s->mean : base;
    return base + s->scale[x] * sum / weight;
}

static enum status knn_score_pairs(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                                   float *scores)
{
    const struct knn *s = state;
    const size_t most = s->k < s->n_x ? s->k : s->n_x;
    struct neighbour *heap = malloc((most + 1) * sizeof *heap);
    if (heap == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: %zu neighbours", most);
    for (size_t j = 0; j < n; j++)
        scores[j] = (float)(s->user_based ? predict(s, users[j], items[j], heap)
                                          : predict(s, items[j], users[j], heap));
    free(heap);
    return STATUS_OK;
}

static enum status knn_save(const void *state, struct model_writer *w)
{
    const struct knn *s = state;
    TRY(model_put(w, "sim", ARRAY_F32, s->n_x, s->n_x, s->sim));
    TRY(model_put(w, "centre", ARRAY_F64, s->n_x, 1, s->centre));
    TRY(model_put(w, "scale", ARRAY_F64, s->n_x, 1, s->scale));
    TRY(model_put(w, "other", ARRAY_F64, s->n_y, 1, s->other));
    TRY(model_put(w, "mean", ARRAY_F64, 1, 1, &s->mean));
    return csr_put(w, "ratings", &s->by_y);
}

static enum status knn_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    const struct knn_params *p = params;
    struct knn *s = state;
    uint64_t n_x = 0, n_y = 0, one = 1;
    const void *sim, *centre, *scale, *other, *mean;
    (void)run;
    TRY(model_get(r, "centre", ARRAY_F64, &n_x, &one, &centre));
    TRY(model_get(r, "scale", ARRAY_F64, &n_x, &one, &scale));
    TRY(model_get(r, "other", ARRAY_F64, &n_y, &one, &other));
    TRY(model_get(r, "mean", ARRAY_F64, &one, &one, &mean));
    if (n_x == 0 || n_x > UINT32_MAX)
        return status_fail(STATUS_DATA, "the model file of knn_ratings holds no rows, or over 2^32");
    TRY(model_get(r, "sim", ARRAY_F32, &n_x, &n_x, &sim));
    TRY(csr_get(r, "ratings", (uint32_t)n_x, true, &s->by_y));
    if (n_y != s->by_y.n_rows)
        return status_fail(STATUS_DATA,
                           "the arrays of knn_ratings' model file don't fit together; fit again");
    s->n_x = (uint32_t)n_x, s->n_y = (uint32_t)n_y, s->sim = sim;
    s->centre = centre, s->scale = scale, s->other = other, s->mean = *(const double *)mean;
    s->user_based = p->user_based, s->variant = p->variant;
    s->k = (uint32_t)p->k, s->min_k = (uint32_t)p->min_k;
    return STATUS_OK;
}

static void knn_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                     double *flops)
{
    const struct knn_params *p = params;
    const double n_x = p->user_based ? n_users : n_items, n_y = p->user_based ? n_items : n_users;
    *bytes = 4.0 * n_x * n_x + 8.0 * (double)nnz + 48.0 * n_x;
    *flops = 12.0 * (double)nnz * (double)nnz / (n_y > 0 ? n_y : 1); /* columns of equal size */
}

extern const struct model_type model_knn_ratings;
const struct model_type model_knn_ratings = {
    .name = "knn_ratings",
    .family = "neighbourhood",
    .source = "Herlocker et al., SIGIR 1999; Koren, ACM TKDD 4(1), 2010, equation 3",
    .help = "ratings as weighted means of what similar users or items gave",
    .version = 1,
    .params = knn_params,
    .params_size = sizeof(struct knn_params),
    .needs = NEEDS_RATINGS,
    .state_size = sizeof(struct knn),
    .fit = knn_fit,
    .score_pairs = knn_score_pairs,
    .save = knn_save,
    .load = knn_load,
    .cost = knn_cost,
};
