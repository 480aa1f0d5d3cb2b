/* language_command.c - see language_command.h. */
#include "llm/language_command.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "llm/generate.h"
#include "llm/likelihood.h"
#include "llm/print.h"

/* A model, a cache for one text and what goes on behind it. */
struct session {
    struct decoder *decoder;
    struct decoder_cache *cache;
    bool cache_int8;
    struct arena *arena;
    FILE *out;
};

static enum status session_open(struct session *s, const struct language_model *model, FILE *out)
{
    *s = (struct session){.arena = arena_new(), .out = out};
    if (s->arena == NULL)
        return STATUS_SYSTEM;
    TRY(decoder_open(model->path, model->backend, &s->decoder));
    decoder_set_activations(s->decoder, model->activations);
    s->cache_int8 = model->cache_int8;
    return STATUS_OK;
}

static void session_close(struct session *s)
{
    decoder_cache_free(s->cache);
    decoder_close(s->decoder);
    arena_free(s->arena);
}

/* The text's tokens, begin-of-text before them. */
static enum status encode(struct session *s, const char *text, bool special, uint32_t **ids, size_t *n)
{
    const int flags = TOKENIZER_BEGIN | (special ? TOKENIZER_SPECIAL : 0);
    TRY(tokenizer_encode(decoder_tokenizer(s->decoder), text, strlen(text), flags, s->arena, ids, n));
    if (*n == 0)
        return status_fail(STATUS_USAGE,
                           "the text has no token, and this model wants none before it: give some text");
    if (*n > decoder_context(s->decoder))
        return status_fail(STATUS_USAGE, "the text has %zu tokens, but the model was made for at most %u", *n,
                           decoder_context(s->decoder));
    return STATUS_OK;
}

/* The same; a cache for them. */
static enum status take_text(struct session *s, const char *text, bool special, uint32_t **ids, size_t *n)
{
    TRY(encode(s, text, special, ids, n));
    return s->cache_int8 ? decoder_cache_new_int8(s->decoder, (uint32_t)*n, &s->cache)
                         : decoder_cache_new(s->decoder, (uint32_t)*n, &s->cache);
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
    TRY(take_text(s, text, special, &ids, &n));
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

enum status logits_print(const struct language_model *model, const char *text, bool special, uint32_t top,
                         FILE *out)
{
    struct session s;
    enum status status = session_open(&s, model, out);
    if (status == STATUS_OK)
        status = print_logits(&s, text, special, top);
    session_close(&s);
    return status;
}

/* ------------------------------------------------------------------------------------------------------ score */

static enum status print_scores(struct session *s, const char *prompt, const char *const *texts, size_t n,
                                bool special)
{
    struct likelihood_text *c;
    double *logprob;
    uint32_t *ids;
    size_t n_prompt;
    ARENA_NEW(c, s->arena, n);
    ARENA_NEW(logprob, s->arena, n);
    for (size_t i = 0; i < n; i++) {
        TRY(tokenizer_encode(decoder_tokenizer(s->decoder), texts[i], strlen(texts[i]),
                             special ? TOKENIZER_SPECIAL : 0, s->arena, &ids, &c[i].n));
        c[i].ids = ids;
    }
    TRY(encode(s, prompt, special, &ids, &n_prompt));
    TRY(likelihood(s->decoder, ids, n_prompt, c, n, s->cache_int8, logprob));
    for (size_t i = 0; i < n; i++) {
        fputs("{\"continuation\": ", s->out);
        TRY(print_json_text(texts[i], strlen(texts[i]), s->out));
        fputs(", \"ids\": ", s->out);
        print_json_ids(c[i].ids, c[i].n, s->out);
        fprintf(s->out, ", \"logprob\": %.9g}\n", logprob[i]);
    }
    return print_flush(s->out);
}

enum status score_print(const struct language_model *model, const char *prompt,
                        const char *const *continuations, size_t n, bool special, FILE *out)
{
    struct session s;
    enum status status = session_open(&s, model, out);
    if (status == STATUS_OK)
        status = print_scores(&s, prompt, continuations, n, special);
    session_close(&s);
    return status;
}

/* ------------------------------------------------------------------------------------------------------ generate */

/* One line a token: what it adds to its text. */
static enum status print_token(void *context, size_t which, uint32_t token, const char *bytes, size_t length)
{
    FILE *out = context;
    fprintf(out, "{\"index\": %zu, \"token\": %u, \"new\": ", which, token);
    TRY(print_json_text(bytes, length, out));
    fputs("}\n", out);
    return print_flush(out);
}

static enum status print_generated(struct session *s, const char *const *texts, size_t n,
                                   const struct generate_request *r)
{
    const struct tokenizer *tokenizer = decoder_tokenizer(s->decoder);
    struct generate_options options = r->options;
    struct grammar *grammar = NULL;
    struct prompt *prompts;
    struct generated *out;
    ARENA_NEW(prompts, s->arena, n);
    ARENA_NEW(out, s->arena, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t *ids;
        TRY(encode(s, texts[i], r->special, &ids, &prompts[i].n));
        prompts[i].ids = ids;
    }
    if (r->n_choices > 0)
        TRY(grammar_choices(tokenizer, r->choices, r->n_choices, s->arena, &grammar));
    else if (r->json)
        TRY(grammar_json(tokenizer, s->arena, &grammar));
    options.grammar = grammar;
    options.cache_int8 = s->cache_int8;
    options.stream = r->stream ? print_token : NULL;
    options.context = s->out;
    TRY(generate(s->decoder, prompts, n, &options, s->arena, out));
    for (size_t i = 0; i < n; i++) {
        fputs("{\"ids\": ", s->out);
        print_json_ids(out[i].ids, out[i].n, s->out);
        fputs(", \"text\": ", s->out);
        TRY(print_json_text(out[i].text, out[i].length, s->out));
        fputs("}\n", s->out);
    }
    return print_flush(s->out);
}

enum status generate_print(const struct language_model *model, const char *const *texts, size_t n,
                           const struct generate_request *request, FILE *out)
{
    struct session s;
    enum status status = session_open(&s, model, out);
    if (status == STATUS_OK)
        status = print_generated(&s, texts, n, request);
    session_close(&s);
    return status;
}
