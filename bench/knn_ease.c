/*
 * knn_ease.c - neighbourhood models and ease: fit and scores, beside what the machine could do at best.
 *
 * usage: knn_ease [FILE [REPEATS]]; FILE holds "user item" lines of numbers from 0; without it 6,040
 * users, 3,706 items and about 800,000 interactions are drawn with a skewed popularity.  Each figure is
 * the least of REPEATS (5) runs. The inverse stands beside spotrf + spotri of OpenBLAS on as many threads,
 * in the same run.
 */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/linalg.h"
#include "knn.h"
#include "models/neighbours.h"

extern const struct model_type model_ease, model_item_knn, model_user_knn;
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info);
void spotri_(const char *uplo, const int *n, float *a, const int *lda, int *info);

static const volatile sig_atomic_t never = 0;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct rows {
    uint32_t *user, *item, n_users, n_items;
    uint64_t n;
};

static void add(struct rows *r, uint32_t user, uint32_t item)
{
    if ((r->n & (r->n - 1)) == 0) {
        const size_t room = r->n == 0 ? 1 : 2 * r->n;
        r->user = realloc(r->user, room * sizeof *r->user);
        r->item = realloc(r->item, room * sizeof *r->item);
        if (r->user == NULL || r->item == NULL)
            exit(4);
    }
    r->user[r->n] = user;
    r->item[r->n++] = item;
    r->n_users = user >= r->n_users ? user + 1 : r->n_users;
    r->n_items = item >= r->n_items ? item + 1 : r->n_items;
}

static void read_rows(const char *path, struct rows *r)
{
    FILE *f = fopen(path, "r");
    char line[256];
    unsigned user, item;

    if (f == NULL) {
        perror(path);
        exit(3);
    }
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%u %u", &user, &item) == 2)
            add(r, user, item);
    fclose(f);
}

/* P(item) falls as 1 / (rank + 70), activity is lognormal: close to MovieLens-1M's shape. */
static void draw_rows(struct rows *r)
{
    for (uint32_t u = 0; u < 6040; u++) {
        const double want = 20 + 60 * exp(1.1 * random_normal(1, RANDOM_SYNTH, 0, u));
        for (uint32_t i = 0; i < 3706; i++)
            if (random_unit(1, RANDOM_SYNTH, 1, (uint64_t)u * 3706 + i) < 0.25 * want / (i + 70))
                add(r, u, i);
    }
}

/* A fit and the scores of all users in tiles of 256. */
static void bench_model(const struct model_type *type, const struct view *view, const struct backend *backend,
                        int repeats)
{
    double fit = INFINITY, score = INFINITY;

    for (int i = 0; i < repeats; i++) {
        struct arena *arena = arena_new(), *scratch = arena_new();
        struct run run = {
            .backend = backend, .arena = arena, .scratch = scratch, .seed = 1, .cancelled = &never};
        void *params = arena_alloc(arena, 1, type->params_size),
             *state = arena_alloc(arena, 1, type->state_size);
        float *scores = arena_alloc(arena, (size_t)256 * view->n_items, sizeof *scores);
        uint32_t users[256];
        if (params_default(type->params, arena, params) != STATUS_OK)
            exit(4);
        double t = now();
        if (type->fit(state, params, view, &run) != STATUS_OK)
            exit(4);
        fit = fmin(fit, now() - t);
        t = now();
        for (uint32_t u = 0; u < view->n_users; u += 256) {
            const uint32_t n = view->n_users - u < 256 ? view->n_users - u : 256;
            for (uint32_t j = 0; j < n; j++)
                users[j] = u + j;
            const struct tile tile = {.scores = scores, .ld = view->n_items, .n_items = view->n_items};
            if (type->score_users(state, users, n, &tile) != STATUS_OK)
                exit(4);
        }
        score = fmin(score, now() - t);
        arena_free(scratch);
        arena_free(arena);
    }
    printf("%-10s fit %8.3f s, scores of all users %8.3f s\n", type->name, fit, score);
}

/* The steps of ease: Gram, and the inverse beside LAPACK. */
static void bench_inverse(const struct view *view, const struct backend *backend, int repeats)
{
    const int n = (int)view->n_items;
    const size_t square = (size_t)n * (size_t)n;
    float *gram = calloc(square, sizeof *gram), *A = malloc(square * sizeof *A);
    double best_gram = INFINITY, ours = INFINITY, lapack = INFINITY;
    const struct knn_gram k = {.a = {view->by_item->ptr, view->by_item->idx, NULL},
                               .transpose = {view->by_user->ptr, view->by_user->idx, NULL},
                               .diagonal = 500,
                               .gram = gram,
                               .ld = (size_t)n};

    if (gram == NULL || A == NULL)
        exit(4);
    for (int i = 0; i < repeats; i++) {
        struct arena *scratch = arena_new();
        size_t bad;
        int info;
        double t = now();
        if (backend_launch(backend, &kernel_knn_gram, &k, n, 0) != STATUS_OK)
            exit(4);
        best_gram = fmin(best_gram, now() - t);
        memcpy(A, gram, square * sizeof *A);
        t = now();
        if (linalg_inverse(backend, (size_t)n, A, (size_t)n, scratch, NULL, &bad) != STATUS_OK)
            exit(4);
        ours = fmin(ours, now() - t);
        memcpy(A, gram, square * sizeof *A);
        openblas_set_num_threads(backend->threads);
        t = now();
        spotrf_("U", &n, A, &n, &info);
        spotri_("U", &n, A, &n, &info);
        lapack = fmin(lapack, now() - t);
        openblas_set_num_threads(1);
        arena_free(scratch);
    }
    printf("ease       Gram %.3f s; inverse %.3f s = %.0f GFLOP/s; spotrf + spotri %.3f s = %.0f GFLOP/s; "
           "ratio %.2f\n",
           best_gram, ours, 1e-9 * n * n * n / ours, lapack, 1e-9 * n * n * n / lapack, ours / lapack);
    free(gram);
    free(A);
}

int main(int argc, char **argv)
{
    struct rows r = {0};
    struct csr by_user, by_item;
    struct arena *arena = arena_new();
    const struct backend *backend;
    const int repeats = argc > 2 ? atoi(argv[2]) : 5;

    if (argc > 1)
        read_rows(argv[1], &r);
    else
        draw_rows(&r);
    if (csr_from_triples(r.n_users, r.n_items, r.n, r.user, r.item, NULL, arena, &by_user, NULL) !=
            STATUS_OK ||
        csr_transpose(&by_user, arena, &by_item) != STATUS_OK ||
        backend_open("cpu", 0, &backend) != STATUS_OK)
        return 4;
    const struct view view = {
        .n_users = r.n_users, .n_items = r.n_items, .by_user = &by_user, .by_item = &by_item};
    printf("%u users, %u items, %lld interactions, %d threads, least of %d\n", r.n_users, r.n_items,
           (long long)by_user.nnz, backend->threads, repeats);
    bench_inverse(&view, backend, repeats);
    bench_model(&model_ease, &view, backend, repeats);
    bench_model(&model_item_knn, &view, backend, repeats);
    bench_model(&model_user_knn, &view, backend, repeats);
    free(r.user);
    free(r.item);
    arena_free(arena);
    return 0;
}
