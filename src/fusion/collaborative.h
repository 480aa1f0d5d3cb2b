/*
 * collaborative.h - scores of other models as features of the preference model.
 */
#ifndef FUSION_COLLABORATIVE_H
#define FUSION_COLLABORATIVE_H
#include "fusion/intent.h"
#include "models/model_io.h"

enum { COLLABORATIVE_MOST = 8 };
/* "none" (alone), "popularity" (log of 1 + train rows), or any model of the registry by its name: no list of choices. */
#define COLLABORATIVE_SIGNALS NULL

/* Fitted models; each one's scores are standardised user by user, so that a feature is "how many
 * standard deviations above this user's other items". */
struct collaborative {
    uint32_t n, n_items;
    const struct model_type *type[COLLABORATIVE_MOST]; /* NULL: popularity, which is counted here */
    const void *params[COLLABORATIVE_MOST];
    void *state[COLLABORATIVE_MOST];
    const float *popularity; /* [n_items] standardised log(1 + train rows); NULL unless asked */
};

/* Which models with which parameters: `names` of COLLABORATIVE_SIGNALS ("none" only alone), `params`
 * NULL or a map of them: {ease: {l2: 300}}.  STATUS_USAGE names what is wrong and where. */
enum status collaborative_choose(const struct param_list *names, const struct node *params,
                                 struct arena *arena, struct collaborative *out);
/* The chosen models as model_type's `inside` wants them; popularity, which is counted here, is none. */
enum status collaborative_inside(const struct param_list *names, const struct node *params,
                                 struct arena *arena, const struct nested **models, size_t *n);
/* Fits the chosen models on the whole view; states live in run->arena. */
enum status collaborative_fit(struct collaborative *c, const struct view *view, struct run *run);
/* The view without the train rows of one fold (intent_fold()). */
enum status collaborative_view_without(const struct view *view, uint32_t fold, uint32_t n_folds,
                                       uint64_t seed, struct arena *arena, struct view *out);
/* Sets groups->extra to out-of-fold scores: the candidates of a group of fold k are scored by models
 * fitted on the rows of the other folds (intent_fold() of n_folds), so no train row is scored by a
 * model that saw it. */
enum status collaborative_extra(const struct collaborative *c, const struct view *view, uint32_t n_folds,
                                struct run *run, struct intent_groups *groups);
/* S [n x n_items]: standardised scores of signal j for users. */
enum status collaborative_scores(const struct collaborative *c, uint32_t j, const struct backend *backend,
                                 const uint32_t *users, size_t n, float *S);
/* out[r][i] += sum_j weight[j] * standardised score j of users[r] for item i. */
enum status collaborative_add(const struct collaborative *c, const struct backend *backend,
                              const float *weight, const uint32_t *users, size_t n, const struct tile *out);
void collaborative_free(struct collaborative *c);

/* As parts of the fusion model's file. */
enum status collaborative_save(const struct collaborative *c, struct model_writer *w);
enum status collaborative_load(struct collaborative *c, struct model_reader *r, struct run *run);

#endif
