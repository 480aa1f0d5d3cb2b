/*
 * check_tree.c - tree_histogram and its sum against plain sums in double; tree_predict against a walk written otherwise.
 */
#include <math.h>
#include <string.h>

#include "check.h"
#include "tree.h"

enum {
    GROUPS = 2,
    WIDTH = GROUPS * TREE_COLUMNS,
    ROWS = 90,
    OF_NODE = 61,
    CHUNK = 20,
    CELLS = TREE_BINS * 2
};
enum { CHUNKS = (OF_NODE + CHUNK - 1) / CHUNK };

static void histogram_writes(const void *args, long row)
{
    const struct tree_histogram *a = args;
    check_may_write(a->part + row * TREE_COLUMNS * CELLS, TREE_COLUMNS * CELLS * sizeof(double));
}

static void histogram_cases(const char *kernel)
{
    static double want[CHUNKS][WIDTH][CELLS];
    uint8_t *bin = check_buffer("bin", ROWS * WIDTH, 1);
    uint32_t *index = check_buffer("index", OF_NODE, sizeof *index);
    const float *gradient = check_floats("gradient", ROWS, 1), *hessian = check_floats("hessian", ROWS, 2);
    double *part = check_buffer("part", CHUNKS * WIDTH * CELLS, sizeof *part);
    memset(want, 0, sizeof want);
    for (uint32_t i = 0; i < ROWS * WIDTH; i++)
        bin[i] = (uint8_t)check_whole(3, i, i % WIDTH == 5 ? TREE_BINS : 6); /* one column uses all bins */
    for (uint32_t i = 0; i < OF_NODE; i++)
        index[i] = (i * 37 + 11) % ROWS;
    for (uint32_t i = 0; i < OF_NODE; i++)
        for (int c = 0; c < WIDTH; c++) {
            double *to = &want[i / CHUNK][c][2 * bin[index[i] * WIDTH + c]];
            to[0] += (double)gradient[index[i]];
            to[1] += (double)hessian[index[i]];
        }
    const struct tree_histogram a = {.bin = bin,
                                     .index = index,
                                     .gradient = gradient,
                                     .hessian = hessian,
                                     .part = part,
                                     .ld = WIDTH,
                                     .n = ROWS,
                                     .m = OF_NODE,
                                     .chunk = CHUNK,
                                     .n_groups = GROUPS};
    check_run(kernel, &a, CHUNKS * GROUPS, 0);
    for (long i = 0; i < CHUNKS * WIDTH * CELLS; i++)
        check_near("part", i, part[i], (&want[0][0][0])[i], 0);
    check_end();
}

static void sum_writes(const void *args, long row)
{
    const struct tree_histogram_sum *a = args;
    check_may_write(a->sum + row * CELLS, CELLS * sizeof(double));
}

static void sum_cases(const char *kernel)
{
    double *part = check_buffer("part", CHUNKS * WIDTH * CELLS, sizeof *part);
    double *sum = check_buffer("sum", WIDTH * CELLS, sizeof *sum);
    for (uint32_t i = 0; i < CHUNKS * WIDTH * CELLS; i++)
        part[i] = (double)check_unit(1, i);
    const struct tree_histogram_sum a = {part, sum, CHUNKS, GROUPS};
    check_run(kernel, &a, WIDTH, 0);
    for (int i = 0; i < WIDTH * CELLS; i++) {
        double want = 0;
        for (int c = 0; c < CHUNKS; c++)
            want += part[c * WIDTH * CELLS + i];
        check_near("sum", i, sum[i], want, 0);
    }
    check_end();
}

static void predict_writes(const void *args, long row)
{
    const struct tree_predict *a = args;
    check_may_write(a->y + row, sizeof(float));
}

enum { TREES = 37, NODES = 7, COLUMNS = 4 }; /* trees of three splits */

static double leaf(const struct tree_predict *a, uint32_t at, const float *x)
{
    const struct tree_node *n = &a->node[at];
    if (n->column < 0)
        return (double)n->value;
    const float v = x[n->column];
    int left = v <= n->threshold;
    if (n->set >= 0)
        left = (int)(v >= 1 && v < 256
                         ? (a->set[(uint32_t)n->set * TREE_SETS + (uint32_t)v / 32] >> ((uint32_t)v % 32)) & 1
                         : n->missing_left);
    else if (isnan(v))
        left = (int)n->missing_left;
    return leaf(a, left ? n->left : n->left + 1, x);
}

static void predict_cases(const char *kernel)
{
    struct tree_node *node = check_buffer("node", TREES * NODES, sizeof *node);
    uint32_t *root = check_buffer("root", TREES, sizeof *root),
             *set = check_buffer("set", 2 * TREE_SETS, sizeof *set);
    float *x = check_floats("x", ROWS * COLUMNS, 1), *y = check_buffer("y", ROWS, sizeof *y);
    for (uint32_t i = 0; i < ROWS * COLUMNS; i++) {
        x[i] = i % COLUMNS == 3 ? (float)check_whole(2, i, 300)
                                : x[i]; /* a category, some beyond what there is */
        x[i] = check_whole(3, i, 9) == 0 ? NAN : x[i];
    }
    for (uint32_t i = 0; i < 2 * TREE_SETS; i++)
        set[i] = check_whole(4, i, 0xffffffff);
    for (uint32_t t = 0; t < TREES; t++) {
        root[t] = t * NODES;
        for (uint32_t i = 0; i < NODES; i++) {
            const uint32_t at = t * NODES + i;
            const int32_t column = i < 3 ? (int32_t)check_whole(5, at, COLUMNS) : -1;
            node[at] = (struct tree_node){.threshold = check_unit(6, at) - 0.5f,
                                          .value = check_unit(7, at),
                                          .column = column,
                                          .left = t * NODES + 2 * i + 1,
                                          .set = column == 3 ? (int32_t)(at % 2) : -1,
                                          .missing_left = check_whole(8, at, 2)};
        }
    }
    const struct tree_predict a = {.x = x,
                                   .node = node,
                                   .root = root,
                                   .set = set,
                                   .y = y,
                                   .ldx = COLUMNS,
                                   .n_nodes = TREES * NODES,
                                   .n_sets = 2,
                                   .n_trees = TREES,
                                   .start = 0.5f};
    check_run(kernel, &a, ROWS, 0);
    for (int r = 0; r < ROWS; r++) {
        double want = 0.5;
        for (int t = 0; t < TREES; t++)
            want += leaf(&a, root[t], x + r * COLUMNS);
        check_near("y", r, (double)y[r], want, CHECK_EPS * (TREES + 1) * 2);
    }
    check_end();
}

const struct check_kernel check_tree[] = {
    {"tree_histogram", histogram_cases, histogram_writes},
    {"tree_histogram_sum", sum_cases, sum_writes},
    {"tree_predict", predict_cases, predict_writes},
    {NULL, NULL, NULL},
};
