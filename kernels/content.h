/*
 * content.h - arguments of the kernels of content models (content.cu): profiles and weights over words.
 */
#ifndef CONTENT_H
#define CONTENT_H
#include <stddef.h>
#include <stdint.h>

/* What is below 0 in X becomes 0. */
struct content_positive {
    float *X; /* [n_rows x ld] */
    size_t ld;
    int cols;
};

/*
 * Naive Bayes of two classes, liked and not, a launch row a user: the counts of words become the weights of a linear score,
 *     log odds(item) = constant + sum over its words w of (count, or 1 where bernoulli) weight_w.
 * x_w: the count of word w in what the user liked, z_w in what not, a = smoothing, V words:
 *     multinomial   theta_w = (x_w + a) / (sum x + a V), phi_w likewise of z;   weight = log theta_w - log phi_w
 *     bernoulli     counts are numbers of items that have w, of n_liked and n_other: theta_w = (x_w + a) / (n_liked + 2 a);
 *                   weight = logit theta_w - logit phi_w, constant = sum log(1 - theta_w) - log(1 - phi_w)
 *     complement    weight as multinomial; normalize: log phi_w / sum log phi - log theta_w / sum log theta (Rennie et al. 2003)
 * and prior adds log(n_liked / n_other) to the constant.  A user with nothing liked, or nothing that is not: all 0.
 */
enum bayes_kind { BAYES_MULTINOMIAL, BAYES_BERNOULLI, BAYES_COMPLEMENT };
struct content_bayes {
    float *X;             /* [n_rows x ld] x; out: weights */
    const float *Z;       /* [n_rows x ld] z; NULL: all - x */
    const float *all;     /* [cols] counts in all items, where Z is NULL */
    const float *n_liked; /* [n_rows] items */
    const float *n_other; /* [n_rows] */
    float *constant;      /* [n_rows] */
    size_t ld;
    float smoothing;
    int kind, normalize, prior, cols;
};

#endif
