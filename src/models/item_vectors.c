/*
 * item_vectors.c - item vectors from a language model or from one of its controls.
 *
 * All of them pass through the same steps: encode, centre, keep principal components, divide by the
 * norm; so the head on top meets the same shapes and scales whatever the encoder.  (Whitened: components of equal variance in place of
 * the first two steps' result; Su, Cao, Liu, Ou 2021.)  Centring:
 * mean-pooled sentence vectors lie in a narrow cone (Ethayarajh 2019), and a cosine without it mostly
 * measures that cone.
 * Limit: an item's text holds the tags and reviews of the train rows, so a train
 * row is scored with a text that its own user helped to write; held-out rows never are (view.h).
 */
#include "models/item_vectors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "llm/encoder.h"
#include "llm/vectors.h"
#include "models/item_columns.h"
#include "models/item_vectors_given.h"
#include "models/reduce.h"
#include "spmm.h"
#include "text/tfidf.h"

enum { DIMENSIONS_DEFAULT = 128, COLUMNS_MOST = 512 };
static const char FEATURE[] = "feature:", COLUMN[] = ITEM_ENCODER_COLUMNS ":";

static bool named(const char *encoder, const char *control)
{
    return strcmp(encoder, control) == 0;
}

static bool begins(const char *encoder, const char *prefix)
{
    return strncmp(encoder, prefix, strlen(prefix)) == 0;
}

const char *item_vectors_shuffled(const char *encoder)
{
    static const char prefix[] = ITEM_ENCODER_SHUFFLED ":";
    if (named(encoder, ITEM_ENCODER_SHUFFLED))
        return ITEM_ENCODER_MINILM;
    return begins(encoder, prefix) ? encoder + sizeof prefix - 1 : NULL;
}

const char *item_vectors_folder(const char *encoder)
{
    const char *source = item_vectors_shuffled(encoder) != NULL ? item_vectors_shuffled(encoder) : encoder;
    const bool none = named(source, ITEM_ENCODER_TFIDF) || named(source, ITEM_ENCODER_RANDOM) ||
                      named(source, ITEM_ENCODER_NONE) || named(source, ITEM_ENCODER_COLUMNS) ||
                      begins(source, COLUMN) || begins(source, FEATURE);
    return none ? NULL : source;
}

size_t item_vectors_parts(const char *encoder)
{
    size_t n = 1;
    for (const char *c = encoder; *c != '\0'; c++)
        n += *c == '+';
    return n;
}

const char *item_vectors_part(const char *encoder, size_t k, struct arena *arena)
{
    for (; k > 0; k--)
        encoder += strcspn(encoder, "+") + 1;
    return arena_printf(arena, "%.*s", (int)strcspn(encoder, "+"), encoder);
}

enum status item_vectors_check(const struct node *where, const char *encoder)
{
    const char *at = encoder;
    for (; at[strcspn(at, "+")] != '\0' && at[0] != '+'; at += strcspn(at, "+") + 1)
        ;
    if (at[0] != '\0' && at[0] != '+')
        return STATUS_OK;
    if (where == NULL)
        return status_fail(STATUS_USAGE, "encoder '%s': a part of it is empty", encoder);
    return node_fail(where, "encoder '%s': a part of it is empty", encoder);
}

enum status item_vectors_check_params(const struct node *where, const struct param *table, const void *params)
{
    const struct param *p = param_find(table, "encoder");
    const char *encoder = NULL;
    if (p != NULL && p->kind == PARAM_KIND_STRING)
        memcpy(&encoder, (const char *)params + p->offset, sizeof encoder);
    return encoder != NULL ? item_vectors_check(where, encoder) : STATUS_OK;
}

bool item_vectors_reads_text(const char *encoder)
{
    for (const char *at = encoder;; at += strcspn(at, "+") + 1) {
        char part[256];
        snprintf(part, sizeof part, "%.*s", (int)strcspn(at, "+"), at);
        const char *source = item_vectors_shuffled(part) != NULL ? item_vectors_shuffled(part) : part;
        if (named(source, ITEM_ENCODER_TFIDF) || item_vectors_folder(part) != NULL)
            return true;
        if (at[strcspn(at, "+")] == '\0')
            return false;
    }
}

enum status item_vectors_texts(const struct item_vectors_options *o, const struct view *view,
                               struct arena *arena, struct strings *out)
{
    struct strings texts;
    TRY(item_texts_read(view, &o->text, o->max_reviews, &o->corruption, arena, &texts));
    return preprocess_texts(&texts, (enum preprocess)o->preprocess, arena, out);
}

/* Rows on their way to be vectors: of items, and of other texts where there are any; in scratch. */
struct rows {
    uint32_t n, d;
    const unsigned char *has; /* [n]; NULL: all */
    float *v;                 /* [n x d] */
    const struct strings *others;
    float *w; /* [others->n x d]; NULL: nothing reads them */
};

/* Sentence vectors. */
static enum status encode_texts(const struct item_vectors_options *o, const char *folder,
                                const struct view *view, struct run *run, struct rows *r)
{
    const struct encoder_options options = {
        .precision = o->precision, .pooling = o->pooling, .prefix = o->prefix};
    struct encoder *encoder = NULL;
    struct strings texts, others = {0};
    TRY(item_vectors_texts(o, view, run->scratch, &texts));
    if (r->others != NULL)
        TRY(preprocess_texts(r->others, (enum preprocess)o->preprocess, run->scratch, &others));
    TRY(encoder_open_with(folder, &options, run->backend, &encoder));
    r->d = encoder_dimensions(encoder);
    r->v = arena_alloc(run->scratch, texts.n * r->d, sizeof *r->v);
    if (r->others != NULL)
        r->w = arena_alloc(run->scratch, others.n * r->d, sizeof *r->w);
    enum status status = r->v == NULL || (r->others != NULL && r->w == NULL)
                             ? STATUS_SYSTEM
                             : encoder_embed_cached(encoder, run->cache, &texts, r->v);
    if (status == STATUS_OK && r->others != NULL)
        status = encoder_embed_cached(encoder, run->cache, &others, r->w);
    if (run->encoded != NULL) {
        const struct encoder_use *use = encoder_used(encoder);
        run->encoded->n_texts += use->n_texts;
        run->encoded->n_encoded += use->n_encoded;
        run->encoded->n_tokens += use->n_tokens;
        run->encoded->seconds += use->seconds;
        run->encoded->cpu_seconds += use->cpu_seconds;
    }
    encoder_close(encoder);
    return status;
}

/* Latent semantic analysis; other texts by the items' words and directions. */
static enum status encode_tfidf(const struct item_vectors_options *o, const struct view *view,
                                struct run *run, struct rows *r)
{
    const struct tfidf_options options = {.sublinear = true,
                                          .text = {.stop_words = STOPS_ENGLISH, .min_df = 2}};
    struct tfidf words;
    struct strings texts, others;
    struct csr weights;
    float *directions = NULL;
    TRY(item_vectors_texts(o, view, run->scratch, &texts));
    TRY(tfidf_fit(&texts, &options, run->scratch, run->scratch, &words));
    ARENA_NEW(r->v, run->scratch, (size_t)r->n * r->d);
    if (r->others != NULL)
        ARENA_NEW(directions, run->scratch, words.words.n * r->d);
    TRY(reduce_sparse(run->backend, &words.weights, r->d, REDUCE_ITERATIONS, run->seed, run->scratch, r->v,
                      directions));
    if (r->others == NULL)
        return STATUS_OK;
    ARENA_NEW(r->w, run->scratch, r->others->n * r->d);
    TRY(preprocess_texts(r->others, (enum preprocess)o->preprocess, run->scratch, &others));
    TRY(tfidf_transform(&words, &others, &options, run->scratch, run->scratch, &weights));
    const struct spmm_csr_dense args = {weights.ptr, weights.idx, weights.val, NULL,     directions,
                                        r->w,        r->d,        r->d,        (int)r->d};
    return backend_launch(run->backend, &kernel_spmm_csr_dense, &args, (long)weights.n_rows, 0);
}

/* Rows at the places of a random permutation; which are there (NULL: all) with them. */
static enum status shuffle(struct run *run, struct rows *r)
{
    const uint32_t n = r->n, d = r->d;
    uint32_t *order = NULL;
    float *out = NULL;
    unsigned char *there = NULL;
    ARENA_NEW(order, run->scratch, n);
    ARENA_NEW(out, run->scratch, (size_t)n * d);
    ARENA_NEW(there, run->scratch, n);
    random_permutation(run->seed, RANDOM_SHUFFLED_TEXT, 0, n, order);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(out + (size_t)i * d, r->v + (size_t)order[i] * d, d * sizeof *out);
        there[i] = r->has == NULL || r->has[order[i]];
    }
    r->v = out;
    r->has = r->has != NULL ? there : NULL;
    return STATUS_OK;
}

static uint32_t n_there(uint32_t n, const unsigned char *has)
{
    uint32_t there = 0;
    for (uint32_t i = 0; i < n; i++)
        there += has == NULL || has[i];
    return there;
}

/* Rows that are there (has NULL: all), by their mean. */
static void center(float *v, uint32_t n, uint32_t d, const unsigned char *has)
{
    const uint32_t there = n_there(n, has);
    for (uint32_t k = 0; k < d; k++) {
        double sum = 0; /* rows that are not there are zeros */
        for (uint32_t i = 0; i < n; i++)
            sum += (double)v[(size_t)i * d + k];
        const float mean = (float)(sum / (there == 0 ? 1 : there));
        for (uint32_t i = 0; i < n; i++)
            if (has == NULL || has[i])
                v[(size_t)i * d + k] -= mean;
    }
}

/* Columns as they are, or their principal components where there are many. */
static enum status take_columns(const char *name, const struct view *view, uint32_t dimensions,
                                struct run *run, uint32_t *d, float **v)
{
    struct csr a;
    TRY(item_columns_build(view, name, run->scratch, run->scratch, &a));
    const bool many = a.n_cols > COLUMNS_MOST;
    *d = many ? dimensions : a.n_cols;
    ARENA_NEW(*v, run->scratch, (size_t)view->n_items * *d);
    if (many)
        return reduce_sparse(run->backend, &a, *d, REDUCE_ITERATIONS, run->seed, run->scratch, *v, NULL);
    for (uint32_t i = 0; i < a.n_rows; i++)
        for (int64_t e = a.ptr[i]; e < a.ptr[i + 1]; e++)
            (*v)[(size_t)i * *d + a.idx[e]] = a.val[e];
    return STATUS_OK;
}

/* The vectors of `source`: of o->encoder, or of what it shuffles. */
static enum status encode(const struct item_vectors_options *o, const char *source, const struct view *view,
                          struct run *run, struct rows *r)
{
    const uint32_t dimensions = (uint32_t)(o->dimensions > 0 ? o->dimensions : DIMENSIONS_DEFAULT);
    r->d = dimensions;
    if (named(source, ITEM_ENCODER_RANDOM)) {
        ARENA_NEW(r->v, run->scratch, (size_t)r->n * r->d);
        for (size_t i = 0; i < (size_t)r->n * r->d; i++)
            r->v[i] = (float)random_normal(run->seed, RANDOM_SHUFFLED_TEXT, 1, i);
        return STATUS_OK;
    }
    if (named(source, ITEM_ENCODER_TFIDF))
        return encode_tfidf(o, view, run, r);
    if (named(source, ITEM_ENCODER_COLUMNS) || begins(source, COLUMN))
        return take_columns(begins(source, COLUMN) ? source + strlen(COLUMN) : NULL, view, dimensions, run,
                            &r->d, &r->v);
    if (begins(source, FEATURE))
        return item_vectors_given(o, source + strlen(FEATURE), NULL, view, run, &r->d, &r->has, &r->v);
    const char *folder =
        arena_printf(run->scratch, "%s/%s", run->models == NULL ? "models" : run->models, source);
    if (folder == NULL)
        return STATUS_SYSTEM;
    return vectors_are_in(folder) ? item_vectors_given(o, NULL, folder, view, run, &r->d, &r->has, &r->v)
                                  : encode_texts(o, folder, view, run, r);
}

/* Copies n rows of d numbers to column `at` of rows of width ld. */
static void put_columns(float *to, uint32_t ld, uint32_t at, const float *from, uint64_t n, uint32_t d)
{
    for (uint64_t i = 0; from != NULL && d > 0 && i < n; i++)
        memcpy(to + i * ld + at, from + i * d, d * sizeof *to);
}

static enum status unit_rows(const struct run *run, float *v, uint64_t n, uint32_t d)
{
    const struct spmm_normalize args = {v, d, (int)d};
    return d > 0 ? backend_launch(run->backend, &kernel_spmm_normalize, &args, (long)n, 0) : STATUS_OK;
}

/* The parts of "A+B", each of norm 1, side by side; other texts have zeros in the columns of a part that
 * doesn't read. */
static enum status build_parts(const struct item_vectors_options *options, size_t n_parts,
                               const struct view *view, struct run *run, const struct strings *others,
                               struct item_vectors *out, float **others_v)
{
    struct item_vectors *part;
    float **w;
    bool any = false;
    TRY(item_vectors_check(NULL, options->encoder));
    ARENA_NEW(part, run->scratch, n_parts);
    ARENA_NEW(w, run->scratch, n_parts);
    for (size_t p = 0; p < n_parts; p++) {
        struct item_vectors_options one = *options;
        one.encoder = item_vectors_part(options->encoder, p, run->scratch);
        if (one.encoder == NULL)
            return STATUS_SYSTEM;
        TRY(item_vectors_build_with(&one, view, run, others, &part[p], &w[p]));
        out->d += part[p].d;
        any = any || w[p] != NULL;
    }
    ARENA_NEW(out->v, run->arena, (size_t)view->n_items * out->d);
    if (any)
        ARENA_NEW(*others_v, run->scratch, others->n * out->d);
    for (uint32_t p = 0, at = 0; p < n_parts; at += part[p++].d) {
        put_columns(out->v, out->d, at, part[p].v, view->n_items, part[p].d);
        if (any)
            put_columns(*others_v, out->d, at, w[p], others->n, part[p].d);
    }
    TRY(unit_rows(run, out->v, view->n_items, out->d));
    return any ? unit_rows(run, *others_v, others->n, out->d) : STATUS_OK;
}

/* Other texts are another kind of text, with a mean of their own; one without a known word stays zero. */
static enum status center_others(struct rows *r, struct arena *scratch)
{
    unsigned char *has;
    ARENA_NEW(has, scratch, r->others->n);
    for (uint64_t i = 0; i < r->others->n; i++)
        for (uint32_t k = 0; k < r->d; k++)
            has[i] = has[i] || r->w[i * r->d + k] != 0;
    center(r->w, (uint32_t)r->others->n, r->d, has);
    return STATUS_OK;
}

enum status item_vectors_build_with(const struct item_vectors_options *options, const struct view *view,
                                    struct run *run, const struct strings *others, struct item_vectors *out,
                                    float **others_v)
{
    const size_t n_parts = item_vectors_parts(options->encoder);
    const uint32_t n = view->n_items;
    *out = (struct item_vectors){n, 0, NULL};
    *others_v = NULL;
    if (n_parts > 1)
        return build_parts(options, n_parts, view, run, others, out, others_v);
    const char *of = item_vectors_shuffled(options->encoder), *source = of != NULL ? of : options->encoder;
    struct rows r = {.n = n, .others = others};
    float *directions = NULL;
    if (named(source, ITEM_ENCODER_NONE))
        return STATUS_OK;
    TRY(encode(options, source, view, run, &r));
    if (of != NULL)
        TRY(shuffle(run, &r));
    if (options->center || options->whiten) {
        center(r.v, n, r.d, r.has);
        if (r.w != NULL)
            TRY(center_others(&r, run->scratch));
    }
    const uint32_t d = r.d;
    out->d = options->dimensions > 0 && (uint32_t)options->dimensions < d ? (uint32_t)options->dimensions : d;
    ARENA_NEW(out->v, run->arena, (size_t)n * out->d);
    if (r.w != NULL && (options->whiten || out->d < d))
        ARENA_NEW(directions, run->scratch, (size_t)d * out->d);
    if (options->whiten)
        TRY(reduce_whiten(run->backend, r.v, n, d, out->d, n_there(n, r.has), run->scratch, out->v,
                          directions));
    else if (out->d < d)
        TRY(reduce_dense(run->backend, r.v, n, d, out->d, run->scratch, out->v, directions));
    else
        memcpy(out->v, r.v, (size_t)n * d * sizeof *r.v);
    TRY(unit_rows(run, out->v, n, out->d));
    if (r.w == NULL)
        return STATUS_OK;
    *others_v = r.w;
    if (directions != NULL) {
        ARENA_NEW(*others_v, run->scratch, others->n * out->d);
        TRY(backend_sgemm(run->backend, false, false, others->n, out->d, d, 1, r.w, d, directions, out->d, 0,
                          *others_v, out->d));
    }
    return unit_rows(run, *others_v, others->n, out->d);
}

enum status item_vectors_build(const struct item_vectors_options *options, const struct view *view,
                               struct run *run, struct item_vectors *out)
{
    float *none;
    return item_vectors_build_with(options, view, run, NULL, out, &none);
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
