/* two_tower_net.c - see two_tower_net.h.  Products go through the backend, histories and the loss through kernels; sums have a fixed order. */
#include "fusion/two_tower_net.h"

#include <math.h>
#include <string.h>

#include "contrast.h"
#include "fusion/unit_rows.h"
#include "history.h"

static size_t width(const struct two_tower_net *net)
{
    return net->o.d > 0 ? net->o.d : net->o.k;
}

static bool projects(const struct two_tower_net *net)
{
    return net->o.d > 0 && net->o.projection;
}

static void init_weights(struct two_tower_net *net, uint64_t seed)
{
    const size_t d = net->o.d, k = net->o.k;
    if (d == 0)
        for (size_t e = 0; e < net->n_items * k; e++)
            net->weights[e] = (float)random_normal(seed, RANDOM_INIT, 0, e);
    else if (projects(net) && d == k)
        for (size_t c = 0; c < d; c++)
            net->weights[c * k + c] = 1;
    else if (projects(net)) /* keeps inner products on average (Johnson, Lindenstrauss 1984) */
        for (size_t e = 0; e < d * k; e++)
            net->weights[e] = (float)(random_normal(seed, RANDOM_INIT, 0, e) / sqrt((double)k));
}

enum status two_tower_new(const struct backend *backend, const struct two_tower_options *options,
                          const struct csr *by_user, const struct csr *by_item, uint32_t most, uint64_t seed,
                          struct arena *arena, struct two_tower_net *net)
{
    const struct two_tower_options *o = options;
    *net = (struct two_tower_net){.backend = backend,
                                  .o = *o,
                                  .n_users = by_user->n_rows,
                                  .n_items = by_user->n_cols,
                                  .most = most,
                                  .history = by_user};
    const size_t d = width(net), k = o->k, ld = ((size_t)most + 31) / 32 * 32;
    net->query = o->d == 0 ? net->n_items * k : projects(net) ? d * k : 0;
    net->users = net->query + (o->attention ? d : 0);
    net->n_weights = net->users + (o->user_embedding ? net->n_users * k : 0);
    ARENA_NEW(net->weights, arena, net->n_weights);
    ARENA_NEW(net->gradient, arena, net->n_weights);
    net->Y = net->weights;
    if (o->d > 0)
        ARENA_NEW(net->Y, arena, net->n_items * d);
    ARENA_NEW(net->log_p, arena, net->n_items);
    ARENA_NEW(net->attended, arena, net->n_items);
    ARENA_NEW(net->slot, arena, net->n_items);
    float **wide[] = {&net->H, &net->of_H, &net->Q}, **narrow[] = {&net->U, &net->V, &net->of_U, &net->of_V},
          **one[] = {&net->norm_u, &net->norm_v, &net->positive, &net->loss};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        ARENA_NEW(*wide[i], arena, most * d);
    for (size_t i = 0; i < sizeof narrow / sizeof *narrow; i++)
        ARENA_NEW(*narrow[i], arena, most * k);
    for (size_t i = 0; i < sizeof one / sizeof *one; i++)
        ARENA_NEW(*one[i], arena, most);
    ARENA_NEW(net->score, arena, most * ld);
    ARENA_NEW(net->skip, arena, most);
    ARENA_NEW(net->count, arena, most);
    for (uint32_t i = 0; i < net->n_items; i++) /* an item without train rows is in no batch */
        net->log_p[i] = logf((float)(by_item->ptr[i + 1] - by_item->ptr[i]) / (float)by_user->nnz);
    init_weights(net, seed);
    return STATUS_OK;
}

/* x W, or x itself. */
static enum status project(const struct two_tower_net *net, const float *x, size_t rows, float *out)
{
    const size_t d = width(net), k = net->o.k;
    if (projects(net))
        return backend_sgemm(net->backend, false, false, rows, k, d, 1, x, d, net->weights, k, 0, out, k);
    memcpy(out, x, rows * k * sizeof *out);
    return STATUS_OK;
}

/* The scores that weigh the items of a history; NULL: equal weights. */
static enum status attend(struct two_tower_net *net)
{
    const size_t d = width(net);
    if (!net->o.attention)
        return STATUS_OK;
    return backend_sgemm(net->backend, false, false, net->n_items, 1, d, 1, net->Y, d,
                         net->weights + net->query, 1, 0, net->attended, 1);
}

/* u of n users [n x k], their histories without skip (NULL: whole), into net->U; users NULL: from..; h stays in net->H. */
static enum status user_tower(struct two_tower_net *net, const uint32_t *user, const uint32_t *skip,
                              uint32_t n)
{
    const size_t k = net->o.k;
    const struct history args = {.ptr = net->history->ptr,
                                 .idx = net->history->idx,
                                 .user = user,
                                 .skip = skip,
                                 .score = net->o.attention ? net->attended : NULL,
                                 .items = net->Y,
                                 .out = net->H,
                                 .d = (int)width(net)};
    TRY(backend_launch(net->backend, &kernel_history_pool, &args, (long)n, 0));
    TRY(project(net, net->H, n, net->U));
    for (uint32_t r = 0; r < n && net->o.user_embedding; r++)
        for (size_t c = 0; c < k; c++)
            net->U[r * k + c] += net->weights[net->users + user[r] * k + c];
    unit_rows(net->U, n, k, net->norm_u);
    return STATUS_OK;
}

enum status two_tower_items(struct two_tower_net *net, float *out)
{
    const size_t d = width(net), k = net->o.k;
    for (uint32_t from = 0; from < net->n_items; from += net->most) {
        const uint32_t n = net->n_items - from < net->most ? net->n_items - from : net->most;
        TRY(project(net, net->Y + from * d, n, out + from * k));
        unit_rows(out + from * k, n, k, net->norm_v);
    }
    return STATUS_OK;
}

enum status two_tower_users(struct two_tower_net *net, float *out)
{
    const size_t k = net->o.k;
    TRY(attend(net));
    for (uint32_t from = 0; from < net->n_users; from += net->most) {
        const uint32_t n = net->n_users - from < net->most ? net->n_users - from : net->most;
        for (uint32_t r = 0; r < n; r++)
            net->skip[r] = from + r;
        TRY(user_tower(net, net->skip, NULL, n));
        memcpy(out + from * k, net->U, n * k * sizeof *out);
    }
    return STATUS_OK;
}

/* Cosines become the corrected scores of the batch, times the temperature; items that a user has are put out. */
static void correct(struct two_tower_net *net, const struct two_tower_batch *b, size_t ld)
{
    const float t = (float)net->o.temperature;
    memset(net->count, 0, b->m * sizeof *net->count);
    for (uint32_t q = 0; q < b->n; q++)
        net->count[b->place[q]]++;
    for (uint32_t j = 0; j < b->m; j++)
        net->slot[b->item[j]] = j + 1;
#pragma omp parallel for schedule(static)
    for (uint32_t q = 0; q < b->n; q++) {
        float *s = net->score + q * ld;
        const uint32_t own = b->place[q];
        net->positive[q] = s[own] - (net->o.log_q ? t * net->log_p[b->item[own]] : 0);
        for (uint32_t j = 0; j < b->m; j++)
            s[j] += t * (logf((float)net->count[j]) - (net->o.log_q ? net->log_p[b->item[j]] : 0));
        for (int64_t e = net->history->ptr[b->user[q]]; e < net->history->ptr[b->user[q] + 1]; e++)
            if (net->slot[net->history->idx[e]] > 0)
                s[net->slot[net->history->idx[e]] - 1] = CONTRAST_NONE;
        s[own] = CONTRAST_NONE;
    }
    for (uint32_t j = 0; j < b->m; j++)
        net->slot[b->item[j]] = 0;
}

static enum status scores_and_loss(struct two_tower_net *net, const struct two_tower_batch *b, size_t ld,
                                   double *loss)
{
    const size_t k = net->o.k;
    const struct contrast_loss args = {.scores = net->score,
                                       .positive = net->positive,
                                       .loss = net->loss,
                                       .ld = ld,
                                       .n = (int)b->m,
                                       .temperature = (float)net->o.temperature,
                                       .weight = 1.0F / (float)b->n};
    TRY(backend_sgemm(net->backend, false, true, b->n, b->m, k, 1, net->U, k, net->V, k, 0, net->score, ld));
    correct(net, b, ld);
    TRY(backend_launch(net->backend, &kernel_contrast_loss, &args, (long)b->n, 0));
    *loss = 0;
    for (uint32_t q = 0; q < b->n; q++) {
        *loss += (double)net->loss[q] / b->n;
        net->score[q * ld + b->place[q]] =
            net->positive[q]; /* now the gradients, the positive's among them */
    }
    return STATUS_OK;
}

/* The gradient by q, from of_U: each pair's, summed over the batch. */
static enum status query_backward(struct two_tower_net *net, const struct two_tower_batch *b)
{
    const size_t d = width(net), k = net->o.k;
    float *of_query = net->gradient + net->query;
    const struct history args = {.ptr = net->history->ptr,
                                 .idx = net->history->idx,
                                 .user = b->user,
                                 .skip = net->skip,
                                 .score = net->attended,
                                 .items = net->Y,
                                 .h = net->H,
                                 .of = projects(net) ? net->of_H : net->of_U,
                                 .out = net->Q,
                                 .d = (int)d};
    if (projects(net))
        TRY(backend_sgemm(net->backend, false, true, b->n, d, k, 1, net->of_U, k, net->weights, k, 0,
                          net->of_H, d));
    TRY(backend_launch(net->backend, &kernel_history_back, &args, (long)b->n, 0));
#pragma omp parallel for schedule(static)
    for (size_t c = 0; c < d; c++) {
        double sum = 0;
        for (uint32_t q = 0; q < b->n; q++)
            sum += (double)net->Q[q * d + c];
        of_query[c] = (float)sum;
    }
    return STATUS_OK;
}

static void gather_free(const struct two_tower_net *net, const struct two_tower_batch *b, float *to)
{
    for (uint32_t j = 0; j < b->m; j++)
        memcpy(to + j * net->o.k, net->weights + b->item[j] * (size_t)net->o.k, net->o.k * sizeof *to);
}

/* From of_U and of_V, the gradients by the towers' results, to the weights' and of_y. */
static enum status towers_backward(struct two_tower_net *net, const struct two_tower_batch *b, const float *y,
                                   float *of_y)
{
    const struct backend *backend = net->backend;
    const size_t d = width(net), k = net->o.k;
    if (projects(net)) {
        TRY(backend_sgemm(backend, true, false, d, k, b->n, 1, net->H, d, net->of_U, k, 0, net->gradient, k));
        TRY(backend_sgemm(backend, true, false, d, k, b->m, 1, y, d, net->of_V, k, 1, net->gradient, k));
    }
    if (net->o.d > 0 && of_y != NULL && projects(net))
        TRY(backend_sgemm(backend, false, true, b->m, d, k, 1, net->of_V, k, net->weights, k, 0, of_y, d));
    else if (net->o.d > 0 && of_y != NULL)
        memcpy(of_y, net->of_V, b->m * k * sizeof *of_y);
    if (net->o.d == 0) {
        memset(net->gradient, 0, net->n_items * k * sizeof *net->gradient);
        for (uint32_t j = 0; j < b->m; j++)
            memcpy(net->gradient + b->item[j] * k, net->of_V + j * k, k * sizeof *net->gradient);
    }
    if (net->o.user_embedding) {
        float *of_users = net->gradient + net->users;
        memset(of_users, 0, net->n_users * k * sizeof *of_users);
        for (uint32_t q = 0; q < b->n; q++)
            for (size_t c = 0; c < k; c++)
                of_users[b->user[q] * k + c] += net->of_U[q * k + c];
    }
    return net->o.attention ? query_backward(net, b) : STATUS_OK;
}

enum status two_tower_loss(struct two_tower_net *net, const struct two_tower_batch *b, const float *y,
                           double *loss, float *of_y)
{
    const struct backend *backend = net->backend;
    const size_t k = net->o.k, ld = ((size_t)b->m + 31) / 32 * 32;
    for (uint32_t q = 0; q < b->n; q++)
        net->skip[q] = b->item[b->place[q]];
    TRY(attend(net));
    TRY(user_tower(net, b->user, net->skip, b->n));
    if (net->o.d == 0)
        gather_free(net, b, net->V);
    else
        TRY(project(net, y, b->m, net->V));
    unit_rows(net->V, b->m, k, net->norm_v);
    TRY(scores_and_loss(net, b, ld, loss));
    TRY(backend_sgemm(backend, false, false, b->n, k, b->m, 1, net->score, ld, net->V, k, 0, net->of_U, k));
    TRY(backend_sgemm(backend, true, false, b->m, k, b->n, 1, net->score, ld, net->U, k, 0, net->of_V, k));
    unit_rows_backward(net->U, net->norm_u, b->n, k, net->of_U);
    unit_rows_backward(net->V, net->norm_v, b->m, k, net->of_V);
    return towers_backward(net, b, y, of_y);
}
