/*
 * lstm_net.h - a classifier of word sequences: Embedding -> LSTM -> LSTM -> Dense(1, sigmoid), binary cross-entropy; the layers, gate order and initial
 * weights of Keras (embedding uniform +-0.05; Glorot uniform; recurrent weights orthogonal; bias 0, of the forget gate 1).
 *
 * Sequences of one batch are aligned to their ends; a shorter one begins later, from the state 0 (Keras: mask_zero).
 */
#ifndef FUSION_LSTM_NET_H
#define FUSION_LSTM_NET_H
#include "backend/backend.h"
#include "base/arena.h"

struct lstm_shape {
    uint32_t words, embedding, hidden; /* hidden: a multiple of 32 */
};

struct lstm_batch {
    uint32_t n, steps;
    const uint32_t *word;  /* [steps][n] below `words`; read where step >= start[n] */
    const uint32_t *start; /* [n] steps - length */
    const float *target;   /* [n] 0 .. 1; NULL for lstm_net_forward() */
};

struct lstm_layer {
    uint32_t inputs;
    size_t W, U,
        bias; /* places in the weights: [inputs x 4 hidden], [hidden x 4 hidden], [4 hidden]; gates i, f, g, o */
    float *gates, *c, *h, *of_gates; /* [steps][n][4 hidden or hidden] */
};

struct lstm_net {
    const struct backend *backend;
    struct lstm_shape shape;
    uint32_t most, most_steps;
    size_t n_weights, dense; /* embedding [words x embedding] from 0; dense [hidden], bias from `dense` */
    float *weights, *gradient;
    struct lstm_layer layer[2];
    float *x, *of_x, *of_h, *of_c; /* [steps][n][embedding] twice, [steps][n][hidden], [n][hidden] */
    double *sums;                  /* [4 hidden] */
    float *p;                      /* [n] of the batch last computed */
};

/* Batches of at most `most` sequences of at most most_steps words.  All memory of the arena; initial weights from the seed. */
enum status lstm_net_new(const struct backend *backend, const struct lstm_shape *shape, uint32_t most,
                         uint32_t most_steps, uint64_t seed, struct arena *arena, struct lstm_net *net);
/* net->p: the probability of each sequence. */
enum status lstm_net_forward(struct lstm_net *net, const struct lstm_batch *batch);
/* After lstm_net_forward() of the batch: its mean loss, and net->gradient by all weights. */
enum status lstm_net_backward(struct lstm_net *net, const struct lstm_batch *batch, double *loss);

#endif
