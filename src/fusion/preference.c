/*
 * preference.c - logistic regression by Adam on mini-batches.
 *
 *   L(W, b) = 1/n sum_s [log(1 + exp(z_s)) - y_s z_s] + regularization / 2 |W|^2,   z_s = q_s . W + b
 *   dL/dW = 1/n sum_s (sigmoid(z_s) - y_s) q_s + regularization W,   dL/db = 1/n sum_s (sigmoid(z_s) -
 *         y_s)
 *
 * Sources: Adam, Kingma, Ba 2015, algorithm 1; prior correction for sampled negatives, King, Zeng 2001,
 * equation 7. Weights and moments are doubles on the host, features and residuals floats in kernels.
 * Sums over a batch go in chunks of CHUNK rows (kernels/preference.cu), the chunks in order.
 */
#include "fusion/preference.h"

#include <math.h>
#include <string.h>

#include "fusion.h"

enum { CHUNK = 64 };

/* Room for one batch and what is computed of it. */
struct batch {
    size_t n_groups, n_rows; /* at most */
    uint32_t d;
    float *q, *target, *residual, *loss, *partial, *W;
    double loss_sum, *gradient; /* sums over the rows of the batch last computed: W's d, then b's */
};

static enum status batch_new(const struct preference_samples *samples, size_t n_rows, struct arena *scratch,
                             struct batch *b)
{
    b->d = samples->d;
    b->n_groups = (n_rows + samples->group_size - 1) / samples->group_size;
    if (b->n_groups > samples->n_groups)
        b->n_groups = samples->n_groups;
    b->n_rows = b->n_groups * samples->group_size;
    ARENA_NEW(b->q, scratch, b->n_rows * b->d);
    ARENA_NEW(b->target, scratch, b->n_rows);
    ARENA_NEW(b->residual, scratch, b->n_rows);
    ARENA_NEW(b->loss, scratch, b->n_rows);
    ARENA_NEW(b->partial, scratch, (b->n_rows / CHUNK + 1) * b->d);
    ARENA_NEW(b->W, scratch, b->d);
    ARENA_NEW(b->gradient, scratch, b->d + 1);
    return STATUS_OK;
}

/* Loss and, when asked, gradient summed over the rows of some groups. */
static enum status batch_compute(const struct backend *backend, const struct preference_samples *samples,
                                 const uint64_t *groups, size_t n_groups, const double *weights,
                                 bool with_gradient, struct batch *b)
{
    const uint32_t d = b->d;
    const size_t n = n_groups * samples->group_size, n_chunks = (n + CHUNK - 1) / CHUNK;
    for (uint32_t k = 0; k < d; k++)
        b->W[k] = (float)weights[k];
    TRY(samples->fill(samples->context, groups, n_groups, b->q, b->target));
    const struct preference_forward forward = {b->q, b->target,         b->W,  b->residual, b->loss,
                                               d,    (float)weights[d], (int)d};
    TRY(backend_launch(backend, &kernel_preference_forward, &forward, (long)n, 0));
    b->loss_sum = 0;
    for (size_t s = 0; s < n; s++)
        b->loss_sum += (double)b->loss[s];
    if (!with_gradient)
        return STATUS_OK;
    const struct preference_gradient gradient = {b->q, b->residual, b->partial, d, (long)n, (int)d, CHUNK};
    TRY(backend_launch(backend, &kernel_preference_gradient, &gradient, (long)n_chunks, 0));
    memset(b->gradient, 0, (d + 1) * sizeof *b->gradient);
    for (size_t c = 0; c < n_chunks; c++)
        for (uint32_t k = 0; k < d; k++)
            b->gradient[k] += (double)b->partial[c * d + k];
    for (size_t s = 0; s < n; s++)
        b->gradient[d] += (double)b->residual[s];
    return STATUS_OK;
}

/* Mean loss over all groups in order (without L2), and the mean gradient into `gradient` unless NULL. */
static enum status mean_loss(const struct backend *backend, const struct preference_samples *samples,
                             const double *weights, struct batch *b, uint64_t *groups, double *loss,
                             double *gradient)
{
    const double n = (double)samples->n_groups * samples->group_size;
    *loss = 0;
    for (uint64_t first = 0; first < samples->n_groups; first += b->n_groups) {
        const uint64_t left = samples->n_groups - first;
        const size_t size = left < b->n_groups ? (size_t)left : b->n_groups;
        for (size_t g = 0; g < size; g++)
            groups[g] = first + g;
        TRY(batch_compute(backend, samples, groups, size, weights, gradient != NULL, b));
        *loss += b->loss_sum / n;
        for (uint32_t k = 0; gradient != NULL && k <= b->d; k++)
            gradient[k] += b->gradient[k] / n;
    }
    return STATUS_OK;
}

/* One step of Adam over d + 1 numbers; the last, b, has no L2. */
static void adam_step(const struct preference_options *o, uint64_t step, uint32_t d, const double *gradient,
                      double n, double *weights, double *m, double *v)
{
    const double correct1 = 1 - pow(o->beta1, (double)step), correct2 = 1 - pow(o->beta2, (double)step);
    for (uint32_t k = 0; k <= d; k++) {
        const double g = gradient[k] / n + (k < d ? o->regularization * weights[k] : 0);
        m[k] = o->beta1 * m[k] + (1 - o->beta1) * g;
        v[k] = o->beta2 * v[k] + (1 - o->beta2) * g * g;
        weights[k] -= o->learning_rate * (m[k] / correct1) / (sqrt(v[k] / correct2) + o->epsilon);
    }
}

/* What a fit carries from epoch to epoch. */
struct fitting {
    struct batch train, valid;
    double *weights, *best, *m, *v; /* [d + 1] */
    uint32_t *order;
    uint64_t *groups, step;
};

static enum status fitting_new(const struct preference_samples *train, const struct preference_samples *valid,
                               uint32_t batch_size, struct arena *scratch, struct fitting *f)
{
    const size_t d = train->d;
    TRY(batch_new(train, batch_size, scratch, &f->train));
    if (valid != NULL)
        TRY(batch_new(valid, batch_size, scratch, &f->valid));
    ARENA_NEW(f->weights, scratch, d + 1);
    ARENA_NEW(f->best, scratch, d + 1);
    ARENA_NEW(f->m, scratch, d + 1);
    ARENA_NEW(f->v, scratch, d + 1);
    ARENA_NEW(f->order, scratch, train->n_groups);
    ARENA_NEW(f->groups, scratch, f->train.n_groups + f->valid.n_groups);
    return STATUS_OK;
}

static enum status run_epoch(const struct backend *backend, const struct preference_samples *train,
                             const struct preference_options *o, uint32_t epoch, struct fitting *f,
                             double *loss)
{
    *loss = 0;
    random_permutation(o->seed, RANDOM_ORDER, epoch, (uint32_t)train->n_groups, f->order);
    for (uint64_t first = 0; first < train->n_groups; first += f->train.n_groups) {
        const uint64_t left = train->n_groups - first;
        const size_t size = left < f->train.n_groups ? (size_t)left : f->train.n_groups;
        if (o->cancelled != NULL && *o->cancelled)
            return STATUS_STOPPED;
        for (size_t g = 0; g < size; g++)
            f->groups[g] = f->order[first + g];
        TRY(batch_compute(backend, train, f->groups, size, f->weights, true, &f->train));
        *loss += f->train.loss_sum / ((double)train->n_groups * train->group_size);
        adam_step(o, ++f->step, train->d, f->train.gradient, (double)size * train->group_size, f->weights,
                  f->m, f->v);
    }
    return STATUS_OK;
}

enum status preference_fit(const struct backend *backend, const struct preference_samples *train,
                           const struct preference_samples *valid, const struct preference_options *options,
                           struct arena *scratch, float *W, float *b, struct preference_report *report)
{
    const uint32_t d = train->d;
    struct fitting f = {0};
    struct preference_report done = {0, 0, NAN, NAN};
    double best = INFINITY;
    if (valid != NULL && valid->n_groups == 0)
        valid = NULL;
    if (train->n_groups >= UINT32_MAX)
        return status_fail(STATUS_USAGE,
                           "%llu groups of training rows, at most %u can be put in order; ask for fewer "
                           "samples",
                           (unsigned long long)train->n_groups, UINT32_MAX - 1);
    TRY(fitting_new(train, valid, options->batch_size, scratch, &f));
    for (uint32_t k = 0; k <= d; k++)
        f.weights[k] = (double)(k < d ? W[k] : *b);
    memcpy(f.best, f.weights, (d + 1) * sizeof *f.best);
    for (uint32_t epoch = 1; epoch <= options->epochs && train->n_groups > 0; epoch++) {
        double train_loss = 0, valid_loss = NAN;
        TRY(run_epoch(backend, train, options, epoch, &f, &train_loss));
        if (valid != NULL)
            TRY(mean_loss(backend, valid, f.weights, &f.valid, f.groups, &valid_loss, NULL));
        done.epochs = epoch;
        if (options->run != NULL) {
            run_curve(options->run, "loss", (int)epoch, train_loss);
            if (valid != NULL)
                run_curve(options->run, "validation loss", (int)epoch, valid_loss);
        }
        if (valid == NULL || valid_loss < best) {
            best = valid_loss;
            memcpy(f.best, f.weights, (d + 1) * sizeof *f.best);
            done = (struct preference_report){epoch, epoch, train_loss, valid_loss};
        } else if (options->patience > 0 && epoch - done.best_epoch >= options->patience) {
            break;
        }
    }
    for (uint32_t k = 0; k < d; k++)
        W[k] = (float)f.best[k];
    *b = (float)f.best[d];
    if (report != NULL)
        *report = done;
    return STATUS_OK;
}

/* preference_train()'s rows. */
struct table {
    const float *q, *targets;
    uint32_t d;
};

static enum status table_fill(const void *context, const uint64_t *groups, size_t n, float *q, float *target)
{
    const struct table *t = context;
    for (size_t s = 0; s < n; s++) {
        memcpy(q + s * t->d, t->q + groups[s] * t->d, t->d * sizeof *q);
        target[s] = t->targets[groups[s]];
    }
    return STATUS_OK;
}

enum status preference_train(const struct backend *backend, const float *q, const float *targets, size_t n,
                             uint32_t d, const struct preference_options *options, struct arena *scratch,
                             float *W, float *b)
{
    const struct table table = {q, targets, d};
    const struct preference_samples samples = {n, 1, d, table_fill, &table};
    return preference_fit(backend, &samples, NULL, options, scratch, W, b, NULL);
}

enum status preference_loss(const struct backend *backend, const struct preference_samples *samples,
                            const struct preference_options *options, const float *W, float b,
                            struct arena *scratch, double *loss, double *gradient)
{
    struct batch batch = {0};
    double *weights = NULL, squares = 0;
    uint64_t *groups = NULL;
    const uint32_t d = samples->d;
    TRY(batch_new(samples, options->batch_size, scratch, &batch));
    ARENA_NEW(weights, scratch, d + 1);
    ARENA_NEW(groups, scratch, batch.n_groups);
    for (uint32_t k = 0; k < d; k++) {
        weights[k] = (double)W[k];
        squares += weights[k] * weights[k];
    }
    weights[d] = (double)b;
    if (gradient != NULL)
        memset(gradient, 0, (d + 1) * sizeof *gradient);
    TRY(mean_loss(backend, samples, weights, &batch, groups, loss, gradient));
    *loss += options->regularization / 2 * squares;
    for (uint32_t k = 0; gradient != NULL && k < d; k++)
        gradient[k] += options->regularization * weights[k];
    return STATUS_OK;
}

double preference_sigmoid(double z)
{
    const double e = exp(-fabs(z));
    return (z >= 0 ? 1 : e) / (1 + e);
}

double preference_prior_correction(double positives_kept, double negatives_kept)
{
    return log(negatives_kept / positives_kept);
}
