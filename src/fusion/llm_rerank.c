/*
 * llm_rerank.c - zero-shot reranking by a language model: the best candidates of any first-stage model are ordered by how likely a decoder
 * finds them after the user's history (Hou et al., Large Language Models are Zero-Shot Rankers for Recommender Systems, ECIR 2024; scored
 * by likelihood as Sachan et al., EMNLP 2022, not by parsing what it writes), less how likely it finds them after none (contextual
 * calibration: Zhao et al., ICML 2021).
 *
 * Every candidate gets a number of its own, so there is no invalid answer, no missing item, any cut-off, and no order of candidates for the
 * model to be swayed by.  Candidates stand above all other items, which keep the base model's order: an other item's score is
 * -1000 less its place there.
 */
#include "fusion/llm_rerank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/placeholder.h"
#include "eval/candidates.h"
#include "models/history.h"
#include "models/scored.h"
#include "models/trace.h"

enum { BELOW = 1000 };

struct llm_rerank_params {
    const struct node *base;
    const char *decoder, *prompt, *candidates_file;
    int candidates, history, history_length, length, activations;
    double minimum_rating, calibration;
};
#define P struct llm_rerank_params
static const struct param llm_rerank_params[] = {
    PARAM_STRING(P, decoder, "gemma",
                 "language model: a folder of models/ with one GGUF file, or a path to one"),
    PARAM_STRING(P, prompt, "rerank-sequential",
                 "what it is told: rerank-sequential, rerank-recency, rerank-in-context, rerank-yes-no, or a "
                 "file of one's own (docs/rerank.md)"),
    PARAM_NODE(P, base, "the first stage: {name: ease, params: {l2: 300}}; ease where it is not set"),
    PARAM_INT(P, candidates, 20, 1, 100000, "of each user the base model's best so many items are reranked"),
    PARAM_STRING(P, candidates_file, NULL,
                 "in place of them each user's items in this file: lines `user item item ...` by the "
                 "publisher's ids; {dataset} and {fold} stand for those of the cell"),
    PARAM_CHOICE(P, history, "own", CROSS_HISTORIES,
                 "whose history the model reads; other_user and none are controls"),
    PARAM_INT(P, history_length, 20, 1, 1000, "the latest so many items of it"),
    PARAM_REAL(P, minimum_rating, 0, -1e9, 1e9, "of items rated at least this"),
    PARAM_REAL(P, calibration, 1, 0, 1,
               "weight of what the model says with an empty history, which is taken off; 0: none; with "
               "history: none it is not used"),
    PARAM_CHOICE(
        P, length, "tokens", "tokens|bytes|sum",
        "log-likelihood a token, a byte, or of the whole answer; not for prompts with [yes] and [no]"),
    PARAM_CHOICE(P, activations, "int8", CROSS_ACTIVATIONS,
                 "activations of the language model; int8: half the time, logits differ by some tenths"),
    PARAM_END};
#undef P

static struct cross_encoder_options options_of(const struct llm_rerank_params *p)
{
    return (struct cross_encoder_options){.decoder = p->decoder,
                                          .prompt = p->prompt,
                                          .history = (enum cross_history)p->history,
                                          .length = (enum cross_length)p->length,
                                          .history_length = (uint32_t)p->history_length,
                                          .minimum_rating = p->minimum_rating,
                                          .calibration = p->calibration,
                                          .int8 = p->activations == 1};
}

static enum status read_base(const struct llm_rerank_params *p, struct arena *arena, struct nested *base)
{
    static const struct node ease = {.kind = NODE_SCALAR, .file = "", .text = "ease"};
    return nested_parse(p->base != NULL ? p->base : &ease, "base of llm_rerank", arena, base);
}

static enum status rerank_check(const void *params, const struct node *where)
{
    const struct cross_encoder_options options = options_of(params);
    struct nested base;
    struct arena *arena = arena_new();
    (void)where;
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = read_base(params, arena, &base);
    if (status == STATUS_OK)
        status = cross_encoder_check(&options, arena);
    arena_free(arena);
    return status;
}

static enum status rerank_inside(const void *params, struct arena *arena, const struct nested **models,
                                 size_t *n)
{
    struct nested base;
    TRY(read_base(params, arena, &base));
    *n = 1;
    *models = arena_copy(arena, &base, 1, sizeof base);
    return *models != NULL ? STATUS_OK : STATUS_SYSTEM;
}

static const char *rerank_file(const void *params)
{
    return ((const struct llm_rerank_params *)params)->candidates_file;
}

/* ------------------------------------------------------------------------------------------------------ candidates */

/* The user's candidates, rising, out of all items by the base model's scores, best first. */
static uint32_t candidates_of(const struct llm_rerank *m, uint32_t user, const struct scored *all,
                              uint32_t *out)
{
    uint32_t some = 0;
    if (m->given == NULL)
        return cross_encoder_candidates(&m->cross, &m->train, user, all, m->candidates, out);
    for (int64_t e = m->given->ptr[user]; e < m->given->ptr[user + 1]; e++)
        if (cross_encoder_asks(&m->cross, m->given->idx[e]) && !csr_has(&m->train, user, m->given->idx[e]))
            out[some++] = m->given->idx[e];
    return some;
}

/* Items of equal score share a place; what the base model does not want ranked stays so. */
static void place_all(const struct scored *all, uint32_t n, float *scores)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < n; i++) {
        place += i == 0 || all[i].score < all[i - 1].score;
        scores[all[i].item] = all[i].score > -INFINITY ? -(float)(BELOW + place) : -INFINITY;
    }
}

/* Room for one user. */
struct room {
    struct scored *all; /* [n_items] */
    uint32_t *items;    /* [n_items] */
    float *score;       /* [n_items] */
};

static enum status rerank_row(const struct llm_rerank *m, uint32_t user, float *scores, struct room *r)
{
    const uint32_t n_items = m->train.n_cols;
    bool asked;
    for (uint32_t i = 0; i < n_items; i++)
        r->all[i] = (struct scored){i, (double)scores[i]};
    qsort(r->all, n_items, sizeof *r->all, scored_best_first);
    const uint32_t n = candidates_of(m, user, r->all, r->items);
    TRY(cross_encoder_ask(&m->cross, user, r->items, n, r->score, &asked));
    place_all(r->all, n_items, scores);
    for (uint32_t k = 0; k < n && asked; k++)
        scores[r->items[k]] = r->score[k] > -(BELOW - 1) ? r->score[k] : -(BELOW - 1);
    return STATUS_OK;
}

/* For `recfuse trace`: what is read, and what became of the first places. */
static enum status rerank_trace(const void *state, const void *params, struct trace *t)
{
    const struct llm_rerank *m = state;
    const uint32_t n_items = m->train.n_cols;
    struct scored *before, *after;
    float *row, *score;
    uint32_t *items, *place;
    char *text;
    bool asked;
    (void)params;
    TRY(nested_trace(&m->base, t));
    ARENA_NEW(before, t->arena, n_items);
    ARENA_NEW(after, t->arena, n_items);
    ARENA_NEW(row, t->arena, n_items);
    ARENA_NEW(score, t->arena, n_items);
    ARENA_NEW(items, t->arena, n_items);
    ARENA_NEW(place, t->arena, n_items);
    const struct tile tile = {row, n_items, n_items};
    TRY(model_score_users(m->base.type, m->base.state, m->backend, &t->user, 1, &tile));
    for (uint32_t i = 0; i < n_items; i++)
        before[i] = (struct scored){i, (double)row[i]};
    qsort(before, n_items, sizeof *before, scored_best_first);
    for (uint32_t i = 0, at = 0; i < n_items; i++)
        if (!csr_has(&m->train, t->user, before[i].item))
            place[before[i].item] = ++at;
    const uint32_t n = candidates_of(m, t->user, before, items);
    TRY(cross_encoder_prompt(&m->cross, t->user, items, n, t->arena, &text, &asked));
    trace_stage(t, "rerank", arena_printf(t->arena, "llm_rerank, %s", m->cross.prompt.name));
    trace_line(t, "in   the %u candidates of the stage before; the language model reads:", n);
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;)
        trace_line(t, "     | %s", line);
    if (asked)
        TRY(cross_encoder_ask(&m->cross, t->user, items, n, score, &asked));
    if (!asked) {
        trace_line(t, "out  nothing is known of the user: the order stays");
        return STATUS_OK;
    }
    for (uint32_t k = 0; k < n; k++)
        after[k] = (struct scored){items[k], (double)score[k]};
    qsort(after, n, sizeof *after, scored_best_first);
    trace_line(t, "out  score, place before, now:");
    for (uint32_t k = 0; k < n && k < t->top; k++)
        trace_line(t, "     %8.4f %4u -> %3u  %s", after[k].score, place[after[k].item], k + 1,
                   trace_item(t, after[k].item));
    return STATUS_OK;
}

static enum status rerank_score_users(const void *state, const uint32_t *users, size_t n,
                                      const struct tile *out)
{
    const struct llm_rerank *m = state;
    const size_t n_items = m->train.n_cols;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    struct room r = {arena_alloc(arena, n_items, sizeof *r.all), arena_alloc(arena, n_items, sizeof *r.items),
                     arena_alloc(arena, n_items, sizeof *r.score)};
    enum status status = r.all != NULL && r.items != NULL && r.score != NULL
                             ? model_score_users(m->base.type, m->base.state, m->backend, users, n, out)
                             : STATUS_SYSTEM;
    for (size_t k = 0; k < n && status == STATUS_OK; k++)
        status = rerank_row(m, users[k], out->scores + k * out->ld, &r);
    arena_free(arena);
    return status;
}

/* ------------------------------------------------------------------------------------------------------ fit */

static enum status read_given(struct llm_rerank *m, const struct llm_rerank_params *p,
                              const struct view *train, struct run *run)
{
    struct csr *given;
    if (p->candidates_file == NULL)
        return STATUS_OK;
    const char *path = placeholder_path(p->candidates_file, run->dataset != NULL ? run->dataset : "",
                                        run->fold, run->seed, run->scratch);
    if (path == NULL)
        return STATUS_SYSTEM;
    if (!file_exists(path))
        return status_fail(STATUS_UNAVAILABLE, "%s: there is no such file of candidates", path);
    ARENA_NEW(given, run->arena, 1);
    TRY(candidates_read_lists(path, &train->user_ids, &train->item_ids, run->arena, given));
    m->given = given;
    return STATUS_OK;
}

/* Every item that may be asked about. */
static enum status calibrate(struct llm_rerank *m, struct run *run)
{
    uint8_t *wanted;
    if (m->given == NULL)
        return cross_encoder_calibrate(&m->cross, NULL, run);
    ARENA_NEW(wanted, run->scratch, m->train.n_cols);
    for (int64_t e = 0; e < m->given->nnz; e++)
        wanted[m->given->idx[e]] = 1;
    return cross_encoder_calibrate(&m->cross, wanted, run);
}

static enum status rerank_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct llm_rerank *m = state;
    const struct llm_rerank_params *p = params;
    const struct cross_encoder_options options = options_of(p);
    m->backend = run->backend;
    m->candidates = (uint32_t)p->candidates;
    TRY(read_base(p, run->arena, &m->base));
    TRY(cross_encoder_open(&options, train, run, &m->cross));
    TRY(read_given(m, p, train, run));
    TRY(history_copy(train->by_user, HISTORY_EQUAL, run->arena, &m->train));
    TRY(calibrate(m, run));
    return nested_fit(&m->base, train, run);
}

/* ------------------------------------------------------------------------------------------------------ files */

static enum status rerank_save(const void *state, struct model_writer *w)
{
    const struct llm_rerank *m = state;
    const uint32_t shape[4] = {m->train.n_rows, m->train.n_cols, m->cross.without != NULL, m->given != NULL};
    TRY(model_put(w, "shape", ARRAY_U32, 4, 1, shape));
    TRY(csr_put(w, "train", &m->train));
    TRY(cross_encoder_save(&m->cross, w));
    if (m->given != NULL)
        TRY(csr_put(w, "given", m->given));
    return nested_save(&m->base, "base", w);
}

static enum status rerank_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct llm_rerank *m = state;
    const struct llm_rerank_params *p = params;
    const struct cross_encoder_options options = options_of(p);
    const void *shape;
    uint64_t four = 4, one = 1;
    struct csr *given;
    m->backend = run->backend;
    m->candidates = (uint32_t)p->candidates;
    TRY(read_base(p, run->arena, &m->base));
    TRY(model_get(r, "shape", ARRAY_U32, &four, &one, &shape));
    const uint32_t *s = shape;
    TRY(csr_get(r, "train", s[1], false, &m->train));
    if (m->train.n_rows != s[0])
        return status_fail(STATUS_DATA, "the model file has train rows of %u users in place of %u",
                           m->train.n_rows, s[0]);
    TRY(cross_encoder_load(&options, s[0], s[1], r, run, &m->cross));
    if (s[3] != 0) {
        ARENA_NEW(given, run->arena, 1);
        TRY(csr_get(r, "given", s[1], false, given));
        m->given = given;
    }
    return nested_load(&m->base, "base", r, run);
}

static void rerank_free(void *state)
{
    struct llm_rerank *m = state;
    nested_free(&m->base);
    cross_encoder_free(&m->cross);
}

static void usage(const void *state, struct model_usage *out)
{
    cross_encoder_usage(&((const struct llm_rerank *)state)->cross, out);
}

extern const struct model_type model_llm_rerank;
const struct model_type model_llm_rerank = {.name = "llm_rerank",
                                            .family = "fusion",
                                            .source = "Hou et al. 2024; Sachan et al. 2022; Zhao et al. 2021",
                                            .help = "another model's best items, ordered by how likely a "
                                                    "language model finds them after the user's history",
                                            .version = 1,
                                            .params = llm_rerank_params,
                                            .params_size = sizeof(struct llm_rerank_params),
                                            .needs = NEEDS_TEXT | NEEDS_DECODER,
                                            .state_size = sizeof(struct llm_rerank),
                                            .file = rerank_file,
                                            .inside = rerank_inside,
                                            .check = rerank_check,
                                            .fit = rerank_fit,
                                            .score_users = rerank_score_users,
                                            .trace = rerank_trace,
                                            .save = rerank_save,
                                            .load = rerank_load,
                                            .free = rerank_free,
                                            .usage = usage};
