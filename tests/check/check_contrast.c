/*
 * check_contrast.c - InfoNCE and its gradient, against the softmax in double.
 */
#include <math.h>

#include "check.h"
#include "contrast.h"

enum { ROWS = 5, LD = 96 };

static void loss_writes(const void *args, long r)
{
    const struct contrast_loss *a = args;
    check_may_write(a->scores + (size_t)r * a->ld, sizeof(float) * (size_t)((a->n + 31) / 32 * 32));
    check_may_write(a->positive + r, sizeof(float));
    check_may_write(a->loss + r, sizeof(float));
}

/* Temperatures of the paper's order, and one so low that logits reach hundreds; some scores are no negatives. */
static void loss_cases(const char *kernel)
{
    for (int c = 0; c < 4; c++) {
        static double s[ROWS][LD], p[ROWS];
        const int n = c < 2 ? 71 : 64;
        const struct contrast_loss a = {.scores = check_floats("scores", ROWS * LD, 1),
                                        .positive = check_floats("positive", ROWS, 2),
                                        .loss = check_floats("loss", ROWS, 3),
                                        .ld = LD,
                                        .n = n,
                                        .temperature = c % 2 ? 0.15f : 0.005f,
                                        .weight = 0.25f};
        for (int r = 0; r < ROWS; r++) {
            p[r] = a.positive[r];
            for (int j = 0; j < n; j++) {
                if (r == 1 && j % 3 == 0)
                    a.scores[r * LD + j] = CONTRAST_NONE;
                if (r == 2 && j == n - 1)
                    a.scores[r * LD + j] = 1.5f; /* the largest stands last */
                s[r][j] = a.scores[r * LD + j];
            }
        }
        check_run(kernel, &a, ROWS, 0);
        for (int r = 0; r < ROWS; r++) {
            const double t = a.temperature;
            double most = p[r], total = 0;
            for (int j = 0; j < n; j++)
                most = fmax(most, s[r][j]);
            total = exp((p[r] - most) / t);
            for (int j = 0; j < n; j++)
                total += exp((s[r][j] - most) / t);
            /* a logit of size x is off by x eps, and so is e^logit */
            const double size = 8 * CHECK_EPS * (1 + 2 * fabs(most) / t);
            check_near("loss", r, a.loss[r], log(total) + (most - p[r]) / t,
                       size + 8 * CHECK_EPS * log(n + 1));
            check_near("positive", r, a.positive[r], 0.25 / t * (exp((p[r] - most) / t) / total - 1),
                       0.25 / t * 2 * size);
            for (int j = 0; j < (n + 31) / 32 * 32; j++) { /* what is far below CONTRAST_LEAST is 0 exactly */
                const double of = j < n ? 0.25 / t * exp((s[r][j] - most) / t) / total : 0;
                const double want = of < CONTRAST_LEAST / 2 ? 0 : of;
                check_near("scores", r * LD + j, a.scores[r * LD + j], want,
                           want > 0 ? 0.25 / t * 2 * size : 0);
            }
        }
        check_end();
    }
}

const struct check_kernel check_contrast[] = {
    {"contrast_loss", loss_cases, loss_writes},
    {NULL, NULL, NULL},
};
