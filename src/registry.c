/*
 * registry.c - what there is: a line a model, a metric, a format, a split, a filter.
 */
#include "registry.h"

#include <string.h>

#include "base/strings.h"

/* clang-format off */
extern const struct model_type model_random, model_popularity;
extern const struct model_type model_ials, model_biased_mf;
extern const struct model_type model_tfidf_content, model_llm_content;
extern const struct model_type model_llm_fusion;
extern const struct model_type model_user_knn, model_item_knn, model_ease;
extern const struct model_type model_p3alpha, model_rp3beta, model_slim, model_bpr_mf;
extern const struct model_type model_baseline, model_slope_one, model_knn_ratings;
extern const struct model_type model_svdpp, model_nmf, model_co_clustering;
extern const struct model_type model_oracle;
const struct model_type *const model_types[] = {
    &model_random, &model_popularity,
    &model_ials, &model_biased_mf,
    &model_tfidf_content, &model_llm_content,
    &model_llm_fusion,
    &model_user_knn, &model_item_knn, &model_ease,
    &model_p3alpha, &model_rp3beta, &model_slim, &model_bpr_mf,
    &model_baseline, &model_slope_one, &model_knn_ratings,
    &model_svdpp, &model_nmf, &model_co_clustering,
    &model_oracle,
    NULL};
/* clang-format on */

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
