/*
 * contrast.h - arguments of the kernel contrast_loss: contrastive loss (InfoNCE) of questions with shared negatives.
 *
 * A launch row is a question: one positive score, n_negatives others, all of them cosines.
 *     loss = -log( exp(p / t) / (exp(p / t) + sum_j exp(s_j / t)) )         (van den Oord, Li, Vinyals 2018)
 * Scores become their gradients: d loss / d s_j times `weight`, and the positive's likewise.
 */
#ifndef CONTRAST_H
#define CONTRAST_H
#include <stddef.h>

/* A score of CONTRAST_NONE or less is no negative: its gradient is 0. */
#define CONTRAST_NONE (-1e30f)
/* Gradients of others below it are 0 too: products of denormal numbers take several times as long. */
#define CONTRAST_LEAST 1e-30f

struct contrast_loss {
    float *scores;   /* [n_rows x ld] */
    float *positive; /* [n_rows] */
    float *loss;     /* [n_rows] */
    size_t ld;       /* a multiple of 32, at least n; columns from n on are overwritten with 0 */
    int n;
    float temperature, weight;
};

#endif
