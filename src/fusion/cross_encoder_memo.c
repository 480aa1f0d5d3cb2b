/*
 * cross_encoder_memo.c - what users' candidates were given, kept, since lists, positions and tables ask for the same scores again; and counts of
 * what the language model read (cross_encoder.h).
 */
#include "fusion/cross_encoder.h"

#include <stdlib.h>
#include <string.h>

struct kept {
    uint32_t n;
    uint32_t *item; /* [n] rising */
    float *score;   /* [n] */
};
struct cross_memo {
    uint32_t n_users;
    struct kept *user; /* [n_users] */
    struct model_usage usage;
};

enum status cross_memo_new(uint32_t n_users, struct cross_memo **out)
{
    struct cross_memo *memo = calloc(1, sizeof *memo);
    if (memo != NULL)
        memo->user = calloc((size_t)n_users + 1, sizeof *memo->user);
    if (memo == NULL || memo->user == NULL) {
        free(memo);
        return status_fail(STATUS_SYSTEM, "memory is out: %u users", n_users);
    }
    memo->n_users = n_users;
    *out = memo;
    return STATUS_OK;
}

void cross_memo_free(struct cross_memo *memo)
{
    if (memo == NULL)
        return;
    for (uint32_t u = 0; u < memo->n_users; u++)
        free(memo->user[u].item);
    free(memo->user);
    free(memo);
}

void cross_encoder_usage(const struct cross_encoder *m, struct model_usage *out)
{
#pragma omp critical(cross_encoder)
    *out = m->memo->usage;
}

void cross_encoder_forget(const struct cross_encoder *m)
{
#pragma omp critical(cross_encoder)
    {
        for (uint32_t u = 0; u < m->memo->n_users; u++) {
            free(m->memo->user[u].item);
            m->memo->user[u] = (struct kept){0};
        }
        m->memo->usage = (struct model_usage){0};
    }
}

bool cross_memo_recall(struct cross_memo *memo, uint32_t user, const uint32_t *items, uint32_t n,
                       float *score)
{
    bool found;
#pragma omp critical(cross_encoder)
    {
        const struct kept *k = &memo->user[user];
        found = k->item != NULL && k->n == n && memcmp(k->item, items, n * sizeof *items) == 0;
        if (found)
            memcpy(score, k->score, n * sizeof *score);
    }
    return found;
}

enum status cross_memo_keep(struct cross_memo *memo, uint32_t user, const uint32_t *items, uint32_t n,
                            const float *score, const struct model_usage *used)
{
    uint32_t *copy = malloc(n * (sizeof *copy + sizeof *score) + 1);
    if (copy == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: scores of %u candidates", n);
    float *scores = (float *)(copy + n);
    memcpy(copy, items, n * sizeof *items);
    memcpy(scores, score, n * sizeof *score);
#pragma omp critical(cross_encoder)
    {
        free(memo->user[user].item);
        memo->user[user] = (struct kept){n, copy, scores};
        memo->usage.n_users++;
        memo->usage.n_items += n;
        memo->usage.n_tokens += used->n_tokens;
        memo->usage.n_tokens_unshared += used->n_tokens_unshared;
        memo->usage.seconds += used->seconds;
    }
    return STATUS_OK;
}
