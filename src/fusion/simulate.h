/*
 * simulate.h - does the loop help?  Users with a known taste are shown lists, look at some places, click, tire of what they have seen; a system
 * that learns from it runs beside one that doesn't, and beside itself with each part off.
 *
 * The click model is position-based (Craswell et al., WSDM 2008): a user looks at place j with probability j^-position_bias and clicks what is
 * attractive there.  Attraction of an item is sigmoid(slope (preference - threshold)) of the generator's true preference (data/synth.h), in
 * standard deviations over the user's items; the threshold is passed by a share `attractive` of them.  Each time that an item was shown lately
 * multiplies it by 1 - fatigue; what was clicked is done with.  The system sees clicks, and as skips what stood above the last click.
 *
 * Regret of a round is the expected clicks of the best list that could have been shown, less those of the list that was shown; both know the
 * truth, so regret has no noise of clicks in it.  ndcg is the same with the discount of DCG.  Random numbers are named by seed, user, round
 * and item: all systems meet the same users in the same mood.
 */
#ifndef FUSION_SIMULATE_H
#define FUSION_SIMULATE_H
#include "fusion/feedback.h"
#include "models/nested.h"

struct simulate_options {
    int users, rounds, k, refit_every;
    double position_bias, attractive, slope, fatigue, fatigue_memory;
};
extern const struct param simulate_params[];

/* One system. */
struct simulate_arm {
    const char *name;
    struct feedback_options options;
    bool learns; /* false: it only leaves out what was clicked */
    bool refits; /* every refit_every rounds, on train rows and clicks */
};
/* The systems that are compared [n]: everything on, nothing on, nothing but fatigue on, and everything but one part each; those of a part that
 * the options have off, or that has nothing to go by (`vectors`: are there text vectors?), are left out.  In the arena. */
enum { SIMULATE_ARMS = 8 }; /* at most */
enum status simulate_arms(const struct feedback_options *options, bool vectors, struct arena *arena,
                          struct simulate_arm **arms, size_t *n);

struct simulate_round {
    double regret, ndcg, clicks; /* means over users */
};
struct simulate_result {
    uint32_t n_users, n_rounds;
    struct simulate_round *round; /* [n_rounds] */
    double *regret;               /* [n_users] sum over rounds */
};

/* Runs one system for one seed; the result in the arena.  `base`: a model, parsed, not fitted.
 * STATUS_UNAVAILABLE: the view has no truth. */
enum status simulate(const struct simulate_options *options, const struct simulate_arm *arm,
                     const struct view *view, const struct nested *base, const struct item_vectors *vectors,
                     const struct strategy *rules, struct run *run, struct arena *arena,
                     struct simulate_result *out);

#endif
