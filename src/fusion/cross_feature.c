/* cross_feature.c - see cross_feature.h. */
#include "fusion/cross_feature.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/order.h"

enum { SUB_QUESTIONS, SUB_PANEL }; /* of RANDOM_CROSS */

/* ------------------------------------------------------------------------------------------------------ options */

bool cross_feature_asked(const struct param_list *features)
{
    for (size_t i = 0; i < features->n; i++)
        if (strcmp(features->item[i], CROSS_FEATURE) == 0)
            return true;
    return false;
}

bool cross_feature_reads(const char *param)
{
    return strcmp(param, "decoder") == 0 || strncmp(param, "cross_", strlen("cross_")) == 0;
}

static struct cross_encoder_options encoder_options(const struct cross_options *o)
{
    return (struct cross_encoder_options){.decoder = o->decoder,
                                          .prompt = o->prompt,
                                          .history = (enum cross_history)o->history,
                                          .length = CROSS_PER_TOKEN,
                                          .history_length = (uint32_t)o->history_length,
                                          .minimum_rating = o->minimum_rating,
                                          .calibration = o->calibration,
                                          .int8 = o->activations == 1};
}

enum status cross_feature_check(const struct cross_options *options, const struct node *where)
{
    static const char mistake[] = "features has cross, and no decoder is named to read with: expected "
                                  "`decoder: gemma`, another folder of models/, or a GGUF file";
    const struct cross_encoder_options its = encoder_options(options);
    if (options->decoder == NULL)
        return where == NULL ? status_fail(STATUS_USAGE, mistake) : node_fail(where, mistake);
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = cross_encoder_check(&its, arena);
    arena_free(arena);
    return status;
}

/* Items with something to ask in the order of a draw, the first `most` of them. */
static enum status draw_panel(struct cross_feature *c, uint32_t most, uint64_t seed, struct run *run)
{
    const struct cross_encoder *m = &c->encoder;
    struct scored *drawn;
    uint32_t *panel, n = 0;
    ARENA_NEW(drawn, run->scratch, m->n_items);
    for (uint32_t i = 0; i < m->n_items; i++)
        if (cross_encoder_asks(m, i))
            drawn[n++] = (struct scored){i, random_unit(seed, RANDOM_CROSS, SUB_PANEL, i)};
    qsort(drawn, n, sizeof *drawn, scored_best_first);
    c->n_panel = n < most ? n : most;
    ARENA_NEW(panel, run->arena, c->n_panel);
    for (uint32_t k = 0; k < c->n_panel; k++)
        panel[k] = drawn[k].item;
    qsort(panel, c->n_panel, sizeof *panel, rising_u32);
    c->panel = panel;
    return STATUS_OK;
}

static void take_options(struct cross_feature *c, const struct cross_options *o)
{
    *c = (struct cross_feature){
        .on = true, .candidates = (uint32_t)o->candidates, .questions = (uint64_t)o->questions};
}

enum status cross_feature_build(const struct cross_options *options, const struct view *train,
                                struct run *run, struct cross_feature *out)
{
    const struct cross_encoder_options its = encoder_options(options);
    take_options(out, options);
    TRY(cross_encoder_open(&its, train, run, &out->encoder));
    TRY(cross_encoder_calibrate(&out->encoder, NULL, run));
    return draw_panel(out, (uint32_t)options->panel, run->seed, run);
}

void cross_feature_free(struct cross_feature *c)
{
    if (c->on)
        cross_encoder_free(&c->encoder);
}

/* ------------------------------------------------------------------------------------------------------ asking */

/* What a user was asked about. */
struct answers {
    uint32_t n;
    uint32_t *item; /* [n] rising */
    float *x;       /* [n] */
};

/* In order, each once, without those that have nothing to ask; how many. */
static uint32_t tidy(const struct cross_encoder *m, uint32_t *items, uint32_t n)
{
    uint32_t kept = 0;
    qsort(items, n, sizeof *items, rising_u32);
    for (uint32_t k = 0; k < n; k++)
        if (cross_encoder_asks(m, items[k]) && (kept == 0 || items[kept - 1] != items[k]))
            items[kept++] = items[k];
    return kept;
}

/* s to x.  Scores of the panel that are equal but for rounding are no signal. */
static void standardise(const struct cross_feature *c, const struct csr *had, uint32_t user,
                        struct answers *a)
{
    double sum = 0, squares = 0;
    uint32_t n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t k = 0; k < a->n; k++) {
            if (!cross_among(c->panel, c->n_panel, a->item[k]) || csr_has(had, user, a->item[k]))
                continue;
            if (pass == 0)
                sum += (double)a->x[k], n++;
            else
                squares += ((double)a->x[k] - sum / n) * ((double)a->x[k] - sum / n);
        }
    const double mean = n > 0 ? sum / n : 0, variance = n > 0 ? squares / n : 0,
                 scale = variance > 1e-12 * mean * mean ? 1 / sqrt(variance) : 0;
    for (uint32_t k = 0; k < a->n; k++)
        a->x[k] = (float)(((double)a->x[k] - mean) * scale);
}

/* Asks about items [n], which are put in order, with room for the panel's behind them.  out->n 0: nothing is known of the user. */
static enum status ask(const struct cross_feature *c, const struct csr *had, uint32_t user, uint32_t *items,
                       uint32_t n, struct arena *arena, struct answers *out)
{
    bool asked;
    for (uint32_t k = 0; k < c->n_panel; k++)
        if (!csr_has(had, user, c->panel[k]))
            items[n++] = c->panel[k];
    *out = (struct answers){.n = tidy(&c->encoder, items, n), .item = items};
    ARENA_NEW(out->x, arena, out->n);
    TRY(cross_encoder_ask(&c->encoder, user, items, out->n, out->x, &asked));
    out->n = asked ? out->n : 0;
    if (c->n_panel > 0)
        standardise(c, had, user, out);
    return STATUS_OK;
}

static float answer_about(const struct answers *a, uint32_t item)
{
    const uint32_t *at = a->n > 0 ? bsearch(&item, a->item, a->n, sizeof item, rising_u32) : NULL;
    return at != NULL ? a->x[at - a->item] : NAN;
}

/* Of the groups first .. end - 1, of one user, those that are chosen and of that fold; done ones are chosen no more. */
static enum status ask_fold(const struct cross_feature *c, const struct csr *had,
                            const struct intent_groups *g, uint64_t first, uint64_t end, uint32_t fold,
                            uint8_t *chosen, float *x)
{
    const uint32_t width = g->n_candidates;
    struct answers answers;
    uint32_t n = 0;
    struct arena *arena = arena_new();
    uint32_t *items =
        arena != NULL ? arena_alloc(arena, (end - first) * width + c->n_panel, sizeof *items) : NULL;
    if (items == NULL) {
        arena_free(arena);
        return STATUS_SYSTEM;
    }
    for (uint64_t i = first; i < end; i++)
        for (uint32_t k = 0; k < width && chosen[i] && g->fold[i] == fold; k++)
            items[n++] = g->item[i * width + k];
    const enum status status = ask(c, had, g->user[first], items, n, arena, &answers);
    for (uint64_t i = first; i < end && status == STATUS_OK; i++) {
        if (!chosen[i] || g->fold[i] != fold)
            continue;
        for (uint32_t k = 0; k < width; k++)
            x[i * width + k] = answer_about(&answers, g->item[i * width + k]);
        chosen[i] = 0;
    }
    arena_free(arena);
    return status;
}

enum status cross_feature_questions(const struct cross_feature *c, const struct csr *had,
                                    const struct intent_groups *groups, struct run *run, float **out)
{
    const struct intent_groups *g = groups;
    const double share = c->questions == 0 ? 1 : (double)c->questions / (double)g->n;
    uint8_t *chosen;
    float *x;
    ARENA_NEW(chosen, run->scratch, g->n);
    ARENA_NEW(x, run->scratch, g->n * g->n_candidates);
    for (uint64_t i = 0; i < g->n; i++)
        chosen[i] = random_unit(run->seed, RANDOM_CROSS, SUB_QUESTIONS, i) < share;
    for (uint64_t i = 0; i < g->n * g->n_candidates; i++)
        x[i] = NAN;
    for (uint64_t first = 0, end; first < g->n; first = end) {
        for (end = first; end < g->n && g->user[end] == g->user[first];)
            end++;
        for (uint64_t i = first; i < end; i++) {
            if (*run->cancelled)
                return STATUS_STOPPED;
            if (chosen[i])
                TRY(ask_fold(c, had, g, first, end, g->fold[i], chosen, x));
        }
    }
    cross_encoder_forget(&c->encoder);
    *out = x;
    return STATUS_OK;
}

enum status cross_feature_extra(const struct cross_feature *c, const struct csr *had, struct run *run,
                                struct intent_groups *groups, float *mean)
{
    const uint32_t before = groups->n_extra, width = before + 1;
    const uint64_t rows = groups->n * groups->n_candidates;
    float *x, *extra;
    double sum = 0;
    uint64_t n = 0;
    TRY(cross_feature_questions(c, had, groups, run, &x));
    for (uint64_t i = 0; i < rows; i++)
        if (!isnan(x[i]))
            sum += (double)x[i], n++;
    *mean = n > 0 ? (float)(sum / (double)n) : 0;
    ARENA_NEW(extra, run->scratch, rows * width);
    for (uint64_t i = 0; i < rows; i++) {
        if (before > 0)
            memcpy(extra + i * width, groups->extra + i * before, before * sizeof *extra);
        extra[i * width + before] = isnan(x[i]) ? *mean : x[i];
    }
    groups->extra = extra;
    groups->n_extra = width;
    return STATUS_OK;
}

static enum status score(const struct cross_feature *c, const struct csr *had, uint32_t user,
                         const float *order, struct arena *arena, float *x)
{
    const uint32_t n_items = had->n_cols;
    struct answers answers;
    struct scored *all;
    uint32_t *items;
    ARENA_NEW(all, arena, n_items);
    ARENA_NEW(items, arena, (size_t)n_items + c->n_panel);
    for (uint32_t i = 0; i < n_items; i++)
        all[i] = (struct scored){i, (double)order[i]};
    qsort(all, n_items, sizeof *all, scored_best_first);
    const uint32_t n = cross_encoder_candidates(&c->encoder, had, user, all, c->candidates, items);
    uint32_t *asked = arena_copy(arena, items, (size_t)n + c->n_panel, sizeof *items);
    if (asked == NULL)
        return STATUS_SYSTEM;
    TRY(ask(c, had, user, asked, n, arena, &answers));
    for (uint32_t i = 0; i < n_items; i++)
        x[i] = NAN;
    for (uint32_t k = 0; k < n; k++)
        x[items[k]] = answer_about(&answers, items[k]);
    return STATUS_OK;
}

enum status cross_feature_scores(const struct cross_feature *c, const struct csr *had, uint32_t user,
                                 const float *order, float *x)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = score(c, had, user, order, arena, x);
    arena_free(arena);
    return status;
}

void cross_feature_usage(const struct cross_feature *c, struct model_usage *out)
{
    *out = (struct model_usage){0};
    if (c->on)
        cross_encoder_usage(&c->encoder, out);
}

/* ------------------------------------------------------------------------------------------------------ files */

enum status cross_feature_save(const struct cross_feature *c, struct model_writer *w)
{
    if (!c->on)
        return STATUS_OK;
    if (c->n_panel > 0)
        TRY(model_put(w, "panel", ARRAY_U32, c->n_panel, 1, c->panel));
    return cross_encoder_save(&c->encoder, w);
}

enum status cross_feature_load(const struct cross_options *options, uint32_t n_users, uint32_t n_items,
                               struct model_reader *r, struct run *run, struct cross_feature *out)
{
    const struct cross_encoder_options its = encoder_options(options);
    uint64_t n_panel = 0, one = 1;
    const void *panel;
    take_options(out, options);
    TRY(cross_encoder_load(&its, n_users, n_items, r, run, &out->encoder));
    if (options->panel == 0)
        return STATUS_OK;
    TRY(model_get(r, "panel", ARRAY_U32, &n_panel, &one, &panel));
    out->panel = panel;
    out->n_panel = (uint32_t)n_panel;
    for (uint32_t k = 0; k < out->n_panel; k++)
        if (out->panel[k] >= n_items || (k > 0 && out->panel[k] <= out->panel[k - 1]))
            return status_fail(STATUS_DATA,
                               "the panel in the model file is no rising list of items: the file is damaged");
    return STATUS_OK;
}
