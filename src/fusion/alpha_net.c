/* alpha_net.c - see alpha_net.h.  Products go through the backend, sparse ones and the loss through kernels; sums have a fixed order. */
#include "fusion/alpha_net.h"

#include <math.h>
#include <string.h>

#include "contrast.h"
#include "fusion/unit_rows.h"
#include "spmm.h"

static const float SLOPE = 0.01F; /* of LeakyReLU below 0 */

/* The map is linear: the graph acted on the inputs, once. */
static bool commutes(const struct alpha_net *net)
{
    return net->o.d > 0 && net->o.hidden == 0;
}

static size_t n_rows(const struct alpha_net *net)
{
    return (size_t)net->n_users + net->n_items;
}

/* out = A B for a sparse A, `cols` columns. */
static enum status times(const struct alpha_net *net, const struct csr *a, const float *B, size_t cols,
                         float *out)
{
    const struct spmm_csr_dense args = {a->ptr, a->idx, a->val, NULL, B, out, cols, cols, (int)cols};
    return backend_launch(net->backend, &kernel_spmm_csr_dense, &args, (long)a->n_rows, 0);
}

/* E = mean over l of A^l E, in place; two more arrays of its size are room. */
static enum status propagate(const struct alpha_net *net, float *E, size_t cols, float *from, float *to)
{
    const size_t users = net->n_users * cols, all = n_rows(net) * cols;
    memcpy(from, E, all * sizeof *E);
    for (uint32_t l = 0; l < net->o.layers; l++) {
        TRY(times(net, &net->users, from + users, cols, to));
        TRY(times(net, &net->items, from, cols, to + users));
#pragma omp parallel for schedule(static)
        for (size_t e = 0; e < all; e++)
            E[e] += to[e];
        float *swap = from;
        from = to, to = swap;
    }
    const float scale = 1.0F / (float)(net->o.layers + 1);
#pragma omp parallel for schedule(static)
    for (size_t e = 0; e < all; e++)
        E[e] *= scale;
    return STATUS_OK;
}

/* A copy of a's pattern with these values: 1 / sqrt(rows x columns) (symmetric), or 1 / length of the row or, `by_column`, of the column. */
static enum status weighed(const struct csr *a, const struct csr *transpose, bool symmetric, bool by_column,
                           struct arena *arena, struct csr *out)
{
    float *val = NULL;
    ARENA_NEW(val, arena, (size_t)a->nnz);
    for (uint32_t r = 0; r < a->n_rows; r++)
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++) {
            const double row = (double)(a->ptr[r + 1] - a->ptr[r]),
                         column = (double)(transpose->ptr[a->idx[e] + 1] - transpose->ptr[a->idx[e]]);
            val[e] = (float)(symmetric ? 1 / sqrt(row * column) : 1 / (by_column ? column : row));
        }
    *out = *a;
    out->val = val;
    return STATUS_OK;
}

static enum status graph_new(struct alpha_net *net, const struct csr *by_user, const struct csr *by_item,
                             struct arena *arena)
{
    net->history = *by_user;
    TRY(weighed(by_user, by_item, true, false, arena, &net->users));
    TRY(weighed(by_item, by_user, true, false, arena, &net->items));
    TRY(weighed(by_user, by_item, false, false, arena, &net->mean));
    return weighed(by_item, by_user, false, true, arena, &net->mean_transpose);
}

/* Users' vectors z become |z| q; t, of norm 1, where z is 0. */
static enum status blend(const struct alpha_net *net, const struct user_texts *texts, float *z,
                         struct arena *arena)
{
    const size_t d = net->o.d;
    float *norm;
    ARENA_NEW(norm, arena, net->n_users);
    unit_rows(z, net->n_users, d, norm);
    user_texts_blend(texts, NULL, net->n_users, z);
#pragma omp parallel for schedule(static)
    for (uint32_t u = 0; u < net->n_users; u++)
        for (size_t c = 0; c < d && norm[u] > 0; c++)
            z[u * d + c] *= norm[u];
    return STATUS_OK;
}

/* Users' mean vectors, with what they wrote (NULL: without), above the items' own. */
static enum status inputs_new(const struct alpha_net *net, const float *V, const struct user_texts *texts,
                              struct arena *arena, float **X)
{
    const size_t d = net->o.d, users = net->n_users * d;
    ARENA_NEW(*X, arena, n_rows(net) * d);
    memcpy(*X + users, V, net->n_items * d * sizeof *V);
    TRY(times(net, &net->mean, *X + users, d, *X));
    if (texts != NULL)
        TRY(blend(net, texts, *X, arena));
    if (net->o.hidden > 0)
        return STATUS_OK;
    float *from = NULL, *to = NULL;
    struct arena *room = arena_new();
    if (room == NULL)
        return STATUS_SYSTEM;
    from = arena_alloc(room, n_rows(net) * d, sizeof *from);
    to = arena_alloc(room, n_rows(net) * d, sizeof *to);
    const enum status status = from == NULL || to == NULL ? STATUS_SYSTEM : propagate(net, *X, d, from, to);
    arena_free(room);
    return status;
}

enum status alpha_net_tell(struct alpha_net *net, const float *V, const struct user_texts *texts,
                           struct arena *arena)
{
    return texts->d == 0 ? STATUS_OK : inputs_new(net, V, texts, arena, &net->told);
}

static void init_weights(struct alpha_net *net, uint64_t seed)
{
    const struct alpha_options *o = &net->o;
    const size_t first = (size_t)o->d * o->hidden + o->hidden; /* numbers of the hidden layer */
    for (size_t e = 0; e < net->n_weights; e++) {
        const double inputs = o->hidden > 0 && e >= first ? o->hidden : o->d;
        net->weights[e] = (float)(o->d == 0 ? 0.1 * random_normal(seed, RANDOM_INIT, 0, e)
                                            : (2 * random_unit(seed, RANDOM_INIT, 0, e) - 1) / sqrt(inputs));
    }
}

enum status alpha_net_new(const struct backend *backend, const struct alpha_options *options,
                          const struct csr *by_user, const struct csr *by_item, const float *V, uint32_t most,
                          uint32_t most_negatives, uint64_t seed, struct arena *arena, struct alpha_net *net)
{
    const struct alpha_options *o = options;
    *net = (struct alpha_net){.backend = backend,
                              .o = *options,
                              .n_users = by_user->n_rows,
                              .n_items = by_user->n_cols,
                              .most = most,
                              .most_negatives = most_negatives};
    const size_t rows = n_rows(net), k = o->factors, ld = ((size_t)most_negatives + 31) / 32 * 32,
                 in_block = 2 * (size_t)most + most_negatives;
    if (o->d == 0)
        net->o.hidden = 0;
    net->n_weights = o->d == 0           ? net->n_items * k
                     : net->o.hidden > 0 ? (size_t)(o->d + 1) * o->hidden + (o->hidden + 1) * k
                                         : o->d * k;
    TRY(graph_new(net, by_user, by_item, arena));
    if (o->d > 0)
        TRY(inputs_new(net, V, NULL, arena, &net->X));
    ARENA_NEW(net->weights, arena, net->n_weights);
    ARENA_NEW(net->gradient, arena, net->n_weights);
    if (net->o.hidden > 0) {
        ARENA_NEW(net->H, arena, rows * o->hidden);
        ARENA_NEW(net->dH, arena, rows * o->hidden);
    }
    ARENA_NEW(net->F, arena, rows * k);
    if (!commutes(net)) {
        ARENA_NEW(net->E, arena, rows * k);
        ARENA_NEW(net->G, arena, rows * k);
        ARENA_NEW(net->room, arena, rows * k);
    } else
        ARENA_NEW(net->inputs, arena, in_block * o->d);
    ARENA_NEW(net->norm, arena, rows > in_block ? rows : in_block);
    ARENA_NEW(net->block, arena, in_block * k);
    ARENA_NEW(net->of_block, arena, in_block * k);
    ARENA_NEW(net->score, arena, most * ld);
    ARENA_NEW(net->positive, arena, most);
    ARENA_NEW(net->loss, arena, most);
    ARENA_NEW(net->sums, arena, k > net->o.hidden ? k : net->o.hidden);
    ARENA_NEW(net->slot, arena, net->n_items);
    init_weights(net, seed);
    return STATUS_OK;
}

/* x = x + b in each row; LeakyReLU where `leaky`. */
static void add_bias(float *x, size_t rows, size_t cols, const float *b, bool leaky)
{
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            const float y = x[r * cols + c] + b[c];
            x[r * cols + c] = leaky && y < 0 ? SLOPE * y : y;
        }
}

/* F = the map of the inputs X, not yet propagated where that was not done before. */
static enum status map_forward(struct alpha_net *net, const float *X)
{
    const struct alpha_options *o = &net->o;
    const size_t rows = n_rows(net), d = o->d, h = o->hidden, k = o->factors;
    float *items = net->F + net->n_users * k;
    if (d == 0) {
        memcpy(items, net->weights, net->n_weights * sizeof *items);
        return times(net, &net->mean, items, k, net->F);
    }
    if (h == 0)
        return backend_sgemm(net->backend, false, false, rows, k, d, 1, X, d, net->weights, k, 0, net->F, k);
    const float *W1 = net->weights, *b1 = W1 + d * h, *W2 = b1 + h, *b2 = W2 + h * k;
    TRY(backend_sgemm(net->backend, false, false, rows, h, d, 1, X, d, W1, h, 0, net->H, h));
    add_bias(net->H, rows, h, b1, true);
    TRY(backend_sgemm(net->backend, false, false, rows, k, h, 1, net->H, h, W2, k, 0, net->F, k));
    add_bias(net->F, rows, k, b2, false);
    return STATUS_OK;
}

static enum status forward(struct alpha_net *net, const float *X)
{
    TRY(map_forward(net, X));
    return commutes(net) ? STATUS_OK : propagate(net, net->F, net->o.factors, net->E, net->room);
}

enum status alpha_net_forward(struct alpha_net *net)
{
    return forward(net, net->told != NULL ? net->told : net->X);
}

void alpha_net_unit(struct alpha_net *net)
{
    unit_rows(net->F, n_rows(net), net->o.factors, net->norm);
}

/* Which row of [users, items] row r of the block is: its questions' users, their positives, the negatives. */
static size_t row_of(const struct alpha_net *net, const struct alpha_batch *b, size_t r)
{
    return r < b->n               ? b->user[r]
           : r < 2 * (size_t)b->n ? net->n_users + (size_t)b->item[r - b->n]
                                  : net->n_users + (size_t)b->negative[r - 2 * (size_t)b->n];
}

static size_t block_rows(const struct alpha_batch *b)
{
    return 2 * (size_t)b->n + b->n_negatives;
}

static void gather(const struct alpha_net *net, const struct alpha_batch *b, const float *from, size_t cols,
                   float *to)
{
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < block_rows(b); r++)
        memcpy(to + r * cols, from + row_of(net, b, r) * cols, cols * sizeof *to);
}

/* The batch's rows of F, of norm 1: by themselves where the map commutes with the graph, else out of all. */
static enum status block_forward(struct alpha_net *net, const struct alpha_batch *b)
{
    const size_t rows = block_rows(b), d = net->o.d, k = net->o.factors;
    if (commutes(net)) {
        gather(net, b, net->X, d, net->inputs);
        TRY(backend_sgemm(net->backend, false, false, rows, k, d, 1, net->inputs, d, net->weights, k, 0,
                          net->block, k));
    } else {
        TRY(forward(net, net->X));
        gather(net, b, net->F, k, net->block);
    }
    unit_rows(net->block, rows, k, net->norm);
    return STATUS_OK;
}

/* Cosines of the batch, users' own items put out. */
static enum status score_batch(struct alpha_net *net, const struct alpha_batch *b, size_t ld)
{
    const size_t k = net->o.factors, m = b->n_negatives;
    const float *users = net->block, *items = users + b->n * k, *negatives = items + b->n * k;
#pragma omp parallel for schedule(static)
    for (uint32_t q = 0; q < b->n; q++) {
        float dot = 0;
        for (size_t c = 0; c < k; c++)
            dot += users[q * k + c] * items[q * k + c];
        net->positive[q] = dot;
    }
    TRY(backend_sgemm(net->backend, false, true, b->n, m, k, 1, users, k, negatives, k, 0, net->score, ld));
    for (size_t j = 0; j < m; j++)
        net->slot[b->negative[j]] = (uint32_t)j + 1;
    for (uint32_t q = 0; q < b->n; q++)
        for (int64_t e = net->history.ptr[b->user[q]]; e < net->history.ptr[b->user[q] + 1]; e++)
            if (net->slot[net->history.idx[e]] > 0)
                net->score[q * ld + net->slot[net->history.idx[e]] - 1] = CONTRAST_NONE;
    for (size_t j = 0; j < m; j++)
        net->slot[b->negative[j]] = 0;
    return STATUS_OK;
}

/* Gradient of the loss by the block's rows before they were divided by their norms. */
static enum status block_backward(struct alpha_net *net, const struct alpha_batch *b, size_t ld)
{
    const size_t k = net->o.factors, m = b->n_negatives, rows = block_rows(b);
    const float *users = net->block, *items = users + b->n * k, *negatives = items + b->n * k;
    float *of_users = net->of_block, *of_items = of_users + b->n * k, *of_negatives = of_items + b->n * k;
    TRY(backend_sgemm(net->backend, true, false, m, k, b->n, 1, net->score, ld, users, k, 0, of_negatives,
                      k));
    TRY(backend_sgemm(net->backend, false, false, b->n, k, m, 1, net->score, ld, negatives, k, 0, of_users,
                      k));
#pragma omp parallel for schedule(static)
    for (uint32_t q = 0; q < b->n; q++)
        for (size_t c = 0; c < k; c++) {
            of_users[q * k + c] += net->positive[q] * items[q * k + c];
            of_items[q * k + c] = net->positive[q] * users[q * k + c];
        }
    unit_rows_backward(net->block, net->norm, rows, k, net->of_block);
    return STATUS_OK;
}

/* G, of all rows: the block's, each added to its own. */
static void scatter(struct alpha_net *net, const struct alpha_batch *b)
{
    const size_t k = net->o.factors;
    memset(net->G, 0, n_rows(net) * k * sizeof *net->G);
    for (size_t r = 0; r < block_rows(b); r++) {
        float *g = net->G + row_of(net, b, r) * k;
        for (size_t c = 0; c < k; c++)
            g[c] += net->of_block[r * k + c];
    }
}

static void sum_rows(const float *x, size_t rows, size_t cols, double *sums, float *out)
{
    memset(sums, 0, cols * sizeof *sums);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            sums[c] += (double)x[r * cols + c];
    for (size_t c = 0; c < cols; c++)
        out[c] = (float)sums[c];
}

/* net->gradient from G, the gradient by the map's results. */
static enum status map_backward(struct alpha_net *net)
{
    const struct backend *b = net->backend;
    const size_t rows = n_rows(net), d = net->o.d, h = net->o.hidden, k = net->o.factors;
    if (d == 0) { /* an item stands in its own row and in its users' means */
        const float *of_items = net->G + net->n_users * k;
        TRY(times(net, &net->mean_transpose, net->G, k, net->gradient));
        for (size_t e = 0; e < net->n_weights; e++)
            net->gradient[e] += of_items[e];
        return STATUS_OK;
    }
    const float *W2 = net->weights + (d + 1) * h;
    float *g1 = net->gradient, *gb1 = g1 + d * h, *g2 = gb1 + h, *gb2 = g2 + h * k, *dH = net->dH;
    TRY(backend_sgemm(b, true, false, h, k, rows, 1, net->H, h, net->G, k, 0, g2, k));
    sum_rows(net->G, rows, k, net->sums, gb2);
    TRY(backend_sgemm(b, false, true, rows, h, k, 1, net->G, k, W2, k, 0, dH, h));
#pragma omp parallel for schedule(static)
    for (size_t e = 0; e < rows * h; e++)
        dH[e] *= net->H[e] < 0 ? SLOPE : 1;
    sum_rows(dH, rows, h, net->sums, gb1);
    return backend_sgemm(b, true, false, d, h, rows, 1, net->X, d, dH, h, 0, g1, h);
}

enum status alpha_net_loss(struct alpha_net *net, const struct alpha_batch *batch, double *loss)
{
    const size_t ld = ((size_t)batch->n_negatives + 31) / 32 * 32, d = net->o.d, k = net->o.factors;
    TRY(block_forward(net, batch));
    TRY(score_batch(net, batch, ld));
    const struct contrast_loss args = {.scores = net->score,
                                       .positive = net->positive,
                                       .loss = net->loss,
                                       .ld = ld,
                                       .n = (int)batch->n_negatives,
                                       .temperature = (float)net->o.temperature,
                                       .weight = 1.0F / (float)batch->n};
    TRY(backend_launch(net->backend, &kernel_contrast_loss, &args, (long)batch->n, 0));
    *loss = 0;
    for (uint32_t q = 0; q < batch->n; q++)
        *loss += (double)net->loss[q] / batch->n;
    TRY(block_backward(net, batch, ld));
    if (commutes(net))
        return backend_sgemm(net->backend, true, false, d, k, block_rows(batch), 1, net->inputs, d,
                             net->of_block, k, 0, net->gradient, k);
    scatter(net, batch);
    TRY(propagate(net, net->G, k, net->E, net->room));
    return map_backward(net);
}
