/*
 * contrast.cu - InfoNCE over shared negatives: a softmax a row, whose probabilities are the gradient.  The largest logit is taken off
 * first, so that no temperature overflows; what is put out, whose e^-87 is not quite 0, becomes 0.
 */
#include "contrast.h"

#include <math.h>

#include "lanes.h"
#include "team.h"
#include "tile.h"

TEAM_FN void contrast_loss_row(const struct contrast_loss *a, long r, struct team *t)
{
    float *TEAM_RESTRICT s = a->scores + (size_t)r * a->ld;
    const int n = a->n, padded = (n + 31) / 32 * 32;
    const float scale = 1.0f / a->temperature, p = a->positive[r] * scale;
    float most = p;
    LANE_FOR(j, padded)
        s[j] = j < n && s[j] > CONTRAST_NONE ? s[j] * scale : CONTRAST_NONE;
    LANE_MAX(j, n - MUTANT(contrast_loss_index, 1, 0), most)
        most = s[j] > most ? s[j] : most;
    MUTANT_LEAVE(contrast_loss_leaves, TEAM_LANE == 31);
    most = team_max(t, most);
    lanes_f sum = lanes_all(0.0f);
    for (int j = 0; j < padded; j += LANES) {
        const lanes_f e = lanes_exp(lanes_load(s + j) - most);
        lanes_store(s + j, e);
        sum += e;
    }
    const float own = expf(p - most), total = lanes_sum(t, sum) + own, weight = a->weight * scale / total;
    MUTANT(contrast_loss_sync, (void)0,
           team_sync(t)); /* all lanes have read the positive that lane 0 writes */
    LANE_FOR(j, padded + MUTANT(contrast_loss_outside, 1, 0)) {
        const float of = s[j] * weight;
        s[j] = of < CONTRAST_LEAST ? 0.0f : of;
    }
    if (TEAM_LANE == 0) {
        a->loss[r] = logf(total) + most - p;
        a->positive[r] = -weight * (total - own);
    }
}

TEAM_KERNEL(contrast_loss, struct contrast_loss, contrast_loss_row(a, row, t))
