/* trace.c - see trace.h. */
#include "models/trace.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "llm/phrases.h"
#include "models/scored.h"

enum { SHOWN_TEXTS = 3, SHOWN_BYTES = 160 };

void trace_stage(struct trace *t, const char *stage, const char *model)
{
    fprintf(t->out, "\n%d %s (%s)\n", ++t->n_stages, stage, model);
}

void trace_line(const struct trace *t, const char *format, ...)
{
    va_list arguments;
    fputs("  ", t->out);
    va_start(arguments, format);
    vfprintf(t->out, format, arguments);
    va_end(arguments);
    fputc('\n', t->out);
}

const char *trace_item(const struct trace *t, uint32_t item)
{
    const char *name = view_item_name(t->view, item, t->arena);
    return name != NULL ? name : "";
}

/* A model that says nothing of its stages: the items that it puts in front, train items aside. */
static enum status trace_scores(const struct model_type *type, const void *state, struct trace *t)
{
    const uint32_t n = t->view->n_items;
    const struct csr *had = t->view->by_user;
    float *scores;
    struct scored *place;
    uint32_t n_left = 0;
    ARENA_NEW(scores, t->arena, n);
    ARENA_NEW(place, t->arena, n);
    const struct tile tile = {scores, n, n};
    TRY(model_score_users(type, state, t->backend, &t->user, 1, &tile));
    for (uint32_t i = 0; i < n; i++)
        if (!csr_has(had, t->user, i))
            place[n_left++] = (struct scored){i, (double)scores[i]};
    qsort(place, n_left, sizeof *place, scored_best_first);
    trace_stage(t, "preference", type->name);
    trace_line(t, "in   %lld train items", (long long)(had->ptr[t->user + 1] - had->ptr[t->user]));
    trace_line(t, "out  scores of %u items:", n_left);
    for (uint32_t k = 0; k < n_left && k < t->top; k++)
        trace_line(t, "     %3u  %10.6g  %s", k + 1, place[k].score, trace_item(t, place[k].item));
    return STATUS_OK;
}

enum status model_trace(const struct model_type *type, const void *state, const void *params, struct trace *t)
{
    return type->trace != NULL ? type->trace(state, params, t) : trace_scores(type, state, t);
}

enum status nested_trace(const struct nested *m, struct trace *t)
{
    return model_trace(m->type, m->state, m->params, t);
}

/* At most SHOWN_BYTES of a text, whole characters, in quotes. */
static void print_text(const struct trace *t, const char *what, const char *of, const char *text,
                       size_t length)
{
    size_t n = length;
    if (n > SHOWN_BYTES)
        for (n = SHOWN_BYTES; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80; n--)
            ;
    trace_line(t, "%s %s: \"%.*s\"%s", what, of, (int)n, text, n < length ? " ..." : "");
}

/* The user's own texts, and those of the last of the user's train items: as written, as read. */
static enum status trace_preprocess(struct trace *t, const char *model,
                                    const struct item_vectors_options *options, const struct csr *history,
                                    const struct strings *after)
{
    struct item_vectors_options raw = *options;
    struct strings before;
    static const char *const kinds[] = {"review", "tag", "query", "post"};
    const struct texts *texts = &t->view->texts;
    uint64_t n_own = 0;
    raw.preprocess = PREPROCESS_NONE;
    TRY(item_vectors_texts(&raw, t->view, t->arena, &before));
    trace_stage(t, "preprocess", preprocess_name((enum preprocess)options->preprocess));
    for (uint64_t i = 0; i < texts->n; i++) {
        if (texts->user[i] != t->user)
            continue;
        if (n_own++ < SHOWN_TEXTS)
            print_text(t, "in   wrote a", kinds[texts->kind[i]], strings_at(&texts->text, i),
                       strings_length(&texts->text, i));
    }
    if (n_own > SHOWN_TEXTS)
        trace_line(t, "     and %llu more texts", (unsigned long long)(n_own - SHOWN_TEXTS));
    for (int64_t e = history->ptr[t->user], shown = 0; e < history->ptr[t->user + 1] && shown < SHOWN_TEXTS;
         e++, shown++) {
        const uint32_t i = history->idx[e];
        print_text(t, "in   the text of", trace_item(t, i), strings_at(&before, i),
                   strings_length(&before, i));
        print_text(t, "out ", model, strings_at(after, i), strings_length(after, i));
    }
    return STATUS_OK;
}

/* The phrases of the texts of the user's history, where `encoder` is one that reads. */
static enum status trace_phrases(struct trace *t, const struct item_vectors_options *options,
                                 const struct csr *history, const struct strings *texts)
{
    const struct phrases_options how = {.top = 5, .diversity = 0.5};
    const struct encoder_options as = {
        .precision = options->precision, .pooling = options->pooling, .prefix = options->prefix};
    struct string_builder b = {0};
    struct strings own;
    struct encoder *encoder = NULL;
    struct phrase *phrase = NULL;
    size_t n = 0;
    if (item_vectors_parts(options->encoder) > 1 || item_vectors_folder(options->encoder) != options->encoder)
        return STATUS_OK;
    const char *folder =
        arena_printf(t->arena, "%s/%s", t->models == NULL ? "models" : t->models, options->encoder);
    if (folder == NULL)
        return STATUS_SYSTEM;
    if (vectors_are_in(folder))
        return STATUS_OK;
    enum status status = STATUS_OK;
    for (int64_t e = history->ptr[t->user]; e < history->ptr[t->user + 1] && status == STATUS_OK; e++)
        status = string_builder_add(&b, strings_at(texts, history->idx[e]),
                                    strings_length(texts, history->idx[e]));
    if (status != STATUS_OK) {
        string_builder_free(&b);
        return status;
    }
    TRY(string_builder_finish(&b, t->arena, &own));
    TRY(encoder_open_with(folder, &as, t->backend, &encoder));
    status = phrases_find(encoder, t->cache, &own, &how, t->arena, &phrase, &n);
    encoder_close(encoder);
    TRY(status);
    for (size_t i = 0; i < n; i++)
        trace_line(t, "%s  %.3f  %s", i == 0 ? "out  key phrases:" : "                 ", phrase[i].relevance,
                   phrase[i].text);
    return STATUS_OK;
}

/* Items by their cosine to a vector. */
static enum status nearest(const struct trace *t, const struct item_vectors *items, const float *v,
                           struct scored **place)
{
    const uint32_t d = items->d;
    ARENA_NEW(*place, t->arena, items->n_items);
    for (uint32_t i = 0; i < items->n_items; i++) {
        double sum = 0;
        for (uint32_t k = 0; k < d; k++)
            sum += (double)v[k] * (double)items->v[(size_t)i * d + k];
        (*place)[i] = (struct scored){i, sum};
    }
    qsort(*place, items->n_items, sizeof **place, scored_best_first);
    return STATUS_OK;
}

/* What of the user's vector is made of texts, and the item nearest to them alone. */
static enum status trace_own_texts(struct trace *t, const struct item_vectors_options *options,
                                   const struct item_vectors *items, const struct user_texts_options *own,
                                   const struct user_texts *texts)
{
    struct scored *place;
    if (own->kinds.n == 0)
        return STATUS_OK;
    if (texts->d == 0 || !user_texts_has(texts, t->user)) {
        trace_line(t, "     no text of the user's own that user_text asks for");
        return STATUS_OK;
    }
    TRY(nearest(t, items, texts->v + (size_t)t->user * texts->d, &place));
    if (user_texts_shuffled(own, options))
        trace_line(t, "     what another user wrote (shuffled), weight %.2g", (double)texts->weight);
    else
        trace_line(t, "     %llu texts of the user's own, weight %.2g",
                   (unsigned long long)user_texts_count(own, t->view, t->user), (double)texts->weight);
    trace_line(t, "     nearest to these texts alone: %s", trace_item(t, place[0].item));
    return STATUS_OK;
}

enum status trace_vectors(struct trace *t, const char *model, const struct item_vectors_options *options,
                          const struct item_vectors *items, const struct csr *history,
                          const struct user_texts_options *own, const struct user_texts *texts)
{
    const uint32_t d = items->d;
    float *user;
    struct scored *place;
    struct strings read = {0};
    if (d == 0) {
        trace_stage(t, "intent", model);
        trace_line(t, "out  no text is read (encoder: %s)", options->encoder);
        return STATUS_OK;
    }
    ARENA_NEW(user, t->arena, d);
    if (item_vectors_reads_text(options->encoder)) {
        TRY(item_vectors_texts(options, t->view, t->arena, &read));
        TRY(trace_preprocess(t, model, options, history, &read));
    }
    TRY(item_vectors_profiles(t->backend, history, items, &t->user, 1, true, user));
    user_texts_blend(texts, &t->user, 1, user);
    trace_stage(t, "intent", model);
    trace_line(t, "in   %lld train items, the vectors of %s, %u numbers each",
               (long long)(history->ptr[t->user + 1] - history->ptr[t->user]), options->encoder, d);
    TRY(trace_own_texts(t, options, items, own, texts));
    TRY(nearest(t, items, user, &place));
    trace_line(t, "out  the user's vector; nearest to it (cosine; *: a train item):");
    for (uint32_t k = 0; k < items->n_items && k < t->top; k++)
        trace_line(t, "     %3u  %10.4f%s %s", k + 1, place[k].score,
                   csr_has(history, t->user, place[k].item) ? "*" : " ", trace_item(t, place[k].item));
    return trace_phrases(t, options, history, &read);
}
