/*
 * evaluation.c - all that is measured of one fitted model (cell_evaluate() of cell.h): lists and what is measured on them, whole
 * rankings, ratings, probabilities, strata.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/placeholder.h"
#include "eval/auc_pairs.h"
#include "eval/corrected.h"
#include "eval/positions.h"
#include "eval/probability.h"
#include "eval/profile.h"
#include "eval/ratings.h"
#include "experiment/evaluation.h"
#include "experiment/universes.h"

static struct clocks since(struct clocks start)
{
    const struct clocks now = clocks_now();
    return (struct clocks){now.wall - start.wall, now.cpu - start.cpu};
}

static double *own_parts(struct evaluation *v, enum metric_kind kind)
{
    return parts_at(v, v->parts, v->evaluate->first[kind], v->stage->n_users);
}

static enum status measure_lists(struct evaluation *v)
{
    TRY(metrics_score(v->backend, &v->lists, v->stage->users, &v->relevance, measures_of(v, METRIC_RANKING),
                      count(v, METRIC_RANKING), values_of(v, v->evaluate->first[METRIC_RANKING])));
    TRY(corrected_score(&v->candidates, v->stage->users, v->stage->n_users, &v->relevance, v->seed,
                        v->evaluate->candidates.gamma, measures_of(v, METRIC_CORRECTED),
                        count(v, METRIC_CORRECTED), values_of(v, v->evaluate->first[METRIC_CORRECTED])));
    TRY(beyond_users(&v->lists, v->stage->users, &v->relevance, &v->facts, measures_of(v, METRIC_BEYOND),
                     count(v, METRIC_BEYOND), values_of(v, v->evaluate->first[METRIC_BEYOND])));
    return beyond_all(&v->lists, v->stage->users, &v->relevance, &v->facts, measures_of(v, METRIC_AGGREGATE),
                      count(v, METRIC_AGGREGATE), v->pooled + v->evaluate->first[METRIC_AGGREGATE],
                      own_parts(v, METRIC_AGGREGATE));
}

static enum status measure_the_rest(struct evaluation *v)
{
    const struct stage *s = v->stage;
    const struct fitted *f = v->fitted;
    const size_t rating = v->evaluate->first[METRIC_RATING];
    if (count(v, METRIC_POSITION) > 0)
        TRY(positions_compute(f->type, f->state, v->backend, s->dataset->n_items, s->users, s->n_users,
                              v->masks, ranked_items(v), &v->relevance, measures_of(v, METRIC_POSITION),
                              count(v, METRIC_POSITION), values_of(v, v->evaluate->first[METRIC_POSITION])));
    if (count(v, METRIC_RATING) > 0)
        TRY(ratings_compute(f->type, f->state, v->backend, s->users, s->n_users, &s->test,
                            s->view->minimum_value, s->view->maximum_value, measures_of(v, METRIC_RATING),
                            count(v, METRIC_RATING), values_of(v, rating), v->pooled + rating,
                            own_parts(v, METRIC_RATING)));
    TRY(auc_pairs_compute(f->type, f->state, v->backend, s->dataset->n_items, s->users, s->n_users, v->masks,
                          ranked_items(v), NULL, &v->relevance, count(v, METRIC_POOLED),
                          v->pooled + v->evaluate->first[METRIC_POOLED], own_parts(v, METRIC_POOLED)));
    return probability_compute(
        f->type, f->state, s->dataset->n_items, s->users, s->n_users, v->masks, NULL, &v->relevance,
        measures_of(v, METRIC_PROBABILITY), count(v, METRIC_PROBABILITY),
        v->pooled + v->evaluate->first[METRIC_PROBABILITY], own_parts(v, METRIC_PROBABILITY));
}

static enum status measure_popularity(struct evaluation *v, FILE *out)
{
    struct arena *scratch = arena_new();
    if (scratch == NULL)
        return STATUS_SYSTEM;
    const enum status status =
        profile_write(&v->lists, v->stage->users, &v->stage->train, &v->relevance.items, v->evaluate->k,
                      v->evaluate->n_k, scratch, out);
    arena_free(scratch);
    return status;
}

static enum status measure_universes(struct evaluation *v, FILE *out)
{
    return universes_measure(v->stage, v->fitted, v->evaluate, v->seed, v->backend, &v->relevance,
                             v->n_relevant, out);
}

/* What `write` prints, kept in the arena. */
static enum status keep_text(struct evaluation *v, enum status (*write)(struct evaluation *v, FILE *out),
                             struct cell_text *out)
{
    char *bytes = NULL;
    size_t n = 0;
    FILE *stream = open_memstream(&bytes, &n);
    if (stream == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while measuring");
    enum status status = write(v, stream);
    fclose(stream);
    if (status == STATUS_OK) {
        *out = (struct cell_text){arena_copy(v->arena, bytes, n + 1, 1), n};
        status = out->bytes != NULL ? STATUS_OK : STATUS_SYSTEM;
    }
    free(bytes);
    return status;
}

/* What intervals are computed from. */
static enum status write_parts(struct evaluation *v, FILE *out)
{
    const struct evaluate_config *e = v->evaluate;
    const struct stage *s = v->stage;
    struct cell_part whole = {.stratum = "all",
                              .measured = {.n_users = s->n_users,
                                           .n_items = s->dataset->n_items,
                                           .depth = measured_depth(e->measures, e->n_measures),
                                           .users = s->users,
                                           .n_relevant = v->n_relevant,
                                           .values = v->values,
                                           .pooled = v->pooled,
                                           .parts = v->parts}};
    struct measured *m = &whole.measured;
    uint32_t *lists;
    ARENA_NEW(lists, v->arena, (size_t)m->n_users * m->depth);
    for (uint32_t u = 0; u < m->n_users && m->depth > 0; u++)
        memcpy(lists + (size_t)u * m->depth, v->lists.item + (size_t)u * v->lists.k,
               m->depth * sizeof *lists);
    m->lists = lists;
    return cell_parts_write(&whole, v->strata, v->n_strata, e->measures, e->n_measures, out);
}

static enum status write_texts(struct evaluation *v, struct cell_values *out)
{
    struct cell_text strata = {"", 0};
    if (v->evaluate->strata.n > 0)
        TRY(keep_text(v, evaluation_strata, &strata));
    out->extra = strata.bytes;
    out->n_extra = strata.n;
    TRY(keep_text(v, write_parts, &out->more[CELL_PARTS]));
    if (v->evaluate->longest > 0)
        TRY(keep_text(v, measure_popularity, &out->more[CELL_POPULARITY]));
    if (v->evaluate->multiverse.n_masks > 0)
        TRY(keep_text(v, measure_universes, &out->more[CELL_MULTIVERSE]));
    return STATUS_OK;
}

/* Which items are ranked, where it isn't all of them. */
static enum status gather_candidates(struct evaluation *v)
{
    const struct candidates_config *c = &v->evaluate->candidates;
    const struct stage *s = v->stage;
    const struct candidates_of of = {s->users, s->n_users, {v->masks[0], v->masks[1]}, &v->relevance.items};
    if (c->kind == CANDIDATES_FULL)
        return STATUS_OK;
    if (c->kind == CANDIDATES_SAMPLED)
        return candidates_sample(c, &of, &s->train, v->arena, &v->candidates);
    if (c->kind == CANDIDATES_COLD)
        return candidates_cold(&of, &s->train, v->arena, &v->candidates);
    if (c->kind == CANDIDATES_MATCHED)
        return candidates_matched(c, &of, &s->train, v->arena, &v->candidates);
    const char *path = placeholder_path(c->file, s->name, (size_t)(s->fold - s->folds), v->seed, v->arena);
    if (path == NULL)
        return STATUS_SYSTEM;
    TRY(candidates_read(c, path, &s->dataset->user_ids, &s->dataset->item_ids, &of, v->arena,
                        &v->candidates));
    if (v->candidates.n_hidden > 0)
        log_warn("%s: %llu candidates are the user's own %s rows: left out", path,
                 (unsigned long long)v->candidates.n_hidden,
                 v->masks[1] != NULL ? "train or validation" : "train");
    return STATUS_OK;
}

/* ---- all together */
static enum status rank(struct evaluation *v, uint32_t k, struct arena *scratch, struct cell_outcome *out)
{
    const struct rank_options options = {.k = k,
                                         .seed = v->seed,
                                         .masks = {v->masks[0], v->masks[1]},
                                         .ties = v->evaluate->ties,
                                         .relevant = &v->relevance.items,
                                         .candidates = ranked_items(v),
                                         .candidate_scores = v->candidates.score};
    const struct clocks start = clocks_now();
    TRY(rank_users(v->fitted->type, v->fitted->state, v->backend, v->stage->dataset->n_items, v->stage->users,
                   v->stage->n_users, &options, scratch, &v->lists));
    out->rank = since(start);
    out->n_tied = v->lists.n_tied;
    return STATUS_OK;
}

static enum status measure(struct evaluation *v, struct arena *scratch, struct cell_outcome *out)
{
    const struct evaluate_config *e = v->evaluate;
    TRY(gather_candidates(v));
    if (e->longest > 0)
        TRY(rank(v, e->longest, scratch, out));
    const struct clocks start = clocks_now();
    if (count(v, METRIC_BEYOND) + count(v, METRIC_AGGREGATE) + e->strata.n > 0)
        TRY(evaluation_facts(v, scratch));
    if (e->longest > 0)
        TRY(measure_lists(v));
    TRY(measure_the_rest(v));
    for (size_t m = 0; m < e->n_measures; m++) {
        const struct metric_at *x = &e->measures[m];
        if (metric_is_per_user(x->metric) && x->metric->kind != METRIC_RATING)
            v->pooled[m] = metrics_pool(x, values_of(v, m), v->n_relevant, v->stage->n_users);
    }
    TRY(write_texts(v, &out->values));
    out->evaluate = since(start);
    return STATUS_OK;
}

static enum status user_ids(const struct stage *stage, struct arena *arena, struct strings *out)
{
    struct string_builder builder = {0};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < stage->n_users && status == STATUS_OK; i++) {
        const uint32_t u = stage->users[i];
        status = string_builder_add(&builder, strings_at(&stage->dataset->user_ids, u),
                                    strings_length(&stage->dataset->user_ids, u));
    }
    if (status == STATUS_OK)
        return string_builder_finish(&builder, arena, out);
    string_builder_free(&builder);
    return status;
}

/* Room for the values, NaN where nothing is measured. */
static enum status prepare(struct evaluation *v)
{
    const struct stage *s = v->stage;
    const size_t n = v->evaluate->n_measures;
    ARENA_NEW(v->values, v->arena, n * s->n_users);
    ARENA_NEW(v->pooled, v->arena, n);
    ARENA_NEW(v->parts, v->arena, measured_parts(v->evaluate->measures, n) * s->n_users);
    ARENA_NEW(v->rows, v->arena, s->n_users);
    ARENA_NEW(v->n_relevant, v->arena, s->n_users);
    for (size_t i = 0; i < n * s->n_users; i++)
        v->values[i] = NAN;
    TRY(relevance_make(&s->test, v->evaluate->graded, v->evaluate->relevant_from, v->arena, &v->relevance));
    for (uint32_t i = 0; i < s->n_users; i++) {
        const uint32_t u = s->users[i];
        v->rows[i] = (uint32_t)(s->test.ptr[u + 1] - s->test.ptr[u]);
        v->n_relevant[i] = (uint32_t)(v->relevance.items.ptr[u + 1] - v->relevance.items.ptr[u]);
    }
    return STATUS_OK;
}

static struct evaluation evaluation_of(const struct stage *stage, const struct fitted *fitted,
                                       const struct evaluate_config *evaluate, long long seed,
                                       const struct backend *backend, struct arena *arena)
{
    return (struct evaluation){.stage = stage,
                               .fitted = fitted,
                               .evaluate = evaluate,
                               .seed = (uint64_t)seed,
                               .backend = backend,
                               .masks = {&stage->train, evaluate->mask_valid ? &stage->valid : NULL},
                               .arena = arena};
}

enum status evaluation_lists(const struct stage *stage, const struct fitted *fitted,
                             const struct evaluate_config *evaluate, long long seed,
                             const struct backend *backend, unsigned top, struct arena *arena,
                             struct lists *out)
{
    struct evaluation v = evaluation_of(stage, fitted, evaluate, seed, backend, arena);
    struct cell_outcome unused;
    TRY(prepare(&v));
    TRY(gather_candidates(&v));
    TRY(rank(&v, top > 0 ? top : evaluate->longest, arena, &unused));
    *out = v.lists;
    return STATUS_OK;
}

enum status cell_evaluate(const struct stage *stage, const struct fitted *fitted,
                          const struct evaluate_config *evaluate, long long seed,
                          const struct cell_place *place, struct arena *arena, struct cell_outcome *out)
{
    struct evaluation v = evaluation_of(stage, fitted, evaluate, seed, place->backend, arena);
    v.place = place;
    TRY(prepare(&v));
    out->values = (struct cell_values){.n_users = stage->n_users,
                                       .n_values = (uint32_t)evaluate->n_measures,
                                       .users = stage->users,
                                       .rows = v.rows,
                                       .values = v.values,
                                       .pooled = v.pooled,
                                       .extra = ""};
    struct arena *scratch = arena_new();
    const enum status status = scratch != NULL ? measure(&v, scratch, out) : STATUS_SYSTEM;
    arena_free(scratch);
    TRY(status);
    out->peak_rss_mib = machine_peak_mib();
    return user_ids(stage, arena, &out->values.ids);
}
