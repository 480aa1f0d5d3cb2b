/*
 * model.h - what every model is.
 */
#ifndef MODELS_MODEL_H
#define MODELS_MODEL_H
#include <signal.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/log.h"
#include "base/param.h"
#include "data/view.h"

struct encoder_use;
/* What surrounds a fit: the machine, memory, randomness, who is watching. */
struct run {
    const struct backend *backend;
    struct arena *arena;   /* lives as long as the fitted model */
    struct arena *scratch; /* freed when fit returns */
    uint64_t seed;
    const char *dataset; /* its name in the experiment; NULL: none */
    size_t fold;
    const char *cache;                      /* folder of embeddings; NULL: no cache */
    const char *models;                     /* folder of language models: models/minilm ... */
    struct progress *progress;              /* may be NULL */
    const volatile sig_atomic_t *cancelled; /* not NULL; when it is nonzero fit returns STATUS_STOPPED soon */
    /* Quality on the validation rows of the fold (higher is better), for early stopping; NULL where there are
     * none. */
    enum status (*validate)(void *context, const void *state, double *quality);
    void *validate_context;
    int validate_every; /* epochs between two measurements for the training curve; 0: none (curve.h) */
    /* Hears what the fit says of itself (run_curve()); NULL: nobody does, and nothing need be computed for it. */
    void (*curve)(void *context, const char *name, int step, double value);
    void *curve_context;
    struct encoder_use *encoded; /* added to by what is encoded (llm/encoder.h); NULL: nobody asks */
    uint32_t
        epochs; /* set by a fit that stopped early: the epochs (iterations) of the state it kept; else 0 */
};
/* One point of a training curve: "loss", "rmse", "validation loss" ... after epoch, sweep or tree `step` (from 1). */
static inline void run_curve(const struct run *run, const char *name, int step, double value)
{
    if (run->curve != NULL)
        run->curve(run->curve_context, name, step, value);
}

/* A block of scores: users x all items. */
struct tile {
    float *scores; /* [n_users x ld] row-major, ld >= n_items; host memory */
    size_t ld;
    uint32_t n_items;
};

/* score(u, i) = user[u] . item[i] + user_bias[u] + item_bias[i] + offset */
struct factors {
    uint32_t n_users, n_items, factors;
    const float *user, *item; /* [n_users x ld_user], [n_items x ld_item] */
    size_t ld_user, ld_item;
    const float *user_bias, *item_bias; /* NULL: zero */
    float offset;
};

/* What a language model was made to read while a model scored. */
struct model_usage {
    uint64_t n_users, n_items;  /* users, and items of theirs, that it scored */
    uint64_t n_tokens;          /* tokens that went through it */
    uint64_t n_tokens_unshared; /* that would have, had each item been read behind a prompt of its own */
    double seconds;             /* of the scoring threads, summed */
};

struct forest; /* forest.h */
struct nested; /* nested.h */
struct tree_columns;
struct model_writer; /* model_io.h */
struct model_reader;
struct trace; /* trace.h */

enum {
    NEEDS_TEXT = 1, /* item text (titles at least) */
    NEEDS_TIME = 2,
    NEEDS_RATINGS = 4,  /* values that differ; the model predicts ratings */
    NEEDS_ENCODER = 8,  /* a language model folder */
    NEEDS_TRUTH = 16,   /* a generated dataset */
    NEEDS_DECODER = 32, /* a GGUF file */
    NEEDS_FILE = 64,    /* a file of its own, named by a parameter */
    NEEDS_FRIENDS = 128 /* links between users: their list column `friends` */
};

struct model_type {
    const char *name, *family; /* "ials", "matrix factorization" */
    const char *source;        /* authors and years: "Hu, Koren, Volinsky 2008; Rendle 2022" */
    const char *help;          /* one line */
    int version;               /* raised when results change; part of the cell's key */
    const struct param *params;
    size_t params_size;
    unsigned needs;
    size_t state_size; /* the caller gives fit and load a zeroed state of this size, in run->arena */
    /* Optional: a file whose content results depend on; it may hold what base/placeholder.h replaces. */
    const char *(*file)(const void *params);
    /* Optional: the models that one with these parameters holds inside, *models [*n] in the arena, not fitted: their versions, language
     * models and files are part of the cell's key.  STATUS_USAGE: the parameters name none that there is. */
    enum status (*inside)(const void *params, struct arena *arena, const struct nested **models, size_t *n);
    /* What the table of parameters can't say (combinations); may be NULL. */
    enum status (*check)(const void *params, const struct node *where);
    enum status (*fit)(void *state, const void *params, const struct view *train, struct run *run);
    /* Optional, of models whose scores are a sum over the user's items: the rows of `history` (the same users and items as in train) become
     * those items; what was learned from train stays. */
    enum status (*set_history)(void *state, const void *params, const struct view *history, struct run *run);
    /* Scores of users[0 .. n - 1] for all items into rows of the tile; finite.  Thread-safe.  Higher is
     * better. */
    enum status (*score_users)(const void *state, const uint32_t *users, size_t n, const struct tile *out);
    enum status (*score_pairs)(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                               float *scores);
    /* Optional: the probability that the user takes the item, of a pair among all pairs; log loss and calibration are
     * measured where it is there. */
    enum status (*probabilities)(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                                 float *p);
    /* Optional: its trees and what their columns are called, for `recfuse explain`; NULL where this one has none. */
    void (*trees)(const void *state, const struct forest **forest, const struct tree_columns **columns);
    /* Optional: prints its stages for one user, for `recfuse trace` (trace.h). */
    enum status (*trace)(const void *state, const void *params, struct trace *t);
    /* Optional: lets rank.c use GEMM. */
    enum status (*factors)(const void *state, struct factors *out);
    /* Optional: what the language model inside has read since fit or load, for the record. */
    void (*usage)(const void *state, struct model_usage *out);
    enum status (*save)(const void *state, struct model_writer *w);
    enum status (*load)(void *state, const void *params, struct model_reader *r, struct run *run);
    void (*free)(void *state); /* NULL when all memory is the arena's */
    /* Optional, for `recfuse plan`: bytes that a fit holds at its largest (model and scratch, without the
     * data) and floating-point operations that it takes.  NULL: the plan says that it doesn't know. */
    void (*cost)(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                 double *flops);
};

/* Scores through whichever function the model has (factors through GEMM for score_users). */
enum status model_score_users(const struct model_type *type, const void *state, const struct backend *backend,
                              const uint32_t *users, size_t n, const struct tile *out);
enum status model_score_pairs(const struct model_type *type, const void *state, const struct backend *backend,
                              const uint32_t *users, const uint32_t *items, size_t n, uint32_t n_items,
                              float *scores);

/* The cost hook of models that only count. */
void model_cost_counts(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                       double *flops);

#endif
