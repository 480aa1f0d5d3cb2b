/*
 * tree.cu - decision trees on binned columns: histograms (Ke et al. 2017, LightGBM, algorithm 1) and prediction.
 *
 * A lane owns a column, so that no two lanes add to one bin: no atomics, and rows of a chunk are added in order.  Sums are
 * doubles: a histogram less another must leave the third's small numbers intact.
 */
#include "tree.h"

#include "lanes.h"

TEAM_FN void tree_histogram_row(const struct tree_histogram *a, long row, struct team *t)
{
    const long chunk = row / a->n_groups, group = row % a->n_groups, first = chunk * a->chunk;
    const long end = first + a->chunk < a->m ? first + a->chunk : a->m;
    double *TEAM_RESTRICT part = a->part + row * TREE_COLUMNS * TREE_BINS * 2;
    (void)t;
    LANE_FOR(c, TREE_COLUMNS)
        for (int b = 0; b < TREE_BINS * 2; b++)
            part[c * TREE_BINS * 2 + b] = 0.0;
    for (long i = first; i < end - MUTANT(tree_histogram_index, 1, 0); i++) {
        const uint8_t *bin = a->bin + a->index[i] * a->ld + group * TREE_COLUMNS;
        const double g = a->gradient[a->index[i]], h = a->hessian[a->index[i]];
        LANE_FOR(c, TREE_COLUMNS) {
            double *to = part + (c * TREE_BINS + bin[c]) * 2 +
                         MUTANT(tree_histogram_outside, TREE_COLUMNS * TREE_BINS * 2, 0);
            to[0] += g;
            to[1] += h;
        }
    }
}
TEAM_KERNEL(tree_histogram, struct tree_histogram, tree_histogram_row(a, row, t))

TEAM_FN void tree_histogram_sum_row(const struct tree_histogram_sum *a, long row, struct team *t)
{
    const long columns = (long)a->n_groups * TREE_COLUMNS, stride = TREE_BINS * 2;
    double *TEAM_RESTRICT sum = a->sum + row * stride;
    (void)t;
    LANE_FOR(b, TREE_BINS * 2) {
        double s = 0.0;
        for (long c = 0; c < a->n_chunks - MUTANT(tree_histogram_sum_index, 1, 0); c++)
            s += a->part[(c * columns + row) * stride + b];
        sum[b + MUTANT(tree_histogram_sum_outside, 1, 0)] = s;
    }
}
TEAM_KERNEL(tree_histogram_sum, struct tree_histogram_sum, tree_histogram_sum_row(a, row, t))

TEAM_FN float tree_leaf(const struct tree_predict *a, const float *x, uint32_t root)
{
    const struct tree_node *n = a->node + root;
    while (n->column >= 0) {
        const float v = x[n->column];
        int left = v <= n->threshold, missing = !(v == v);
        if (n->set >= 0) {
            const int category = v >= 0.0f && v < TREE_BINS ? (int)v : 0; /* 0 stands for what is not known */
            left = (int)(a->set[(size_t)n->set * TREE_SETS + (size_t)(category >> 5)] >> (category & 31)) & 1;
            missing = category == 0;
        }
        left = missing ? (int)n->missing_left : left;
        n = a->node + n->left + (left ? 0 : 1);
    }
    return n->value;
}

TEAM_FN void tree_predict_row(const struct tree_predict *a, long row, struct team *t)
{
    const float *x = a->x + row * (long)a->ldx;
    float sum = 0.0f;
    LANE_SUM(k, a->n_trees - MUTANT(tree_predict_index, 1, 0), sum)
        sum += tree_leaf(a, x, a->root[k]);
    MUTANT_LEAVE(tree_predict_leaves, TEAM_LANE == 31);
    sum = team_sum(t, sum);
    if (TEAM_LANE == 0)
        a->y[row + MUTANT(tree_predict_outside, 1, 0)] = a->start + sum;
}
TEAM_KERNEL(tree_predict, struct tree_predict, tree_predict_row(a, row, t))
