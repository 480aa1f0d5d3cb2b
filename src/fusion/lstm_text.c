/*
 * lstm_text.c - is a text that of something liked?  A classifier of word sequences (lstm_net.h: Embedding, LSTM, LSTM, Dense), trained by Adam on texts
 * labelled liked (rating >= liked_from) or not, with loss and accuracy told after each epoch.
 *
 * source reviews: each review of a train row is a text, its row's rating the label; an item is scored by the mean probability over its
 *                 reviews, one without any by the mean over all.
 * source items:   each item with train rows is a text (title, genres ...), the share of its ratings that are liked the label; every item is
 *                 scored by its own text, new ones too.
 * The score is the rating that goes with that probability: the line of least squares over the train rows.  It is the same for all users: what
 * a text says of how well a thing is liked, not of whom it suits.
 *
 * Of a longer text the last max_length words count, as Keras's pad_sequences keeps them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/lstm_net.h"
#include "fusion/text_corpus.h"
#include "fusion/text_factors.h"
#include "models/ratings.h"

struct lstm_text_params {
    struct param_list text;
    int source, max_reviews, chinese, max_words, min_df, max_length, embedding, hidden, epochs, batch_size;
    double liked_from, learning_rate, validation;
    struct corruption corruption;
};
#define P struct lstm_text_params
static const struct param lstm_text_params[] = {
    PARAM_CHOICE(P, source, "auto", TEXT_CORPUS_SOURCES,
                 "what is read: reviews, or items' own texts; auto: reviews where there are any"),
    PARAM_LIST(P, text, "title|genres", NULL,
               "items: fields of the item's text: title, genres, tags, a column"),
    PARAM_INT(P, max_reviews, 50, 0, 1e9, "items: at most so many reviews, when `text` asks for them"),
    CORRUPTION_PARAMS(P, corruption.),
    PARAM_REAL(P, liked_from, 4, -1e9, 1e9, "ratings from here on are liked"),
    PARAM_CHOICE(P, chinese, "characters", TEXT_CHINESE,
                 "Chinese text as single characters, or as friso's words"),
    PARAM_INT(P, max_words, 10000, 1, 10000000, "words known, the most frequent"),
    PARAM_INT(P, min_df, 2, 1, 1e9, "a word of fewer texts is not known"),
    PARAM_INT(P, max_length, 100, 1, 4096, "words of a text that are read, its last ones"),
    PARAM_INT(P, embedding, 128, 1, 4096, "numbers a word"),
    PARAM_INT(P, hidden, 128, 32, 4096, "units of each LSTM layer, a multiple of 32"),
    PARAM_INT(P, epochs, 10, 1, 10000, "passes over the texts"),
    PARAM_INT(P, batch_size, 32, 1, 65536, "texts a step"),
    PARAM_REAL(P, learning_rate, 0.001, 1e-9, 10, "of Adam"),
    PARAM_REAL(P, validation, 0.1, 0, 0.9,
               "share of the texts held out, on which loss and accuracy are told too"),
    PARAM_END};
#undef P

static enum status lstm_text_check(const void *params, const struct node *where)
{
    const struct lstm_text_params *p = params;
    static const char sentence[] = "hidden of lstm_text is %d: expected a multiple of 32";
    if (p->hidden % 32 == 0)
        return STATUS_OK;
    return where != NULL ? node_fail(where, sentence, p->hidden)
                         : status_fail(STATUS_USAGE, sentence, p->hidden);
}

struct training {
    const struct lstm_text_params *p;
    struct text_corpus corpus;
    uint8_t *valid; /* [texts] 1: held out */
    struct lstm_net net;
    float *first, *second; /* [n_weights] Adam's moments */
    uint64_t step;
    uint32_t *order, *word, *start;
    float *target;
};

/* What was seen of some texts. */
struct tally {
    double loss, right, n;
};

/* The texts which[0 .. n - 1] as a batch. */
static struct lstm_batch batch_of(struct training *t, const uint32_t *which, uint32_t n)
{
    const struct text_corpus *c = &t->corpus;
    uint32_t steps = 1;
    for (uint32_t r = 0; r < n; r++) {
        const int64_t length = c->ptr[which[r] + 1] - c->ptr[which[r]];
        const uint32_t read = length < t->p->max_length ? (uint32_t)length : (uint32_t)t->p->max_length;
        steps = read > steps ? read : steps;
    }
    for (uint32_t r = 0; r < n; r++) {
        const int64_t end = c->ptr[which[r] + 1], length = end - c->ptr[which[r]];
        t->start[r] = length < steps ? steps - (uint32_t)length : 0;
        t->target[r] = c->label[which[r]];
        for (uint32_t s = t->start[r]; s < steps; s++)
            t->word[s * n + r] = c->word[end - (int64_t)(steps - s)];
    }
    return (struct lstm_batch){n, steps, t->word, t->start, t->target};
}

static void adam_step(struct training *t)
{
    static const double beta1 = 0.9, beta2 = 0.999;
    const double correct1 = 1 - pow(beta1, (double)++t->step), correct2 = 1 - pow(beta2, (double)t->step);
    const float rate = (float)(t->p->learning_rate * sqrt(correct2) / correct1);
#pragma omp parallel for schedule(static)
    for (size_t e = 0; e < t->net.n_weights; e++) { /* as Keras counts it, epsilon 1e-7 */
        const float g = t->net.gradient[e];
        t->first[e] += (float)(1 - beta1) * (g - t->first[e]);
        t->second[e] += (float)(1 - beta2) * (g * g - t->second[e]);
        t->net.weights[e] -= rate * t->first[e] / (sqrtf(t->second[e]) + 1e-7F);
    }
}

static void count(const struct training *t, const struct lstm_batch *b, struct tally *tally)
{
    for (uint32_t r = 0; r < b->n; r++) {
        const double y = (double)b->target[r], q = fmin(fmax((double)t->net.p[r], 1e-7), 1 - 1e-7);
        tally->loss -= y * log(q) + (1 - y) * log(1 - q);
        tally->right += (q >= 0.5) == (y >= 0.5);
        tally->n++;
    }
}

/* A pass over the texts that are (valid) held out or not; trains on those that are not. */
static enum status pass(struct training *t, uint32_t epoch, bool valid, struct run *run, struct tally *tally)
{
    const struct text_corpus *c = &t->corpus;
    const uint32_t most = t->net.most;
    uint32_t n = 0;
    *tally = (struct tally){0};
    random_permutation(run->seed, RANDOM_ORDER, epoch, c->n, t->order);
    for (uint32_t k = 0; k < c->n; k++)
        if (t->valid[t->order[k]] == valid && !isnan(c->label[t->order[k]]))
            t->order[n++] = t->order[k];
    for (uint32_t at = 0; at < n; at += most) {
        double loss;
        if (*run->cancelled)
            return STATUS_STOPPED;
        const struct lstm_batch b = batch_of(t, t->order + at, n - at < most ? n - at : most);
        TRY(lstm_net_forward(&t->net, &b));
        count(t, &b, tally);
        if (valid)
            continue;
        TRY(lstm_net_backward(&t->net, &b, &loss));
        adam_step(t);
    }
    return STATUS_OK;
}

static enum status train_net(struct training *t, struct run *run)
{
    for (int epoch = 1; epoch <= t->p->epochs; epoch++) {
        struct tally train, valid;
        TRY(pass(t, (uint32_t)epoch, false, run, &train));
        TRY(pass(t, (uint32_t)epoch, true, run, &valid));
        const double n = train.n > 0 ? train.n : 1, m = valid.n > 0 ? valid.n : 1;
        run_curve(run, "loss", epoch, train.loss / n);
        if (valid.n > 0) {
            run_curve(run, "validation loss", epoch, valid.loss / m);
            run_curve(run, "validation accuracy", epoch, valid.right / m);
        }
        log_info("lstm_text: epoch %d of %d: loss %.4f, accuracy %.4f; held out: loss %.4f, accuracy %.4f",
                 epoch, t->p->epochs, train.loss / n, train.right / n, valid.loss / m, valid.right / m);
    }
    return STATUS_OK;
}

/* The mean probability of each item's texts, of all texts where it has none. */
static enum status score_items(struct training *t, uint32_t n_items, struct run *run, double *score)
{
    const struct text_corpus *c = &t->corpus;
    uint32_t *n = NULL;
    double all = 0;
    ARENA_NEW(n, run->scratch, n_items);
    for (uint32_t k = 0; k < c->n; k++)
        t->order[k] = k;
    for (uint32_t at = 0; at < c->n; at += t->net.most) {
        const struct lstm_batch b =
            batch_of(t, t->order + at, c->n - at < t->net.most ? c->n - at : t->net.most);
        if (*run->cancelled)
            return STATUS_STOPPED;
        TRY(lstm_net_forward(&t->net, &b));
        for (uint32_t r = 0; r < b.n; r++) {
            score[c->item[at + r]] += (double)t->net.p[r];
            n[c->item[at + r]]++;
            all += (double)t->net.p[r] / c->n;
        }
    }
    for (uint32_t i = 0; i < n_items; i++) {
        score[i] = n[i] > 0 ? score[i] / n[i] : all;
        if (!isfinite(score[i]))
            return status_fail(STATUS_DATA,
                               "lstm_text: the weights left the range of numbers; lower learning_rate");
    }
    return STATUS_OK;
}

/* score becomes the rating that goes with it: the line of least squares over the train rows. */
static void to_ratings(const struct csr *by_item, const double *score, float *out)
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (uint32_t i = 0; i < by_item->n_rows; i++)
        for (int64_t e = by_item->ptr[i]; e < by_item->ptr[i + 1]; e++) {
            const double value = (double)by_item->val[e];
            n++, x += score[i], y += value, xx += score[i] * score[i], xy += score[i] * value;
        }
    n = n > 0 ? n : 1;
    const double spread = xx / n - x / n * x / n,
                 slope = spread > 1e-12 ? (xy / n - x / n * y / n) / spread : 0;
    for (uint32_t i = 0; i < by_item->n_rows; i++)
        out[i] = (float)(y / n + slope * (score[i] - x / n));
}

static enum status training_new(struct training *t, const struct view *train, struct run *run)
{
    const struct lstm_text_params *p = t->p;
    struct text_corpus *c = &t->corpus;
    const struct text_corpus_options options = {.source = p->source,
                                                .text = p->text,
                                                .max_reviews = p->max_reviews,
                                                .corruption = p->corruption,
                                                .chinese = p->chinese,
                                                .max_words = p->max_words,
                                                .min_df = p->min_df,
                                                .liked_from = p->liked_from};
    TRY(text_corpus_read(&options, train, run->scratch, c));
    ARENA_NEW(t->valid, run->scratch, c->n);
    for (uint32_t k = 0; k < c->n; k++)
        t->valid[k] = random_unit(run->seed, RANDOM_VALIDATION, 0, k) < p->validation;
    int64_t longest = 1;
    for (uint32_t k = 0; k < c->n; k++)
        longest = c->ptr[k + 1] - c->ptr[k] > longest ? c->ptr[k + 1] - c->ptr[k] : longest;
    const uint32_t most = (uint32_t)p->batch_size,
                   steps = longest < p->max_length ? (uint32_t)longest : (uint32_t)p->max_length;
    const struct lstm_shape shape = {c->n_words, (uint32_t)p->embedding, (uint32_t)p->hidden};
    TRY(lstm_net_new(run->backend, &shape, most, steps, run->seed, run->scratch, &t->net));
    ARENA_NEW(t->first, run->scratch, t->net.n_weights);
    ARENA_NEW(t->second, run->scratch, t->net.n_weights);
    ARENA_NEW(t->order, run->scratch, c->n);
    ARENA_NEW(t->word, run->scratch, (size_t)most * steps);
    ARENA_NEW(t->start, run->scratch, most);
    ARENA_NEW(t->target, run->scratch, most);
    return STATUS_OK;
}

/* The state is a struct text_factors of 0 factors: item_bias is the expected rating. */
static enum status lstm_text_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct text_factors *m = state;
    struct training t = {.p = params};
    double *score = NULL;
    TRY(ratings_check(train, "lstm_text"));
    TRY(training_new(&t, train, run));
    TRY(train_net(&t, run));
    ARENA_NEW(score, run->scratch, train->n_items);
    TRY(score_items(&t, train->n_items, run, score));
    TRY(text_factors_new(train->n_users, train->n_items, 0, run->arena, m));
    to_ratings(train->by_item, score, m->item_bias);
    return STATUS_OK;
}

extern const struct model_type model_lstm_text;
const struct model_type model_lstm_text = {
    .name = "lstm_text",
    .family = "content",
    .source = "Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000",
    .help = "how well a text says that a thing is liked: Embedding, LSTM, LSTM, Dense on words; the same for "
            "every user",
    .version = 1,
    .params = lstm_text_params,
    .params_size = sizeof(struct lstm_text_params),
    .needs = NEEDS_TEXT | NEEDS_RATINGS,
    .state_size = sizeof(struct text_factors),
    .check = lstm_text_check,
    .fit = lstm_text_fit,
    .factors = text_factors_factors,
    .save = text_factors_save,
    .load = text_factors_load};
