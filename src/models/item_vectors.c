/*
 * item_vectors.c - item vectors from a language model or from one of its controls.
 *
 * All of them pass through the same steps: encode, centre, keep principal components, divide by the
 * norm; so the head on top meets the same shapes and scales whatever the encoder.  Centring:
 * mean-pooled sentence vectors lie in a narrow cone (Ethayarajh 2019), and a cosine without it mostly
 * measures that cone.
 * Limit: an item's text holds the tags and reviews of the train rows, so a train
 * row is scored with a text that its own user helped to write; held-out rows never are (view.h).
 */
#include "models/item_vectors.h"

#include <string.h>

#include "llm/encoder.h"
#include "models/reduce.h"
#include "spmm.h"
#include "text/tfidf.h"

enum { DIMENSIONS_DEFAULT = 128 };

/* Sentence vectors [n_items x *d] in scratch. */
static enum status encode_minilm(const struct strings *texts, struct run *run, uint32_t *d, float **out)
{
    struct encoder *encoder = NULL;
    const char *folder =
        arena_printf(run->scratch, "%s/minilm", run->models == NULL ? "models" : run->models);
    if (folder == NULL)
        return STATUS_SYSTEM;
    TRY(encoder_open(folder, run->backend, &encoder));
    *d = encoder_dimensions(encoder);
    *out = arena_alloc(run->scratch, texts->n * *d, sizeof **out);
    const enum status status =
        *out == NULL ? STATUS_SYSTEM : encoder_embed_cached(encoder, run->cache, texts, *out);
    encoder_close(encoder);
    return status;
}

static enum status encode_tfidf(const struct strings *texts, uint32_t d, struct run *run, float *out)
{
    const struct tfidf_options options = {.sublinear = true,
                                          .text = {.stop_words = STOPS_ENGLISH, .min_df = 2}};
    struct tfidf words;
    TRY(tfidf_fit(texts, &options, run->scratch, run->scratch, &words));
    return reduce_sparse(run->backend, &words.weights, d, REDUCE_ITERATIONS, run->seed, run->scratch, out,
                         NULL);
}

/* Rows of `in` at the places of a random permutation. */
static enum status shuffle(uint32_t n, uint32_t d, struct run *run, float **vectors)
{
    uint32_t *order = NULL;
    float *out = NULL;
    ARENA_NEW(order, run->scratch, n);
    ARENA_NEW(out, run->scratch, (size_t)n * d);
    random_permutation(run->seed, RANDOM_SHUFFLED_TEXT, 0, n, order);
    for (uint32_t i = 0; i < n; i++)
        memcpy(out + (size_t)i * d, *vectors + (size_t)order[i] * d, d * sizeof *out);
    *vectors = out;
    return STATUS_OK;
}

static void center(float *v, uint32_t n, uint32_t d)
{
    for (uint32_t k = 0; k < d; k++) {
        double sum = 0;
        for (uint32_t i = 0; i < n; i++)
            sum += (double)v[(size_t)i * d + k];
        const float mean = (float)(sum / (n == 0 ? 1 : n));
        for (uint32_t i = 0; i < n; i++)
            v[(size_t)i * d + k] -= mean;
    }
}

static enum status encode(const struct item_vectors_options *o, const struct view *view, struct run *run,
                          uint32_t *d, float **v)
{
    struct strings texts;
    *d = (uint32_t)(o->dimensions > 0 ? o->dimensions : DIMENSIONS_DEFAULT);
    if (o->encoder == ITEM_ENCODER_RANDOM) {
        ARENA_NEW(*v, run->scratch, (size_t)view->n_items * *d);
        for (size_t i = 0; i < (size_t)view->n_items * *d; i++)
            (*v)[i] = (float)random_normal(run->seed, RANDOM_SHUFFLED_TEXT, 1, i);
        return STATUS_OK;
    }
    TRY(view_item_texts(view, &o->text, (uint32_t)o->max_reviews, run->scratch, &texts));
    if (o->encoder == ITEM_ENCODER_TFIDF) {
        ARENA_NEW(*v, run->scratch, (size_t)view->n_items * *d);
        return encode_tfidf(&texts, *d, run, *v);
    }
    TRY(encode_minilm(&texts, run, d, v));
    return o->encoder == ITEM_ENCODER_SHUFFLED ? shuffle(view->n_items, *d, run, v) : STATUS_OK;
}

enum status item_vectors_build(const struct item_vectors_options *options, const struct view *view,
                               struct run *run, struct item_vectors *out)
{
    const uint32_t n = view->n_items;
    *out = (struct item_vectors){n, 0, NULL};
    if (options->encoder == ITEM_ENCODER_NONE)
        return STATUS_OK;
    uint32_t d = 0;
    float *v = NULL;
    TRY(encode(options, view, run, &d, &v));
    if (options->center)
        center(v, n, d);
    out->d = options->dimensions > 0 && (uint32_t)options->dimensions < d ? (uint32_t)options->dimensions : d;
    ARENA_NEW(out->v, run->arena, (size_t)n * out->d);
    if (out->d < d)
        TRY(reduce_dense(run->backend, v, n, d, out->d, run->scratch, out->v));
    else
        memcpy(out->v, v, (size_t)n * d * sizeof *v);
    const struct spmm_normalize args = {out->v, out->d, (int)out->d};
    return backend_launch(run->backend, &kernel_spmm_normalize, &args, (long)n, 0);
}

enum status item_vectors_profiles(const struct backend *b, const struct csr *history,
                                  const struct item_vectors *items, const uint32_t *users, size_t n,
                                  bool normalize, float *out)
{
    const struct spmm_csr_dense sum = {history->ptr, history->idx, history->val, users,        items->v,
                                       out,          items->d,     items->d,     (int)items->d};
    const struct spmm_normalize norm = {out, items->d, (int)items->d};
    TRY(backend_launch(b, &kernel_spmm_csr_dense, &sum, (long)n, 0));
    return normalize ? backend_launch(b, &kernel_spmm_normalize, &norm, (long)n, 0) : STATUS_OK;
}
