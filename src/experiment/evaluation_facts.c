/*
 * evaluation_facts.c - what measures beyond accuracy need to know of the items: popularity, genres, words of their texts, vectors of a
 * language model.
 */
#include <string.h>

#include "experiment/capture.h"
#include "experiment/evaluation.h"
#include "models/item_vectors.h"
#include "text/tfidf.h"

static bool asks_for(const struct evaluation *v, const char *metric)
{
    for (size_t m = 0; m < v->evaluate->n_metrics; m++)
        if (strcmp(v->evaluate->metrics[m]->name, metric) == 0)
            return true;
    return false;
}

/* TF-IDF vectors of the items' texts, as tfidf_content makes them from titles and genres. */
static enum status text_facts(struct evaluation *v, struct arena *scratch)
{
    static const char *fields[] = {"title", "genres", "description", "categories"};
    const struct tfidf_options options = {.text.min_df = 1};
    struct csr *weights;
    struct tfidf tfidf;
    struct strings texts;
    const char *there[4];
    struct param_list list = {0, there};
    for (size_t i = 0; i < 4; i++)
        if (view_item_column(v->stage->view, fields[i]) != NULL)
            there[list.n++] = fields[i];
    if (list.n == 0)
        return STATUS_OK; /* beyond_users() says so */
    TRY(view_item_texts(v->stage->view, &list, 0, scratch, &texts));
    TRY(tfidf_fit(&texts, &options, v->arena, scratch, &tfidf));
    ARENA_NEW(weights, v->arena, 1);
    *weights = tfidf.weights;
    v->facts.text = weights;
    return STATUS_OK;
}

/* Where the vectors can't be had, the measure has no value, and the others stay: a missing language model is no fault of the model that
 * is measured. */
static enum status vector_facts(struct evaluation *v, struct arena *scratch)
{
    struct run run = {.backend = v->backend,
                      .arena = v->arena,
                      .scratch = scratch,
                      .seed = v->seed,
                      .dataset = v->stage->name,
                      .cache = v->place->cache,
                      .models = v->place->models,
                      .cancelled = v->place->cancelled};
    struct item_vectors vectors;
    struct capture capture;
    capture_begin(&capture);
    const enum status status = item_vectors_build(v->evaluate->vectors, v->stage->view, &run, &vectors);
    capture_end(&capture);
    if (status == STATUS_UNAVAILABLE) {
        log_warn("ild_vectors has no value: %s", capture.sentence);
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        return status_fail(status, "evaluate.vectors: %s", capture.sentence);
    v->facts.vectors = vectors.v;
    v->facts.n_dimensions = vectors.d;
    return STATUS_OK;
}

enum status evaluation_facts(struct evaluation *v, struct arena *scratch)
{
    const struct dataset *d = v->stage->dataset;
    TRY(beyond_facts_make(&v->stage->train, v->arena, &v->facts));
    const struct column *genres = dataset_item_column(d, "genres");
    genres = genres != NULL ? genres : dataset_item_column(d, "categories");
    v->facts.genres = genres != NULL && genres->kind == COLUMN_LIST ? &genres->list : NULL;
    if (asks_for(v, "ild_text"))
        TRY(text_facts(v, scratch));
    return v->evaluate->vectors != NULL ? vector_facts(v, scratch) : STATUS_OK;
}
