/* recommend.c - see recommend.h. */
#include "experiment/recommend.h"

#include <stdlib.h>
#include <string.h>

#include "base/strings.h"
#include "eval/rank.h"
#include "experiment/liked.h"
#include "fusion/strategy_model.h"

enum { LIMIT_LIKED = 10 };

struct recommender {
    const struct recommend_options *options;
    struct chosen chosen;
    struct stage *stage; /* the chosen one's */
    struct arena *arena;
};

static const char *text_of(struct recommender *r, uint32_t item)
{
    const char *name = view_item_name(r->stage->view, item, r->arena);
    return name != NULL ? name : "";
}

static enum status print_liked(struct recommender *r, FILE *out)
{
    struct liked *liked;
    size_t n = 0;
    TRY(liked_items(r->stage->view, r->chosen.user, r->arena, &liked, &n));
    fprintf(out, "user %s of %s liked before (%zu train rows, best rated first):\n", r->options->chosen.user,
            r->chosen.dataset->name, n);
    for (size_t i = 0; i < n && i < LIMIT_LIKED; i++)
        fprintf(out, "  %5.3g  %s\n", (double)liked[i].value, text_of(r, liked[i].item));
    return STATUS_OK;
}

static enum status print_lists(struct recommender *r, FILE *out)
{
    const struct rank_options options = {
        .k = r->options->top,
        .seed = (uint64_t)r->chosen.experiment.seeds[0],
        .masks = {&r->stage->train, r->chosen.experiment.evaluate.mask_valid ? &r->stage->valid : NULL},
        .ties = r->chosen.experiment.evaluate.ties,
        .relevant = &r->stage->test};
    struct lists lists;
    TRY(rank_users(r->chosen.fitted.type, r->chosen.fitted.state, r->chosen.backend,
                   r->stage->dataset->n_items, &r->chosen.user, 1, &options, r->arena, &lists));
    TRY(print_liked(r, out));
    const bool grid = strcmp(r->chosen.model->grid_json, "{}") != 0;
    fprintf(out, "%s%s%s recommends (*: among the user's held-out test rows):\n", r->chosen.model->label,
            grid ? " " : "", grid ? r->chosen.model->grid_json : "");
    for (uint32_t i = 0; i < lists.k && lists.item[i] != UINT32_MAX; i++)
        fprintf(out, "%c %3u  %10.6g  %s\n",
                csr_has(&r->stage->test, r->chosen.user, lists.item[i]) ? '*' : ' ', i + 1,
                (double)lists.score[i], text_of(r, lists.item[i]));
    return STATUS_OK;
}

/* "mmr       12 ->  4  Title [id]  (1.93 -> 2.41)", in the order in which the rules did it. */
static enum status print_changes(struct recommender *r, FILE *out)
{
    struct strategy_list list;
    struct strategy_log log;
    TRY(strategy_model_changes(r->chosen.fitted.state, r->chosen.user, r->arena, &list, &log));
    fprintf(out, "what its rules changed (%zu changes; place before -> after, score before -> after):\n",
            log.n);
    for (size_t i = 0; i < log.n; i++) {
        const struct strategy_change *c = &log.change[i];
        char after[16] = "out";
        if (c->after > 0)
            snprintf(after, sizeof after, "%u", c->after);
        fprintf(out, "  %-12s %4u -> %4s  %s  (%.6g -> %.6g)\n", c->rule, c->before, after,
                text_of(r, c->item), c->score_before, c->score_after);
    }
    return STATUS_OK;
}

static enum status recommend(struct recommender *r, FILE *out)
{
    if (r->options->explain && r->chosen.model->type != &model_strategy)
        return status_fail(STATUS_USAGE,
                           "--explain: '%s' is of the model %s, which has no rules; name a model `strategy`",
                           r->options->chosen.model, r->chosen.model->type->name);
    TRY(print_lists(r, out));
    return r->options->explain ? print_changes(r, out) : STATUS_OK;
}

enum status recommend_print(const struct recommend_options *options, FILE *out)
{
    struct recommender r = {.options = options};
    enum status status = chosen_open(&options->chosen, &r.chosen);
    r.stage = &r.chosen.stage, r.arena = r.chosen.arena;
    if (status == STATUS_OK)
        status = recommend(&r, out);
    chosen_close(&r.chosen);
    return status;
}
