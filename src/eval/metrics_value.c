/*
 * metrics_value.c - the formulas of the ranking metrics, by dialect, and the list of all metrics.
 *
 * Symbols: h(j) 1 if place j (from 1) holds a relevant item, g(j) its gain, R relevant items, k the cut-off, L places filled.
 * The sums over hits come from the kernel (kernels/hits.h); a formula here is a division or two.
 */
#include <math.h>
#include <string.h>

#include "eval/metrics.h"
#include "eval/metrics_list.h"
#include "hits.h"

/* A function over a block of users from a formula of one, u. */
#define FORMULA(name, formula)                                                                               \
    static void name(const struct rankings *r, uint32_t n, double nothing, double *out)                      \
    {                                                                                                        \
        for (uint32_t u = 0; u < n; u++)                                                                     \
            out[u] = r->relevant[u] > 0 ? (formula) : nothing;                                               \
    }
#define LEAST(a, b)   ((a) < (b) ? (a) : (b))
#define BY(sum, best) ((best) > 0 ? (sum) / (best) : 0)

/* precision */
FORMULA(hits_by_k, BY(r->hits[u], r->k[u]))
FORMULA(hits_by_length, r->length[u] > 0 ? r->hits[u] / r->length[u] : (double)NAN)
FORMULA(hits_by_length_or_0, BY(r->hits[u], r->length[u]))
/* recall */
FORMULA(hits_by_relevant, BY(r->hits[u], r->relevant[u]))
FORMULA(hits_by_best, r->hits[u] / LEAST(r->k[u], r->relevant[u]))
/* 2PR / (P + R) with P = h / k and R = h / n is 2h / (k + n). */
FORMULA(harmonic_mean, 2.0 * r->hits[u] / (r->k[u] + r->relevant[u]))
FORMULA(any_hit, r->hits[u] > 0 ? 1 : 0)
FORMULA(first_hit, r->first[u] > 0 ? 1.0 / r->first[u] : 0)
FORMULA(ndcg, BY(r->dcg[u], r->ideal[u]))
FORMULA(ndcg_clipped, BY(r->clipped[u], r->ideal_clipped[u]))
FORMULA(ndcg_linear, BY(r->linear[u], r->ideal_linear[u]))
FORMULA(ndcg_exponential, BY(r->exponential[u], r->ideal_exponential[u]))
FORMULA(ndcg_full, BY(r->dcg[u], r->ideal_full[u]))
FORMULA(precisions_by_best, r->precisions[u] / LEAST(r->k[u], r->relevant[u]))
FORMULA(precisions_by_relevant, BY(r->precisions[u], r->relevant[u]))
FORMULA(precisions_by_length,
        r->length[u] > 0 ? BY(r->precisions[u], LEAST(r->length[u], r->relevant[u])) : (double)NAN)
FORMULA(mean_precision, BY(r->averages[u], r->k[u]))
/* implicit's AUC_at_k: items that are not listed are tied behind the list. */
FORMULA(auc_list, r->n_items > r->relevant[u]
                      ? (r->before[u] + (r->hits[u] + r->relevant[u]) / 2 *
                                            (r->n_items - r->relevant[u] - (r->k[u] - r->hits[u]))) /
                            (r->relevant[u] * (r->n_items - r->relevant[u]))
                      : (double)NAN)

metric_values *metric_binary(metric_values *values)
{
    return values == ndcg_linear || values == ndcg_exponential ? ndcg : values;
}

bool metric_needs_power(metric_values *values)
{
    return values == ndcg_exponential;
}

#define RANKING(variable, title, is_usual, text, from, ...)                                                  \
    static const struct metric_type variable = {.name = title,                                               \
                                                .formula = text,                                             \
                                                .source = from,                                              \
                                                .kind = METRIC_RANKING,                                      \
                                                .usual = is_usual,                                           \
                                                .value = {__VA_ARGS__}}
#define SIX(f)                                                                                               \
    [DIALECT_DEFAULT] = f, [DIALECT_TREC_EVAL] = f, [DIALECT_RECBOLE] = f, [DIALECT_ELLIOT] = f,             \
    [DIALECT_LENSKIT] = f, [DIALECT_RECTOOLS] = f

RANKING(
    precision, "precision", true, "sum h(j), j <= k, / k; k also where the list is shorter",
    "Cleverdon, Mills, Keen 1966; at a cut-off: Herlocker et al., ACM TOIS 22(1), 2004",
    [DIALECT_DEFAULT] = hits_by_k, [DIALECT_TREC_EVAL] = hits_by_k, [DIALECT_RECBOLE] = hits_by_k,
    [DIALECT_ELLIOT] = hits_by_k, [DIALECT_LENSKIT] = hits_by_length, [DIALECT_IMPLICIT] = hits_by_best,
    [DIALECT_RECTOOLS] = hits_by_k, [DIALECT_LIGHTGCN] = hits_by_k, [DIALECT_SURPRISE] = hits_by_length_or_0);
RANKING(recall, "recall", true, "sum h(j), j <= k, / R",
        "Cleverdon, Mills, Keen 1966; at a cut-off: Herlocker et al., ACM TOIS 22(1), 2004",
        [DIALECT_DEFAULT] = hits_by_relevant, [DIALECT_TREC_EVAL] = hits_by_relevant,
        [DIALECT_RECBOLE] = hits_by_relevant, [DIALECT_ELLIOT] = hits_by_relevant,
        [DIALECT_LENSKIT] = hits_by_best, [DIALECT_RECTOOLS] = hits_by_relevant,
        [DIALECT_LIGHTGCN] = hits_by_relevant, [DIALECT_SURPRISE] = hits_by_relevant,
        [DIALECT_IALS_REVISITED] = hits_by_best);
RANKING(ndcg_, "ndcg", true, "sum h(j) / log2(j + 1), j <= k, / sum 1 / log2(j + 1), j <= min(k, R)",
        "Jarvelin, Kekalainen, ACM TOIS 20(4), 2002, binary gains; discount log2(j + 1): Burges et al., ICML "
        "2005",
        [DIALECT_DEFAULT] = ndcg, [DIALECT_TREC_EVAL] = ndcg_linear, [DIALECT_RECBOLE] = ndcg,
        [DIALECT_ELLIOT] = ndcg_exponential, [DIALECT_LENSKIT] = ndcg_clipped, [DIALECT_IMPLICIT] = ndcg,
        [DIALECT_RECTOOLS] = ndcg_full, [DIALECT_LIGHTGCN] = ndcg, [DIALECT_IALS_REVISITED] = ndcg);
RANKING(average_precision, "map", true, "sum h(j) precision(j), j <= k, / min(k, R)",
        "Voorhees, Harman, TREC 2005; divided by min(k, R) as in the Million Song Dataset Challenge, McFee "
        "et al. 2012",
        [DIALECT_DEFAULT] = precisions_by_best, [DIALECT_TREC_EVAL] = precisions_by_relevant,
        [DIALECT_RECBOLE] = precisions_by_best, [DIALECT_ELLIOT] = mean_precision,
        [DIALECT_LENSKIT] = precisions_by_length, [DIALECT_IMPLICIT] = precisions_by_best,
        [DIALECT_RECTOOLS] = precisions_by_relevant);
RANKING(reciprocal_rank, "mrr", true, "1 / the least j <= k with h(j) = 1; 0 where there is none",
        "Voorhees, TREC-8 Question Answering Track Report, 1999", SIX(first_hit));
RANKING(hit_rate, "hit_rate", true, "1 where any h(j) = 1, j <= k; else 0",
        "Karypis, Evaluation of Item-Based Top-N, CIKM 2001", SIX(any_hit));
RANKING(f1, "f1", true, "2 sum h(j), j <= k, / (k + R): harmonic mean of precision and recall",
        "van Rijsbergen, Information Retrieval, 1979, chapter 7", [DIALECT_DEFAULT] = harmonic_mean,
        [DIALECT_ELLIOT] = harmonic_mean, [DIALECT_RECTOOLS] = harmonic_mean);
RANKING(
    ndcg_of_gains, "ndcg_linear", false,
    "sum g(j) / log2(j + 1), j <= k, / the same of the best list; equal to ndcg where relevance is binary",
    "Jarvelin, Kekalainen, ACM TOIS 20(4), 2002; discount as in ndcg", [DIALECT_DEFAULT] = ndcg_linear);
RANKING(
    ndcg_of_powers, "ndcg_exp", false,
    "sum (2^g(j) - 1) / log2(j + 1), j <= k, / the same of the best list; equal to ndcg where relevance is "
    "binary",
    "Burges et al., Learning to Rank using Gradient Descent, ICML 2005",
    [DIALECT_DEFAULT] = ndcg_exponential);
RANKING(
    area_list, "auc_list", false,
    "share of pairs (relevant, other item) in the right order, where items outside of the list's k are tied "
    "behind it",
    "implicit's AUC_at_k; Shani, Gunawardana, Recommender Systems Handbook, 2011",
    [DIALECT_DEFAULT] = auc_list, [DIALECT_IMPLICIT] = auc_list);

static const struct metric_type r_precision = {
    .name = "r_precision",
    .formula = "sum h(j), j <= R, / R; no cut-off; what lies beyond the list's end counts as missed",
    .source = "Buckley, Voorhees, SIGIR 2000; trec_eval's Rprec",
    .kind = METRIC_RANKING,
    .no_cutoff = true,
    .value = {[DIALECT_DEFAULT] = hits_by_relevant, [DIALECT_TREC_EVAL] = hits_by_relevant}};

/* Those that rank first, as before; their order is that of `recfuse metrics` and of an experiment without a list. */
const struct metric_type *const metric_types[] = {&precision,
                                                  &recall,
                                                  &ndcg_,
                                                  &average_precision,
                                                  &reciprocal_rank,
                                                  &hit_rate,
                                                  &f1,
                                                  &ndcg_of_gains,
                                                  &ndcg_of_powers,
                                                  &area_list,
                                                  &r_precision,
                                                  METRICS_OF_POSITIONS,
                                                  METRICS_BEYOND,
                                                  METRICS_OF_RATINGS,
                                                  &metric_auc_pairs,
                                                  METRICS_OF_PROBABILITIES,
                                                  NULL};

const struct metric_type *metric_find(const char *name)
{
    for (size_t m = 0; metric_types[m] != NULL; m++)
        if (strcmp(metric_types[m]->name, name) == 0)
            return metric_types[m];
    return NULL;
}
