/*
 * generate.c - see generate.h.
 *
 * The head is most of what a step reads, so all texts share one pass over it; where a grammar leaves few tokens to all of them only
 * those tokens' rows are read.
 */
#include "llm/generate.h"

#include <stdlib.h>
#include <string.h>

#include "base/strings.h"

enum { NARROW = 8 /* a head of less than an eighth of the vocabulary is gathered */ };

struct text {
    const struct prompt *prompt;
    struct generated *out;
    uint32_t *ids; /* the prompt's, then the new ones */
    size_t n;
    uint32_t own; /* its first cell */
    uint32_t *allowed;
    size_t n_allowed;
    bool may_end, ended;
    struct grammar_state state;
    size_t shown; /* bytes of the text that were streamed */
};

struct generation {
    const struct decoder *d;
    const struct generate_options *o;
    struct decoder_cache *cache;
    struct arena *arena;
    struct text *text; /* [n] */
    size_t n;
    uint32_t shared; /* tokens that all prompts begin with, in the first cells */
    uint32_t *batch; /* tokens of a step */
    struct decoder_run *runs;
    uint32_t *wanted;
    float *states, *logits;
    uint32_t *together; /* [vocabulary] */
    unsigned char *seen;
};

/* Tokens that all prompts begin with, but for each one's last. */
static uint32_t common_beginning(const struct prompt *prompts, size_t n)
{
    size_t shared = prompts[0].n - 1;
    for (size_t i = 1; i < n; i++) {
        shared = prompts[i].n - 1 < shared ? prompts[i].n - 1 : shared;
        size_t same = 0;
        while (same < shared && prompts[i].ids[same] == prompts[0].ids[same])
            same++;
        shared = same;
    }
    return n > 1 ? (uint32_t)shared : 0;
}

/* The texts' tokens from `from` on, those of all active ones in one pass; a state of each one's last. */
static enum status forward(struct generation *g, bool first)
{
    size_t n_runs = 0, n_ids = 0;
    for (size_t i = 0; i < g->n; i++) {
        const struct text *t = &g->text[i];
        if (t->ended)
            continue;
        const size_t from = first ? g->shared : t->n - 1;
        g->runs[n_runs] = (struct decoder_run){
            .n = (uint32_t)(t->n - from), .position = (uint32_t)from, .shared = g->shared, .own = t->own};
        memcpy(g->batch + n_ids, t->ids + from, (t->n - from) * sizeof *t->ids);
        n_ids += t->n - from;
        g->wanted[n_runs++] = (uint32_t)n_ids - 1;
    }
    return decoder_forward(g->d, g->cache, g->batch, g->runs, n_runs, g->wanted, n_runs, g->states);
}

/* What the grammar allows each active text; the tokens of all of them, rising, in g->together; 0: too many to be worth it. */
static size_t allow(struct generation *g)
{
    const uint32_t vocabulary = decoder_vocabulary(g->d), end = tokenizer_end(decoder_tokenizer(g->d));
    size_t n = 0;
    if (g->o->grammar == NULL)
        return 0;
    memset(g->seen, 0, vocabulary);
    for (size_t i = 0; i < g->n; i++) {
        struct text *t = &g->text[i];
        if (t->ended)
            continue;
        const uint32_t left = g->o->tokens - (uint32_t)(t->n - t->prompt->n);
        t->n_allowed = grammar_next(g->o->grammar, &t->state, left, t->allowed, &t->may_end);
        if (t->may_end && t->n_allowed > 0 && end < vocabulary) { /* in its place among the rising ids */
            size_t at = t->n_allowed++;
            for (; at > 0 && t->allowed[at - 1] > end; at--)
                t->allowed[at] = t->allowed[at - 1];
            t->allowed[at] = end;
        }
        for (size_t k = 0; k < t->n_allowed; k++)
            g->seen[t->allowed[k]] = 1;
    }
    for (uint32_t id = 0; id < vocabulary; id++)
        if (g->seen[id])
            g->together[n++] = id;
    return n < vocabulary / NARROW ? n : 0;
}

/* The next token of a text: logits [n] of `ids` (NULL: the whole vocabulary). */
static enum status draw(struct generation *g, size_t which, const uint32_t *ids, float *logits, uint32_t n,
                        uint32_t *token)
{
    struct text *t = &g->text[which];
    const uint64_t at = t->n - t->prompt->n;
    if (g->o->grammar != NULL) { /* those that this text may take */
        size_t kept = 0;
        for (uint32_t i = 0; i < n && kept < t->n_allowed; i++)
            if ((ids != NULL ? ids[i] : i) == t->allowed[kept])
                logits[kept++] = logits[i];
        return sample_token(&g->o->sample, t->allowed, logits, (uint32_t)kept, t->ids, t->n, (uint32_t)which,
                            at, token);
    }
    return sample_token(&g->o->sample, NULL, logits, n, t->ids, t->n, (uint32_t)which, at, token);
}

/* Bytes at the end of a text that may become a stop. */
static size_t may_be_stop(const struct generate_options *o, const char *text, size_t length)
{
    size_t most = 0;
    for (size_t i = 0; i < o->n_stops; i++)
        for (size_t n = 1; n < strlen(o->stops[i]) && n <= length; n++)
            if (memcmp(text + length - n, o->stops[i], n) == 0)
                most = n > most ? n : most;
    return most;
}

/* The new tokens as text, cut at the first stop; streams what is new of it. */
static enum status new_text(struct generation *g, size_t which, bool last)
{
    struct text *t = &g->text[which];
    struct generated *out = t->out;
    out->ids = t->ids + t->prompt->n;
    out->n = t->n - t->prompt->n;
    if (g->o->stream == NULL && g->o->n_stops == 0 && !last)
        return STATUS_OK;
    TRY(tokenizer_decode(decoder_tokenizer(g->d), out->ids, out->n, false, g->arena, &out->text,
                         &out->length));
    for (size_t i = 0; i < g->o->n_stops; i++) {
        const char *stop = g->o->stops[i];
        const char *at = *stop != '\0' ? memmem(out->text, out->length, stop, strlen(stop)) : NULL;
        if (at != NULL) {
            out->length = (size_t)(at - out->text);
            t->ended = last = true;
        }
    }
    if (g->o->stream == NULL)
        return STATUS_OK;
    size_t safe = out->length;
    if (!last) {
        safe -= may_be_stop(g->o, out->text, out->length);
        while (safe > t->shown &&
               utf8_valid_prefix(out->text + t->shown, safe - t->shown) < safe - t->shown &&
               out->length - safe < 4)
            safe--; /* a character whose bytes are still to come; what stays invalid goes as it is */
    }
    if (safe < t->shown)
        safe = t->shown;
    const size_t from = t->shown;
    t->shown = safe;
    return out->n == 0
               ? STATUS_OK
               : g->o->stream(g->o->context, which, out->ids[out->n - 1], out->text + from, safe - from);
}

/* One token for every active text; how many are left. */
static enum status step(struct generation *g, size_t *active)
{
    const uint32_t vocabulary = decoder_vocabulary(g->d);
    const struct tokenizer *tokenizer = decoder_tokenizer(g->d);
    const size_t narrow = allow(g), hidden = decoder_hidden(g->d);
    const uint32_t n = narrow > 0 ? (uint32_t)narrow : vocabulary;
    size_t n_states = 0;
    for (size_t i = 0; i < g->n; i++)
        n_states += !g->text[i].ended;
    for (size_t from = 0, i = 0; from < n_states;
         from++, i++) { /* a text's logits at a time where they are many */
        while (g->text[i].ended)
            i++;
        if (narrow > 0)
            TRY(decoder_logits_of(g->d, g->states + from * hidden, 1, g->together, n, g->logits));
        else if (from == 0)
            TRY(decoder_logits(g->d, g->states, n_states, g->logits));
        float *logits = narrow > 0 ? g->logits : g->logits + from * vocabulary;
        struct text *t = &g->text[i];
        uint32_t token = UINT32_MAX;
        if (g->o->grammar == NULL || t->n_allowed > 0)
            TRY(draw(g, i, narrow > 0 ? g->together : NULL, logits, n, &token));
        if (token == UINT32_MAX || tokenizer_is_end(tokenizer, token)) {
            t->ended = true;
            TRY(new_text(g, i, true));
            continue;
        }
        t->ids[t->n++] = token;
        if (g->o->grammar != NULL)
            grammar_take(g->o->grammar, &t->state, token);
        const bool full = t->n - t->prompt->n >= g->o->tokens || t->n >= decoder_context(g->d);
        TRY(new_text(g, i, full));
        t->ended = t->ended || full;
    }
    *active = 0;
    for (size_t i = 0; i < g->n; i++)
        *active += !g->text[i].ended;
    return STATUS_OK;
}

static enum status prepare(struct generation *g, const struct prompt *prompts, struct generated *out)
{
    const size_t vocabulary = decoder_vocabulary(g->d);
    size_t cells = g->shared, tokens = 0;
    ARENA_NEW(g->text, g->arena, g->n);
    for (size_t i = 0; i < g->n; i++) {
        struct text *t = &g->text[i];
        t->prompt = &prompts[i];
        t->out = &out[i];
        t->n = prompts[i].n;
        t->ended = g->o->tokens == 0;
        t->own = (uint32_t)cells;
        cells += t->n - g->shared + g->o->tokens;
        tokens += t->n;
        ARENA_NEW(t->ids, g->arena, t->n + g->o->tokens);
        memcpy(t->ids, prompts[i].ids, t->n * sizeof *t->ids);
        if (g->o->grammar != NULL)
            ARENA_NEW(t->allowed, g->arena, vocabulary + 1);
    }
    if (cells > UINT32_MAX / 2)
        return status_fail(STATUS_USAGE, "%zu tokens are too many", cells);
    ARENA_NEW(g->batch, g->arena, tokens);
    ARENA_NEW(g->runs, g->arena, g->n);
    ARENA_NEW(g->wanted, g->arena, g->n);
    ARENA_NEW(g->states, g->arena, g->n * decoder_hidden(g->d));
    ARENA_NEW(g->logits, g->arena, g->n * vocabulary);
    ARENA_NEW(g->together, g->arena, vocabulary + 1);
    ARENA_NEW(g->seen, g->arena, vocabulary);
    return g->o->cache_int8 ? decoder_cache_new_int8(g->d, (uint32_t)cells, &g->cache)
                            : decoder_cache_new(g->d, (uint32_t)cells, &g->cache);
}

static enum status run(struct generation *g)
{
    size_t active = g->o->tokens > 0 ? g->n : 0;
    if (g->shared > 0) {
        const struct decoder_run once = {.n = g->shared};
        TRY(decoder_forward(g->d, g->cache, g->text[0].ids, &once, 1, NULL, 0, NULL));
    }
    for (bool first = true; active > 0; first = false) {
        TRY(forward(g, first));
        TRY(step(g, &active));
    }
    return STATUS_OK;
}

enum status generate(const struct decoder *decoder, const struct prompt *prompts, size_t n_prompts,
                     const struct generate_options *options, struct arena *arena, struct generated *out)
{
    struct generation g = {.d = decoder, .o = options, .arena = arena, .n = n_prompts};
    if (n_prompts == 0)
        return STATUS_OK;
    g.shared = common_beginning(prompts, n_prompts);
    memset(out, 0, n_prompts * sizeof *out);
    enum status status = prepare(&g, prompts, out);
    if (status == STATUS_OK)
        status = run(&g);
    decoder_cache_free(g.cache);
    for (size_t i = 0; i < n_prompts && status == STATUS_OK; i++)
        if (out[i].text == NULL)
            out[i].text = arena_strdup(arena, "");
    return status;
}
