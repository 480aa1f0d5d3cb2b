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

/* What is shuffled; NULL: nothing is. */
static const char *shuffled(const char *encoder)
{
    static const char prefix[] = ITEM_ENCODER_SHUFFLED ":";
    if (named(encoder, ITEM_ENCODER_SHUFFLED))
        return ITEM_ENCODER_MINILM;
    return begins(encoder, prefix) ? encoder + sizeof prefix - 1 : NULL;
}

const char *item_vectors_folder(const char *encoder)
{
    const char *source = shuffled(encoder) != NULL ? shuffled(encoder) : encoder;
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
        const char *source = shuffled(part) != NULL ? shuffled(part) : part;
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

/* Sentence vectors [n_items x *d] in scratch. */
static enum status encode_texts(const struct item_vectors_options *o, const char *folder,
                                const struct view *view, struct run *run, uint32_t *d, float **out)
{
    const struct encoder_options options = {
        .precision = o->precision, .pooling = o->pooling, .prefix = o->prefix};
    struct encoder *encoder = NULL;
    struct strings texts;
    TRY(item_vectors_texts(o, view, run->scratch, &texts));
    TRY(encoder_open_with(folder, &options, run->backend, &encoder));
    *d = encoder_dimensions(encoder);
    *out = arena_alloc(run->scratch, texts.n * *d, sizeof **out);
    const enum status status =
        *out == NULL ? STATUS_SYSTEM : encoder_embed_cached(encoder, run->cache, &texts, *out);
    encoder_close(encoder);
    return status;
}

/* What is said of items without a vector: counted and refused, or counted. */
static enum status judge_missing(const struct item_vectors_options *o, const struct view *view,
                                 const unsigned char *has, const char *where)
{
    uint32_t n_missing = 0, one = 0;
    for (uint32_t i = 0; i < view->n_items; i++)
        if (!has[i]) {
            one = n_missing == 0 ? i : one;
            n_missing++;
        }
    if (n_missing == 0)
        return STATUS_OK;
    if (n_missing == view->n_items || o->missing == ITEM_MISSING_REFUSE)
        return status_fail(
            STATUS_DATA,
            "%s: %u of the %u items have no vector, '%.*s' for one: are the ids the publisher's? "
            "(`missing: zero` lets such items go without)",
            where, n_missing, view->n_items, (int)strings_length(&view->item_ids, one),
            strings_at(&view->item_ids, one));
    log_info("%s: %u of the %u items have no vector", where, n_missing, view->n_items);
    return STATUS_OK;
}

/* Vectors of a folder by the items' ids. */
static enum status take_imported(const char *folder, const struct view *view, struct run *run, uint32_t *d,
                                 unsigned char *has, float **out)
{
    struct vectors file;
    uint32_t n_found = 0;
    TRY(vectors_open(folder, &file));
    *d = file.d;
    *out = arena_alloc(run->scratch, (size_t)view->n_items * file.d, sizeof **out);
    for (uint32_t i = 0; *out != NULL && i < view->n_items; i++) {
        const float *row =
            vectors_find(&file, strings_at(&view->item_ids, i), strings_length(&view->item_ids, i));
        has[i] = row != NULL;
        n_found += row != NULL;
        if (row != NULL)
            memcpy(*out + (size_t)i * file.d, row, file.d * sizeof *row);
    }
    log_info("%s: %u of its %u vectors are of items ranked here", folder, n_found, file.n);
    vectors_close(&file);
    return *out != NULL ? STATUS_OK : STATUS_SYSTEM;
}

/* The dataset's own vectors: image features and the like. */
static enum status take_feature(const char *name, const struct view *view, struct run *run, uint32_t *d,
                                unsigned char *has, float **out)
{
    const struct feature *f = NULL;
    for (uint32_t i = 0; i < view->n_features; i++)
        if (strcmp(view->features[i].name, name) == 0)
            f = &view->features[i];
    if (f == NULL)
        return status_fail(
            STATUS_UNAVAILABLE,
            "the dataset has no feature '%s' (it has %u; recfuse import --feature NAME=FILE.npy,IDS "
            "adds one)",
            name, view->n_features);
    if (f->from_users)
        return status_fail(
            STATUS_DATA,
            "feature '%s' was made from what users did, so it may hold what is held out: it can't "
            "be item vectors",
            name);
    *d = f->width;
    ARENA_NEW(*out, run->scratch, (size_t)view->n_items * f->width);
    for (uint32_t i = 0; i < view->n_items; i++) {
        const float *row = f->value + (size_t)i * f->width;
        has[i] = !isnan(row[0]);
        if (has[i])
            memcpy(*out + (size_t)i * f->width, row, f->width * sizeof *row);
    }
    return STATUS_OK;
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

/* Rows at the places of a random permutation; which are there (NULL: all) with them. */
static enum status shuffle(uint32_t n, uint32_t d, struct run *run, const unsigned char **has,
                           float **vectors)
{
    uint32_t *order = NULL;
    float *out = NULL;
    unsigned char *there = NULL;
    ARENA_NEW(order, run->scratch, n);
    ARENA_NEW(out, run->scratch, (size_t)n * d);
    ARENA_NEW(there, run->scratch, n);
    random_permutation(run->seed, RANDOM_SHUFFLED_TEXT, 0, n, order);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(out + (size_t)i * d, *vectors + (size_t)order[i] * d, d * sizeof *out);
        there[i] = *has == NULL || (*has)[order[i]];
    }
    *vectors = out;
    *has = *has != NULL ? there : NULL;
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

/* Vectors that somebody else made; *has: which items have one. */
static enum status take(const struct item_vectors_options *o, const char *feature, const char *folder,
                        const struct view *view, struct run *run, uint32_t *d, const unsigned char **has,
                        float **v)
{
    unsigned char *flags;
    ARENA_NEW(flags, run->scratch, view->n_items);
    *has = flags;
    TRY(folder != NULL ? take_imported(folder, view, run, d, flags, v)
                       : take_feature(feature, view, run, d, flags, v));
    return judge_missing(o, view, flags, folder != NULL ? folder : o->encoder);
}

/* The vectors of `source`: of o->encoder, or of what it shuffles. */
static enum status encode(const struct item_vectors_options *o, const char *source, const struct view *view,
                          struct run *run, uint32_t *d, const unsigned char **has, float **v)
{
    struct strings texts;
    const uint32_t dimensions = (uint32_t)(o->dimensions > 0 ? o->dimensions : DIMENSIONS_DEFAULT);
    *d = dimensions;
    if (named(source, ITEM_ENCODER_RANDOM)) {
        ARENA_NEW(*v, run->scratch, (size_t)view->n_items * *d);
        for (size_t i = 0; i < (size_t)view->n_items * *d; i++)
            (*v)[i] = (float)random_normal(run->seed, RANDOM_SHUFFLED_TEXT, 1, i);
        return STATUS_OK;
    }
    if (named(source, ITEM_ENCODER_TFIDF)) {
        TRY(item_vectors_texts(o, view, run->scratch, &texts));
        ARENA_NEW(*v, run->scratch, (size_t)view->n_items * *d);
        return encode_tfidf(&texts, *d, run, *v);
    }
    if (named(source, ITEM_ENCODER_COLUMNS) || begins(source, COLUMN))
        return take_columns(begins(source, COLUMN) ? source + strlen(COLUMN) : NULL, view, dimensions, run, d,
                            v);
    if (begins(source, FEATURE))
        return take(o, source + strlen(FEATURE), NULL, view, run, d, has, v);
    const char *folder =
        arena_printf(run->scratch, "%s/%s", run->models == NULL ? "models" : run->models, source);
    if (folder == NULL)
        return STATUS_SYSTEM;
    return vectors_are_in(folder) ? take(o, NULL, folder, view, run, d, has, v)
                                  : encode_texts(o, folder, view, run, d, v);
}

/* The parts of "A+B", each of norm 1, side by side. */
static enum status build_parts(const struct item_vectors_options *options, size_t n_parts,
                               const struct view *view, struct run *run, struct item_vectors *out)
{
    struct item_vectors *part;
    TRY(item_vectors_check(NULL, options->encoder));
    ARENA_NEW(part, run->scratch, n_parts);
    for (size_t p = 0; p < n_parts; p++) {
        struct item_vectors_options one = *options;
        one.encoder = item_vectors_part(options->encoder, p, run->scratch);
        if (one.encoder == NULL)
            return STATUS_SYSTEM;
        TRY(item_vectors_build(&one, view, run, &part[p]));
        out->d += part[p].d;
    }
    ARENA_NEW(out->v, run->arena, (size_t)view->n_items * out->d);
    for (uint32_t i = 0; i < view->n_items; i++) {
        float *to = out->v + (size_t)i * out->d;
        for (size_t p = 0; p < n_parts; to += part[p++].d)
            if (part[p].d > 0)
                memcpy(to, part[p].v + (size_t)i * part[p].d, part[p].d * sizeof *to);
    }
    const struct spmm_normalize args = {out->v, out->d, (int)out->d};
    return out->d > 0 ? backend_launch(run->backend, &kernel_spmm_normalize, &args, (long)view->n_items, 0)
                      : STATUS_OK;
}

enum status item_vectors_build(const struct item_vectors_options *options, const struct view *view,
                               struct run *run, struct item_vectors *out)
{
    const size_t n_parts = item_vectors_parts(options->encoder);
    if (n_parts > 1) {
        *out = (struct item_vectors){view->n_items, 0, NULL};
        return build_parts(options, n_parts, view, run, out);
    }
    const uint32_t n = view->n_items;
    const char *of = shuffled(options->encoder), *source = of != NULL ? of : options->encoder;
    *out = (struct item_vectors){n, 0, NULL};
    if (named(source, ITEM_ENCODER_NONE))
        return STATUS_OK;
    uint32_t d = 0;
    float *v = NULL;
    const unsigned char *has = NULL;
    TRY(encode(options, source, view, run, &d, &has, &v));
    if (of != NULL)
        TRY(shuffle(n, d, run, &has, &v));
    if (options->center || options->whiten)
        center(v, n, d, has);
    out->d = options->dimensions > 0 && (uint32_t)options->dimensions < d ? (uint32_t)options->dimensions : d;
    ARENA_NEW(out->v, run->arena, (size_t)n * out->d);
    if (options->whiten)
        TRY(reduce_whiten(run->backend, v, n, d, out->d, n_there(n, has), run->scratch, out->v));
    else if (out->d < d)
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
