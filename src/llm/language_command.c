/* language_command.c - see language_command.h. */
#include "llm/language_command.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "llm/decoder.h"
#include "llm/print.h"

/* A model, a cache for one text and what goes on behind it. */
struct session {
    struct decoder *decoder;
    struct decoder_cache *cache;
    struct arena *arena;
    FILE *out;
};

static enum status session_open(struct session *s, const char *model, FILE *out,
                                const struct backend *backend)
{
    *s = (struct session){.arena = arena_new(), .out = out};
    return s->arena != NULL ? decoder_open(model, backend, &s->decoder) : STATUS_SYSTEM;
}

static void session_close(struct session *s)
{
    decoder_cache_free(s->cache);
    decoder_close(s->decoder);
    arena_free(s->arena);
}

/* The text's tokens, begin-of-text before them; a cache for them and `more`. */
static enum status take_text(struct session *s, const char *text, bool special, size_t more, uint32_t **ids,
                             size_t *n)
{
    const int flags = TOKENIZER_BEGIN | (special ? TOKENIZER_SPECIAL : 0);
    TRY(tokenizer_encode(decoder_tokenizer(s->decoder), text, strlen(text), flags, s->arena, ids, n));
    if (*n == 0)
        return status_fail(STATUS_USAGE,
                           "the text has no token, and this model wants none before it: give some text");
    if (*n + more > UINT32_MAX / 2)
        return status_fail(STATUS_USAGE, "%zu tokens are too many", *n + more);
    return decoder_cache_new(s->decoder, (uint32_t)(*n + more), &s->cache);
}

/* Runs tokens from `position` on, in cells of the same numbers; the state of the last. */
static enum status run_tokens(struct session *s, const uint32_t *ids, size_t n, size_t position, float *state)
{
    const struct decoder_run run = {.n = (uint32_t)n, .position = (uint32_t)position};
    const uint32_t last = (uint32_t)n - 1;
    return decoder_forward(s->decoder, s->cache, ids, &run, 1, &last, 1, state);
}

struct ranked {
    float logit;
    uint32_t id;
};
static int by_logit(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return x->logit != y->logit ? (x->logit < y->logit) - (x->logit > y->logit)
                                : (x->id > y->id) - (x->id < y->id);
}

/* ------------------------------------------------------------------------------------------------------ logits */

static enum status print_logits(struct session *s, const char *text, bool special, uint32_t top)
{
    const uint32_t vocabulary = decoder_vocabulary(s->decoder);
    struct ranked *ranked;
    float *state, *logits;
    uint32_t *ids;
    size_t n;
    ARENA_NEW(state, s->arena, decoder_hidden(s->decoder));
    ARENA_NEW(logits, s->arena, vocabulary);
    ARENA_NEW(ranked, s->arena, vocabulary);
    TRY(take_text(s, text, special, 0, &ids, &n));
    TRY(run_tokens(s, ids, n, 0, state));
    TRY(decoder_logits(s->decoder, state, 1, logits));
    for (uint32_t i = 0; i < vocabulary; i++)
        ranked[i] = (struct ranked){logits[i], i};
    qsort(ranked, vocabulary, sizeof *ranked, by_logit);
    fputs("{\"text\": ", s->out);
    TRY(print_json_text(text, strlen(text), s->out));
    fputs(", \"ids\": ", s->out);
    print_json_ids(ids, n, s->out);
    fputs(", \"top\": [", s->out);
    for (uint32_t i = 0; i < top && i < vocabulary; i++)
        fprintf(s->out, "%s[%u, %.9g]", i > 0 ? ", " : "", ranked[i].id, (double)ranked[i].logit);
    fputs("]}\n", s->out);
    return print_flush(s->out);
}

enum status logits_print(const char *model, const char *text, bool special, uint32_t top, FILE *out,
                         const struct backend *backend)
{
    struct session s;
    enum status status = session_open(&s, model, out, backend);
    if (status == STATUS_OK)
        status = print_logits(&s, text, special, top);
    session_close(&s);
    return status;
}

/* ------------------------------------------------------------------------------------------------------ score */

struct continuation {
    uint32_t *ids;
    size_t n;
};

/* States that predict each token of each continuation, end to end: the prompt's last state for the first ones. */
static enum status continuation_states(struct session *s, const struct continuation *c, size_t n,
                                       size_t n_prompt, const float *prompt_state, float *states)
{
    const size_t hidden = decoder_hidden(s->decoder);
    struct decoder_run *runs;
    uint32_t *ids, *wanted;
    float *further;
    size_t n_runs = 0, n_ids = 0, total = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        total += c[i].n;
    ARENA_NEW(runs, s->arena, n);
    ARENA_NEW(ids, s->arena, total);
    ARENA_NEW(wanted, s->arena, total);
    ARENA_NEW(further, s->arena, total * hidden);
    for (size_t i = 0; i < n; i++) {
        if (c[i].n < 2)
            continue;
        runs[n_runs++] = (struct decoder_run){.n = (uint32_t)c[i].n - 1,
                                              .position = (uint32_t)n_prompt,
                                              .shared = (uint32_t)n_prompt,
                                              .own = (uint32_t)(n_prompt + n_ids)};
        for (size_t k = 0; k + 1 < c[i].n; k++) {
            wanted[n_ids] = (uint32_t)n_ids;
            ids[n_ids++] = c[i].ids[k];
        }
    }
    if (n_ids > 0)
        TRY(decoder_forward(s->decoder, s->cache, ids, runs, n_runs, wanted, n_ids, further));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < c[i].n; k++, states += hidden)
            memcpy(states, k == 0 ? prompt_state : further + at++ * hidden, hidden * sizeof *states);
    return STATUS_OK;
}

static enum status print_scores(struct session *s, const char *prompt, const char *const *texts, size_t n,
                                bool special)
{
    const size_t hidden = decoder_hidden(s->decoder);
    struct continuation *c;
    float *prompt_state, *states;
    double *logprob;
    uint32_t *ids, *next;
    size_t n_prompt, total = 0, at = 0;
    ARENA_NEW(c, s->arena, n);
    for (size_t i = 0; i < n; i++) {
        TRY(tokenizer_encode(decoder_tokenizer(s->decoder), texts[i], strlen(texts[i]),
                             special ? TOKENIZER_SPECIAL : 0, s->arena, &c[i].ids, &c[i].n));
        total += c[i].n;
    }
    ARENA_NEW(prompt_state, s->arena, hidden);
    ARENA_NEW(states, s->arena, total * hidden);
    ARENA_NEW(logprob, s->arena, total);
    ARENA_NEW(next, s->arena, total);
    TRY(take_text(s, prompt, special, total, &ids, &n_prompt));
    TRY(run_tokens(s, ids, n_prompt, 0, prompt_state));
    TRY(continuation_states(s, c, n, n_prompt, prompt_state, states));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < c[i].n; k++)
            next[at++] = c[i].ids[k];
    if (total > 0)
        TRY(decoder_logprobs(s->decoder, states, total, next, logprob));
    at = 0;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < c[i].n; k++)
            sum += logprob[at++];
        fputs("{\"continuation\": ", s->out);
        TRY(print_json_text(texts[i], strlen(texts[i]), s->out));
        fputs(", \"ids\": ", s->out);
        print_json_ids(c[i].ids, c[i].n, s->out);
        fprintf(s->out, ", \"logprob\": %.9g}\n", sum);
    }
    return print_flush(s->out);
}

enum status score_print(const char *model, const char *prompt, const char *const *continuations, size_t n,
                        bool special, FILE *out, const struct backend *backend)
{
    struct session s;
    enum status status = session_open(&s, model, out, backend);
    if (status == STATUS_OK)
        status = print_scores(&s, prompt, continuations, n, special);
    session_close(&s);
    return status;
}

/* ------------------------------------------------------------------------------------------------------ generate */

struct generation {
    const struct generate_options *o;
    struct continuation *choice; /* [n_choices] */
    struct ranked *ranked;       /* [vocabulary] */
    float *logits;
    uint32_t *ids; /* the text's, then the new ones */
    size_t n_text, n;
};

/* Leaves the tokens that some choice goes on with; of a choice that is whole, the end token.  False: nothing can follow. */
static bool keep_choices(struct session *s, struct generation *g)
{
    const uint32_t end = tokenizer_end(decoder_tokenizer(s->decoder)),
                   vocabulary = decoder_vocabulary(s->decoder);
    const size_t done = g->n - g->n_text;
    unsigned char *allowed = calloc(vocabulary, 1);
    size_t n = 0;
    bool whole = false;
    if (allowed == NULL)
        return false;
    for (size_t i = 0; i < g->o->n_choices; i++) {
        const struct continuation *c = &g->choice[i];
        if (c->n < done || (done > 0 && memcmp(c->ids, g->ids + g->n_text, done * sizeof *c->ids) != 0))
            continue;
        whole = whole || c->n == done;
        if (c->n > done && !allowed[c->ids[done]])
            allowed[c->ids[done]] = 1, n++;
    }
    if (whole && end < vocabulary && n > 0)
        allowed[end] = 1;
    for (uint32_t i = 0; i < vocabulary; i++)
        g->logits[i] = allowed[i] ? g->logits[i] : -INFINITY;
    free(allowed);
    return n > 0;
}

static void penalise(struct generation *g)
{
    const float penalty = (float)g->o->repetition_penalty;
    for (size_t i = 0; i < g->n; i++) {
        bool before = false;
        for (size_t k = 0; k < i && !before; k++)
            before = g->ids[k] == g->ids[i];
        float *logit = &g->logits[g->ids[i]];
        if (!before && isfinite(*logit))
            *logit = *logit > 0 ? *logit / penalty : *logit * penalty;
    }
}

/* The next token from the logits. */
static uint32_t draw(struct generation *g, uint32_t vocabulary)
{
    const struct generate_options *o = g->o;
    double sum = 0, kept = 0;
    if (o->repetition_penalty != 1)
        penalise(g);
    for (uint32_t i = 0; i < vocabulary; i++)
        g->ranked[i] = (struct ranked){g->logits[i], i};
    if (!(o->temperature > 0)) {
        struct ranked best = g->ranked[0];
        for (uint32_t i = 1; i < vocabulary; i++)
            best = by_logit(&g->ranked[i], &best) < 0 ? g->ranked[i] : best;
        return best.id;
    }
    qsort(g->ranked, vocabulary, sizeof *g->ranked, by_logit);
    uint32_t n = o->top_k > 0 && o->top_k < vocabulary ? o->top_k : vocabulary;
    const double first = (double)g->ranked[0].logit;
    double *p = malloc(n * sizeof *p);
    if (p == NULL)
        return g->ranked[0].id;
    for (uint32_t i = 0; i < n; i++)
        sum += p[i] = exp(((double)g->ranked[i].logit - first) / o->temperature);
    uint32_t most = 0;
    while (most < n && (most == 0 || (kept < o->top_p * sum && p[most] >= o->min_p * p[0])))
        kept += p[most++];
    double left = random_unit(o->seed, RANDOM_MODEL, 1, g->n - g->n_text) * kept;
    uint32_t at = 0;
    while (at + 1 < most && left >= p[at])
        left -= p[at++];
    free(p);
    return g->ranked[at].id;
}

/* The new tokens as text, cut at a stop; *stopped: there was one. */
static enum status new_text(struct session *s, const struct generation *g, char **text, size_t *length,
                            bool *stopped)
{
    TRY(tokenizer_decode(decoder_tokenizer(s->decoder), g->ids + g->n_text, g->n - g->n_text, false, s->arena,
                         text, length));
    *stopped = false;
    for (size_t i = 0; i < g->o->n_stops; i++) {
        const char *at =
            g->o->stops[i][0] != '\0' ? memmem(*text, *length, g->o->stops[i], strlen(g->o->stops[i])) : NULL;
        if (at != NULL) {
            *length = (size_t)(at - *text);
            *stopped = true;
        }
    }
    return STATUS_OK;
}

static enum status generate(struct session *s, struct generation *g)
{
    const uint32_t vocabulary = decoder_vocabulary(s->decoder), context = decoder_context(s->decoder);
    char *text = arena_strdup(s->arena, "");
    size_t length = 0, ran = 0;
    bool stopped = false;
    float *state;
    ARENA_NEW(state, s->arena, decoder_hidden(s->decoder));
    while (g->n - g->n_text < g->o->tokens && g->n < context && !stopped) {
        TRY(run_tokens(s, g->ids + ran, g->n - ran, ran, state));
        ran = g->n;
        TRY(decoder_logits(s->decoder, state, 1, g->logits));
        if (g->o->n_choices > 0 && !keep_choices(s, g))
            break;
        const uint32_t id = draw(g, vocabulary);
        if (tokenizer_is_end(decoder_tokenizer(s->decoder), id))
            break;
        g->ids[g->n++] = id;
        if (g->o->n_stops > 0)
            TRY(new_text(s, g, &text, &length, &stopped));
    }
    TRY(new_text(s, g, &text, &length, &stopped));
    fputs("{\"ids\": ", s->out);
    print_json_ids(g->ids + g->n_text, g->n - g->n_text, s->out);
    fputs(", \"text\": ", s->out);
    TRY(print_json_text(text, length, s->out));
    fputs("}\n", s->out);
    return print_flush(s->out);
}

static enum status prepare_and_generate(struct session *s, const char *text, bool special,
                                        const struct generate_options *o)
{
    struct generation g = {.o = o};
    uint32_t *ids;
    ARENA_NEW(g.choice, s->arena, o->n_choices);
    ARENA_NEW(g.ranked, s->arena, decoder_vocabulary(s->decoder));
    ARENA_NEW(g.logits, s->arena, decoder_vocabulary(s->decoder));
    for (size_t i = 0; i < o->n_choices; i++)
        TRY(tokenizer_encode(decoder_tokenizer(s->decoder), o->choices[i], strlen(o->choices[i]), 0, s->arena,
                             &g.choice[i].ids, &g.choice[i].n));
    TRY(take_text(s, text, special, o->tokens, &ids, &g.n_text));
    ARENA_NEW(g.ids, s->arena, g.n_text + o->tokens);
    memcpy(g.ids, ids, g.n_text * sizeof *ids);
    g.n = g.n_text;
    return generate(s, &g);
}

enum status generate_print(const char *model, const char *text, bool special,
                           const struct generate_options *options, FILE *out, const struct backend *backend)
{
    struct session s;
    enum status status = session_open(&s, model, out, backend);
    if (status == STATUS_OK)
        status = prepare_and_generate(&s, text, special, options);
    session_close(&s);
    return status;
}
