/*
 * feedback.h - the last stage of the pipeline, and its way back: what users do with what they are shown changes at once what they are shown next.
 *
 * On top of a fitted model, four things learn from every event, each of which can be switched off:
 *   online_mf  one normalised gradient step of the user's and the item's factors, where the model has some (Rendle, Schmidt-Thieme, RecSys 2008; He et al., SIGIR 2016)
 *   profile    a decayed sum of the text vectors of what the user took
 *   bandit     LinUCB over text vectors (bandit.h), or epsilon-greedy
 *   fatigue    how often and how lately each item was shown, for the rule `fatigue` of the strategy (strategy.h)
 * The score of an item is z(the model's) + [n / (n + evidence)] (profile z(cosine) + bandit z(mean)) + alpha uncertainty: z standardises over
 * the items of the user, n is the number of the user's events with an answer.  The best `candidates` that the user has not had go through the
 * rules.  The state is a function of the model, the options and the sequence of events alone, so a journal of events is all that must be kept.
 */
#ifndef FUSION_FEEDBACK_H
#define FUSION_FEEDBACK_H
#include "base/fsio.h"
#include "base/param.h"
#include "fusion/bandit.h"
#include "fusion/strategy.h"
#include "models/nested.h"

enum feedback_bandit { FEEDBACK_LINUCB, FEEDBACK_EPSILON_GREEDY, FEEDBACK_NO_BANDIT };

struct feedback_options {
    bool online_mf, fatigue;
    int loss; /* 0: squared, for models whose scores are near 0 .. 1 (ials); 1: logistic (bpr_mf) */
    int bandit, candidates;
    double learning_rate, item_learning_rate, regularization, skip_weight, profile, profile_decay, evidence;
    double bandit_weight, alpha, ridge, epsilon, shown_decay;
};
extern const struct param feedback_params[];

enum feedback_kind { FEEDBACK_SHOW, FEEDBACK_CLICK, FEEDBACK_SKIP, FEEDBACK_RATE };
struct feedback_event {
    enum feedback_kind kind;
    uint32_t user, item;
    float value; /* of a rating: 0 (worst) .. 1 (best) */
    bool first;  /* of a showing: a list begins with it */
};

struct feedback;

/* Can the options go with the model?  One without factors has none that an event could move: `online_mf` is switched off, and refused where
 * the block (NULL: none) asks for it.  STATUS_USAGE with file:line:column. */
enum status feedback_suits(const struct model_type *type, const struct node *block,
                           struct feedback_options *options);
/* factors: of a fitted model, copied; of one without factors a count of users and items, and feedback_scored_by() follows.  history: train
 * rows [n_users x n_items], never recommended again; it, vectors and rules belong to the caller and outlive the state.
 * vectors NULL or d 0: no profile and no LinUCB.  rules NULL: none.  STATUS_USAGE: vectors wider than BANDIT_MOST for LinUCB. */
enum status feedback_new(const struct feedback_options *options, const struct factors *factors,
                         const struct csr *history, const struct item_vectors *vectors,
                         const struct strategy *rules, uint64_t seed, struct feedback **out);
void feedback_free(struct feedback *f); /* takes NULL */

/* The scores of a fitted model that has no factors are what events add to.  owner: the arena of its state, which the feedback frees with it; NULL:
 * both are the caller's, who outlives the state or another model. */
void feedback_scored_by(struct feedback *f, const struct nested *fitted, const struct backend *backend,
                        struct arena *owner);

/* Takes an event in.  A list begins with a showing that says so (first), with one behind an answer and with an item that is shown again.
 * A click or a rating of at least one half marks the item as had.  STATUS_SYSTEM: memory. */
enum status feedback_update(struct feedback *f, const struct feedback_event *event);
/* The k best for the user, best first, into item [k]; *n: how many there are.  Changes nothing: who shows them says so by events. */
enum status feedback_recommend(const struct feedback *f, uint32_t user, uint32_t k, uint32_t *item,
                               uint32_t *n);
/* That, and why: every change of a place among the first `candidates` with what made it: "linucb" (against the list without it), the rules, then
 * "epsilon_greedy".  log: in `arena`; NULL: not wanted. */
enum status feedback_explain(const struct feedback *f, uint32_t user, uint32_t k, struct arena *arena,
                             uint32_t *item, uint32_t *n, struct strategy_log *log);
/* Another fit of the model takes the place of the first (a refit on a schedule); online steps begin anew from it. */
enum status feedback_refit(struct feedback *f, const struct factors *factors);
/* What users took so far, in order of user and time: rows for a refit.  user, item: [n] from malloc, the caller frees. */
enum status feedback_taken(const struct feedback *f, uint32_t **user, uint32_t **item, uint64_t *n);
uint64_t feedback_events(const struct feedback *f); /* taken in so far */
/* `base` (parsed) fitted on the view's rows and, where `taken` is not NULL, on what users took since, each counting as the best value; its
 * state is in run->arena, the caller calls nested_free(out).  factors->factors 0: the model has none. */
enum status feedback_fit(const struct nested *base, const struct view *view, const struct feedback *taken,
                         struct run *run, struct nested *out, struct factors *factors);
/* That, and feedback_refit() or feedback_scored_by() with it. */
enum status feedback_fit_again(const struct nested *base, const struct view *view, struct feedback *f,
                               struct run *run);

/* SHA-256 of the whole state: equal for equal states. */
void feedback_digest(const struct feedback *f, char hex[SHA256_HEX]);

#endif
