/*
 * two_tower.c - a two-tower model whose item tower is a sentence encoder fine-tuned by LoRA (two_tower_net.h; llm/encoder_lora.h), trained by Adam on
 * batches of train pairs with the softmax over the batch's own items.  Items that nobody has met are scored by their text.
 *
 * lora_rank 0 leaves the encoder as it is and learns the projection (and what else the user tower has): the control.  So do all other sources of
 * vectors (tfidf, columns, random, imported ones), which have nothing that could carry adapters.  `encoder: none` is the two towers on ids.
 *
 * A user's history is read from a cache of the items' vectors that is filled anew after each epoch: to run the encoder over all that
 * the users of a batch have would cost some hundred texts a pair in place of one.  No gradient goes into the cache, so the encoder learns from items as
 * what is asked for, not as what was had.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "fusion/text_factors.h"
#include "fusion/two_tower_net.h"
#include "fusion/two_tower_text.h"
#include "models/curve.h"
#include "models/early.h"
#include "models/factor_rows.h"

enum { HISTORY_MEAN, HISTORY_ATTENTION };
enum { IDS_FACTORS = 64 };

struct two_tower_params {
    struct item_vectors_options vectors;
    int lora_rank, lora_layers, lora_tokens, lora_memory;
    double lora_alpha, lora_dropout, lora_learning_rate;
    bool projection, user_embedding, log_q;
    int factors, history, batch_size, epochs, patience;
    double temperature, learning_rate, regularization;
};
#define P struct two_tower_params
static const struct param two_tower_params[] = {
    TEXT_FACTORS_PARAMS(P),
    PARAM_INT(
        P, lora_rank, 8, 0, 1024,
        "rank of the adapters; 0: none, the vectors stay as they are (the only way for what is no encoder "
        "of texts)"),
    PARAM_REAL(P, lora_alpha, 16, 0, 1e6, "the adapters' product counts lora_alpha / lora_rank times"),
    PARAM_INT(P, lora_layers, 2, 1, 1024, "so many layers, from the top, carry adapters"),
    PARAM_REAL(P, lora_dropout, 0, 0, 0.95, "share of the adapters' inputs that are left out while training"),
    PARAM_REAL(P, lora_learning_rate, 0.0005, 1e-9, 10, "of Adam, for the adapters"),
    PARAM_INT(P, lora_tokens, 64, 0, 8192,
              "tokens of an item's text that the encoder with adapters reads; 0: as many as it can"),
    PARAM_INT(P, lora_memory, 4096, 1, 1 << 24, "most MiB of states and activations; more is refused"),
    PARAM_BOOL(P, projection, true,
               "vectors pass through a linear map that is learnt, the same in both towers"),
    PARAM_INT(P, factors, 0, 0, 4096,
              "dimensions that the projection leads to; 0: as many as the vectors have (from the identity)"),
    PARAM_CHOICE(P, history, "mean", "mean|attention",
                 "a user is the mean of his items' vectors, or a learnt query decides how much each counts"),
    PARAM_BOOL(P, user_embedding, false, "a vector of the user's own is added"),
    PARAM_BOOL(P, log_q, true,
               "the log of an item's share of the train rows is taken off its score in the loss"),
    PARAM_REAL(P, temperature, 0.1, 1e-3, 100, "cosines are divided by it"),
    PARAM_INT(P, batch_size, 1024, 1, 65536, "train pairs a step"),
    PARAM_INT(P, epochs, 20, 0, 100000, "passes over the train pairs"),
    PARAM_REAL(P, learning_rate, 0.001, 1e-9, 10, "of Adam, for projection, query and users"),
    PARAM_REAL(P, regularization, 0, 0, 1e3, "weight decay: added to the gradient, times the weight"),
    PARAM_INT(P, patience, 3, 0, 100000,
              "epochs without a better validation before it stops; 0: never sooner"),
    PARAM_END};
#undef P

static enum status two_tower_check(const void *params, const struct node *where)
{
    const struct two_tower_params *p = params;
    const char *why = p->lora_rank > 0 ? two_tower_text_refused(&p->vectors) : NULL;
    static const char refused[] =
        "two_tower: lora_rank is %d, but encoder '%s' %s; lora_rank: 0 trains the projection alone";
    static const char nothing[] = "two_tower: nothing is left to learn: set projection, lora_rank, history: "
                                  "attention or user_embedding";
    if (why != NULL)
        return where != NULL ? node_fail(where, refused, p->lora_rank, p->vectors.encoder, why)
                             : status_fail(STATUS_USAGE, refused, p->lora_rank, p->vectors.encoder, why);
    if (p->lora_rank == 0 && !p->projection && p->history == HISTORY_MEAN && !p->user_embedding &&
        strcmp(p->vectors.encoder, ITEM_ENCODER_NONE) != 0)
        return where != NULL ? node_fail(where, nothing) : status_fail(STATUS_USAGE, nothing);
    return STATUS_OK;
}

/* What is kept: the vectors that score, and what made them. */
struct two_tower {
    struct text_factors scored; /* the first member: what text_factors_factors() takes */
    size_t n_adapters;
    float *adapters;   /* [n_adapters] as struct encoder_lora has them */
    uint32_t d;        /* rows of the projection; 0: none */
    float *projection; /* [d x factors] */
};

struct training {
    const struct two_tower_params *p;
    struct two_tower *m;
    struct two_tower_net net;
    struct two_tower_text text;
    struct adam adam;
    uint32_t *pair_user, *pair_item, *order; /* [nnz] */
    uint32_t *user, *place, *item;           /* of a batch */
    uint32_t *slot;                          /* [n_items] 1 + place among the batch's items; 0: none */
    uint32_t step;
};

static bool tunes(const struct training *t)
{
    return t->p->lora_rank > 0;
}

/* Where Y comes from: the encoder with adapters, or vectors that stay. */
static enum status open_vectors(struct training *t, uint32_t most, const struct view *train, struct run *run,
                                struct item_vectors *items)
{
    const struct two_tower_params *p = t->p;
    const struct encoder_lora_options options = {.layers = p->lora_layers,
                                                 .rank = p->lora_rank,
                                                 .tokens = p->lora_tokens,
                                                 .alpha = p->lora_alpha,
                                                 .dropout = p->lora_dropout,
                                                 .most_bytes = (double)p->lora_memory * 1048576,
                                                 .seed = run->seed};
    struct run inner = *run;
    inner.arena = run->scratch; /* vectors are not kept */
    if (!tunes(t))
        return item_vectors_build(&p->vectors, train, &inner, items);
    TRY(two_tower_text_open(&p->vectors, &options, most, train, run, &t->text));
    items->d = t->text.d;
    return STATUS_OK;
}

static enum status state_new(struct training *t, const struct view *train, struct run *run)
{
    struct two_tower *m = t->m;
    const struct two_tower_options *o = &t->net.o;
    TRY(text_factors_new(train->n_users, train->n_items, o->k, run->arena, &m->scored));
    m->n_adapters = t->text.lora.n_weights;
    m->d = o->projection ? o->d : 0;
    ARENA_NEW(m->adapters, run->arena, m->n_adapters);
    ARENA_NEW(m->projection, run->arena, (size_t)m->d * o->k);
    return STATUS_OK;
}

static enum status training_new(struct training *t, const struct view *train, struct run *run)
{
    const struct two_tower_params *p = t->p;
    const struct csr *a = train->by_user;
    struct item_vectors items = {0};
    const uint32_t most = a->nnz == 0              ? 1
                          : p->batch_size < a->nnz ? (uint32_t)p->batch_size
                                                   : (uint32_t)a->nnz;
    TRY(open_vectors(t, most, train, run, &items));
    const uint32_t factors = p->factors > 0 && (p->projection || items.d == 0) ? (uint32_t)p->factors
                             : items.d > 0                                     ? items.d
                                                                               : IDS_FACTORS;
    const struct two_tower_options options = {.d = items.d,
                                              .k = factors,
                                              .projection = p->projection,
                                              .attention = p->history == HISTORY_ATTENTION,
                                              .user_embedding = p->user_embedding,
                                              .log_q = p->log_q,
                                              .temperature = p->temperature};
    TRY(two_tower_new(run->backend, &options, a, train->by_item, most, run->seed, run->scratch, &t->net));
    if (items.v != NULL)
        memcpy(t->net.Y, items.v, (size_t)train->n_items * items.d * sizeof *items.v);
    TRY(adam_new(t->net.n_weights, run->scratch, &t->adam));
    ARENA_NEW(t->pair_user, run->scratch, (size_t)a->nnz);
    ARENA_NEW(t->pair_item, run->scratch, (size_t)a->nnz);
    ARENA_NEW(t->order, run->scratch, (size_t)a->nnz);
    ARENA_NEW(t->user, run->scratch, most);
    ARENA_NEW(t->place, run->scratch, most);
    ARENA_NEW(t->item, run->scratch, most);
    ARENA_NEW(t->slot, run->scratch, train->n_items);
    for (uint32_t u = 0; u < a->n_rows; u++)
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            t->pair_user[e] = u, t->pair_item[e] = a->idx[e];
    return state_new(t, train, run);
}

/* The next pairs as a batch: the items that they ask for, each once, in the order of their first pair. */
static struct two_tower_batch batch_of(struct training *t, const uint32_t *pairs, uint32_t n)
{
    uint32_t m = 0;
    for (uint32_t q = 0; q < n; q++) {
        const uint32_t item = t->pair_item[pairs[q]];
        if (t->slot[item] == 0) {
            t->item[m++] = item;
            t->slot[item] = m;
        }
        t->user[q] = t->pair_user[pairs[q]];
        t->place[q] = t->slot[item] - 1;
    }
    for (uint32_t j = 0; j < m; j++)
        t->slot[t->item[j]] = 0;
    return (struct two_tower_batch){.n = n, .m = m, .user = t->user, .place = t->place, .item = t->item};
}

/* The batch's vectors as they are in the cache, which is right where nothing changes them. */
static const float *cached(const struct training *t, const struct two_tower_batch *b, float *to)
{
    const size_t d = t->net.o.d;
    for (uint32_t j = 0; j < b->m; j++)
        memcpy(to + j * d, t->net.Y + b->item[j] * d, d * sizeof *to);
    return to;
}

static enum status run_epoch(struct training *t, uint32_t epoch, int64_t nnz, struct run *run, float *room,
                             double *loss)
{
    const struct two_tower_params *p = t->p;
    *loss = 0;
    random_permutation(run->seed, RANDOM_ORDER, epoch, (uint32_t)nnz, t->order);
    for (int64_t at = 0; at < nnz; at += t->net.most, t->step++) {
        double mean = 0;
        if (*run->cancelled)
            return STATUS_STOPPED;
        const struct two_tower_batch b =
            batch_of(t, t->order + at, nnz - at < t->net.most ? (uint32_t)(nnz - at) : t->net.most);
        if (tunes(t))
            TRY(two_tower_text_forward(&t->text, b.item, b.m, t->step));
        TRY(two_tower_loss(&t->net, &b, tunes(t) ? t->text.y : cached(t, &b, room), &mean,
                           tunes(t) ? t->text.of_y : NULL));
        adam_step(&t->adam, t->net.weights, t->net.gradient, p->learning_rate, p->regularization);
        if (tunes(t))
            TRY(two_tower_text_step(&t->text, p->lora_learning_rate, p->regularization));
        *loss += mean * b.n / (double)nnz;
    }
    return STATUS_OK;
}

/* The cache as the encoder now is, and the state that scores. */
static enum status publish(struct training *t)
{
    struct two_tower *m = t->m;
    if (tunes(t)) {
        TRY(two_tower_text_all(&t->text, t->net.Y));
        memcpy(m->adapters, t->text.lora.weights, m->n_adapters * sizeof *m->adapters);
    }
    memcpy(m->projection, t->net.weights, (size_t)m->d * m->scored.factors * sizeof *m->projection);
    TRY(two_tower_items(&t->net, m->scored.item));
    TRY(two_tower_users(&t->net, m->scored.user));
    if (!factor_rows_finite(t->net.weights, t->net.n_weights) ||
        !factor_rows_finite(m->adapters, m->n_adapters))
        return status_fail(STATUS_DATA,
                           "two_tower: the weights left the range of numbers; lower learning_rate (%g) or "
                           "lora_learning_rate (%g)",
                           t->p->learning_rate, t->p->lora_learning_rate);
    return STATUS_OK;
}

static enum status train_towers(struct training *t, int64_t nnz, struct run *run)
{
    struct early early;
    struct two_tower *m = t->m;
    float *room = NULL;
    bool stop = false;
    time_t told = time(NULL);
    ARENA_NEW(room, run->scratch, (size_t)t->net.most * t->net.o.d);
    early_open(&early, t->p->patience, run);
    TRY(early_part(&early, m->scored.user, (size_t)m->scored.n_users * m->scored.factors, run));
    TRY(early_part(&early, m->scored.item, (size_t)m->scored.n_items * m->scored.factors, run));
    TRY(early_part(&early, m->adapters, m->n_adapters, run));
    TRY(early_part(&early, m->projection, (size_t)m->d * m->scored.factors, run));
    TRY(publish(t));
    for (int epoch = 0; epoch < t->p->epochs && !stop; epoch++) {
        double loss = 0;
        TRY(run_epoch(t, (uint32_t)epoch, nnz, run, room, &loss));
        run_curve(run, "loss", epoch + 1, loss);
        TRY(publish(t));
        if (!early.on)
            TRY(curve_validation(run, m, epoch + 1));
        TRY(early_step(&early, m, epoch + 1, run, &stop));
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "two_tower: epoch %d of %d, loss %.4f", epoch + 1, t->p->epochs,
                           loss);
            told = time(NULL);
        }
    }
    return early_close(&early, run);
}

static enum status two_tower_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct training t = {.p = params, .m = state};
    if (train->by_user->nnz > UINT32_MAX)
        return status_fail(STATUS_DATA, "two_tower: %lld interactions are more than 2^32",
                           (long long)train->by_user->nnz);
    TRY(two_tower_check(params, NULL));
    enum status status = training_new(&t, train, run);
    if (status == STATUS_OK)
        status = train_towers(&t, train->by_user->nnz, run);
    two_tower_text_close(&t.text);
    return status;
}

static enum status two_tower_save(const void *state, struct model_writer *w)
{
    const struct two_tower *m = state;
    TRY(text_factors_save(&m->scored, w));
    if (m->n_adapters > 0)
        TRY(model_put(w, "adapters", ARRAY_F32, m->n_adapters, 1, m->adapters));
    return m->d > 0 ? model_put(w, "projection", ARRAY_F32, m->d, m->scored.factors, m->projection)
                    : STATUS_OK;
}

static enum status two_tower_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    const struct two_tower_params *p = params;
    struct two_tower *m = state;
    const void *adapters = NULL, *projection = NULL;
    uint64_t n_adapters = 0, one = 1, d = 0, factors;
    TRY(text_factors_load(&m->scored, params, r, run));
    factors = m->scored.factors;
    if (p->lora_rank > 0)
        TRY(model_get(r, "adapters", ARRAY_F32, &n_adapters, &one, &adapters));
    if (p->projection && strcmp(p->vectors.encoder, ITEM_ENCODER_NONE) != 0)
        TRY(model_get(r, "projection", ARRAY_F32, &d, &factors, &projection));
    m->n_adapters = n_adapters, m->adapters = (float *)adapters;
    m->d = (uint32_t)d, m->projection = (float *)projection;
    return STATUS_OK;
}

/* Sizes are taken as MiniLM's: 384 numbers a vector, 1,536 inner units.  Bytes are those of texts that reach lora_tokens, bounded by
 * lora_memory, above which a fit refuses; operations those of texts of 16 tokens, all items of a batch different, all epochs run. */
static void two_tower_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz,
                           double *bytes, double *flops)
{
    const struct two_tower_params *p = params;
    const double h = 384, wide = 1536, read = 16,
                 most = p->batch_size < (double)nnz ? p->batch_size : (double)nnz,
                 asked = most < n_items ? most : n_items, batches = most > 0 ? ceil((double)nnz / most) : 0,
                 k = p->factors > 0 ? p->factors : h;
    const double tokens = p->lora_tokens > 0 ? p->lora_tokens : 256;
    const double a_layer = 10 * h + wide + 4 * p->lora_rank + 64, once = 12 * h + 2 * wide;
    const double states = 4 * tokens * (n_items * h + (asked + 1) * (p->lora_layers * a_layer + once)),
                 limit = 1048576.0 * p->lora_memory;
    const double layer = 2 * (4 * h * h + 2 * h * wide); /* forward, a token; as much back again */
    *bytes = 4 * (3.0 * n_items * (h + k) + 2.0 * n_users * k * (p->user_embedding ? 4 : 1) + 8 * h * k +
                  most * (5 * (h + k) + asked + 64)) +
             12.0 * (double)nnz;
    *flops = p->epochs * (double)nnz * (2 * asked * k * 3 + 8 * h * k);
    if (p->lora_rank == 0)
        return;
    *bytes += (states < limit ? states : limit) + 3e8; /* the encoder itself, with its layers transposed */
    *flops += p->epochs * read * p->lora_layers * layer * (2 * batches * asked + n_items) +
              read * n_items * 6 * layer;
}

extern const struct model_type model_two_tower;
const struct model_type model_two_tower = {
    .name = "two_tower",
    .family = "fusion",
    .source = "Yi, Yang, Hong, Cheng, Heldt, Kumthekar, Zhao, Wei, Chi 2019; Hu et al. 2022 (LoRA)",
    .help =
        "two towers, the items' a sentence encoder fine-tuned by LoRA; softmax over the batch, corrected for "
        "popularity",
    .version = 1,
    .params = two_tower_params,
    .params_size = sizeof(struct two_tower_params),
    .needs = NEEDS_TEXT | NEEDS_ENCODER,
    .state_size = sizeof(struct two_tower),
    .check = two_tower_check,
    .fit = two_tower_fit,
    .factors = text_factors_factors,
    .save = two_tower_save,
    .load = two_tower_load,
    .cost = two_tower_cost};
