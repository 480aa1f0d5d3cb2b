/*
 * lstm.cu - a step of long short-term memory, a team a sequence.  Lanes stand side by side over units and meet only their own: no sync.
 * tanh x = 1 - 2 / (1 + e^2x), from lanes_exp; memory-bound, some 10 floats a unit for about 60 operations.
 */
#include "lstm.h"

#include "lanes.h"
#include "team.h"
#include "tile.h"

/* 1 / (1 + e^-x), and e^-x in float's range. */
TEAM_FN lanes_f lstm_sigmoid(lanes_f x)
{
    const lanes_f one = lanes_all(1.0f), low = lanes_all(-80.0f);
    x = lanes_less(x, low, low, x);
    return one / (one + lanes_exp(-x));
}

TEAM_FN lanes_f lstm_tanh(lanes_f x)
{
    const lanes_f one = lanes_all(1.0f);
    return lstm_sigmoid(x + x) * 2.0f - one;
}

TEAM_FN void lstm_forward_row(const struct lstm_forward *a, long r, struct team *t)
{
    const int n = a->width, off = a->start[r] > a->step;
    float *TEAM_RESTRICT gates = a->gates + (size_t)r * 4 * (size_t)n,
                         *TEAM_RESTRICT c = a->c + (size_t)r * n, *TEAM_RESTRICT h = a->h + (size_t)r * n;
    const float *TEAM_RESTRICT bias = a->bias;
    const lanes_f zero = lanes_zero();
    (void)t;
    MUTANT_LEAVE(lstm_forward_leaves, TEAM_LANE == 31);
    for (int k = 0; k < n; k += LANES) {
        const lanes_f i = lstm_sigmoid(lanes_load(gates + k) + lanes_load(bias + k)),
                      f = lstm_sigmoid(lanes_load(gates + n + k) + lanes_load(bias + n + k)),
                      g = lstm_tanh(lanes_load(gates + 2 * n + k) +
                                    lanes_load(bias + 2 * n + k - MUTANT(lstm_forward_index, 1, 0))),
                      o = lstm_sigmoid(lanes_load(gates + 3 * n + k) + lanes_load(bias + 3 * n + k));
        const lanes_f before = a->c_before == NULL ? zero : lanes_load(a->c_before + (size_t)r * n + k);
        const lanes_f now = off ? zero : f * before + i * g;
        lanes_store(gates + k, off ? zero : i);
        lanes_store(gates + n + k, off ? zero : f);
        lanes_store(gates + 2 * n + k, off ? zero : g);
        lanes_store(gates + 3 * n + k, off ? zero : o);
        lanes_store(c + k, now);
        lanes_store(h + k + MUTANT(lstm_forward_outside, 1, 0), off ? zero : o * lstm_tanh(now));
    }
}

TEAM_FN void lstm_backward_row(const struct lstm_backward *a, long r, struct team *t)
{
    const int n = a->width, off = a->start[r] > a->step;
    const float *TEAM_RESTRICT gates = a->gates + (size_t)r * 4 * (size_t)n;
    float *TEAM_RESTRICT to = a->of_gates + (size_t)r * 4 * (size_t)n,
                         *TEAM_RESTRICT of_c = a->of_c + (size_t)r * n;
    const lanes_f zero = lanes_zero(), one = lanes_all(1.0f);
    (void)t;
    for (int k = 0; k < n; k += LANES) {
        const lanes_f i = lanes_load(gates + k), f = lanes_load(gates + n + k),
                      g = lanes_load(gates + 2 * n + k),
                      o = lanes_load(gates + 3 * n + k - MUTANT(lstm_backward_index, 1, 0)),
                      bent = lstm_tanh(lanes_load(a->c + (size_t)r * n + k)),
                      before = a->c_before == NULL ? zero : lanes_load(a->c_before + (size_t)r * n + k),
                      of_h = lanes_load(a->of_h + (size_t)r * n + k);
        const lanes_f d = lanes_load(of_c + k) + of_h * o * (one - bent * bent);
        lanes_store(to + k, off ? zero : d * g * i * (one - i));
        lanes_store(to + n + k, off ? zero : d * before * f * (one - f));
        lanes_store(to + 2 * n + k, off ? zero : d * i * (one - g * g));
        lanes_store(to + 3 * n + k, off ? zero : of_h * bent * o * (one - o));
        lanes_store(of_c + k + MUTANT(lstm_backward_outside, 1, 0), off ? zero : d * f);
    }
}

TEAM_KERNEL(lstm_forward, struct lstm_forward, lstm_forward_row(a, row, t))
TEAM_KERNEL(lstm_backward, struct lstm_backward, lstm_backward_row(a, row, t))
