/*
 * cross_encoder_ask.c - what the language model is asked about a user's candidates (cross_encoder.h).
 *
 * The prompt with the user's history goes through once; behind it each candidate is read by itself, in order of the items' numbers, so that
 * scores know nothing of the order in which the first stage had them.  A history that the model's context can't hold loses its oldest items.
 */
#include "fusion/cross_encoder.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/backend.h"
#include "llm/likelihood.h"

enum { CALIBRATE_AT_ONCE = 512 };

/* ------------------------------------------------------------------------------------------------------ tokens */

static enum status encode_all(const struct tokenizer *tokenizer, const struct strings *texts,
                              struct arena *arena, struct token_lists *out)
{
    uint32_t **list, *ids;
    size_t *ptr;
    struct arena *scratch = arena_new();
    if (scratch == NULL)
        return STATUS_SYSTEM;
    list = arena_alloc(scratch, texts->n, sizeof *list);
    ptr = arena_alloc(arena, texts->n + 1, sizeof *ptr);
    enum status status = list != NULL && ptr != NULL ? STATUS_OK : STATUS_SYSTEM;
    for (uint64_t i = 0; i < texts->n && status == STATUS_OK; i++) {
        size_t n;
        status = tokenizer_encode(tokenizer, strings_at(texts, i), strings_length(texts, i), 0, scratch,
                                  &list[i], &n);
        if (status == STATUS_OK)
            ptr[i + 1] = ptr[i] + n;
    }
    if (status == STATUS_OK) {
        ids = arena_alloc(arena, ptr[texts->n], sizeof *ids);
        status = ids != NULL ? STATUS_OK : STATUS_SYSTEM;
        for (uint64_t i = 0; i < texts->n && ids != NULL; i++)
            memcpy(ids + ptr[i], list[i], (ptr[i + 1] - ptr[i]) * sizeof *ids);
        *out = (struct token_lists){ids, ptr};
    }
    arena_free(scratch);
    return status;
}

enum status cross_encoder_tokens(struct cross_encoder *m, struct arena *arena)
{
    const struct tokenizer *tokenizer = decoder_tokenizer(m->decoder);
    static const char *const names[] = {"yes", "no"};
    struct string_builder b = {0};
    struct strings both;
    TRY(encode_all(tokenizer, &m->ask, arena, &m->asked));
    if (prompt_section(&m->prompt, "question") == NULL)
        return STATUS_OK;
    for (int i = 0; i < 2; i++) {
        const char *text;
        TRY(prompt_need(&m->prompt, names[i], &text));
        TRY(string_builder_add(&b, text, strlen(text)));
    }
    TRY(string_builder_finish(&b, arena, &both));
    TRY(encode_all(tokenizer, &both, arena, &m->yes_no));
    for (int i = 0; i < 2; i++)
        if (m->yes_no.ptr[i + 1] == m->yes_no.ptr[i])
            return status_fail(STATUS_DATA, "prompt %s: section [%s] has no token", m->prompt.name, names[i]);
    return STATUS_OK;
}

/* ------------------------------------------------------------------------------------------------------ prompts */

/* History items from..to - 1 as text. */
struct told {
    const struct cross_encoder *m;
    const uint32_t *item;
    uint32_t n;
};

static enum status join(const struct told *t, uint32_t n, struct string_builder *out)
{
    for (uint32_t k = 0; k < n; k++) {
        if (k > 0)
            TRY(string_builder_append(out, t->m->between, strlen(t->m->between)));
        TRY(string_builder_append(out, strings_at(&t->m->line, t->item[k]),
                                  strings_length(&t->m->line, t->item[k])));
    }
    return STATUS_OK;
}

static enum status history_value(void *context, const char *name, struct string_builder *out, bool *known)
{
    struct told *t = context;
    struct told last = {t->m, t->item + t->n - (t->n > 0), t->n > 0};
    if (strcmp(name, "history") == 0)
        return join(t, t->n, out);
    if (strcmp(name, "earlier") == 0)
        return join(t, t->n - (t->n > 0), out);
    *known = strcmp(name, "recent") == 0;
    return *known ? join(&last, last.n, out) : STATUS_OK;
}

static enum status tell(const struct cross_encoder *m, const uint32_t *item, uint32_t n, struct arena *arena,
                        char **text)
{
    struct told told = {m, item, n};
    const char *section = n == 0                                                   ? "empty"
                          : n == 1 && prompt_section(&m->prompt, "single") != NULL ? "single"
                                                                                   : "prompt";
    return prompt_render(&m->prompt, section, history_value, &told, arena, text);
}

/* The prompt's tokens; the oldest items go until `behind` tokens more have room. */
static enum status prompt_tokens(const struct cross_encoder *m, const uint32_t *item, uint32_t n,
                                 size_t behind, struct arena *arena, char **text, uint32_t **ids,
                                 size_t *n_ids)
{
    for (;; item++, n--) {
        TRY(tell(m, item, n, arena, text));
        TRY(tokenizer_encode(decoder_tokenizer(m->decoder), *text, strlen(*text), TOKENIZER_BEGIN, arena, ids,
                             n_ids));
        if (*n_ids + behind <= decoder_context(m->decoder) || n <= 1)
            return STATUS_OK;
    }
}

/* ------------------------------------------------------------------------------------------------------ scores */

static size_t longest(const struct cross_encoder *m, const uint32_t *items, uint32_t n)
{
    size_t most = 0, answer = 0;
    for (uint32_t i = 0; i < n; i++) {
        const size_t length = m->asked.ptr[items[i] + 1] - m->asked.ptr[items[i]];
        most = length > most ? length : most;
    }
    for (int i = 0; i < 2 && m->yes_no.ids != NULL; i++)
        answer = m->yes_no.ptr[i + 1] - m->yes_no.ptr[i] > answer ? m->yes_no.ptr[i + 1] - m->yes_no.ptr[i]
                                                                  : answer;
    return most + answer;
}

/* The question about each item with yes behind it, then with no. */
static enum status with_answers(const struct cross_encoder *m, const uint32_t *items, uint32_t n,
                                struct arena *arena, struct likelihood_text *text)
{
    for (uint32_t i = 0; i < 2 * n; i++) {
        const uint32_t item = items[i / 2];
        const size_t question = m->asked.ptr[item + 1] - m->asked.ptr[item],
                     answer = m->yes_no.ptr[i % 2 + 1] - m->yes_no.ptr[i % 2];
        uint32_t *ids;
        ARENA_NEW(ids, arena, question + answer);
        memcpy(ids, m->asked.ids + m->asked.ptr[item], question * sizeof *ids);
        memcpy(ids + question, m->yes_no.ids + m->yes_no.ptr[i % 2], answer * sizeof *ids);
        text[i] = (struct likelihood_text){ids, question + answer, question};
    }
    return STATUS_OK;
}

/* What the model says of each item behind the prompt: log P(answer), or log P(yes) - log P(no). */
static enum status ask(const struct cross_encoder *m, const uint32_t *prompt, size_t n_prompt,
                       const uint32_t *items, uint32_t n, struct arena *arena, double *out,
                       struct model_usage *used)
{
    const bool pairs = m->yes_no.ids != NULL;
    const size_t n_texts = pairs ? 2 * (size_t)n : n;
    struct likelihood_text *text;
    double *logprob;
    ARENA_NEW(text, arena, n_texts);
    ARENA_NEW(logprob, arena, n_texts);
    if (pairs)
        TRY(with_answers(m, items, n, arena, text));
    for (uint32_t i = 0; i < n && !pairs; i++)
        text[i] = (struct likelihood_text){.ids = m->asked.ids + m->asked.ptr[items[i]],
                                           .n = m->asked.ptr[items[i] + 1] - m->asked.ptr[items[i]]};
    TRY(likelihood(m->decoder, prompt, n_prompt, text, n_texts, false, logprob));
    for (uint32_t i = 0; i < n; i++)
        out[i] = pairs ? logprob[2 * i] - logprob[2 * i + 1] : logprob[i];
    /* Of two answers of one token each the question is read once (likelihood.c). */
    const bool once = pairs && m->yes_no.ptr[1] == 1 && m->yes_no.ptr[2] == 2;
    used->n_tokens += n_prompt;
    for (size_t i = 0; i < n_texts; i += once ? 2 : 1) {
        used->n_tokens += text[i].n;
        used->n_tokens_unshared += n_prompt + text[i].n;
    }
    return STATUS_OK;
}

/* What a log-likelihood is divided by. */
static double length_of(const struct cross_encoder *m, uint32_t item)
{
    if (m->yes_no.ids != NULL || m->length == CROSS_SUM)
        return 1;
    return m->length == CROSS_PER_BYTE ? (double)strings_length(&m->ask, item)
                                       : (double)(m->asked.ptr[item + 1] - m->asked.ptr[item]);
}

static enum status score(const struct cross_encoder *m, uint32_t user, const uint32_t *items, uint32_t n,
                         struct arena *arena, float *out, bool *asked, struct model_usage *used)
{
    const uint32_t *told;
    uint32_t n_told, *ids;
    size_t n_ids;
    double *value;
    char *text;
    TRY(cross_encoder_history(m, user, items, n, arena, &told, &n_told));
    *asked = n_told > 0 || m->history == CROSS_NONE;
    if (!*asked)
        return STATUS_OK;
    ARENA_NEW(value, arena, n);
    TRY(prompt_tokens(m, told, n_told, longest(m, items, n), arena, &text, &ids, &n_ids));
    TRY(ask(m, ids, n_ids, items, n, arena, value, used));
    for (uint32_t i = 0; i < n; i++) {
        const double usual = m->without != NULL ? m->calibration * m->without[items[i]] : 0;
        out[i] = (float)((value[i] - usual) / length_of(m, items[i]));
    }
    return STATUS_OK;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum status cross_encoder_ask(const struct cross_encoder *m, uint32_t user, const uint32_t *items, uint32_t n,
                              float *out, bool *asked)
{
    struct model_usage used = {0};
    const double start = now();
    *asked = true;
    if (n == 0 || cross_memo_recall(m->memo, user, items, n, out))
        return STATUS_OK;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = score(m, user, items, n, arena, out, asked, &used);
    arena_free(arena);
    used.seconds = now() - start;
    if (status == STATUS_OK && *asked)
        status = cross_memo_keep(m->memo, user, items, n, out, &used);
    return status;
}

/* What the model says of the items with no history. */
static enum status ask_nobody(const struct cross_encoder *m, const uint32_t *items, uint32_t n,
                              double *without)
{
    struct model_usage unused = {0};
    uint32_t *ids;
    double *value;
    size_t n_ids;
    char *text;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    value = arena_alloc(arena, n, sizeof *value);
    enum status status =
        value != NULL ? prompt_tokens(m, NULL, 0, 0, arena, &text, &ids, &n_ids) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = ask(m, ids, n_ids, items, n, arena, value, &unused);
    for (uint32_t i = 0; i < n && status == STATUS_OK; i++)
        without[items[i]] = value[i];
    arena_free(arena);
    return status;
}

enum status cross_encoder_calibrate(struct cross_encoder *m, const uint8_t *wanted, struct run *run)
{
    double *without;
    uint32_t *items, n = 0;
    if (m->calibration <= 0)
        return STATUS_OK;
    ARENA_NEW(without, run->arena, m->n_items);
    ARENA_NEW(items, run->scratch, m->n_items);
    for (uint32_t i = 0; i < m->n_items; i++)
        if ((wanted == NULL || wanted[i]) && cross_encoder_asks(m, i))
            items[n++] = i;
    for (uint32_t first = 0; first < n; first += CALIBRATE_AT_ONCE) {
        if (*run->cancelled)
            return STATUS_STOPPED;
        TRY(ask_nobody(m, items + first, n - first < CALIBRATE_AT_ONCE ? n - first : CALIBRATE_AT_ONCE,
                       without));
    }
    m->without = without;
    return STATUS_OK;
}

enum status cross_encoder_prompt(const struct cross_encoder *m, uint32_t user, const uint32_t *items,
                                 uint32_t n, struct arena *arena, char **text, bool *known)
{
    const uint32_t *told;
    uint32_t n_told, *ids;
    size_t n_ids;
    TRY(cross_encoder_history(m, user, items, n, arena, &told, &n_told));
    *known = n_told > 0 || m->history == CROSS_NONE;
    return prompt_tokens(m, told, n_told, longest(m, items, n), arena, text, &ids, &n_ids);
}
