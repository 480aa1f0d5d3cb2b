/*
 * item_vectors.h - the one source of item vectors for the models that fuse text: a language model's (run here, or imported),
 * and its controls, so that a table shows what the language model itself brought.
 */
#ifndef MODELS_ITEM_VECTORS_H
#define MODELS_ITEM_VECTORS_H
#include "base/csr.h"
#include "llm/encoder.h"
#include "models/item_texts.h"
#include "models/model.h"
#include "text/preprocess.h"

/* What `encoder` may name.  "minilm", "e5", or any other folder of run->models: an encoder of the item's text (llm/encoder.h), or
 * vectors made elsewhere, by item id (llm/vectors.h).  "feature:NAME": vectors that the dataset holds.  And the controls: */
#define ITEM_ENCODER_MINILM "minilm"
#define ITEM_ENCODER_TFIDF                                                                                   \
    "tfidf" /* latent semantic analysis of the same text: words without a language model */
#define ITEM_ENCODER_COLUMNS                                                                                 \
    "columns" /* genres, categories, periods (item_columns.h): no words at all; "columns:genres": one of them */
#define ITEM_ENCODER_SHUFFLED                                                                                \
    "shuffled" /* minilm's vectors, each at a random other item; "shuffled:e5", "shuffled:tfidf" ...: those */
#define ITEM_ENCODER_RANDOM "random" /* independent normal numbers */
#define ITEM_ENCODER_NONE   "none"   /* no vectors: dimensions 0 */

enum item_missing { ITEM_MISSING_REFUSE, ITEM_MISSING_ZERO };

struct item_vectors_options {
    const char *encoder;
    int precision, pooling; /* enums of llm/encoder.h */
    const char *prefix;     /* as there */
    int missing;            /* enum item_missing: of items without a vector where vectors go by id */
    struct param_list text; /* fields as of view_item_texts() */
    int preprocess;         /* enum preprocess, of that text */
    int max_reviews;
    struct corruption corruption; /* of the text, before it is preprocessed */
    int dimensions; /* principal components kept of the vectors; 0: all (of an encoder), 128 (tfidf, random,
                       more than 512 columns) */
    bool center;    /* subtract the mean over items first: sentence vectors share a large common part */
    bool whiten;    /* principal components of variance 1, uncorrelated (after the mean is taken off) */
};

/* The rows of a table of parameters for a `struct item_vectors_options` at `at` of its struct ("vectors." for a member, nothing where the struct
 * is one): the defaults of encoder, text and center, and of dimensions with its range. */
#define ITEM_VECTORS_ROW(type, at, field) .name = #field, .offset = offsetof(type, at field)
#define ITEM_VECTORS_PARAMS(type, at, encoder_, text_, dimensions_, low, high, center_)                      \
    {ITEM_VECTORS_ROW(type, at, encoder), .kind = PARAM_KIND_STRING, .text = (encoder_),                     \
     .help = "where item vectors come from: minilm, e5 or another folder of models/ (an encoder, or "        \
             "vectors of recfuse import-embeddings), feature:NAME of the dataset; controls: tfidf, "         \
             "columns, columns:NAME, shuffled, shuffled:ANY OF THESE, random, none; A+B: both side by "      \
             "side"},                                                                                        \
        {ITEM_VECTORS_ROW(type, at, precision), .kind = PARAM_KIND_CHOICE, .text = "fp32",                   \
         .choices = ENCODER_PRECISIONS,                                                                      \
         .help = "of an encoder; int8: weights of 8 bits, activations of 16; w8a8: both of 8 bits"},         \
        {ITEM_VECTORS_ROW(type, at, pooling), .kind = PARAM_KIND_CHOICE, .text = "model",                    \
         .choices = ENCODER_POOLINGS, .help = "of an encoder; model: what its folder says"},                 \
        {ITEM_VECTORS_ROW(type, at, prefix), .kind = PARAM_KIND_STRING, .text = "model",                     \
         .help = "put before each text of an encoder: model (what its folder says), none, query, "           \
                 "passage, or a text"},                                                                      \
        {ITEM_VECTORS_ROW(type, at, preprocess), .kind = PARAM_KIND_CHOICE, .text = "none",                  \
         .choices = PREPROCESS_CHOICES,                                                                      \
         .help = "of the item's text before it is encoded; each does what those before it do too: "          \
                 "markup out, words alone, without stop words, stems"},                                      \
        {ITEM_VECTORS_ROW(type, at, missing), .kind = PARAM_KIND_CHOICE, .text = "refuse",                   \
         .choices = "refuse|zero", .help = "items without a vector, where they go by id"},                   \
        {ITEM_VECTORS_ROW(type, at, whiten), .kind = PARAM_KIND_BOOL,                                        \
         .help = "item vectors whitened: principal components of variance 1"},                               \
        {ITEM_VECTORS_ROW(type, at, text), .kind = PARAM_KIND_LIST, .text = (text_),                         \
         .help = "fields of the item's text: title, genres, tags, reviews, a column"},                       \
        {ITEM_VECTORS_ROW(type, at, max_reviews), .kind = PARAM_KIND_INT, .number = 50, .maximum = 1e9,      \
         .help = "at most so many reviews an item, when reviews are asked for"},                             \
        {ITEM_VECTORS_ROW(type, at, dimensions),                                                             \
         .kind = PARAM_KIND_INT,                                                                             \
         .number = (dimensions_),                                                                            \
         .minimum = (low),                                                                                   \
         .maximum = (high),                                                                                  \
         .help = "principal components kept of the vectors; 0: all (tfidf, random: 128)"},                   \
        CORRUPTION_PARAMS(type, at corruption.),                                                             \
    {                                                                                                        \
        ITEM_VECTORS_ROW(type, at, center), .kind = PARAM_KIND_BOOL, .number = (center_),                    \
                                            .help = "subtract the mean vector over items first"              \
    }

/* "A+B": vectors of several sources side by side, each source's of norm 1 before; a control may be one of them. */
size_t item_vectors_parts(const char *encoder);
/* Part `k` of so many; NULL: memory is out. */
const char *item_vectors_part(const char *encoder, size_t k, struct arena *arena);
/* STATUS_USAGE at the node (NULL: without a place) where a part is empty: "tfidf+". */
enum status item_vectors_check(const struct node *where, const char *encoder);
/* That, of the parameter `encoder` of a model; one without it passes. */
enum status item_vectors_check_params(const struct node *where, const struct param *table,
                                      const void *params);
/* What such a name, one part, shuffles ("shuffled:e5": e5); NULL: nothing is shuffled. */
const char *item_vectors_shuffled(const char *encoder);
/* The folder (below run->models) that such a name, one part, stands for; NULL: none. */
const char *item_vectors_folder(const char *encoder);

struct item_vectors {
    uint32_t n_items, d;
    float *
        v; /* [n_items x d] rows of L2 norm 1, or zero (an item without a word, under tfidf); whitened ones too */
};

/* Vectors of all items of the view, owned by run->arena.  The same (options, view, seed) gives the same
 * bits. STATUS_UNAVAILABLE: no text, no such feature, or no model folder (the sentence says what to do); STATUS_DATA: a damaged
 * model, or items without a vector where `missing` refuses them (says how many, and one). */
enum status item_vectors_build(const struct item_vectors_options *options, const struct view *view,
                               struct run *run, struct item_vectors *out);
/* The same, and vectors of other texts (what a user wrote) among them: *others_v [others->n x out->d] in
 * run->scratch, rows of norm 1 or zero; NULL: the encoder reads no text (or others is NULL).  They are
 * preprocessed and encoded as the items' (tfidf: by the items' words), lose their own mean where `center`
 * takes the items' off theirs, and are cut to the items' principal components. */
enum status item_vectors_build_with(const struct item_vectors_options *options, const struct view *view,
                                    struct run *run, const struct strings *others, struct item_vectors *out,
                                    float **others_v);

/* Profiles of users: out[r] = weighted sum of the vectors of the history's row users[r] (NULL: row r),
 * divided by its norm when `normalize`.  out [n x d]; a user without history gets zeros. */
enum status item_vectors_profiles(const struct backend *b, const struct csr *history,
                                  const struct item_vectors *items, const uint32_t *users, size_t n,
                                  bool normalize, float *out);

/* Are its vectors made of the item's text (an encoder's, tfidf's), whatever item they then stand at? */
bool item_vectors_reads_text(const char *encoder);
/* The texts that are encoded: fields of the view, corrupted, preprocessed; in the arena. */
enum status item_vectors_texts(const struct item_vectors_options *options, const struct view *view,
                               struct arena *arena, struct strings *out);

#endif
