/*
 * bench/gbdt.c - boosting alone: a table of raw floats to 100 trees of depth 6 (logistic loss, rate .1, lambda 1), the first 80 % of the rows to learn from.
 *
 *     gbdt X Y ROWS COLUMNS [RUNS] [THREADS]        X [ROWS x COLUMNS], Y [ROWS] of 0 and 1, float32 (tools/bench-gbdt.py writes them)
 *
 * Prints one JSON line: least wall and CPU seconds of cutting into bins and of boosting, log loss and AUC over the other rows.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "models/forest_boost.h"

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench gbdt: %s: %s\n", what, status_sentence());
    exit(4);
}

static float *read_floats(const char *path, size_t n)
{
    float *x = malloc(n * sizeof *x);
    FILE *file = fopen(path, "r");
    must(x != NULL && file != NULL && fread(x, sizeof *x, n, file) == n, path);
    fclose(file);
    return x;
}

struct scored {
    float score, y;
};
static int by_score(const void *a, const void *b)
{
    const float x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;
    return (x > y) - (x < y);
}

static double auc(const float *score, const float *y, size_t n)
{
    struct scored *s = malloc(n * sizeof *s);
    double ranks = 0, ones = 0;
    must(s != NULL, "memory");
    for (size_t i = 0; i < n; i++)
        s[i] = (struct scored){score[i], y[i]};
    qsort(s, n, sizeof *s, by_score);
    for (size_t i = 0; i < n; i++)
        if (s[i].y > 0)
            ranks += (double)i + 1, ones++;
    free(s);
    return (ranks - ones * (ones + 1) / 2) / (ones * ((double)n - ones));
}

static volatile sig_atomic_t never;

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: gbdt X Y ROWS COLUMNS [RUNS] [THREADS]\n");
        return 2;
    }
    const size_t rows = strtoul(argv[3], NULL, 10), columns = strtoul(argv[4], NULL, 10), n = rows * 4 / 5;
    const int runs = argc > 5 ? atoi(argv[5]) : 3, threads = argc > 6 ? atoi(argv[6]) : 2;
    float *x = read_floats(argv[1], rows * columns), *y = read_floats(argv[2], rows),
          *score = malloc((rows - n + 1) * sizeof *score);
    const char **names = calloc(columns, sizeof *names);
    bool *category = calloc(columns, sizeof *category);
    const struct tree_columns described = {(uint32_t)columns, names, category};
    double bin = 1e30, boost = 1e30, boost_cpu = 1e30, loss = 0, area = 0;
    must(score != NULL && names != NULL && category != NULL, "memory");
    for (size_t c = 0; c < columns; c++)
        names[c] = "x";
    for (int r = 0; r < runs; r++) {
        struct arena *arena = arena_new(), *scratch = arena_new();
        struct run run = {.arena = arena, .scratch = scratch, .seed = 7, .cancelled = &never};
        struct tree_table table;
        struct forest forest = {0};
        struct boost_report report;
        must(backend_open("cpu", threads, &run.backend) == STATUS_OK, "backend");
        double start = omp_get_wtime();
        must(tree_table_build(&described, x, n, arena, scratch, &table) == STATUS_OK, "table");
        bin = fmin(bin, omp_get_wtime() - start);
        const struct boost_data data = {.table = &table, .y = y, .group_size = 1};
        const struct boost_options options = {.loss = BOOST_LOGISTIC,
                                              .trees = 100,
                                              .learning_rate = 0.1,
                                              .row_share = 1,
                                              .column_share = 1,
                                              .tree = {.max_depth = 6, .min_hessian = 1, .lambda = 1}};
        start = omp_get_wtime();
        const double cpu = cpu_now();
        must(boost_fit(&data, &options, &run, arena, &forest, &report) == STATUS_OK, "boosting");
        boost = fmin(boost, omp_get_wtime() - start), boost_cpu = fmin(boost_cpu, cpu_now() - cpu);
        must(forest_predict(&forest, run.backend, x + n * columns, columns, rows - n, score) == STATUS_OK,
             "prediction");
        loss = 0;
        for (size_t i = 0; i < rows - n; i++) {
            const double f = (double)score[i];
            loss += (fmax(f, 0) + log1p(exp(-fabs(f))) - (double)y[n + i] * f) / (double)(rows - n);
        }
        area = auc(score, y + n, rows - n);
        arena_free(scratch);
        arena_free(arena);
    }
    printf("{\"who\": \"recfuse\", \"model\": \"gbdt\", \"rows\": %zu, \"columns\": %zu, \"bin_s\": %.3f, "
           "\"seconds\": %.3f, \"cpu_s\": %.3f, \"loss\": %.5f, \"auc\": %.5f}\n",
           n, columns, bin, boost, boost_cpu, loss, area);
    free(x), free(y), free(score), free(names), free(category);
    return 0;
}
