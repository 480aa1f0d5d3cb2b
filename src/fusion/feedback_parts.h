/*
 * feedback_parts.h - the state of the feedback loop, for feedback.c (what events do to it) and feedback_list.c (what is shown); only they include it.
 */
#ifndef FUSION_FEEDBACK_PARTS_H
#define FUSION_FEEDBACK_PARTS_H
#include "fusion/feedback.h"

/* What was shown to a user, and taken. */
struct seen {
    uint32_t item;
    float shown;    /* at the time of `stamp` */
    uint32_t stamp; /* the user's list number */
    uint32_t had;   /* 0: no; else the order in which it was taken, from 1 */
};
struct person {
    struct seen *seen; /* [n], in order of first showing */
    uint32_t n, room, lists, taken, answers;
    bool listing; /* the last event was a showing */
};

struct feedback {
    struct feedback_options options;
    uint32_t n_users, n_items, d;
    struct arena *arena, *fit; /* fit: of the factors */
    float *user, *item;        /* [n_users x d], [n_items x d] now */
    const float *user0, *item0;
    const float *user_bias, *item_bias;
    float offset;
    struct nested scorer; /* a model without factors, whose scores stand in; state NULL: the factors score */
    struct arena *scorer_arena;
    const struct backend *backend;
    const struct csr *history;
    const struct item_vectors *vectors;
    const struct strategy *rules;
    float *profile; /* [n_users x vectors d]; NULL: none */
    struct bandit bandit;
    struct person *person; /* [n_users] */
    uint64_t seed, n_events;
};

static inline double feedback_dot(const float *a, const float *b, uint32_t n)
{
    double sum = 0;
    for (uint32_t j = 0; j < n; j++)
        sum += (double)a[j] * (double)b[j];
    return sum;
}

/* The score of the factors as they are now. */
static inline double feedback_predicted(const struct feedback *f, uint32_t u, uint32_t i)
{
    return feedback_dot(f->user + (size_t)u * f->d, f->item + (size_t)i * f->d, f->d) + (double)f->offset +
           (f->user_bias != NULL ? (double)f->user_bias[u] : 0) +
           (f->item_bias != NULL ? (double)f->item_bias[i] : 0);
}

#endif
