/*
 * llm_fusion.c - p_ui = sigmoid(q_ui . W + b) over interaction features of a language model's vectors
 * and the scores of collaborative models.
 *
 *   v_i   the vector of the item's text (item_vectors.h), of norm 1
 *   u_u   the mean of v_i over the user's train items, of norm 1; without item i where (u, i) is a
 *         train row; with `user_text` blended with the vector of what the user wrote (user_texts.h), without
 *         texts about i there
 *   q_ui  [u * v | abs(u - v) | u . v | standardised score of each collaborative model for (u, i) | what a
 *         decoder says of u and i, which it reads together (cross_feature.h)]
 *
 * Interaction features, because W is linear: over a plain concatenation [u, v] it would give every user
 * the same order of items.  Training pairs are questions of a train row and its sampled negatives
 * (intent.h); collaborative scores of train rows come from models that did not see them
 * (collaborative.h); features are standardised, W and b learned by binary cross-entropy (preference.h)
 * with a share of the questions held out to stop early, and the standardisation folded into W and b.
 *
 * The decoder is asked of a sample of the questions, and of each user's best items by the other features;
 * elsewhere its column is the mean of the sample, which leaves W q + b as it is expected to be.
 *
 * Sources: product and difference features, Tai, Socher, Manning 2015, section 4.2, and Conneau et al.
 * 2017, section 3.1; cross-entropy with sampled negatives, He et al. 2017, equation 7; stacking,
 * Wolpert 1992; prior correction, King, Zeng 2001.
 *
 * The `encoder` gives the controls: the same head on words (tfidf), on the language model's vectors at
 * wrong items (shuffled), on noise (random), and on no text at all (none).
 * Limits: a text with tags or
 * reviews of train rows was in part written by the user of that row (item_vectors.c); one linear head
 * for all users.
 */
#include "fusion/llm_fusion_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion.h"

#define P struct llm_fusion_params
static const struct param llm_fusion_params[] = {
    ITEM_VECTORS_PARAMS(P, vectors., "minilm", "title|genres|tags", 64, 0, 4096, 1),
    HISTORY_PARAMS(P),
    USER_TEXTS_PARAMS(P, texts),
    PARAM_LIST(
        P, features, "product|difference|cosine", "product|difference|cosine|" CROSS_FEATURE,
        "interaction features of the user's and the item's vector; cross: what a decoder says of both"),
    CROSS_PARAMS(P, cross),
    PARAM_LIST(P, collaborative, "ease", COLLABORATIVE_SIGNALS,
               "models whose scores are features: none, popularity, any model's name"),
    PARAM_NODE(P, collaborative_params, "parameters of those models: {ease: {l2: 300}}"),
    PARAM_INT(P, folds, 5, 2, 100, "parts of train for out-of-fold collaborative scores"),
    PARAM_INT(P, n_negatives, 4, 1, 1000, "negatives sampled for each positive"),
    PARAM_CHOICE(P, negatives, "uniform", "uniform|popularity", "how negatives are drawn"),
    PARAM_INT(P, samples, 50000, 0, 2000000000, "about so many train rows are learned from; 0: all"),
    PARAM_REAL(P, validation, 0.1, 0, 0.9, "share of those rows held out for early stopping"),
    PARAM_REAL(P, learning_rate, 0.01, 1e-9, 10, "Adam's step"),
    PARAM_REAL(P, beta1, 0.9, 0, 0.999999, "Adam's decay of the mean"),
    PARAM_REAL(P, beta2, 0.999, 0, 0.999999, "Adam's decay of the mean square"),
    PARAM_REAL(P, epsilon, 1e-8, 1e-15, 1, "Adam's epsilon"),
    PARAM_REAL(P, regularization, 0.001, 0, 1e6, "L2 weight on W (of standardised features)"),
    PARAM_INT(P, epochs, 50, 1, 1000000, "passes over the rows, at most"),
    PARAM_INT(P, batch_size, 4096, 1, 100000000, "rows of a step of Adam"),
    PARAM_INT(P, patience, 3, 0, 1000000,
              "epochs without a better validation loss before it stops; 0: never"),
    PARAM_END};
#undef P

static bool has(const struct param_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->item[i], name) == 0)
            return true;
    return false;
}

static enum status llm_fusion_inside(const void *params, struct arena *arena, const struct nested **models,
                                     size_t *n)
{
    const struct llm_fusion_params *p = params;
    return collaborative_inside(&p->collaborative, p->collaborative_params, arena, models, n);
}

static enum status llm_fusion_check(const void *params, const struct node *where)
{
    const struct llm_fusion_params *p = params;
    const bool cross = cross_feature_asked(&p->features);
    const bool no_text = !cross && (strcmp(p->vectors.encoder, ITEM_ENCODER_NONE) == 0 || p->features.n == 0);
    const bool none = p->collaborative.n == 0 || has(&p->collaborative, "none");
    const char *mistake = NULL;
    if (none && p->collaborative.n > 1)
        mistake = "collaborative of llm_fusion has 'none' beside others";
    else if (no_text && none)
        mistake = "llm_fusion has neither text features nor collaborative scores: nothing to learn from";
    if (mistake == NULL)
        return cross ? cross_feature_check(&p->cross, where) : STATUS_OK;
    return where == NULL ? status_fail(STATUS_USAGE, "%s", mistake) : node_fail(where, "%s", mistake);
}

/* The parts of the model that W is read into, from weights [columns] of features as they are. */
static enum status set_head(struct llm_fusion *m, const struct intent_features *f, const float *W, float b,
                            float prior, struct arena *arena)
{
    const uint32_t d = m->items.d;
    float *item_bias = NULL, *VT = NULL;
    m->product = d > 0 && f->product ? W : NULL;
    W += m->product != NULL ? d : 0;
    m->difference = d > 0 && f->difference ? W : NULL;
    W += m->difference != NULL ? d : 0;
    m->cosine = d > 0 && f->cosine ? *W++ : 0;
    m->signal = W;
    m->cross = m->asked.on ? W[m->collaborative.n] : 0;
    m->bias = b;
    m->prior = prior;
    ARENA_NEW(item_bias, arena, m->items.n_items);
    for (uint32_t i = 0; i < m->items.n_items; i++) {
        item_bias[i] = b;
        for (uint32_t j = 0; j < m->collaborative.n; j++)
            if (m->collaborative.type[j] == NULL)
                item_bias[i] += m->signal[j] * m->collaborative.popularity[i];
    }
    m->item_bias = item_bias;
    ARENA_NEW(VT, arena, (size_t)d * m->items.n_items);
    for (uint32_t i = 0; i < m->items.n_items; i++)
        for (uint32_t k = 0; k < d; k++)
            VT[(size_t)k * m->items.n_items + i] = m->items.v[(size_t)i * d + k];
    m->VT = VT;
    return STATUS_OK;
}

static struct intent_features features_of(const struct llm_fusion_params *p)
{
    return (struct intent_features){has(&p->features, "product"), has(&p->features, "difference"),
                                    has(&p->features, "cosine")};
}

/* Groups of training (validation 0) or validation (1) into chosen; returns how many. */
static uint64_t choose_groups(const struct intent_groups *g, unsigned char validation, uint64_t *chosen)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < g->n; i++)
        if (g->validation[i] == validation)
            chosen[n++] = i;
    return n;
}

/* Learns W and b, of features as they are. */
static enum status learn(const struct llm_fusion_params *p, struct intent_source source, struct run *run,
                         float *W, float *b)
{
    const uint32_t columns = intent_columns(&source), c = source.groups->n_candidates;
    uint64_t *chosen[2] = {NULL, NULL};
    float *mean = NULL, *scale = NULL;
    struct preference_report report;
    ARENA_NEW(mean, run->scratch, columns);
    ARENA_NEW(scale, run->scratch, columns);
    ARENA_NEW(chosen[0], run->scratch, source.groups->n);
    ARENA_NEW(chosen[1], run->scratch, source.groups->n);
    const uint64_t n_train = choose_groups(source.groups, 0, chosen[0]),
                   n_valid = choose_groups(source.groups, 1, chosen[1]);
    source.chosen = chosen[0];
    TRY(intent_moments(&source, n_train, run->scratch, mean, scale));
    source.mean = mean;
    source.scale = scale;
    struct intent_source valid_source = source;
    valid_source.chosen = chosen[1];
    const struct preference_samples train = {n_train, c, columns, intent_fill, &source},
                                    valid = {n_valid, c, columns, intent_fill, &valid_source};
    const struct preference_options options = {.learning_rate = p->learning_rate,
                                               .beta1 = p->beta1,
                                               .beta2 = p->beta2,
                                               .epsilon = p->epsilon,
                                               .regularization = p->regularization,
                                               .epochs = (uint32_t)p->epochs,
                                               .batch_size = (uint32_t)p->batch_size,
                                               .patience = (uint32_t)p->patience,
                                               .seed = run->seed,
                                               .cancelled = run->cancelled,
                                               .run = run};
    TRY(preference_fit(run->backend, &train, &valid, &options, run->scratch, W, b, &report));
    log_info("llm_fusion: %llu groups, %u epochs, loss %.4f, validation loss %.4f at epoch %u",
             (unsigned long long)n_train, report.epochs, report.train_loss, report.validation_loss,
             report.best_epoch);
    for (uint32_t k = 0; k < columns; k++) {
        W[k] *= scale[k];
        *b -= W[k] * mean[k];
    }
    return STATUS_OK;
}

/* A decoder is asked of the best items by all else; where there is nothing else they would be the first ones of the dataset. */
static enum status check_asked(const struct llm_fusion *m, const struct cross_options *cross)
{
    const uint32_t n_items = m->items.n_items;
    if (m->items.d > 0 || m->collaborative.n > 0 || (uint32_t)cross->candidates >= n_items)
        return STATUS_OK;
    return status_fail(STATUS_USAGE,
                       "llm_fusion has the feature cross alone, so nothing says which %d of the %u items the "
                       "decoder is asked about: expected collaborative: ease or another model, vectors with "
                       "product, difference or cosine, or cross_candidates: %u",
                       cross->candidates, n_items, n_items);
}

static enum status llm_fusion_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct llm_fusion *m = state;
    const struct llm_fusion_params *p = params;
    struct item_vectors_options vectors = p->vectors;
    const struct intent_options questions = {.n_negatives = (uint32_t)p->n_negatives,
                                             .popular = p->negatives == 1,
                                             .samples = (uint64_t)p->samples,
                                             .n_folds = (uint32_t)p->folds,
                                             .validation = p->validation,
                                             .seed = run->seed};
    const bool cross = cross_feature_asked(&p->features);
    struct intent_groups groups;
    uint32_t *text_row = NULL;
    float *sums = NULL, *texts = NULL, *W = NULL, b = 0;
    if (p->features.n == cross) /* no vectors are read */
        vectors.encoder = ITEM_ENCODER_NONE;
    m->backend = run->backend;
    TRY(llm_fusion_check(params, NULL));
    TRY(history_profiles(train, (enum history_weights)p->weights, &HISTORY_FADING(p), run->arena,
                         run->scratch, &m->history));
    TRY(user_texts_build(&p->texts, &vectors, &HISTORY_FADING(p), train, run, &m->items, &m->texts));
    TRY(collaborative_choose(&p->collaborative, p->collaborative_params, run->arena, &m->collaborative));
    if (cross)
        TRY(check_asked(m, &p->cross));
    TRY(collaborative_fit(&m->collaborative, train, run));
    ARENA_NEW(sums, run->scratch, (size_t)train->n_users * m->items.d);
    TRY(item_vectors_profiles(run->backend, &m->history, &m->items, NULL, train->n_users, false, sums));
    TRY(intent_sample(&m->history, &questions, run->scratch, &groups));
    TRY(collaborative_extra(&m->collaborative, train, (uint32_t)p->folds, run, &groups));
    if (cross) {
        TRY(cross_feature_build(&p->cross, train, run, &m->asked));
        TRY(cross_feature_extra(&m->asked, &m->history, run, &groups, &m->cross_mean));
    }
    if (m->texts.d > 0)
        TRY(user_texts_without(&m->texts, groups.user, groups.item, groups.n_candidates, groups.n,
                               run->scratch, &text_row, &texts));
    const struct intent_source source = {.backend = run->backend,
                                         .items = &m->items,
                                         .sums = sums,
                                         .texts = texts,
                                         .text_row = text_row,
                                         .text_weight = m->texts.weight,
                                         .groups = &groups,
                                         .features = features_of(p)};
    ARENA_NEW(W, run->arena, intent_columns(&source));
    TRY(learn(p, source, run, W, &b));
    if (cross)
        b += W[intent_columns(&source) - 1] * m->cross_mean;
    const double prior = preference_prior_correction(groups.positives_kept, groups.negatives_kept);
    return set_head(m, &source.features, W, b, groups.n > 0 ? (float)prior : 0, run->arena);
}

enum status llm_fusion_text_scores(const struct llm_fusion *m, const uint32_t *users, size_t n,
                                   const struct tile *out, float *room, unsigned char *known)
{
    const uint32_t d = m->items.d;
    float *U = room, *A = room + n * d;
    const int n_tiles = (int)((out->n_items + FUSION_TILE - 1) / FUSION_TILE);
    for (size_t r = 0; r < n; r++)
        known[r] =
            m->history.ptr[users[r] + 1] > m->history.ptr[users[r]] || user_texts_has(&m->texts, users[r]);
    if (d > 0)
        TRY(item_vectors_profiles(m->backend, &m->history, &m->items, users, n, true, U));
    user_texts_blend(&m->texts, users, n, U);
    for (size_t r = 0; r < n; r++)
        for (uint32_t k = 0; k < d; k++)
            A[r * d + k] = U[r * d + k] * ((m->product != NULL ? m->product[k] : 0) + m->cosine);
    const struct fusion_score args = {
        A,       U,      m->difference,     known,  m->VT, m->item_bias, out->scores, out->n_items,
        out->ld, (int)d, (int)out->n_items, n_tiles};
    return backend_launch(m->backend, &kernel_fusion_score, &args, (long)n * n_tiles, 0);
}

enum status llm_fusion_score_unasked(const struct llm_fusion *m, const uint32_t *users, size_t n,
                                     const struct tile *out)
{
    float *room = malloc((2 * n * m->items.d + 1) * sizeof *room);
    unsigned char *known = malloc(n + 1);
    if (room == NULL || known == NULL) {
        free(known);
        free(room);
        return status_fail(STATUS_SYSTEM, "out of memory to score %zu users", n);
    }
    enum status status = llm_fusion_text_scores(m, users, n, out, room, known);
    if (status == STATUS_OK)
        status = collaborative_add(&m->collaborative, m->backend, m->signal, users, n, out);
    free(known);
    free(room);
    return status;
}

/* What the decoder says of the best items so far. */
static enum status add_cross(const struct llm_fusion *m, uint32_t user, float *scores)
{
    const uint32_t n_items = m->items.n_items;
    float *x = malloc(n_items * sizeof *x + 1);
    if (x == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for what a decoder says of %u items", n_items);
    const enum status status = cross_feature_scores(&m->asked, &m->history, user, scores, x);
    for (uint32_t i = 0; i < n_items && status == STATUS_OK; i++)
        scores[i] += isnan(x[i]) ? 0 : m->cross * (x[i] - m->cross_mean);
    free(x);
    return status;
}

static enum status llm_fusion_score_users(const void *state, const uint32_t *users, size_t n,
                                          const struct tile *out)
{
    const struct llm_fusion *m = state;
    TRY(llm_fusion_score_unasked(m, users, n, out));
    for (size_t r = 0; r < n && m->asked.on; r++)
        TRY(add_cross(m, users[r], out->scores + r * out->ld));
    return STATUS_OK;
}

enum status llm_fusion_probability(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                                   float *probability)
{
    const struct llm_fusion *m = state;
    TRY(model_score_pairs(&model_llm_fusion, state, m->backend, users, items, n, m->items.n_items,
                          probability));
    for (size_t i = 0; i < n; i++)
        probability[i] = (float)preference_sigmoid((double)probability[i] + (double)m->prior);
    return STATUS_OK;
}

static void llm_fusion_free(void *state)
{
    struct llm_fusion *m = state;
    collaborative_free(&m->collaborative);
    cross_feature_free(&m->asked);
}

static void llm_fusion_usage(const void *state, struct model_usage *out)
{
    cross_feature_usage(&((const struct llm_fusion *)state)->asked, out);
}

static enum status llm_fusion_save(const void *state, struct model_writer *w)
{
    const struct llm_fusion *m = state;
    const uint32_t d = m->items.d, shape[3] = {m->items.n_items, d, m->history.val != NULL};
    const float constants[3] = {m->cosine, m->bias, m->prior}, cross[2] = {m->cross, m->cross_mean};
    TRY(model_put(w, "shape", ARRAY_U32, 3, 1, shape));
    TRY(csr_put(w, "history", &m->history));
    TRY(model_put(w, "vectors", ARRAY_F32, shape[0], d, m->items.v));
    TRY(user_texts_save(&m->texts, w));
    if (m->product != NULL)
        TRY(model_put(w, "product", ARRAY_F32, d, 1, m->product));
    if (m->difference != NULL)
        TRY(model_put(w, "difference", ARRAY_F32, d, 1, m->difference));
    TRY(model_put(w, "constants", ARRAY_F32, 3, 1, constants));
    TRY(model_put(w, "signal", ARRAY_F32, m->collaborative.n, 1, m->signal));
    if (m->asked.on)
        TRY(model_put(w, "cross", ARRAY_F32, 2, 1, cross));
    TRY(cross_feature_save(&m->asked, w));
    return collaborative_save(&m->collaborative, w);
}

/* W as learn() left it, from the arrays of the file. */
static enum status read_head(struct llm_fusion *m, const struct intent_features *f, struct model_reader *r,
                             struct arena *arena, float **W, float *b, float *prior)
{
    const uint32_t d = m->items.d;
    const void *part = NULL;
    uint64_t n = d, one = 1, two = 2, three = 3, n_signals = m->collaborative.n;
    float *to = NULL;
    ARENA_NEW(*W, arena, 2 * (size_t)d + 1 + n_signals + m->asked.on);
    to = *W;
    const char *const blocks[] = {f->product ? "product" : NULL, f->difference ? "difference" : NULL};
    for (int block = 0; d > 0 && block < 2; block++) {
        if (blocks[block] == NULL)
            continue;
        TRY(model_get(r, blocks[block], ARRAY_F32, &n, &one, &part));
        memcpy(to, part, d * sizeof *to);
        to += d;
    }
    TRY(model_get(r, "constants", ARRAY_F32, &three, &one, &part));
    if (d > 0 && f->cosine)
        *to++ = ((const float *)part)[0];
    *b = ((const float *)part)[1];
    *prior = ((const float *)part)[2];
    TRY(model_get(r, "signal", ARRAY_F32, &n_signals, &one, &part));
    if (n_signals != m->collaborative.n)
        return status_fail(STATUS_DATA, "the model file has weights of %llu collaborative scores, not of %u",
                           (unsigned long long)n_signals, m->collaborative.n);
    memcpy(to, part, n_signals * sizeof *to);
    if (!m->asked.on)
        return STATUS_OK;
    TRY(model_get(r, "cross", ARRAY_F32, &two, &one, &part));
    to[n_signals] = ((const float *)part)[0];
    m->cross_mean = ((const float *)part)[1];
    return STATUS_OK;
}

static enum status llm_fusion_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct llm_fusion *m = state;
    const struct llm_fusion_params *p = params;
    const struct intent_features features = features_of(p);
    const void *shape = NULL, *vectors = NULL;
    uint64_t three = 3, one = 1, n_items = 0, d = 0;
    float *W = NULL, b = 0, prior = 0;
    m->backend = run->backend;
    TRY(model_get(r, "shape", ARRAY_U32, &three, &one, &shape));
    const uint32_t *found = shape;
    n_items = found[0];
    d = found[1];
    TRY(csr_get(r, "history", found[0], found[2] != 0, &m->history));
    TRY(model_get(r, "vectors", ARRAY_F32, &n_items, &d, &vectors));
    if (n_items != found[0] || d != found[1])
        return status_fail(STATUS_DATA, "the model file has vectors of %llu x %llu, not of %u x %u",
                           (unsigned long long)n_items, (unsigned long long)d, found[0], found[1]);
    m->items = (struct item_vectors){found[0], found[1], (float *)vectors};
    TRY(user_texts_load(&m->texts, &p->texts, &p->vectors, m->history.n_rows, found[1], r));
    TRY(collaborative_choose(&p->collaborative, p->collaborative_params, run->arena, &m->collaborative));
    m->collaborative.n_items = found[0];
    TRY(collaborative_load(&m->collaborative, r, run));
    if (cross_feature_asked(&p->features))
        TRY(cross_feature_load(&p->cross, m->history.n_rows, m->history.n_cols, r, run, &m->asked));
    TRY(read_head(m, &features, r, run->arena, &W, &b, &prior));
    return set_head(m, &features, W, b, prior, run->arena);
}

const struct model_type model_llm_fusion = {
    .name = "llm_fusion",
    .family = "fusion",
    .source = "He et al. 2017; Conneau et al. 2017; Wolpert 1992",
    .help = "p = sigmoid(q . W + b) over features of text vectors and collaborative scores",
    .version = 1,
    .params = llm_fusion_params,
    .params_size = sizeof(struct llm_fusion_params),
    .needs = NEEDS_TEXT | NEEDS_ENCODER,
    .state_size = sizeof(struct llm_fusion),
    .inside = llm_fusion_inside,
    .check = llm_fusion_check,
    .fit = llm_fusion_fit,
    .score_users = llm_fusion_score_users,
    .probabilities = llm_fusion_probability,
    .trace = llm_fusion_trace,
    .save = llm_fusion_save,
    .load = llm_fusion_load,
    .free = llm_fusion_free,
    .usage = llm_fusion_usage};
