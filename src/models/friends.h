/*
 * friends.h - what the models of a social graph share: who is whose friend, by the users' list column `friends`, and what a friend counts.
 *
 * The weight s(u, v) of a friend, I_u being the user's train items and N[u] his friends and himself:
 *     none            1
 *     cosine          |I_u and I_v| / sqrt(|I_u| |I_v|)
 *     pearson         (1 + r) / 2, r the correlation of the two sets over all items (Ma et al. 2011 bring Pearson's r to 0 .. 1 so)
 *     common_friends  |N[u] and N[v]| / |N[u] or N[v]|: of the graph alone
 * A user without train items (or with all) has no similarity to anyone: his links count the mean of those that are known, or 1 where none is.
 */
#ifndef MODELS_FRIENDS_H
#define MODELS_FRIENDS_H
#include "models/model.h"

enum { FRIENDS_GIVEN, FRIENDS_SHUFFLED };
enum friend_weight { FRIEND_NONE, FRIEND_COSINE, FRIEND_PEARSON, FRIEND_COMMON };

/* The rows of those parameters, for a struct with members `int friends` and `int similarity`. */
#define FRIENDS_PARAM(type)                                                                                  \
    PARAM_CHOICE(type, friends, "given", "given|shuffled",                                                   \
                 "shuffled: each user has the friends of another one, drawn at random; a control")
#define FRIEND_WEIGHT_PARAM(type)                                                                            \
    PARAM_CHOICE(type, similarity, "none", "none|cosine|pearson|common_friends", "what a friend counts")

/* *out [n_users x n_users] in the arena, no values: row u holds the users whom u has named, rising, without himself and without users who are
 * not in the view.  STATUS_UNAVAILABLE: the users have no list column `friends`. */
enum status friends_of(const char *model, const struct view *train, int friends, uint64_t seed,
                       struct arena *arena, struct csr *out);
/* The same links with the weights above, none negative. */
enum status friends_weigh(const struct csr *by_user, const struct csr *friends, enum friend_weight weight,
                          struct arena *arena, struct csr *out);

#endif
