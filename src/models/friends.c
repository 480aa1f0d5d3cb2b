/* friends.c - see friends.h. */
#include "models/friends.h"

#include <math.h>
#include <string.h>

enum { DRAW_SHUFFLED = 2 }; /* of RANDOM_FRIENDS */

static const struct column *column_of(const struct view *v)
{
    for (uint32_t k = 0; k < v->n_user_columns; k++)
        if (strcmp(v->user_columns[k].name, "friends") == 0 && v->user_columns[k].kind == COLUMN_LIST)
            return &v->user_columns[k];
    return NULL;
}

enum status friends_of(const char *model, const struct view *train, int friends, uint64_t seed,
                       struct arena *arena, struct csr *out)
{
    const struct column *column = column_of(train);
    const uint32_t n = train->n_users;
    uint32_t *whose, *user, *row, *col;
    uint64_t links = 0;
    if (column == NULL)
        return status_fail(STATUS_UNAVAILABLE,
                           "%s needs friends, which the users of this dataset have not: import a source with "
                           "links between users (lastfm), or beside any other recfuse import --friends FILE",
                           model);
    ARENA_NEW(whose, arena, n);
    ARENA_NEW(row, arena, (size_t)column->list.nnz);
    ARENA_NEW(col, arena, (size_t)column->list.nnz);
    TRY(strings_places(&train->user_ids, &column->names, arena, &user));
    for (uint32_t u = 0; u < n; u++)
        whose[u] = u;
    if (friends == FRIENDS_SHUFFLED)
        random_permutation(seed, RANDOM_FRIENDS, DRAW_SHUFFLED, n, whose);
    for (uint32_t u = 0; u < n; u++)
        for (int64_t e = column->list.ptr[whose[u]]; e < column->list.ptr[whose[u] + 1]; e++) {
            const uint32_t v = user[column->list.idx[e]];
            if (v != UINT32_MAX && v != u && v != whose[u])
                row[links] = u, col[links++] = v;
        }
    return csr_from_grouped(n, n, links, row, col, NULL, arena, out, NULL);
}

/* How many columns two rows have in common. */
static int64_t common(const struct csr *a, uint32_t u, uint32_t v)
{
    int64_t n = 0, i = a->ptr[u], j = a->ptr[v];
    while (i < a->ptr[u + 1] && j < a->ptr[v + 1]) {
        n += a->idx[i] == a->idx[j];
        const int up = a->idx[i] <= a->idx[j], down = a->idx[j] <= a->idx[i];
        i += up, j += down;
    }
    return n;
}

/* Of two sets of items; NaN where it is not known. */
static double set_similarity(const struct csr *a, uint32_t u, uint32_t v, enum friend_weight weight)
{
    const double n_u = (double)(a->ptr[u + 1] - a->ptr[u]), n_v = (double)(a->ptr[v + 1] - a->ptr[v]),
                 n = a->n_cols, both = (double)common(a, u, v);
    if (weight == FRIEND_COSINE)
        return both / sqrt(n_u * n_v); /* 0 / 0 is NaN */
    return (1 + (n * both - n_u * n_v) / sqrt(n_u * (n - n_u) * n_v * (n - n_v))) / 2;
}

static double shared_friends(const struct csr *f, uint32_t u, uint32_t v)
{
    const double n_u = 1 + (double)(f->ptr[u + 1] - f->ptr[u]), n_v = 1 + (double)(f->ptr[v + 1] - f->ptr[v]);
    const double both = (double)common(f, u, v) + csr_has(f, u, v) + csr_has(f, v, u);
    return both / (n_u + n_v - both);
}

enum status friends_weigh(const struct csr *by_user, const struct csr *friends, enum friend_weight weight,
                          struct arena *arena, struct csr *out)
{
    float *val;
    double sum = 0, known = 0;
    ARENA_NEW(val, arena, (size_t)friends->nnz);
#pragma omp parallel for schedule(dynamic, 64)
    for (uint32_t u = 0; u < friends->n_rows; u++)
        for (int64_t e = friends->ptr[u]; e < friends->ptr[u + 1]; e++)
            val[e] = (float)(weight == FRIEND_NONE     ? 1
                             : weight == FRIEND_COMMON ? shared_friends(friends, u, friends->idx[e])
                                                       : set_similarity(by_user, u, friends->idx[e], weight));
    for (int64_t e = 0; e < friends->nnz; e++)
        if (isfinite(val[e]))
            sum += (double)val[e], known++;
    for (int64_t e = 0; e < friends->nnz; e++)
        if (!isfinite(val[e]))
            val[e] = known > 0 ? (float)(sum / known) : 1.0f;
    *out = *friends;
    out->val = val;
    return STATUS_OK;
}
