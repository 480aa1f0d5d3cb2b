/*
 * bench/models.c - how long one model takes to fit rows of "user item rating ..." (tab-separated, ids from 1), and how good it then is.
 *
 *     models TRAIN TEST MODEL [PARAMETERS] [RUNS] [THREADS] [SHARE]
 *
 * Prints one JSON line: the least wall and CPU seconds of RUNS fits, peak resident memory, and of the last fit RMSE over the test rows (a
 * model of ratings; predictions held within the scale) or NDCG@10 (binary gains, train items out of the ranking; the mean over users with test rows).  SHARE
 * below 1 takes that share of the users, for growth.  tools/bench-models.sh runs it and its peers by turns.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/node.h"
#include "eval/metrics.h"
#include "eval/rank.h"
#include "models/model.h"
#include "registry.h"

struct rows {
    uint64_t n;
    uint32_t n_users, n_items, *user, *item;
    float *value;
    int64_t *time;
};

static void must(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench models: %s: %s\n", what, status_sentence());
    exit(4);
}

/* Rows of users below `most` (0: all). */
static void read_rows(const char *path, uint32_t most, struct rows *out)
{
    FILE *file = fopen(path, "r");
    uint64_t room = 1 << 20;
    char line[256];
    must(file != NULL, path);
    *out = (struct rows){.user = malloc(room * 4),
                         .item = malloc(room * 4),
                         .value = malloc(room * 4),
                         .time = malloc(room * 8)};
    while (fgets(line, sizeof line, file) != NULL) {
        char *at = line;
        const unsigned long u = strtoul(at, &at, 10), i = strtoul(at, &at, 10);
        if (u == 0 || i == 0 || (most > 0 && u > most))
            continue;
        if (out->n == room) {
            room *= 2;
            out->user = realloc(out->user, room * 4), out->item = realloc(out->item, room * 4);
            out->value = realloc(out->value, room * 4), out->time = realloc(out->time, room * 8);
        }
        must(out->user != NULL && out->item != NULL && out->value != NULL && out->time != NULL, "memory");
        out->user[out->n] = (uint32_t)u - 1, out->item[out->n] = (uint32_t)i - 1;
        out->value[out->n] = strtof(at, &at);
        out->time[out->n++] = strtol(at, &at, 10);
        out->n_users = u > out->n_users ? (uint32_t)u : out->n_users;
        out->n_items = i > out->n_items ? (uint32_t)i : out->n_items;
    }
    fclose(file);
}

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Root mean squared error over the test rows, predictions held within the scale. */
static double rmse(const struct model_type *type, const void *state, const struct run *run,
                   const struct view *v, const struct rows *test)
{
    float *score = malloc(test->n * sizeof *score + 1);
    double sum = 0;
    must(score != NULL && model_score_pairs(type, state, run->backend, test->user, test->item, test->n,
                                            v->n_items, score) == STATUS_OK,
         "scores");
    for (uint64_t e = 0; e < test->n; e++) {
        const float r = fminf(fmaxf(score[e], v->minimum_value), v->maximum_value);
        sum += pow((double)(r - test->value[e]), 2);
    }
    free(score);
    return sqrt(sum / (double)test->n);
}

static double ndcg(const struct model_type *type, const void *state, const struct run *run,
                   const struct view *v, const struct rows *test)
{
    static const uint32_t k = 10;
    const struct metric_type *metric = metric_find("ndcg");
    uint32_t *users = malloc(v->n_users * sizeof *users), n = 0;
    struct lists lists;
    struct csr held;
    double sum = 0;
    must(csr_from_triples(v->n_users, v->n_items, test->n, test->user, test->item, NULL, run->arena, &held,
                          NULL) == STATUS_OK,
         "test rows");
    for (uint32_t u = 0; u < v->n_users; u++)
        if (held.ptr[u + 1] > held.ptr[u])
            users[n++] = u;
    double *values = malloc(n * sizeof *values + 1);
    must(rank_users(type, state, run->backend, v->n_items, users, n,
                    &(struct rank_options){.k = k, .seed = 1, .masks = {v->by_user, NULL}}, run->arena,
                    &lists) == STATUS_OK,
         "ranking");
    must(metrics_compute(&lists, users, &held, &metric, 1, &k, 1, values) == STATUS_OK, "metrics");
    for (uint32_t r = 0; r < n; r++)
        sum += values[r] / n;
    free(users);
    free(values);
    return sum;
}

static volatile sig_atomic_t never;

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: models TRAIN TEST MODEL [PARAMETERS] [RUNS] [THREADS] [SHARE]\n");
        return 2;
    }
    const struct model_type *type = model_find(argv[3]);
    const char *yaml = argc > 4 ? argv[4] : "";
    const int runs = argc > 5 ? atoi(argv[5]) : 5, threads = argc > 6 ? atoi(argv[6]) : 2;
    const double share = argc > 7 ? atof(argv[7]) : 1;
    struct arena *data = arena_new();
    struct rows train, test;
    struct csr by_user, by_item;
    double wall = 1e30, cpu = 1e30, quality = 0;
    must(type != NULL && data != NULL, argv[3]);
    read_rows(argv[1], 0, &train);
    if (share < 1) {
        const uint32_t most = (uint32_t)(share * train.n_users);
        read_rows(argv[1], most, &train);
        read_rows(argv[2], most, &test);
    } else
        read_rows(argv[2], 0, &test);
    const uint32_t n_users = train.n_users > test.n_users ? train.n_users : test.n_users;
    const uint32_t n_items = train.n_items > test.n_items ? train.n_items : test.n_items;
    must(csr_from_triples(n_users, n_items, train.n, train.user, train.item, train.value, data, &by_user,
                          NULL) == STATUS_OK &&
             csr_transpose(&by_user, data, &by_item) == STATUS_OK,
         "train rows");
    free(train.user), free(train.item), free(train.value), free(train.time);
    struct view v = {.n_users = n_users,
                     .n_items = n_items,
                     .by_user = &by_user,
                     .by_item = &by_item,
                     .minimum_value = INFINITY,
                     .maximum_value = -INFINITY};
    for (int64_t e = 0; e < by_user.nnz; e++) {
        v.minimum_value = fminf(v.minimum_value, by_user.val[e]);
        v.maximum_value = fmaxf(v.maximum_value, by_user.val[e]);
    }
    if ((type->needs & NEEDS_RATINGS) == 0) /* every interaction counts 1, as peers take it */
        by_user.val = by_item.val = NULL;
    struct rusage before, peak;
    getrusage(RUSAGE_SELF, &before);
    for (int r = 0; r < runs; r++) {
        struct arena *arena = arena_new(), *scratch = arena_new();
        struct run run = {.arena = arena, .scratch = scratch, .seed = 7, .cancelled = &never};
        struct node *map = NULL;
        void *params = arena_alloc(arena, 1, type->params_size + 1),
             *state = arena_alloc(arena, 1, type->state_size + 1);
        must(backend_open("cpu", threads, &run.backend) == STATUS_OK &&
                 params_default(type->params, arena, params) == STATUS_OK,
             "parameters");
        if (*yaml != '\0')
            must(node_parse("parameters", yaml, strlen(yaml), arena, &map) == STATUS_OK &&
                     params_set(type->params, type->name, map, arena, params) == STATUS_OK,
                 "parameters");
        const double start = omp_get_wtime(), cpu_start = cpu_now();
        must(type->fit(state, params, &v, &run) == STATUS_OK, "fit");
        wall = fmin(wall, omp_get_wtime() - start), cpu = fmin(cpu, cpu_now() - cpu_start);
        getrusage(RUSAGE_SELF, &peak);
        arena_free(scratch);
        run.scratch = NULL;
        if (r == runs - 1)
            quality = (type->needs & NEEDS_RATINGS) != 0 ? rmse(type, state, &run, &v, &test)
                                                         : ndcg(type, state, &run, &v, &test);
        if (type->free != NULL)
            type->free(state);
        arena_free(arena);
    }
    printf("{\"who\": \"recfuse\", \"model\": \"%s\", \"rows\": %lld, \"users\": %u, \"items\": %u, "
           "\"threads\": %d, \"seconds\": %.4f, \"cpu_s\": %.4f, "
           "\"data_mb\": %.0f, \"peak_mb\": %.0f, \"%s\": %.5f}\n",
           type->name, (long long)by_user.nnz, n_users, n_items, threads, wall, cpu,
           (double)before.ru_maxrss / 1024, (double)peak.ru_maxrss / 1024,
           (type->needs & NEEDS_RATINGS) != 0 ? "rmse" : "ndcg@10", quality);
    arena_free(data);
    return 0;
}
