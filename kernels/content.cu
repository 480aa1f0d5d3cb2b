/*
 * content.cu - profiles and weights over words for the content models: rocchio's profiles without negative words, naive
 * Bayes' weights from counts (content.h has the formulas; McCallum, Nigam 1998; Rennie et al. 2003).  A team has one user's row.
 */
#include "content.h"

#include <math.h>

#include "team.h"

TEAM_FN void content_positive_row(const struct content_positive *a, long r, struct team *t)
{
    float *TEAM_RESTRICT x = a->X + (size_t)r * a->ld;
    (void)t;
    LANE_FOR(w, a->cols)
        x[w + MUTANT(content_positive_outside, 1, 0)] = x[w] > 0.0f ? x[w] : 0.0f;
}

/* The count of word w in what the user did not like. */
TEAM_FN float bayes_other(const struct content_bayes *a, long r, int w, float x)
{
    const float z = a->Z != NULL ? a->Z[(size_t)r * a->ld + (size_t)w] : a->all[w] - x;
    return z > 0.0f ? z : 0.0f;
}

TEAM_FN void content_bayes_row(const struct content_bayes *a, long r, struct team *t)
{
    float *TEAM_RESTRICT x = a->X + (size_t)r * a->ld;
    const float alpha = a->smoothing, liked = a->n_liked[r], other = a->n_other[r];
    const int bernoulli = a->kind == BAYES_BERNOULLI, nothing = !(liked > 0.0f) || !(other > 0.0f);
    float sum_x = 0.0f, sum_z = 0.0f, sum_theta = 0.0f, sum_phi = 0.0f, absent = 0.0f;

    for (int w = TEAM_LANE; w < a->cols; w += TEAM_SIZE) {
        sum_x += x[w];
        sum_z += bayes_other(a, r, w, x[w]);
    }
    sum_x = team_sum(t, sum_x);
    sum_z = team_sum(t, sum_z);
    MUTANT_LEAVE(content_bayes_leaves, TEAM_LANE == 31);
    const float below_x = bernoulli ? liked + 2.0f * alpha : sum_x + alpha * (float)a->cols;
    const float below_z = bernoulli ? other + 2.0f * alpha : sum_z + alpha * (float)a->cols;
    for (int w = TEAM_LANE; w < a->cols - MUTANT(content_bayes_index, 1, 0); w += TEAM_SIZE) {
        const float theta = (x[w] + alpha) / below_x, phi = (bayes_other(a, r, w, x[w]) + alpha) / below_z;
        const float log_theta = logf(theta), log_phi = logf(phi);
        if (bernoulli)
            absent += logf(1.0f - theta) - logf(1.0f - phi);
        sum_theta += log_theta;
        sum_phi += log_phi;
    }
    absent = team_sum(t, absent);
    sum_theta = team_sum(t, sum_theta);
    sum_phi = team_sum(t, sum_phi);
    const int normalize = a->kind == BAYES_COMPLEMENT && a->normalize;
    for (int w = TEAM_LANE; w < a->cols; w += TEAM_SIZE) {
        const float theta = (x[w] + alpha) / below_x, phi = (bayes_other(a, r, w, x[w]) + alpha) / below_z;
        float weight = logf(theta) - logf(phi);
        if (bernoulli)
            weight -= logf(1.0f - theta) - logf(1.0f - phi);
        if (normalize)
            weight = logf(phi) / sum_phi - logf(theta) / sum_theta;
        x[w] = nothing ? 0.0f : weight;
    }
    if (TEAM_LANE == 0)
        a->constant[r + MUTANT(content_bayes_outside, 1, 0)] =
            nothing ? 0.0f : (bernoulli ? absent : 0.0f) + (a->prior ? logf(liked / other) : 0.0f);
}

TEAM_KERNEL(content_positive, struct content_positive, content_positive_row(a, row, t))
TEAM_KERNEL(content_bayes, struct content_bayes, content_bayes_row(a, row, t))
