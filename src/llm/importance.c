/* importance.c - see importance.h. */
#include "llm/importance.h"

struct watched {
    const void *key;
    double *sum; /* [k] squares */
    float *mean; /* [k] */
    int k;
    uint64_t n;
};
struct importance {
    size_t n;
    struct watched *matrix; /* [n] */
};

enum status importance_new(size_t n, struct arena *arena, struct importance **out)
{
    ARENA_NEW(*out, arena, 1);
    ARENA_NEW((*out)->matrix, arena, n);
    return STATUS_OK;
}

enum status importance_add(struct importance *m, const void *key, int k, struct arena *arena)
{
    struct watched *w = &m->matrix[m->n];
    *w = (struct watched){.key = key, .k = k};
    ARENA_NEW(w->sum, arena, (size_t)k);
    ARENA_NEW(w->mean, arena, (size_t)k);
    m->n++;
    return STATUS_OK;
}

static struct watched *find(const struct importance *m, const void *key)
{
    for (size_t i = 0; m != NULL && i < m->n; i++)
        if (m->matrix[i].key == key)
            return &m->matrix[i];
    return NULL;
}

void importance_take(struct importance *m, const void *key, const float *x, long ldx, uint32_t n)
{
    struct watched *w = find(m, key);
    if (w == NULL)
        return;
    for (uint32_t t = 0; t < n; t++)
        for (int j = 0; j < w->k; j++)
            w->sum[j] += (double)x[t * ldx + j] * (double)x[t * ldx + j];
    w->n += n;
}

const float *importance_of(const struct importance *m, const void *key)
{
    struct watched *w = find(m, key);
    if (w == NULL || w->n == 0)
        return NULL;
    for (int j = 0; j < w->k; j++)
        w->mean[j] = (float)(w->sum[j] / (double)w->n);
    return w->mean;
}
