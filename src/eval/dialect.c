/* dialect.c - see dialect.h; the formulas themselves stand in metrics_value.c. */
#include "eval/dialect.h"

#include <string.h>

const struct dialect_type dialect_types[N_DEFINITIONS] = {
    [DIALECT_DEFAULT] =
        {.name = "default",
         .differs = "as `recfuse metrics` gives the formulas; users with nothing relevant are left out, "
                    "those without a list have an empty one",
         .source = "docs/metrics.md"},
    [DIALECT_TREC_EVAL] =
        {.name = "trec_eval",
         .differs = "map divides by R; ndcg has linear gain; users with nothing relevant count as 0, those "
                    "without a "
                    "list are left out; equal scores (in float) by item id, descending; mrr@k as with -M k",
         .source = "trec_eval 9, through pytrec_eval-terrier 0.5.11",
         .by_document = true,
         .zero_irrelevant = true,
         .skip_unlisted = true},
    [DIALECT_RECBOLE] = {.name = "recbole",
                         .differs = "as default (it rounds to 4 digits, this does not); has no f1",
                         .source = "RecBole 1.2.1, recbole/evaluator/metrics.py"},
    [DIALECT_ELLIOT] =
        {.name = "elliot",
         .differs =
             "map is the mean of precision(i) over all places i <= k, hit or not; ndcg has gain 2^(rating - "
             "threshold + 1) - 1",
         .source = "Elliot 0.3.1, elliot/evaluation/metrics/accuracy",
         .skip_unlisted = true},
    [DIALECT_LENSKIT] =
        {.name = "lenskit",
         .differs =
             "precision divides by the list's length, recall by min(k, R), map by min(R, length); ndcg "
             "discounts places 1 and 2 alike, 1 / log2(max(j, 2)); an empty list leaves the user out of "
             "precision and map",
         .source = "LensKit 2025.8.1, lenskit/metrics/ranking"},
    [DIALECT_IMPLICIT] =
        {.name = "implicit",
         .differs = "precision is sum of hits / sum of min(k, R) over all users; auc_list exists here",
         .source = "implicit 0.7.3, implicit/evaluation.pyx"},
    [DIALECT_RECTOOLS] = {.name = "rectools",
                          .differs =
                              "map divides by R; the ideal of ndcg has k hits however few are relevant",
                          .source = "RecTools 0.19.0, rectools/metrics (defaults)"},
    [DIALECT_LIGHTGCN] = {.name = "lightgcn",
                          .differs = "as default; has precision, recall and ndcg alone",
                          .source = "gusye1234/LightGCN-PyTorch, code/utils.py"},
    [DIALECT_SURPRISE] =
        {.name = "surprise",
         .differs =
             "precision divides by the list's length, 0 for an empty one; a user with nothing relevant "
             "counts as "
             "0; has precision and recall alone (its FAQ ranks rated test items only: give it such lists)",
         .source = "Surprise 1.1.4, examples/precision_recall_at_k.py",
         .zero_irrelevant = true,
         .skip_unlisted = true},
    [DIALECT_IALS_REVISITED] =
        {.name = "ials_revisited",
         .differs = "recall divides by min(k, R); has recall and ndcg alone",
         .source = "google-research/ials, vae_benchmarks/recommender.h (Rendle et al., RecSys 2022)"},
    [ESTIMATOR_RANK] =
        {.name = "unbiased_rank",
         .differs =
             "estimate of `default` over all items from sampled candidates: a relevant item's place is "
             "that among the relevant ones + N A / m, A of m sampled of N items being ahead; by itself "
             "beside `candidates: {kind: sampled}`",
         .source = "Krichene, Rendle, KDD 2020, section 5.1"},
    [ESTIMATOR_CLS] = {.name = "cls",
                       .differs = "likewise, by constrained least squares: the non-increasing, non-negative "
                                  "function of A of least "
                                  "squared bias; uniform negatives alone",
                       .source = "Krichene, Rendle, KDD 2020, section 5.1"},
    [ESTIMATOR_BV] =
        {.name = "bv",
         .differs =
             "likewise, by the function of A of least (1 - gamma) bias^2 + gamma variance; uniform negatives "
             "alone",
         .source = "Krichene, Rendle, KDD 2020, section 5.1"},
};

enum dialect dialect_find(const char *name)
{
    int d = 0;
    while (d < N_DEFINITIONS && strcmp(dialect_types[d].name, name) != 0)
        d++;
    return (enum dialect)d;
}
