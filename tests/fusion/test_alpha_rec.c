/*
 * test_alpha_rec.c - AlphaRec's gradient against gsl_deriv_central() of its loss written out in double; training lowers the loss, finds planted
 * taste, places new items by their text; what users wrote moves them and no gradient; threads, files.
 */
#include "../models/mf_fixture.h"

#include <gsl/gsl_deriv.h>
#include <math.h>
#include <stdlib.h>

#include "fusion/alpha_net.h"
#include "fusion/text_factors.h"

extern const struct model_type model_alpha_rec;

enum { USERS = 7, ITEMS = 9, D = 5, H = 4, K = 3, PAIRS = 6, NEGATIVES = 4, ROWS = USERS + ITEMS, MOST = 64 };
static const double TEMPERATURE = 0.3;

/* User 6 has nothing, item 8 has nobody. */
static bool takes(uint32_t u, uint32_t i)
{
    return u < USERS - 1 && i < ITEMS - 1 && (u * 3 + i * 5 + u * i) % 4 < 2;
}

struct problem {
    uint32_t d, hidden, layers;
    double V[ITEMS][D], weights[MOST];
    struct alpha_batch batch;
    size_t at;         /* the weight that is varied */
    const float *told; /* [USERS x D] what users wrote, half of a user's direction; NULL: unread */
};

/* A user's mean vector of that length, its direction half what he wrote; that alone where there is no mean. */
static void tell(const float *t, double *x)
{
    double of_x = 0, of_t = 0, of_sum = 0;
    for (uint32_t c = 0; c < D; c++)
        of_x += x[c] * x[c], of_t += (double)t[c] * (double)t[c];
    if (of_t == 0)
        return;
    for (uint32_t c = 0; c < D; c++) {
        const double wrote = (double)t[c] / sqrt(of_t);
        x[c] = of_x > 0 ? x[c] / sqrt(of_x) + wrote : wrote;
        of_sum += x[c] * x[c];
    }
    for (uint32_t c = 0; c < D; c++)
        x[c] *= (of_x > 0 ? sqrt(of_x) : 1) / sqrt(of_sum);
}

/* Users' mean vectors and items' own through the map, then the graph; by loops over all pairs. */
static void place(const struct problem *p, double F[ROWS][K])
{
    static double E[ROWS][K], next[ROWS][K], degree[ROWS];
    memset(F, 0, sizeof(double[ROWS][K]));
    memset(degree, 0, sizeof degree);
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            degree[u] += takes(u, i), degree[USERS + i] += takes(u, i);
    for (uint32_t r = 0; r < ROWS; r++) {
        double x[ITEMS] = {0}; /* the input: a vector, or a row of the identity */
        const uint32_t width = p->d > 0 ? p->d : ITEMS;
        for (uint32_t i = 0; i < ITEMS; i++) {
            const double share = r >= USERS ? i == r - USERS : takes(r, i) ? 1 / degree[r] : 0;
            for (uint32_t c = 0; c < width; c++)
                x[c] += share * (p->d > 0 ? p->V[i][c] : i == c);
        }
        if (p->told != NULL && r < USERS)
            tell(p->told + (size_t)r * D, x);
        for (uint32_t k = 0; k < K; k++) {
            const double *w = p->weights;
            E[r][k] = p->hidden > 0 ? w[(p->d + 1) * p->hidden + p->hidden * K + k] : 0;
            for (uint32_t c = 0; c < width && p->hidden == 0; c++)
                E[r][k] += x[c] * w[c * K + k];
            for (uint32_t h = 0; h < p->hidden; h++) {
                double z = w[p->d * p->hidden + h];
                for (uint32_t c = 0; c < p->d; c++)
                    z += x[c] * w[c * p->hidden + h];
                E[r][k] += (z < 0 ? 0.01 * z : z) * w[(p->d + 1) * p->hidden + h * K + k];
            }
        }
    }
    for (uint32_t l = 0; l <= p->layers; l++) {
        for (uint32_t r = 0; r < ROWS; r++)
            for (uint32_t k = 0; k < K; k++)
                F[r][k] += E[r][k] / (p->layers + 1), next[r][k] = 0;
        for (uint32_t u = 0; u < USERS; u++)
            for (uint32_t i = 0; i < ITEMS; i++)
                for (uint32_t k = 0; k < K && takes(u, i); k++) {
                    const double a = 1 / sqrt(degree[u] * degree[USERS + i]);
                    next[u][k] += a * E[USERS + i][k], next[USERS + i][k] += a * E[u][k];
                }
        memcpy(E, next, sizeof E);
    }
}

static double cosine(const double *x, const double *y)
{
    double dot = 0, a = 0, b = 0;
    for (uint32_t k = 0; k < K; k++)
        dot += x[k] * y[k], a += x[k] * x[k], b += y[k] * y[k];
    return a > 0 && b > 0 ? dot / sqrt(a * b) : 0;
}

static double loss(double x, void *problem)
{
    struct problem p = *(const struct problem *)problem;
    double F[ROWS][K], sum = 0;
    p.weights[p.at] = x;
    place(&p, F);
    for (uint32_t q = 0; q < p.batch.n; q++) {
        const double *user = F[p.batch.user[q]],
                     own = exp(cosine(user, F[USERS + p.batch.item[q]]) / TEMPERATURE);
        double all = own;
        for (uint32_t j = 0; j < p.batch.n_negatives; j++)
            if (!takes(p.batch.user[q], p.batch.negative[j]))
                all += exp(cosine(user, F[USERS + p.batch.negative[j]]) / TEMPERATURE);
        sum -= log(own / all) / p.batch.n;
    }
    return sum;
}

/* Told what users wrote (all but user 1; 6 has no train row), the net gives the same loss and gradient, and places as written out above. */
static void texts_move_users_and_no_gradient(struct alpha_net *net, struct problem *p, const float *V,
                                             struct arena *arena)
{
    float v[USERS * D], before[MOST];
    double F[ROWS][K], untold[ROWS][K], moved = 0, loss_before, loss_after;
    const struct user_texts texts = {.n_users = USERS, .d = D, .weight = 0.5F, .v = v},
                            none = {.n_users = USERS};
    for (uint32_t u = 0; u < USERS; u++) {
        double norm = 0;
        for (uint32_t c = 0; c < D; c++) {
            v[u * D + c] = u == 1 ? 0 : (float)random_normal(8, RANDOM_SYNTH, u, c);
            norm += (double)v[u * D + c] * (double)v[u * D + c];
        }
        for (uint32_t c = 0; c < D && norm > 0; c++)
            v[u * D + c] /= (float)sqrt(norm);
    }
    assert_int_equal(alpha_net_loss(net, &p->batch, &loss_before), STATUS_OK);
    memcpy(before, net->gradient, net->n_weights * sizeof *before);
    assert_int_equal(alpha_net_tell(net, V, &none, arena), STATUS_OK);
    assert_null(net->told);
    assert_int_equal(alpha_net_tell(net, V, &texts, arena), STATUS_OK);
    assert_int_equal(alpha_net_forward(net), STATUS_OK);
    place(p, untold);
    p->told = v;
    place(p, F);
    for (uint32_t r = 0; r < ROWS; r++)
        for (uint32_t k = 0; k < K; k++) {
            if (!(fabs(F[r][k] - (double)net->F[r * K + k]) < 1e-5))
                fail_msg("row %u stands at %g, not %g", r, (double)net->F[r * K + k], F[r][k]);
            moved += r < USERS ? fabs(F[r][k] - untold[r][k]) : 0;
        }
    assert_true(moved > 1);
    p->told = NULL;
    assert_int_equal(alpha_net_loss(net, &p->batch, &loss_after), STATUS_OK);
    assert_true(loss_before == loss_after);
    assert_memory_equal(before, net->gradient, net->n_weights * sizeof *before);
}

static void gradients_are_the_derivatives_of_the_loss(void **state)
{
    static const uint32_t user[PAIRS] = {0, 1, 1, 3, 5, 4}, negative[NEGATIVES] = {1, 6, 3, 8};
    static const struct {
        uint32_t d, hidden, layers;
    } kinds[] = {{D, 0, 2}, {D, 0, 0}, {D, H, 2}, {D, H, 1}, {0, 0, 2}, {0, 0, 3}};
    uint32_t users[USERS * ITEMS], items[USERS * ITEMS], item[PAIRS], n = 0;
    struct csr by_user, by_item;
    struct arena *arena = arena_new();
    const struct backend *backend;
    (void)state;
    assert_int_equal(backend_open("cpu", 2, &backend), STATUS_OK);
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            if (takes(u, i))
                users[n] = u, items[n++] = i;
    assert_int_equal(csr_from_triples(USERS, ITEMS, n, users, items, NULL, arena, &by_user, NULL), STATUS_OK);
    assert_int_equal(csr_transpose(&by_user, arena, &by_item), STATUS_OK);
    for (uint32_t q = 0; q < PAIRS; q++)
        item[q] = by_user.idx[by_user.ptr[user[q]] + q % 2];
    for (size_t c = 0; c < sizeof kinds / sizeof *kinds; c++) {
        float V[ITEMS * D];
        double ours, size = 0;
        struct alpha_net net;
        struct problem p = {kinds[c].d,
                            kinds[c].hidden,
                            kinds[c].layers,
                            {{0}},
                            {0},
                            {PAIRS, NEGATIVES, user, item, negative},
                            0,
                            NULL};
        const struct alpha_options options = {p.d, p.hidden, K, p.layers, TEMPERATURE};
        for (uint32_t e = 0; e < ITEMS * D; e++)
            p.V[e / D][e % D] = V[e] = (float)random_normal(3, RANDOM_SYNTH, 0, e);
        assert_int_equal(
            alpha_net_new(backend, &options, &by_user, &by_item, V, PAIRS, NEGATIVES, 5, arena, &net),
            STATUS_OK);
        assert_true(net.n_weights <= MOST);
        for (size_t e = 0; e < net.n_weights; e++)
            p.weights[e] = net.weights[e] = (float)random_normal(4, RANDOM_SYNTH, 0, e);
        assert_int_equal(alpha_net_loss(&net, &p.batch, &ours), STATUS_OK);
        assert_true(fabs(ours - loss(p.weights[0], &p)) < 1e-5);
        for (p.at = 0; p.at < net.n_weights; p.at++) {
            double want, error;
            const gsl_function f = {loss, &p};
            gsl_deriv_central(&f, p.weights[p.at], 1e-5, &want, &error);
            if (!(fabs(want - (double)net.gradient[p.at]) < 2e-5 + 10 * error))
                fail_msg("case %zu, weight %zu: gradient %g, by GSL %g", c, p.at, (double)net.gradient[p.at],
                         want);
            size += fabs(want);
        }
        assert_true(size > 0.1);
        if (p.d > 0)
            texts_move_users_and_no_gradient(&net, &p, V, arena);
    }
    arena_free(arena);
}

/* Users like the items on their side of the first number of the vector; new items have no row. */
enum { MANY = 60, OF = 80, NEW = 20 };

static void open_world(struct fixture *f, struct feature *feature, float *V)
{
    static uint32_t user[MANY * OF], item[MANY * OF];
    static float value[MANY * OF];
    uint64_t n = 0;
    for (uint32_t e = 0; e < OF * D; e++)
        V[e] = (float)random_normal(6, RANDOM_SYNTH, 0, e);
    for (uint32_t u = 0; u < MANY; u++)
        for (uint32_t i = 0; i < OF - NEW; i++)
            if ((V[i * D] > 0) == u % 2 && random_unit(7, RANDOM_SYNTH, u, i) < 0.25)
                user[n] = u, item[n] = i, value[n++] = 1;
    fixture_open(f, MANY, OF, n, user, item, value);
    *feature = (struct feature){.name = "x", .width = D, .value = V};
    f->view.features = feature;
    f->view.n_features = 1;
}

struct heard {
    double first, last;
};
static void hear(void *context, const char *name, int step, double value)
{
    struct heard *h = context;
    if (strcmp(name, "loss") == 0)
        h->first = step == 1 ? value : h->first, h->last = value;
}

static void training_places_new_items(void **state)
{
    static const char *const maps[] = {"linear", "mlp"};
    (void)state;
    for (int m = 0; m < 2; m++) {
        float V[OF * D];
        struct fixture f;
        struct feature feature;
        struct heard heard = {0};
        struct factors factors[2];
        double right = 0, all = 0;
        char yaml[200];
        open_world(&f, &feature, V);
        f.run.curve = hear, f.run.curve_context = &heard;
        snprintf(yaml, sizeof yaml,
                 "{encoder: 'feature:x', map: %s, hidden: 16, factors: 8, epochs: 15, batch_size: 64, "
                 "negatives: 30, "
                 "learning_rate: 0.01}",
                 maps[m]);
        for (int threads = 1; threads <= 2; threads++) {
            assert_int_equal(backend_open("cpu", threads, &f.run.backend), STATUS_OK);
            assert_int_equal(
                model_alpha_rec.factors(fixture_fit(&f, &model_alpha_rec, yaml), &factors[threads - 1]),
                STATUS_OK);
        }
        assert_memory_equal(factors[0].item, factors[1].item, OF * factors[0].ld_item * sizeof(float));
        assert_memory_equal(factors[0].user, factors[1].user, MANY * factors[0].ld_user * sizeof(float));
        if (!(heard.last < heard.first))
            fail_msg("loss %g at first, %g at last", heard.first, heard.last);
        for (uint32_t u = 0; u < MANY; u++)
            for (uint32_t i = OF - NEW; i < OF; i++)
                for (uint32_t j = OF - NEW; j < OF; j++) {
                    double x = 0, y = 0;
                    for (uint32_t k = 0; k < 8; k++)
                        x += (double)factors[0].user[u * 8 + k] * (double)factors[0].item[i * 8 + k],
                            y += (double)factors[0].user[u * 8 + k] * (double)factors[0].item[j * 8 + k];
                    if ((V[i * D] > 0) == u % 2 && (V[j * D] > 0) != u % 2)
                        right += x > y, all++;
                }
        if (!(right > 0.75 * all))
            fail_msg("%s: of new items %g of %g pairs stand in the right order", maps[m], right, all);
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gradients_are_the_derivatives_of_the_loss),
                                       cmocka_unit_test(training_places_new_items)};
    return cmocka_run_group_tests_name("alpha_rec", tests, NULL, NULL);
}
