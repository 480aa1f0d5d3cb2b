/*
 * registry.c - what there is: a line a model, a metric, a format, a split, a filter.
 */
#include "registry.h"

#include <string.h>

#include "base/strings.h"

/* clang-format off */
#define MODELS(MODEL)     \
    MODEL(random)         \
    MODEL(popularity)     \
    MODEL(tfidf_content)  \
    MODEL(bm25_content)   \
    MODEL(rocchio)        \
    MODEL(naive_bayes_content) \
    MODEL(llm_content)    \
    MODEL(attention_content) \
    MODEL(llm_fusion)     \
    MODEL(predicted_popularity) \
    MODEL(attribute_mapping) \
    MODEL(llm_ease) \
    MODEL(llm_item_knn) \
    MODEL(llm_init_mf) \
    MODEL(llm_reg_mf) \
    MODEL(alpha_rec) \
    MODEL(two_tower) \
    MODEL(lstm_text) \
    MODEL(user_knn)       \
    MODEL(item_knn)       \
    MODEL(ease)           \
    MODEL(p3alpha)        \
    MODEL(rp3beta)        \
    MODEL(slim)           \
    MODEL(als)            \
    MODEL(ials)           \
    MODEL(pure_svd)       \
    MODEL(bpr_mf)         \
    MODEL(mf2020)         \
    MODEL(logistic_mf)    \
    MODEL(pmf)            \
    MODEL(cmf)            \
    MODEL(svd)      \
    MODEL(baseline)       \
    MODEL(slope_one)      \
    MODEL(knn_ratings)    \
    MODEL(svdpp)          \
    MODEL(nmf)            \
    MODEL(co_clustering)  \
    MODEL(fm)             \
    MODEL(fm_ranking)     \
    MODEL(decision_tree)  \
    MODEL(random_forest)  \
    MODEL(gbdt)           \
    MODEL(friends_knn)    \
    MODEL(sbpr)           \
    MODEL(social_reg)     \
    MODEL(weighted)       \
    MODEL(switching)      \
    MODEL(stacking)       \
    MODEL(strategy)       \
    MODEL(llm_rerank)     \
    MODEL(external)       \
    MODEL(oracle)
/* clang-format on */

#define MODEL(name) extern const struct model_type model_##name;
MODELS(MODEL)
#undef MODEL

const struct model_type *const model_types[] = {
#define MODEL(name) &model_##name,
    MODELS(MODEL)
#undef MODEL
        NULL};

const struct model_type *model_find(const char *name)
{
    for (size_t i = 0; model_types[i] != NULL; i++)
        if (strcmp(model_types[i]->name, name) == 0)
            return model_types[i];
    return NULL;
}

const char *model_nearest(const char *name)
{
    const char *names[256] = {NULL};
    size_t n = 0;
    for (; n < 256 && model_types[n] != NULL; n++)
        names[n] = model_types[n]->name;
    return string_nearest(name, names, n);
}
