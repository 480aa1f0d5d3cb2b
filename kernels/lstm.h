/*
 * lstm.h - arguments of the kernels of long short-term memory (Hochreiter, Schmidhuber 1997; with forget gates: Gers, Schmidhuber, Cummins
 * 2000): one step of a layer for all sequences, forward and backward.
 *
 *     a = x W + h_before U + bias, cut into four:  i = sigmoid(a_i), f = sigmoid(a_f), g = tanh(a_g), o = sigmoid(a_o)
 *     c = f c_before + i g,   h = o tanh(c)
 *
 * The products are the host's (GEMM over all sequences).  A launch row is a sequence; one that begins after this step (start > step: shorter
 * ones are aligned to their ends) keeps the state 0.  width: units, a multiple of 32.
 */
#ifndef LSTM_H
#define LSTM_H
#include <stdint.h>

struct lstm_forward {
    float *gates;          /* [n_rows x 4 width] x W + h_before U, which become i, f, g, o */
    const float *bias;     /* [4 width] */
    const float *c_before; /* [n_rows x width]; NULL: 0 */
    float *c, *h;          /* [n_rows x width] */
    const uint32_t *start; /* [n_rows] */
    uint32_t step;
    int width;
};

struct lstm_backward {
    const float *gates, *c, *c_before; /* of lstm_forward */
    const float *of_h;                 /* [n_rows x width] gradient by h, all that it comes from */
    float *of_c;     /* [n_rows x width] gradient by c from the next step; becomes the one by c_before */
    float *of_gates; /* [n_rows x 4 width] gradient by a */
    const uint32_t *start;
    uint32_t step;
    int width;
};

#endif
