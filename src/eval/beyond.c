/*
 * beyond.c - measures of a user's list beyond accuracy.  A list is its filled places up to the cut-off, L of them; pop(i) the train
 * rows of item i, U the users with a train row.
 */
#include "eval/beyond.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/metrics_list.h"

#define BEYOND(variable, title, text, from, low)                                                             \
    const struct metric_type variable = {                                                                    \
        .name = title, .formula = text, .source = from, .kind = METRIC_BEYOND, .lower_is_better = low}
BEYOND(metric_novelty, "novelty",
       "mean over the list of -log2(max(pop(i), 1) / U): self-information, in bits",
       "Zhou et al., PNAS 107(10), 2010; Vargas, Castells, RecSys 2011", false);
BEYOND(metric_epc, "epc",
       "sum h(j) (1 - pop(i) / U) / log2(j + 1), divided by sum 1 / log2(j + 1) over the list",
       "expected popularity complement: Vargas, Castells, RecSys 2011", false);
BEYOND(metric_serendipity, "serendipity",
       "relevant items of the list that are not among the k most popular that the user has not seen, / k",
       "Ge, Delgado-Battenfeld, Jannach, Beyond Accuracy, RecSys 2010", false);
BEYOND(metric_ild, "ild",
       "intra-list diversity: mean over pairs of the list of 1 - Jaccard index of their genres; items "
       "without genres "
       "take no part",
       "Smyth, McClave, ICCBR 2001; Ziegler et al., WWW 2005", false);
BEYOND(metric_ild_text, "ild_text", "the same with 1 - cosine of the TF-IDF vectors of the items' texts",
       "Smyth, McClave, ICCBR 2001; Ziegler et al., WWW 2005", false);
BEYOND(metric_ild_vectors, "ild_vectors",
       "the same with 1 - cosine of the items' vectors of `evaluate.vectors`: a language model's, or others; "
       "items without a vector take no part",
       "Smyth, McClave, ICCBR 2001; Ziegler et al., WWW 2005", false);
BEYOND(metric_arp, "arp",
       "mean over the list of pop(i): average recommendation popularity; lower is less biased",
       "Yin et al., Challenging the Long Tail Recommendation, VLDB 2012", true);
BEYOND(metric_long_tail_share, "long_tail_share",
       "share of the list that is not in the head: the most popular items that hold 80 % of the train rows",
       "Abdollahpouri, Burke, Mobasher, RecSys 2017", false);
BEYOND(metric_calibration, "calibration_kl",
       "sum over genres of p ln(p / (0.99 q + 0.01 p)): p of the user's train rows, q of the list; lower is "
       "better",
       "Steck, Calibrated Recommendations, RecSys 2018", true);

enum status beyond_facts_make(const struct csr *train, struct arena *arena, struct beyond_facts *out)
{
    uint32_t *popularity, *order;
    uint64_t *key;
    uint8_t *head;
    ARENA_NEW(popularity, arena, train->n_cols);
    ARENA_NEW(order, arena, train->n_cols);
    ARENA_NEW(head, arena, train->n_cols);
    ARENA_NEW(key, arena, (size_t)train->nnz + 2);
    *out =
        (struct beyond_facts){.train = train, .popularity = popularity, .by_popularity = order, .head = head};
    for (uint32_t u = 0; u < train->n_rows; u++)
        out->n_train_users += train->ptr[u + 1] > train->ptr[u];
    for (int64_t e = 0; e < train->nnz; e++)
        popularity[train->idx[e]]++;
    /* Counting sort, most popular first: key[p] = items of popularity above p. */
    for (uint32_t i = 0; i < train->n_cols; i++)
        key[popularity[i]]++;
    uint64_t above = 0;
    for (int64_t p = train->nnz; p >= 0; p--) {
        const uint64_t here = key[p];
        key[p] = above;
        above += here;
    }
    for (uint32_t i = 0; i < train->n_cols; i++)
        order[key[popularity[i]]++] = i;
    double held = 0;
    for (uint32_t r = 0; r < train->n_cols; r++) {
        held += popularity[order[r]];
        head[order[r]] = held <= 0.8 * (double)train->nnz;
    }
    return STATUS_OK;
}

/* One list, and room for its thread. */
struct listing {
    const struct beyond_facts *f;
    const struct csr *relevant;
    const uint32_t *item; /* [n] */
    uint32_t n, k, user;
    double *room; /* [2 x n_genres], or [n_dimensions] */
};

static double popularity_of(const struct listing *l, uint32_t j)
{
    return l->f->popularity[l->item[j]];
}

static double novelty(const struct listing *l)
{
    double sum = 0;
    for (uint32_t j = 0; j < l->n; j++)
        sum -= log2(fmax(popularity_of(l, j), 1) / l->f->n_train_users);
    return sum / l->n;
}

static double epc(const struct listing *l)
{
    double sum = 0, weights = 0;
    for (uint32_t j = 0; j < l->n; j++) {
        const double d = 1 / log2(j + 2.0);
        if (csr_has(l->relevant, l->user, l->item[j]))
            sum += d * (1 - popularity_of(l, j) / l->f->n_train_users);
        weights += d;
    }
    return sum / weights;
}

/* Is the item among the k most popular that the user has not seen? */
static bool is_expected(const struct listing *l, uint32_t item)
{
    for (uint32_t r = 0, unseen = 0; unseen < l->k && r < l->relevant->n_cols; r++) {
        const uint32_t i = l->f->by_popularity[r];
        if (csr_has(l->f->train, l->user, i))
            continue;
        if (i == item)
            return true;
        unseen++;
    }
    return false;
}

static double serendipity(const struct listing *l)
{
    double n = 0;
    for (uint32_t j = 0; j < l->n; j++)
        n += csr_has(l->relevant, l->user, l->item[j]) && !is_expected(l, l->item[j]);
    return n / l->k;
}

static double arp(const struct listing *l)
{
    double sum = 0;
    for (uint32_t j = 0; j < l->n; j++)
        sum += popularity_of(l, j);
    return sum / l->n;
}

static double long_tail_share(const struct listing *l)
{
    double n = 0;
    for (uint32_t j = 0; j < l->n; j++)
        n += !l->f->head[l->item[j]];
    return n / l->n;
}

/* Columns that two rows share, weighed by val where there is one. */
static double shared(const struct csr *x, uint32_t a, uint32_t b)
{
    double sum = 0;
    for (int64_t i = x->ptr[a], j = x->ptr[b]; i < x->ptr[a + 1] && j < x->ptr[b + 1];) {
        if (x->idx[i] == x->idx[j]) {
            sum += x->val != NULL ? (double)x->val[i] * (double)x->val[j] : 1;
            i++, j++;
        } else if (x->idx[i] < x->idx[j])
            i++;
        else
            j++;
    }
    return sum;
}

static double diversity(const struct listing *l, const struct csr *x, bool jaccard)
{
    double sum = 0, pairs = 0;
    for (uint32_t i = 0; i < l->n; i++)
        for (uint32_t j = i + 1; j < l->n; j++) {
            const uint32_t a = l->item[i], b = l->item[j];
            const double n_a = (double)(x->ptr[a + 1] - x->ptr[a]), n_b = (double)(x->ptr[b + 1] - x->ptr[b]);
            if (n_a == 0 || n_b == 0)
                continue;
            const double both = shared(x, a, b);
            sum += 1 - (jaccard ? both / (n_a + n_b - both) : both);
            pairs++;
        }
    return pairs > 0 ? sum / pairs : NAN;
}

/* Of unit vectors: the cosines of all pairs are half of what the squared length of their sum has beyond their number. */
static double vector_diversity(const struct listing *l)
{
    const size_t d = l->f->n_dimensions;
    double *sum = l->room, n = 0, square = 0;
    if (l->f->vectors == NULL)
        return NAN;
    memset(sum, 0, d * sizeof *sum);
    for (uint32_t j = 0; j < l->n; j++) {
        const float *v = l->f->vectors + l->item[j] * d;
        double own = 0;
        for (size_t k = 0; k < d; k++)
            own += (double)v[k] * (double)v[k];
        if (own == 0)
            continue;
        const double scale = 1 / sqrt(own); /* in double, that rounding of the vectors does not show */
        for (size_t k = 0; k < d; k++)
            sum[k] += scale * (double)v[k];
        n++;
    }
    for (size_t k = 0; k < d; k++)
        square += sum[k] * sum[k];
    return n > 1 ? 1 - (square - n) / (n * (n - 1)) : NAN;
}

/* Adds an item's genres, in equal shares. */
static double add_genres(const struct csr *genres, uint32_t item, double *share)
{
    const int64_t first = genres->ptr[item], n = genres->ptr[item + 1] - first;
    for (int64_t e = first; e < first + n; e++)
        share[genres->idx[e]] += 1.0 / (double)n;
    return n > 0;
}

static double calibration(const struct listing *l)
{
    const struct csr *genres = l->f->genres, *train = l->f->train;
    double *p = l->room, *q = p + genres->n_cols, n_p = 0, n_q = 0, sum = 0;
    memset(p, 0, 2 * (size_t)genres->n_cols * sizeof *p);
    for (int64_t e = train->ptr[l->user]; e < train->ptr[l->user + 1]; e++)
        n_p += add_genres(genres, train->idx[e], p);
    for (uint32_t j = 0; j < l->n; j++)
        n_q += add_genres(genres, l->item[j], q);
    if (n_p == 0 || n_q == 0)
        return NAN;
    for (uint32_t g = 0; g < genres->n_cols; g++)
        if (p[g] > 0)
            sum += p[g] / n_p * log(p[g] / n_p / (0.99 * q[g] / n_q + 0.01 * p[g] / n_p));
    return sum;
}

static double value_of(const struct metric_type *metric, const struct listing *l)
{
    if (metric == &metric_serendipity)
        return serendipity(l);
    if (l->n == 0)
        return NAN;
    if (metric == &metric_novelty)
        return novelty(l);
    if (metric == &metric_epc)
        return epc(l);
    if (metric == &metric_arp)
        return arp(l);
    if (metric == &metric_long_tail_share)
        return long_tail_share(l);
    if (metric == &metric_calibration)
        return calibration(l);
    if (metric == &metric_ild_vectors)
        return vector_diversity(l);
    return metric == &metric_ild ? diversity(l, l->f->genres, true) : diversity(l, l->f->text, false);
}

static enum status check_facts(const struct beyond_facts *f, const struct metric_at *measures, size_t n)
{
    for (size_t m = 0; m < n; m++) {
        const struct metric_type *x = measures[m].metric;
        if (f->genres == NULL && (x == &metric_ild || x == &metric_calibration))
            return status_fail(STATUS_DATA,
                               "%s needs genres (or categories) of items, which the dataset lacks", x->name);
        if (f->text == NULL && x == &metric_ild_text)
            return status_fail(STATUS_DATA, "%s needs texts of items, which the dataset lacks", x->name);
    }
    return STATUS_OK;
}

enum status beyond_users(const struct lists *lists, const uint32_t *users, const struct relevance *relevance,
                         const struct beyond_facts *facts, const struct metric_at *measures,
                         size_t n_measures, double *values)
{
    TRY(check_facts(facts, measures, n_measures));
    const size_t n_genres = facts->genres != NULL ? facts->genres->n_cols : 0;
    const size_t n_room = 2 * n_genres > facts->n_dimensions ? 2 * n_genres : facts->n_dimensions;
    int failed = 0;
#pragma omp parallel reduction(| : failed)
    {
        double *room = malloc((n_room + 1) * sizeof *room);
        failed |= room == NULL;
#pragma omp for schedule(dynamic, 16)
        for (uint32_t u = 0; u < lists->n_users; u++) {
            const uint32_t *item = lists->item + (size_t)u * lists->k;
            uint32_t filled = 0;
            while (filled < lists->k && item[filled] != UINT32_MAX)
                filled++;
            for (size_t m = 0; m < n_measures && !failed; m++) {
                const uint32_t k = measures[m].k;
                const struct listing l = {facts, &relevance->items, item, filled < k ? filled : k,
                                          k,     users[u],          room};
                values[m * lists->n_users + u] = value_of(measures[m].metric, &l);
            }
        }
        free(room);
    }
    return failed ? status_fail(STATUS_SYSTEM, "memory is out: %zu genres", n_genres) : STATUS_OK;
}
