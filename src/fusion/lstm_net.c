/* lstm_net.c - see lstm_net.h.  Inputs of all steps go through one product, the state through one a step; gates are kernels/lstm.cu's. */
#include "fusion/lstm_net.h"

#include <math.h>
#include <string.h>

#include "lstm.h"

/* Streams of RANDOM_INIT. */
enum { INIT_EMBEDDING, INIT_LAYERS, INIT_DENSE = INIT_LAYERS + 4 };

static void uniform(float *w, size_t n, double limit, uint64_t seed, uint32_t stream)
{
    for (size_t e = 0; e < n; e++)
        w[e] = (float)(limit * (2 * random_unit(seed, RANDOM_INIT, stream, e) - 1));
}

/* rows <= cols orthonormal rows: normal numbers, each row less what the ones before have of it (modified Gram-Schmidt). */
static void orthogonal(float *w, size_t rows, size_t cols, uint64_t seed, uint32_t stream)
{
    for (size_t r = 0; r < rows; r++) {
        float *x = w + r * cols;
        for (size_t c = 0; c < cols; c++)
            x[c] = (float)random_normal(seed, RANDOM_INIT, stream, r * cols + c);
        for (size_t s = 0; s <= r; s++) { /* the last pass: its own length */
            const float *y = w + s * cols;
            double dot = 0;
            for (size_t c = 0; c < cols; c++)
                dot += (double)x[c] * (double)y[c];
            for (size_t c = 0; c < cols; c++)
                x[c] = (float)(s < r ? (double)x[c] - dot * (double)y[c] : (double)x[c] / sqrt(dot));
        }
    }
}

static void init_weights(struct lstm_net *net, uint64_t seed)
{
    const size_t h = net->shape.hidden;
    uniform(net->weights, (size_t)net->shape.words * net->shape.embedding, 0.05, seed, INIT_EMBEDDING);
    for (uint32_t l = 0; l < 2; l++) {
        const struct lstm_layer *a = &net->layer[l];
        uniform(net->weights + a->W, a->inputs * 4 * h, sqrt(6 / ((double)a->inputs + 4 * (double)h)), seed,
                INIT_LAYERS + 2 * l);
        orthogonal(net->weights + a->U, h, 4 * h, seed, INIT_LAYERS + 2 * l + 1);
        for (size_t k = h; k < 2 * h;
             k++) /* the forget gate is open at first (Jozefowicz, Zaremba, Sutskever 2015) */
            net->weights[a->bias + k] = 1;
    }
    uniform(net->weights + net->dense, h, sqrt(6 / ((double)h + 1)), seed, INIT_DENSE);
}

enum status lstm_net_new(const struct backend *backend, const struct lstm_shape *shape, uint32_t most,
                         uint32_t most_steps, uint64_t seed, struct arena *arena, struct lstm_net *net)
{
    const size_t h = shape->hidden, rows = (size_t)most * most_steps;
    *net = (struct lstm_net){.backend = backend, .shape = *shape, .most = most, .most_steps = most_steps};
    net->n_weights = (size_t)shape->words * shape->embedding;
    for (int l = 0; l < 2; l++) {
        struct lstm_layer *a = &net->layer[l];
        a->inputs = l == 0 ? shape->embedding : shape->hidden;
        a->W = net->n_weights;
        a->U = a->W + a->inputs * 4 * h;
        a->bias = a->U + 4 * h * h;
        net->n_weights = a->bias + 4 * h;
        ARENA_NEW(a->gates, arena, rows * 4 * h);
        ARENA_NEW(a->of_gates, arena, rows * 4 * h);
        ARENA_NEW(a->c, arena, rows * h);
        ARENA_NEW(a->h, arena, rows * h);
    }
    net->dense = net->n_weights;
    net->n_weights += h + 1;
    ARENA_NEW(net->weights, arena, net->n_weights);
    ARENA_NEW(net->gradient, arena, net->n_weights);
    ARENA_NEW(net->x, arena, rows * shape->embedding);
    ARENA_NEW(net->of_x, arena, rows * shape->embedding);
    ARENA_NEW(net->of_h, arena, rows * h);
    ARENA_NEW(net->of_c, arena, most * h);
    ARENA_NEW(net->sums, arena, 4 * h);
    ARENA_NEW(net->p, arena, most);
    init_weights(net, seed);
    return STATUS_OK;
}

static enum status layer_forward(struct lstm_net *net, const struct lstm_layer *a, const struct lstm_batch *b,
                                 const float *x)
{
    const size_t n = b->n, h = net->shape.hidden;
    const float *U = net->weights + a->U;
    TRY(backend_sgemm(net->backend, false, false, n * b->steps, 4 * h, a->inputs, 1, x, a->inputs,
                      net->weights + a->W, 4 * h, 0, a->gates, 4 * h));
    for (uint32_t t = 0; t < b->steps; t++) {
        float *gates = a->gates + t * n * 4 * h;
        const float *before = t > 0 ? a->h + (t - 1) * n * h : NULL;
        if (t > 0)
            TRY(backend_sgemm(net->backend, false, false, n, 4 * h, h, 1, before, h, U, 4 * h, 1, gates,
                              4 * h));
        const struct lstm_forward args = {.gates = gates,
                                          .bias = net->weights + a->bias,
                                          .c_before = t > 0 ? a->c + (t - 1) * n * h : NULL,
                                          .c = a->c + t * n * h,
                                          .h = a->h + t * n * h,
                                          .start = b->start,
                                          .step = t,
                                          .width = (int)h};
        TRY(backend_launch(net->backend, &kernel_lstm_forward, &args, (long)n, 0));
    }
    return STATUS_OK;
}

/* sigmoid of the dense layer's sum z over the last state of sequence r. */
static double dense_sum(const struct lstm_net *net, const struct lstm_batch *b, uint32_t r)
{
    const size_t h = net->shape.hidden;
    const float *last = net->layer[1].h + ((b->steps - 1) * (size_t)b->n + r) * h,
                *w = net->weights + net->dense;
    double z = (double)w[h];
    for (size_t k = 0; k < h; k++)
        z += (double)last[k] * (double)w[k];
    return z;
}

enum status lstm_net_forward(struct lstm_net *net, const struct lstm_batch *b)
{
    const size_t d = net->shape.embedding;
    for (uint32_t t = 0; t < b->steps; t++)
        for (uint32_t r = 0; r < b->n; r++) {
            const size_t row = (size_t)t * b->n + r;
            for (size_t k = 0; k < d; k++)
                net->x[row * d + k] = t >= b->start[r] ? net->weights[b->word[row] * d + k] : 0;
        }
    TRY(layer_forward(net, &net->layer[0], b, net->x));
    TRY(layer_forward(net, &net->layer[1], b, net->layer[0].h));
    for (uint32_t r = 0; r < b->n; r++)
        net->p[r] = (float)(1 / (1 + exp(-dense_sum(net, b, r))));
    return STATUS_OK;
}

/* From net->of_h, the gradient by the layer's outputs h at each step (here it grows by what comes back through the state), to the layer's
 * weights and, into `below`, to its inputs x. */
static enum status layer_backward(struct lstm_net *net, const struct lstm_layer *a,
                                  const struct lstm_batch *b, const float *x, float *below)
{
    const size_t n = b->n, h = net->shape.hidden, rows = n * b->steps, wide = 4 * h;
    const struct backend *backend = net->backend;
    const float *U = net->weights + a->U;
    float *of_bias = net->gradient + a->bias;
    memset(net->of_c, 0, n * h * sizeof *net->of_c);
    for (uint32_t t = b->steps; t-- > 0;) {
        const struct lstm_backward args = {.gates = a->gates + t * n * wide,
                                           .c = a->c + t * n * h,
                                           .c_before = t > 0 ? a->c + (t - 1) * n * h : NULL,
                                           .of_h = net->of_h + t * n * h,
                                           .of_c = net->of_c,
                                           .of_gates = a->of_gates + t * n * wide,
                                           .start = b->start,
                                           .step = t,
                                           .width = (int)h};
        TRY(backend_launch(backend, &kernel_lstm_backward, &args, (long)n, 0));
        if (t > 0)
            TRY(backend_sgemm(backend, false, true, n, h, wide, 1, args.of_gates, wide, U, wide, 1,
                              net->of_h + (t - 1) * n * h, h));
    }
    TRY(backend_sgemm(backend, true, false, a->inputs, wide, rows, 1, x, a->inputs, a->of_gates, wide, 0,
                      net->gradient + a->W, wide));
    memset(net->gradient + a->U, 0, h * wide * sizeof *net->gradient);
    if (b->steps > 1) /* h of each step but the last meets the gates of the next */
        TRY(backend_sgemm(backend, true, false, h, wide, rows - n, 1, a->h, h, a->of_gates + n * wide, wide,
                          0, net->gradient + a->U, wide));
    memset(net->sums, 0, wide * sizeof *net->sums);
    for (size_t row = 0; row < rows; row++)
        for (size_t k = 0; k < wide; k++)
            net->sums[k] += (double)a->of_gates[row * wide + k];
    for (size_t k = 0; k < wide; k++)
        of_bias[k] = (float)net->sums[k];
    return backend_sgemm(backend, false, true, rows, a->inputs, wide, 1, a->of_gates, wide,
                         net->weights + a->W, wide, 0, below, a->inputs);
}

/* The loss, and the gradients by the dense layer and by the last states, into net->of_h. */
static void dense_backward(struct lstm_net *net, const struct lstm_batch *b, double *loss)
{
    const size_t h = net->shape.hidden, rows = (size_t)b->n * b->steps, last = rows - b->n;
    const float *w = net->weights + net->dense;
    float *of_w = net->gradient + net->dense;
    memset(net->of_h, 0, rows * h * sizeof *net->of_h);
    memset(of_w, 0, (h + 1) * sizeof *of_w);
    *loss = 0;
    for (uint32_t r = 0; r < b->n; r++) {
        const double z = dense_sum(net, b, r), y = (double)b->target[r];
        const float d = (float)((1 / (1 + exp(-z)) - y) / b->n);
        const float *state = net->layer[1].h + (last + r) * h;
        *loss += (fmax(z, 0) + log1p(exp(-fabs(z))) - y * z) / b->n;
        for (size_t k = 0; k < h; k++) {
            of_w[k] += d * state[k];
            net->of_h[(last + r) * h + k] = d * w[k];
        }
        of_w[h] += d;
    }
}

enum status lstm_net_backward(struct lstm_net *net, const struct lstm_batch *b, double *loss)
{
    const size_t d = net->shape.embedding;
    dense_backward(net, b, loss);
    /* of_h is read to the end before the gradient by the lower layer's outputs takes its place */
    TRY(layer_backward(net, &net->layer[1], b, net->layer[0].h, net->of_h));
    TRY(layer_backward(net, &net->layer[0], b, net->x, net->of_x));
    memset(net->gradient, 0, (size_t)net->shape.words * d * sizeof *net->gradient);
    for (uint32_t t = 0; t < b->steps; t++)
        for (uint32_t r = 0; r < b->n; r++) {
            const size_t row = (size_t)t * b->n + r;
            for (size_t k = 0; k < d && t >= b->start[r]; k++)
                net->gradient[b->word[row] * d + k] += net->of_x[row * d + k];
        }
    return STATUS_OK;
}
