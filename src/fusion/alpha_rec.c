/*
 * alpha_rec.c - AlphaRec (alpha_net.h): trained by Adam (Kingma, Ba 2015) on batches of train pairs.
 *
 * Differences from the authors' program (github.com/LehengTHU/AlphaRec): the pairs of a batch share their negatives, `negatives` items with train rows
 * drawn for each batch, where there each pair has 256 of its own; so products of two matrices take the place of gathers.  A user's own
 * items are no negatives, as there.
 * What users wrote (`user_text`) is read where users are scored and in validation, not in training (alpha_net.h).
 * `encoder: none` is the same head on ids alone: free item vectors.
 *
 * Cost of a batch: linear, 2 (2 batch_size + negatives) d factors multiply-adds; mlp, 3 (n_users + n_items) (d + factors) hidden, for every hidden unit
 * is needed where the graph spreads it.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "fusion/adam.h"
#include "fusion/alpha_net.h"
#include "fusion/text_factors.h"
#include "models/curve.h"
#include "models/early.h"
#include "models/user_texts.h"

enum { MAP_LINEAR, MAP_MLP };

struct alpha_rec_params {
    struct item_vectors_options vectors;
    struct user_texts_options texts;
    int map, hidden, factors, layers, negatives, batch_size, epochs, patience;
    double temperature, learning_rate, regularization;
};
#define P struct alpha_rec_params
static const struct param alpha_rec_params[] = {
    TEXT_FACTORS_PARAMS(P),
    USER_TEXTS_PARAMS(P, texts),
    PARAM_CHOICE(P, map, "mlp", "linear|mlp", "from vectors to factors: linear, or with one hidden layer"),
    PARAM_INT(P, hidden, 256, 1, 65536, "mlp: width of the hidden layer"),
    PARAM_INT(P, factors, 64, 1, 4096, "dimensions that the map leads to"),
    PARAM_INT(P, layers, 2, 0, 16, "steps of graph propagation"),
    PARAM_REAL(P, temperature, 0.15, 1e-3, 100, "cosines are divided by it"),
    PARAM_INT(P, negatives, 1024, 1, 1000000, "items that the pairs of a batch are told from"),
    PARAM_INT(P, batch_size, 4096, 1, 1000000, "train pairs a step"),
    PARAM_INT(P, epochs, 50, 0, 100000, "passes over the train pairs"),
    PARAM_REAL(P, learning_rate, 0.0005, 1e-9, 10, "of Adam"),
    PARAM_REAL(P, regularization, 1e-6, 0, 1e3, "weight decay: added to the gradient, times the weight"),
    PARAM_INT(P, patience, 0, 0, 100000,
              "epochs without a better validation before it stops; 0: never sooner"),
    PARAM_END};
#undef P

struct training {
    const struct alpha_rec_params *p;
    struct alpha_net net;
    struct text_factors *m;
    struct adam adam;
    uint32_t *pair_user, *pair_item, *order; /* [nnz] */
    uint32_t n_warm, *warm, *place;          /* [n_items] items with train rows; a permutation of them */
    uint32_t *user, *item, *negative;        /* of a batch */
};

static enum status training_new(struct training *t, const struct view *train, struct run *run)
{
    const struct alpha_rec_params *p = t->p;
    const struct csr *a = train->by_user;
    const struct history_fading no_fading = {.decay = 1};
    struct item_vectors items;
    struct user_texts texts;
    struct run inner = *run;
    inner.arena = run->scratch; /* vectors are not kept */
    TRY(user_texts_build(&p->texts, &p->vectors, &no_fading, train, &inner, &items, &texts));
    ARENA_NEW(t->warm, run->scratch, train->n_items);
    ARENA_NEW(t->place, run->scratch, train->n_items);
    for (uint32_t i = 0; i < train->n_items; i++)
        if (train->by_item->ptr[i + 1] > train->by_item->ptr[i])
            t->warm[t->n_warm++] = i;
    const uint32_t negatives = (uint32_t)p->negatives < t->n_warm ? (uint32_t)p->negatives : t->n_warm,
                   batch = p->batch_size < a->nnz ? (uint32_t)p->batch_size : (uint32_t)a->nnz;
    const struct alpha_options net = {.d = items.d,
                                      .hidden = p->map == MAP_MLP ? (uint32_t)p->hidden : 0,
                                      .factors = (uint32_t)p->factors,
                                      .layers = (uint32_t)p->layers,
                                      .temperature = p->temperature};
    TRY(alpha_net_new(run->backend, &net, a, train->by_item, items.v, batch, negatives, run->seed,
                      run->scratch, &t->net));
    TRY(alpha_net_tell(&t->net, items.v, &texts, run->scratch));
    TRY(adam_new(t->net.n_weights, run->scratch, &t->adam));
    ARENA_NEW(t->pair_user, run->scratch, (size_t)a->nnz);
    ARENA_NEW(t->pair_item, run->scratch, (size_t)a->nnz);
    ARENA_NEW(t->order, run->scratch, (size_t)a->nnz);
    ARENA_NEW(t->user, run->scratch, batch);
    ARENA_NEW(t->item, run->scratch, batch);
    ARENA_NEW(t->negative, run->scratch, negatives);
    for (uint32_t u = 0; u < a->n_rows; u++)
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            t->pair_user[e] = u, t->pair_item[e] = a->idx[e];
    return text_factors_new(train->n_users, train->n_items, (uint32_t)p->factors, run->arena, t->m);
}

static enum status run_epoch(struct training *t, uint32_t epoch, int64_t nnz, struct run *run, double *loss)
{
    const uint32_t batch = t->net.most, negatives = t->net.most_negatives;
    uint32_t stream = epoch << 12; /* one a batch; more than 4,096 of them share streams with later epochs */
    *loss = 0;
    random_permutation(run->seed, RANDOM_ORDER, epoch, (uint32_t)nnz, t->order);
    for (int64_t at = 0; at < nnz; at += batch, stream++) {
        struct alpha_batch b = {
            .n = nnz - at < batch ? (uint32_t)(nnz - at) : batch,
            .n_negatives = negatives,
            .user = t->user,
            .item = t->item,
            .negative = t->negative,
        };
        double mean = 0;
        if (*run->cancelled)
            return STATUS_STOPPED;
        for (uint32_t q = 0; q < b.n; q++) {
            t->user[q] = t->pair_user[t->order[at + q]];
            t->item[q] = t->pair_item[t->order[at + q]];
        }
        random_permutation(run->seed, RANDOM_NEGATIVES, stream, t->n_warm, t->place);
        for (uint32_t j = 0; j < negatives; j++)
            t->negative[j] = t->warm[t->place[j]];
        TRY(alpha_net_loss(&t->net, &b, &mean));
        *loss += mean * b.n / (double)nnz;
        adam_step(&t->adam, t->net.weights, t->net.gradient, t->p->learning_rate, t->p->regularization);
    }
    return STATUS_OK;
}

/* The state that scores: users and items as the weights now place them. */
static enum status publish(struct training *t)
{
    const size_t k = t->net.o.factors, users = t->m->n_users * k, items = t->m->n_items * k;
    TRY(alpha_net_forward(&t->net));
    alpha_net_unit(&t->net);
    for (size_t e = 0; e < t->net.n_weights; e++)
        if (!isfinite(t->net.weights[e]))
            return status_fail(STATUS_DATA,
                               "alpha_rec: the weights left the range of numbers; lower learning_rate (%g)",
                               t->p->learning_rate);
    memcpy(t->m->user, t->net.F, users * sizeof *t->net.F);
    memcpy(t->m->item, t->net.F + users, items * sizeof *t->net.F);
    return STATUS_OK;
}

static enum status alpha_rec_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct training t = {.p = params, .m = state};
    struct early early;
    bool stop = false;
    time_t told = time(NULL);
    if (train->by_user->nnz > UINT32_MAX)
        return status_fail(STATUS_DATA, "alpha_rec: %lld interactions are more than 2^32",
                           (long long)train->by_user->nnz);
    TRY(training_new(&t, train, run));
    early_open(&early, t.p->patience, run);
    TRY(early_part(&early, t.m->user, (size_t)t.m->n_users * t.m->factors, run));
    TRY(early_part(&early, t.m->item, (size_t)t.m->n_items * t.m->factors, run));
    for (int epoch = 0; epoch < t.p->epochs && !stop; epoch++) {
        double loss = 0;
        TRY(run_epoch(&t, (uint32_t)epoch, train->by_user->nnz, run, &loss));
        run_curve(run, "loss", epoch + 1, loss);
        if (early.on || run->validate_every > 0)
            TRY(publish(&t));
        if (!early.on)
            TRY(curve_validation(run, t.m, epoch + 1));
        TRY(early_step(&early, t.m, epoch + 1, run, &stop));
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "alpha_rec: epoch %d of %d, loss %.4f", epoch + 1, t.p->epochs,
                           loss);
            told = time(NULL);
        }
    }
    if (!early.on)
        TRY(publish(&t));
    return early_close(&early, run);
}

extern const struct model_type model_alpha_rec;
const struct model_type model_alpha_rec = {
    .name = "alpha_rec",
    .family = "fusion",
    .source = "Sheng, Zhang, Zhang, Chen, Wang, Chua 2025 (AlphaRec)",
    .help = "frozen text vectors, a small map, graph propagation, contrastive loss",
    .version = 1,
    .params = alpha_rec_params,
    .params_size = sizeof(struct alpha_rec_params),
    .needs = NEEDS_TEXT | NEEDS_ENCODER,
    .state_size = sizeof(struct text_factors),
    .fit = alpha_rec_fit,
    .factors = text_factors_factors,
    .save = text_factors_save,
    .load = text_factors_load};
