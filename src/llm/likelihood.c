/*
 * likelihood.c - see likelihood.h.
 *
 * Texts go through in groups, each behind the prompt's cells, which stay; the head runs only for tokens that count.  A group ends by the
 * texts' lengths alone, so that values do not depend on the machine.  Of neighbours that differ in their last token alone (a question with yes
 * behind it, then with no) one goes through: a last token is nothing that the model reads.
 */
#include "llm/likelihood.h"

#include <string.h>

enum { GROUP_TOKENS = 4096 };

struct scorer {
    const struct decoder *d;
    struct decoder_cache *cache;
    size_t n_prompt, hidden;
    float *prompt_state; /* [hidden] */
};

/* Texts from `first` on that go together, one at least; their tokens. */
static size_t group_end(const struct likelihood_text *texts, size_t n, size_t first, size_t *tokens)
{
    size_t i = first;
    *tokens = 0;
    do
        *tokens += texts[i++].n;
    while (i < n && *tokens + texts[i].n <= GROUP_TOKENS);
    return i;
}

/* Log-probabilities of the tokens that count, text after text, from the states before them. */
static enum status sum_up(const struct scorer *s, const struct likelihood_text *texts, size_t n,
                          const float *states, const uint32_t *next, size_t n_states, struct arena *arena,
                          double *logprob)
{
    double *each;
    ARENA_NEW(each, arena, n_states);
    if (n_states > 0)
        TRY(decoder_logprobs(s->d, states, n_states, next, each));
    for (size_t i = 0, at = 0; i < n; i++) {
        logprob[i] = 0;
        for (size_t k = texts[i].from; k < texts[i].n; k++)
            logprob[i] += each[at++];
    }
    return STATUS_OK;
}

static bool differ_in_the_last_alone(const struct likelihood_text *a, const struct likelihood_text *b)
{
    return a->n > 0 && a->n == b->n && a->from == b->from &&
           memcmp(a->ids, b->ids, (a->n - 1) * sizeof *a->ids) == 0;
}

static enum status score_group(const struct scorer *s, const struct likelihood_text *texts, size_t n,
                               size_t tokens, struct arena *arena, double *logprob)
{
    struct decoder_run *runs;
    uint32_t *ids, *wanted, *next;
    float *states, *got;
    size_t n_runs = 0, n_ids = 0, n_wanted = 0, n_states = 0, *first;
    ARENA_NEW(first, arena, n); /* of a text's states in `got` */
    ARENA_NEW(runs, arena, n);
    ARENA_NEW(ids, arena, tokens);
    ARENA_NEW(wanted, arena, tokens);
    ARENA_NEW(next, arena, tokens);
    for (size_t i = 0; i < n; i++) {
        const struct likelihood_text *t = &texts[i];
        const bool again = i > 0 && differ_in_the_last_alone(t - 1, t);
        first[i] = again ? first[i - 1] : n_wanted;
        if (t->n > 1 && !again)
            runs[n_runs++] = (struct decoder_run){.n = (uint32_t)t->n - 1,
                                                  .position = (uint32_t)s->n_prompt,
                                                  .shared = (uint32_t)s->n_prompt,
                                                  .own = (uint32_t)(s->n_prompt + n_ids)};
        for (size_t k = 0; k < t->n; k++) {
            if (k >= t->from)
                next[n_states++] = t->ids[k];
            if (k + 1 < t->n && k + 1 >= t->from && !again)
                wanted[n_wanted++] = (uint32_t)n_ids;
            if (k + 1 < t->n && !again)
                ids[n_ids++] = t->ids[k];
        }
    }
    ARENA_NEW(got, arena, n_wanted * s->hidden);
    ARENA_NEW(states, arena, n_states * s->hidden);
    if (n_runs > 0)
        TRY(decoder_forward(s->d, s->cache, ids, runs, n_runs, wanted, n_wanted, got));
    float *state = states;
    for (size_t i = 0; i < n; i++)
        for (size_t k = texts[i].from, at = first[i]; k < texts[i].n; k++, state += s->hidden)
            memcpy(state, k == 0 ? s->prompt_state : got + at++ * s->hidden, s->hidden * sizeof *state);
    return sum_up(s, texts, n, states, next, n_states, arena, logprob);
}

static enum status score_all(struct scorer *s, const uint32_t *prompt, const struct likelihood_text *texts,
                             size_t n, double *logprob)
{
    const struct decoder_run run = {.n = (uint32_t)s->n_prompt};
    const uint32_t last = (uint32_t)s->n_prompt - 1;
    TRY(decoder_forward(s->d, s->cache, prompt, &run, 1, &last, 1, s->prompt_state));
    for (size_t first = 0, end, tokens; first < n; first = end) {
        end = group_end(texts, n, first, &tokens);
        struct arena *arena = arena_new();
        if (arena == NULL)
            return STATUS_SYSTEM;
        const enum status status = score_group(s, texts + first, end - first, tokens, arena, logprob + first);
        arena_free(arena);
        TRY(status);
    }
    return STATUS_OK;
}

enum status likelihood(const struct decoder *decoder, const uint32_t *prompt, size_t n_prompt,
                       const struct likelihood_text *texts, size_t n, bool cache_int8, double *logprob)
{
    struct scorer s = {.d = decoder, .n_prompt = n_prompt, .hidden = decoder_hidden(decoder)};
    size_t most = 0;
    if (n_prompt == 0)
        return status_fail(STATUS_USAGE,
                           "the text has no token, and this model wants none before it: give some text");
    for (size_t first = 0, tokens; first<n; most = tokens> most ? tokens : most)
        first = group_end(texts, n, first, &tokens);
    if (n_prompt + most > UINT32_MAX / 2)
        return status_fail(STATUS_USAGE, "%zu tokens are too many", n_prompt + most);
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    s.prompt_state = arena_alloc(arena, s.hidden, sizeof *s.prompt_state);
    enum status status = s.prompt_state != NULL ? STATUS_OK : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = (cache_int8 ? decoder_cache_new_int8
                             : decoder_cache_new)(decoder, (uint32_t)(n_prompt + most), &s.cache);
    if (status == STATUS_OK)
        status = score_all(&s, prompt, texts, n, logprob);
    decoder_cache_free(s.cache);
    arena_free(arena);
    return status;
}
