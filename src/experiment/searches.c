/* searches.c - see searches.h. */
#include "experiment/searches.h"

#include "experiment/inside.h"

bool searches_any(const struct model_config *model)
{
    return model->search != NULL || model->n_inside > 0;
}

size_t searches_trials(const struct model_config *model)
{
    size_t n = model->search != NULL ? search_total(&model->search->options, &model->search->space) : 0;
    for (size_t i = 0; i < model->n_inside; i++)
        n += search_total(&model->inside[i].model.search->options, &model->inside[i].model.search->space);
    return n;
}

/* What the record of search i chose, as the choice that models around it see. */
static enum status take_choice(const struct model_config *model, size_t i, const json_t *record,
                               struct inside_choice *choices, struct arena *arena)
{
    const json_t *trials = json_object_get(record, "trials");
    const json_t *best =
        json_array_get(trials, (size_t)json_integer_value(json_object_get(record, "chosen_trial")));
    return inside_choose(&model->inside[i], json_object_get(record, "chosen"),
                         (uint32_t)json_integer_value(json_object_get(best, "epochs")), choices, i, arena,
                         &choices[i]);
}

enum status searches_run(struct stage *stage, const struct model_config *model,
                         const char (*keys)[SHA256_HEX], long long seed,
                         const struct evaluate_config *evaluate, const struct cell_place *place,
                         const struct trials_keep *keep, struct arena *arena, struct model_config *chosen,
                         json_t **record)
{
    struct inside_choice *choices;
    json_t *inside = model->n_inside > 0 ? json_array() : NULL, *own = NULL;
    size_t n_trials = 0;
    enum status status = STATUS_OK;
    *chosen = *model;
    *record = NULL;
    ARENA_NEW(choices, arena, model->n_inside);
    for (size_t i = 0; i < model->n_inside && status == STATUS_OK; i++) {
        const struct inside_search *s = &model->inside[i];
        struct model_config m = s->model, unused;
        json_t *one = NULL;
        status = inside_params(m.type, m.params, choices, i, arena, &m.params);
        if (status == STATUS_OK)
            status = trials_run(stage, &m, seed, evaluate, place, keep, keys[i], arena, &unused, &one);
        if (status == STATUS_OK)
            status = take_choice(model, i, one, choices, arena);
        n_trials += (size_t)json_integer_value(json_object_get(one, "n_trials"));
        json_object_set_new(one, "path", json_string(s->path));
        json_object_set_new(one, "model", json_string(m.type->name));
        json_array_append_new(inside, one);
    }
    if (status == STATUS_OK)
        status = inside_params(chosen->type, model->params, choices, model->n_inside, arena, &chosen->params);
    struct model_config around = *chosen;
    if (status == STATUS_OK && model->search != NULL)
        status = trials_run(stage, &around, seed, evaluate, place, keep, keys[model->n_inside], arena, chosen,
                            &own);
    n_trials += (size_t)json_integer_value(json_object_get(own, "n_trials"));
    if (status == STATUS_OK && searches_any(model)) {
        *record = own != NULL ? json_incref(own) : json_object();
        if (inside != NULL)
            json_object_set(*record, "inside", inside);
        json_object_set_new(*record, "n_trials", json_integer((json_int_t)n_trials));
    }
    json_decref(inside);
    json_decref(own);
    return status;
}

enum status searches_recorded(const struct model_config *model, const json_t *line, struct arena *arena,
                              struct model_config *chosen)
{
    const json_t *inside = json_object_get(line, "inside"), *own = json_object_get(line, "chosen");
    struct inside_choice *choices;
    *chosen = *model;
    if (json_array_size(inside) != model->n_inside || (own == NULL) != (model->search == NULL))
        return status_fail(STATUS_DATA, "the search of %s is not done; run the experiment first",
                           model->label);
    ARENA_NEW(choices, arena, model->n_inside);
    for (size_t i = 0; i < model->n_inside; i++)
        TRY(take_choice(model, i, json_array_get(inside, i), choices, arena));
    TRY(inside_params(model->type, model->params, choices, model->n_inside, arena, &chosen->params));
    if (own == NULL)
        return STATUS_OK;
    TRY(search_apply(model->type, chosen->params, own, arena, &chosen->params));
    const json_t *best = json_array_get(json_object_get(line, "trials"),
                                        (size_t)json_integer_value(json_object_get(line, "chosen_trial")));
    return model->fit_valid
               ? cell_set_epochs(chosen, (uint32_t)json_integer_value(json_object_get(best, "epochs")), arena)
               : STATUS_OK;
}
