/*
 * check_fusion.c - features of users and items, scores of tiles, standardized scores, the logistic head;
 * against plain loops in double.
 */
#include <math.h>

#include "check.h"
#include "fusion.h"

static void features_writes(const void *args, long row)
{
    const struct fusion_features *a = args;
    const size_t columns = (size_t)((a->product + a->difference) * a->d + a->cosine + a->n_extra);
    for (int c = 0; c < a->n_candidates; c++)
        check_may_write(a->q + ((size_t)row * (size_t)a->n_candidates + (size_t)c) * a->ldq,
                        columns * sizeof(float));
}

enum {
    GROUPS = 6,
    WANTED = 5,
    CANDIDATES = 3,
    USERS = 4,
    ITEMS = 9,
    D = 37,
    EXTRA = 2,
    TEXT_ROWS = 4,
    LDQ = 2 * D + 1 + EXTRA + 3
};

/* Column k of what a candidate's features are, before they are shifted and scaled; size: of the terms summed.
 */
static double feature(const struct fusion_features *a, int k, const double *u, const float *v, double has,
                      const float *extra, double *size)
{
    double sum = 0;
    if (a->product && k < D)
        return *size = fabs(u[k] * v[k]), u[k] * v[k];
    k -= a->product * D;
    if (a->difference && k < D)
        return *size = fabs(u[k]) + fabs((double)v[k]), has * fabs(u[k] - v[k]);
    k -= a->difference * D;
    if (!a->cosine || k > 0)
        return *size = 0, extra[k - a->cosine];
    *size = 0;
    for (int m = 0; m < D; m++)
        sum += u[m] * v[m], *size += fabs(u[m] * v[m]);
    return sum;
}

static void check_group(const struct fusion_features *a, long r)
{
    const long g = (long)a->groups[r];
    const int columns = (a->product + a->difference) * D + a->cosine + a->n_extra;
    double has = a->alone[g] ? 0 : 1;
    double u[D], norm = 0, most = 0;
    for (int k = 0; k < D; k++) {
        const double sum = a->sums[a->user[g] * D + (unsigned)k],
                     v = a->V[a->item[g * CANDIDATES] * D + (unsigned)k];
        u[k] = has * (sum - a->weight[g] * v);
        norm += u[k] * u[k], most += sum * sum;
    }
    for (int k = 0; k < D; k++)
        u[k] *= norm > 1e-10 * most ? 1 / sqrt(norm) : 0;
    const double has_history = norm > 1e-10 * most;
    if (a->texts != NULL) { /* blended with the user's texts; what is missing leaves the other alone */
        const float *t = a->texts + a->text_row[g] * D;
        double own = 0, length = 0;
        for (int k = 0; k < D; k++)
            own += (double)t[k] * (double)t[k];
        const double w = own == 0 ? 0 : has_history ? (double)a->text_weight : 1;
        for (int k = 0; k < D; k++) {
            u[k] = (1 - w) * u[k] + w * (double)t[k];
            length += u[k] * u[k];
        }
        for (int k = 0; k < D; k++)
            u[k] /= length > 0 ? sqrt(length) : 1;
        has = has > 0 || own > 0;
    }
    const double shrunk = norm > 0 ? sqrt(most / norm) : 0; /* how much of the sum the positive took away */
    for (int c = 0; c < CANDIDATES; c++)
        for (int k = 0; k < columns; k++) {
            const long s = g * CANDIDATES + c, at = (r * CANDIDATES + c) * LDQ + k;
            double size;
            double want = feature(a, k, u, a->V + a->item[s] * D, has, a->extra + s * EXTRA, &size);
            size = 4 * CHECK_EPS * (1 + shrunk) * size;
            if (a->mean != NULL) {
                size =
                    (size + CHECK_EPS * (fabs(want) + fabs((double)a->mean[k]))) * fabs((double)a->scale[k]);
                want = (want - a->mean[k]) * a->scale[k];
            }
            check_near("q", at, a->q[at], want, size);
        }
}

static void features_cases(const char *kernel)
{
    for (int c = 0; c < 16;
         c++) { /* blocks: product 1, difference 2, cosine 4; texts 8; shifted and scaled in odd cases */
        uint64_t *groups = check_buffer("groups", WANTED, sizeof *groups);
        uint32_t *user = check_buffer("user", GROUPS, 4),
                 *item = check_buffer("item", GROUPS * CANDIDATES, 4);
        unsigned char *alone = check_buffer("alone", GROUPS, 1);
        float *V = check_floats("V", ITEMS * D, 1), *weight = check_buffer("weight", GROUPS, 4);
        for (uint32_t g = 0; g < GROUPS; g++) {
            user[g] = g % USERS, weight[g] = 0.5f + check_unit(2, g), alone[g] = g == 2;
            for (uint32_t i = 0; i < CANDIDATES; i++)
                item[g * CANDIDATES + i] = (g + 4 * i) % ITEMS;
        }
        for (uint64_t r = 0; r < WANTED; r++)
            groups[r] = (2 * r + 1) % GROUPS; /* 1 3 5 1 3 */
        groups[3] = 2;
        float *texts = check_floats("texts", TEXT_ROWS * D, 8);
        uint32_t *text_row = check_buffer("text_row", GROUPS, 4);
        for (uint32_t g = 0; g < GROUPS; g++)
            text_row[g] = g == 3 ? TEXT_ROWS - 1 : g % (TEXT_ROWS - 1);
        for (int k = 0; k < D; k++) /* who wrote nothing */
            texts[1 * D + k] = 0;
        const struct fusion_features a = {.groups = groups,
                                          .sums = check_floats("sums", USERS * D, 3),
                                          .V = V,
                                          .user = user,
                                          .item = item,
                                          .weight = weight,
                                          .alone = alone,
                                          .extra = check_floats("extra", GROUPS * CANDIDATES * EXTRA, 4),
                                          .texts = c & 8 ? texts : NULL,
                                          .text_row = c & 8 ? text_row : NULL,
                                          .text_weight = 0.375f,
                                          .mean = c % 2 ? check_floats("mean", LDQ, 5) : NULL,
                                          .scale = c % 2 ? check_floats("scale", LDQ, 6) : NULL,
                                          .q = check_floats("q", WANTED * CANDIDATES * LDQ, 7),
                                          .ldq = LDQ,
                                          .d = D,
                                          .n_candidates = CANDIDATES,
                                          .n_extra = EXTRA,
                                          .product = c & 1,
                                          .difference = c >> 1 & 1,
                                          .cosine = c >> 2 & 1};
        check_run(kernel, &a, WANTED, (D + 1) * sizeof(float) + 64);
        for (long r = 0; r < WANTED; r++)
            check_group(&a, r);
        check_end();
    }
}

static void score_writes(const void *args, long row)
{
    const struct fusion_score *a = args;
    const long first = row % a->n_tiles * FUSION_TILE, left = a->n_items - first;
    check_may_write(a->out + (size_t)(row / a->n_tiles) * a->ldo + first,
                    sizeof(float) * (size_t)(left < FUSION_TILE ? left : FUSION_TILE));
}

static void score_cases(const char *kernel)
{
    enum { MANY = FUSION_TILE + 43, LDO = MANY + 5, N = 13 };
    for (int blocks = 0; blocks < 4; blocks++) {
        unsigned char *known = check_buffer("known", USERS, 1);
        const float *A = check_floats("A", USERS * N, 1), *W = check_floats("D", N, 3);
        const struct fusion_score a = {.A = blocks & 1 ? A : NULL,
                                       .U = check_floats("U", USERS * N, 2),
                                       .D = blocks & 2 ? W : NULL,
                                       .known = known,
                                       .VT = check_floats("VT", N * LDO, 4),
                                       .item_bias = check_floats("item_bias", MANY, 5),
                                       .out = check_floats("out", USERS * LDO, 6),
                                       .ldv = LDO,
                                       .ldo = LDO,
                                       .d = N,
                                       .n_items = MANY,
                                       .n_tiles = 2};
        for (int r = 0; r < USERS; r++)
            known[r] = r != 2;
        check_run(kernel, &a, USERS * 2, 0);
        for (int r = 0; r < USERS; r++)
            for (int i = 0; i < MANY; i++) {
                double sum = a.item_bias[i], size = fabs(sum);
                for (int k = 0; k < N && known[r]; k++) {
                    const double v = a.VT[k * LDO + i], x = a.A != NULL ? A[r * N + k] * v : 0;
                    const double y = a.D != NULL ? W[k] * fabs(a.U[r * N + k] - v) : 0;
                    sum += x + y;
                    size +=
                        fabs(x) + (a.D != NULL ? fabs(W[k] * (fabs((double)a.U[r * N + k]) + fabs(v))) : 0);
                }
                check_near("out", r * LDO + i, a.out[r * LDO + i], sum, 4 * CHECK_EPS * size);
            }
        check_end();
    }
}

static void standardize_writes(const void *args, long row)
{
    const struct fusion_standardize *a = args;
    if (a->out != NULL)
        check_may_write(a->out + (size_t)row * a->ldo, (size_t)a->n_items * sizeof(float));
    else
        check_may_write(a->S + (size_t)row * a->lds, (size_t)a->n_items * sizeof(float));
}

static void standardize_cases(const char *kernel)
{
    enum { ROWS = 4, N = 71, LD = N + 2 };
    for (int add = 0; add < 2; add++) {
        static double s[ROWS][N], before[ROWS][N];
        const struct fusion_standardize a = {.S = check_floats("S", ROWS * LD, 1),
                                             .out = add ? check_floats("out", ROWS * LD, 2) : NULL,
                                             .lds = LD,
                                             .ldo = LD,
                                             .weight = 0.7f,
                                             .n_items = N};
        const float *result = add ? a.out : a.S;
        for (int i = 0; i < ROWS * N; i++) {
            float *x = &a.S[i / N * LD + i % N];
            *x = i / N == 1 ? 0.1f : *x; /* a row of no signal */
            s[i / N][i % N] = *x, before[i / N][i % N] = add ? a.out[i / N * LD + i % N] : 0;
        }
        check_run(kernel, &a, ROWS, 0);
        for (int r = 0; r < ROWS; r++) {
            double mean = 0, squares = 0, most = 0;
            for (int i = 0; i < N; i++)
                mean += s[r][i] / N, most = fmax(most, fabs(s[r][i]));
            for (int i = 0; i < N; i++)
                squares += (s[r][i] - mean) * (s[r][i] - mean) / N;
            const double scale = squares > 1e-12 * mean * mean ? 1 / sqrt(squares) : 0;
            for (int i = 0; i < N; i++) {
                const double z = (s[r][i] - mean) * scale,
                             want = add ? before[r][i] + (double)a.weight * z : z;
                check_near("z", r * LD + i, result[r * LD + i], want,
                           8 * CHECK_EPS * (most * scale + fabs(before[r][i])));
            }
        }
        check_end();
    }
}

static void forward_writes(const void *args, long s)
{
    const struct preference_forward *a = args;
    check_may_write(a->residual + s, sizeof(float));
    check_may_write(a->loss + s, sizeof(float));
}

enum { SAMPLES = 29 };

static void forward_cases(const char *kernel)
{
    for (int large = 0; large < 2; large++) { /* z of about 1, and of hundreds: neither side overflows */
        float *W = check_floats("W", D, 1), *target = check_buffer("target", SAMPLES, sizeof *target);
        const struct preference_forward a = {.q = check_floats("q", SAMPLES * LDQ, 2),
                                             .target = target,
                                             .W = W,
                                             .residual = check_floats("residual", SAMPLES, 3),
                                             .loss = check_floats("loss", SAMPLES, 4),
                                             .ldq = LDQ,
                                             .b = 0.25f,
                                             .d = D};
        for (int k = 0; k < D; k++)
            W[k] *= large ? 100 : 1;
        for (int s = 0; s < SAMPLES; s++)
            target[s] = (float)(s % 2);
        check_run(kernel, &a, SAMPLES, 0);
        for (int s = 0; s < SAMPLES; s++) {
            double z = a.b, size = fabs(z);
            for (int k = 0; k < D; k++) {
                const double term = (double)a.q[s * LDQ + k] * W[k];
                z += term, size += fabs(term);
            }
            const double error =
                4 * CHECK_EPS * (size + 1); /* sigmoid's slope is at most 1/4, the loss's at most 1 */
            check_near("residual", s, a.residual[s], 1 / (1 + exp(-z)) - target[s], error / 4);
            check_near("loss", s, a.loss[s], fmax(z, 0) + log1p(exp(-fabs(z))) - target[s] * z, error);
        }
        check_end();
    }
}

static void gradient_writes(const void *args, long c)
{
    const struct preference_gradient *a = args;
    check_may_write(a->partial + (size_t)c * (size_t)a->d, (size_t)a->d * sizeof(float));
}

static void gradient_cases(const char *kernel)
{
    enum { CHUNK = 8, CHUNKS = (SAMPLES + CHUNK - 1) / CHUNK };
    const struct preference_gradient a = {.q = check_floats("q", SAMPLES * LDQ, 1),
                                          .residual = check_floats("residual", SAMPLES, 2),
                                          .partial = check_floats("partial", CHUNKS * D, 3),
                                          .ldq = LDQ,
                                          .n = SAMPLES,
                                          .d = D,
                                          .chunk = CHUNK};
    check_run(kernel, &a, CHUNKS, 0);
    for (int i = 0; i < CHUNKS * D; i++) {
        double sum = 0, size = 0;
        for (int s = i / D * CHUNK; s < (i / D + 1) * CHUNK && s < SAMPLES; s++) {
            const double term = (double)a.residual[s] * a.q[s * LDQ + i % D];
            sum += term, size += fabs(term);
        }
        check_near("partial", i, a.partial[i], sum, 4 * CHECK_EPS * size);
    }
    check_end();
}

static void attend_writes(const void *args, long row)
{
    const struct fusion_attend *a = args;
    check_may_write(a->out + row, sizeof(float));
}

static void attend_cases(const char *kernel)
{
    enum { ROWS = 7 };
    static const int n_of[] = {1, 31, 32, 45};
    static const float sharpness_of[] = {0, 1, 5, 20};
    for (int c = 0; c < 16; c++) {
        const int n = n_of[c % 4];
        const size_t lds = (size_t)(n + FUSION_ATTEND_PAD - 1) / FUSION_ATTEND_PAD * FUSION_ATTEND_PAD;
        float *weight = check_buffer("weight", lds, sizeof *weight);
        for (int j = 0; j < (int)lds; j++)
            weight[j] = j < n ? 0.25f + check_unit(3, (uint64_t)j) : 0;
        const struct fusion_attend a = {.S = check_floats("S", ROWS * lds, 1),
                                        .weight = weight,
                                        .out = check_floats("out", ROWS, 2),
                                        .lds = lds,
                                        .sharpness = sharpness_of[c / 4],
                                        .beta = (float)(c % 3) / 2,
                                        .n = n};
        check_run(kernel, &a, ROWS, 0);
        for (long r = 0; r < ROWS; r++) {
            const float *s = a.S + (size_t)r * lds;
            double most = -INFINITY, total = 0, sum = 0, largest = 0;
            for (int j = 0; j < n; j++)
                most = fmax(most, (double)s[j]);
            for (int j = 0; j < n; j++) {
                const double w = (double)weight[j] * exp((double)a.sharpness * ((double)s[j] - most));
                total += w, sum += w * (double)s[j], largest = fmax(largest, fabs((double)s[j]));
            }
            /* The exponent's rounding, sharpness |s - most| eps, moves each weight by that share. */
            const double beta = (double)a.beta,
                         scale = exp((1 - beta) * (most - 1) * (double)a.sharpness) * pow(total, -beta);
            check_near("out", r, a.out[r], sum * scale,
                       (8 + 8 * (double)a.sharpness * (1 + largest)) * CHECK_EPS * largest * total * scale);
        }
        check_end();
    }
}

const struct check_kernel check_fusion[] = {
    {"fusion_features", features_cases, features_writes},
    {"fusion_score", score_cases, score_writes},
    {"fusion_standardize", standardize_cases, standardize_writes},
    {"fusion_attend", attend_cases, attend_writes},
    {"preference_forward", forward_cases, forward_writes},
    {"preference_gradient", gradient_cases, gradient_writes},
    {NULL, NULL, NULL},
};
