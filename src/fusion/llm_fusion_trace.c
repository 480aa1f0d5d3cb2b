/* llm_fusion_trace.c - the stages of llm_fusion for one user: what is read, the user's vector, and what each part adds to the scores. */
#include <stdlib.h>

#include "fusion/llm_fusion_parts.h"
#include "fusion/preference.h"
#include "models/scored.h"
#include "models/trace.h"

static const char *signal_name(const struct collaborative *c, uint32_t j)
{
    return c->type[j] != NULL ? c->type[j]->name : "popularity";
}

/* Standardised scores of every signal, [c->n x n_items]. */
static enum status signals_of(const struct collaborative *c, struct trace *t, float **out)
{
    ARENA_NEW(*out, t->arena, ((size_t)c->n + 1) * c->n_items);
    for (uint32_t j = 0; j < c->n; j++)
        TRY(collaborative_scores(c, j, t->backend, &t->user, 1, *out + (size_t)j * c->n_items));
    return STATUS_OK;
}

/* What a decoder added to an item's logit, for people. */
static const char *cross_part(const struct llm_fusion *m, struct trace *t, float added)
{
    return !m->asked.on ? "" : arena_printf(t->arena, " + cross %.3f", (double)added);
}

/* unasked: scores without what the decoder says. */
static enum status trace_preference(const struct llm_fusion *m, struct trace *t, const float *total,
                                    const float *unasked, const float *signal)
{
    const struct collaborative *c = &m->collaborative;
    const uint32_t n = m->items.n_items;
    struct scored *place;
    uint32_t n_left = 0;
    ARENA_NEW(place, t->arena, n);
    for (uint32_t i = 0; i < n; i++)
        if (!csr_has(&m->history, t->user, i))
            place[n_left++] = (struct scored){i, (double)total[i]};
    qsort(place, n_left, sizeof *place, scored_best_first);
    trace_stage(t, "preference", "llm_fusion: p = sigmoid(q . W + b)");
    trace_line(t, "in   the two vectors%s",
               c->n > 0 ? ", and scores standardised over this user's items, times W:" : "");
    for (uint32_t j = 0; j < c->n; j++)
        trace_line(t, "     %s, W = %.4g", signal_name(c, j), (double)m->signal[j]);
    if (m->asked.on)
        trace_line(
            t, "     cross, what a decoder (%s) says of the %u best so far, less its mean %.4g, W = %.4g",
            m->asked.encoder.prompt.name, m->asked.candidates, (double)m->cross_mean, (double)m->cross);
    trace_line(t, "out  p, and what of its logit is text%s%s:", c->n > 0 ? " and collaborative scores" : "",
               m->asked.on ? " and cross" : "");
    for (uint32_t k = 0; k < n_left && k < t->top; k++) {
        const uint32_t i = place[k].item;
        double collaborative = 0;
        for (uint32_t j = 0; j < c->n; j++)
            collaborative += (double)m->signal[j] * (double)signal[(size_t)j * n + i];
        const char *cross = cross_part(m, t, total[i] - unasked[i]);
        if (cross == NULL)
            return STATUS_SYSTEM;
        trace_line(t, "     %3u  %.4f  logit %.3f = text %.3f + collaborative %.3f%s + b %.3f  %s", k + 1,
                   preference_sigmoid(place[k].score + (double)m->prior), place[k].score + (double)m->prior,
                   (double)unasked[i] - collaborative - (double)m->bias, collaborative, cross,
                   (double)m->bias + (double)m->prior, trace_item(t, i));
    }
    return STATUS_OK;
}

enum status llm_fusion_trace(const void *state, const void *params, struct trace *t)
{
    const struct llm_fusion *m = state;
    const struct llm_fusion_params *p = params;
    const uint32_t n = m->items.n_items;
    float *total, *unasked, *signal;
    TRY(trace_vectors(t, "llm_fusion", &p->vectors, &m->items, &m->history, &p->texts, &m->texts));
    ARENA_NEW(total, t->arena, n);
    ARENA_NEW(unasked, t->arena, n);
    const struct tile tile = {total, n, n}, without = {unasked, n, n};
    TRY(model_score_users(&model_llm_fusion, state, t->backend, &t->user, 1, &tile));
    TRY(llm_fusion_score_unasked(m, &t->user, 1, &without));
    TRY(signals_of(&m->collaborative, t, &signal));
    return trace_preference(m, t, total, unasked, signal);
}
