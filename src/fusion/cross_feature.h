/*
 * cross_feature.h - the feature `cross` of a preference: what a decoder says of a user and an item that it reads together (cross_encoder.h), one
 * column beside the interactions of their vectors.
 *
 *   s_ui   log P(yes) - log P(no) behind the user's history and a question about the item (a prompt without [yes] and [no]: the answer's
 *          log-likelihood a token), less `calibration` times the same with no history
 *   x_ui   s_ui less the mean over a panel of items, by their standard deviation (population): how far above this user's other items, as scores
 *          of collaborative models are standardised, over a sample of the items in place of all.  The panel is the same for all users, less what
 *          the user has; 0 where those that are left (none, one) do not differ.  panel 0: x_ui = s_ui.
 *
 * A pass of the decoder for each user and item is dear, so it is asked of a sample of the questions that a model learns from, and then, of each
 * user, of the first `candidates` items alone.  Elsewhere x is missing (NaN), which says nothing of an item: the sample is drawn without looking.
 * No item that is asked about is in the history that is told, whether it is the answer of a question or stands beside one.
 */
#ifndef FUSION_CROSS_FEATURE_H
#define FUSION_CROSS_FEATURE_H
#include "fusion/cross_encoder.h"
#include "fusion/intent.h"

struct cross_options {
    const char *decoder, *prompt;
    int history, history_length, panel, questions, candidates, activations;
    double minimum_rating, calibration;
};
#define CROSS_FEATURE "cross" /* its name among `features` */
/* The rows of a table of parameters for a `struct cross_options` at member `at`. */
#define CROSS_ROW(type, at, field, name_) .name = (name_), .offset = offsetof(type, at.field)
#define CROSS_PARAMS(type, at)                                                                               \
    {CROSS_ROW(type, at, decoder, "decoder"), .kind = PARAM_KIND_STRING, .text = NULL,                       \
     .help = "of the feature cross: a folder of models/ with one GGUF file, or a path to one"},              \
        {CROSS_ROW(type, at, prompt, "cross_prompt"), .kind = PARAM_KIND_STRING, .text = "rerank-yes-no",    \
         .help = "what the decoder is told and asked: rerank-yes-no or another prompt of llm_rerank, or a "  \
                 "file of one's own (docs/rerank.md)"},                                                      \
        {CROSS_ROW(type, at, history, "cross_history"), .kind = PARAM_KIND_CHOICE, .text = "own",            \
         .choices = CROSS_HISTORIES,                                                                         \
         .help = "whose history the decoder reads; other_user and none are controls"},                       \
        {CROSS_ROW(type, at, history_length, "cross_history_length"),                                        \
         .kind = PARAM_KIND_INT,                                                                             \
         .number = 20,                                                                                       \
         .minimum = 1,                                                                                       \
         .maximum = 1000,                                                                                    \
         .help = "the latest so many items of it"},                                                          \
        {CROSS_ROW(type, at, minimum_rating, "cross_minimum_rating"),                                        \
         .kind = PARAM_KIND_REAL,                                                                            \
         .number = 0,                                                                                        \
         .minimum = -1e9,                                                                                    \
         .maximum = 1e9,                                                                                     \
         .help = "of items rated at least this"},                                                            \
        {CROSS_ROW(type, at, calibration, "cross_calibration"), .kind = PARAM_KIND_REAL, .number = 0,        \
         .maximum = 1,                                                                                       \
         .help = "weight of what the decoder says with an empty history, which is taken off; above 0 every " \
                 "item is asked about once"},                                                                \
        {CROSS_ROW(type, at, panel, "cross_panel"), .kind = PARAM_KIND_INT, .number = 8, .maximum = 10000,   \
         .help = "items drawn at random that each user is asked about too, to standardise; 0: not "          \
                 "standardised"},                                                                            \
        {CROSS_ROW(type, at, questions, "cross_questions"), .kind = PARAM_KIND_INT, .number = 1000,          \
         .maximum = 2000000000,                                                                              \
         .help = "the decoder is asked of about so many of the questions that are learned from; 0: all"},    \
        {CROSS_ROW(type, at, candidates, "cross_candidates"),                                                \
         .kind = PARAM_KIND_INT,                                                                             \
         .number = 20,                                                                                       \
         .minimum = 1,                                                                                       \
         .maximum = 1000000000,                                                                              \
         .help = "and of so many items a user when ranking"},                                                \
    {                                                                                                        \
        CROSS_ROW(type, at, activations, "cross_activations"),                                               \
            .kind = PARAM_KIND_CHOICE, .text = "int8", .choices = CROSS_ACTIVATIONS,                         \
            .help = "of the decoder; int8: half the time, logits differ by some tenths"                      \
    }

struct cross_feature {
    bool on;                      /* false: there is no such feature */
    struct cross_encoder encoder; /* opened where on */
    uint32_t candidates, n_panel;
    uint64_t questions;
    const uint32_t *panel; /* [n_panel] rising */
};

/* Is it among the features? */
bool cross_feature_asked(const struct param_list *features);
/* Is it a parameter that this feature alone reads (CROSS_PARAMS)? */
bool cross_feature_reads(const char *param);
/* Before anything is read: STATUS_USAGE, at `where` unless that is NULL: no decoder is named; or a prompt that lacks something. */
enum status cross_feature_check(const struct cross_options *options, const struct node *where);
/* Opens the decoder on the view's texts and histories.  In run->arena, but for what cross_feature_free() gives back.  Statuses:
 * cross_encoder_open(). */
enum status cross_feature_build(const struct cross_options *options, const struct view *train,
                                struct run *run, struct cross_feature *out);
void cross_feature_free(struct cross_feature *c); /* takes one that is not on */

/* had [n_users x n_items]: what users have, by which a panel is theirs or not. */
/* x [groups->n x n_candidates] in run->scratch: x_ui of the sampled questions, NaN elsewhere.  Questions of a user and a fold are asked together,
 * so that their answers are in none of their histories. */
enum status cross_feature_questions(const struct cross_feature *c, const struct csr *had,
                                    const struct intent_groups *groups, struct run *run, float **x);
/* The same as one more column of groups->extra, the last; a question that was not asked has the mean of those that were, *mean. */
enum status cross_feature_extra(const struct cross_feature *c, const struct csr *had, struct run *run,
                                struct intent_groups *groups, float *mean);
/* x [n_items] of the user's first `candidates` items by `order` [n_items] that he does not have (a row of had), NaN elsewhere; NaN everywhere
 * where nothing is known of him. */
enum status cross_feature_scores(const struct cross_feature *c, const struct csr *had, uint32_t user,
                                 const float *order, float *x);

/* What the decoder read since it was fitted; nothing where it is not on. */
void cross_feature_usage(const struct cross_feature *c, struct model_usage *out);

/* In a model's file, where it is on. */
enum status cross_feature_save(const struct cross_feature *c, struct model_writer *w);
enum status cross_feature_load(const struct cross_options *options, uint32_t n_users, uint32_t n_items,
                               struct model_reader *r, struct run *run, struct cross_feature *out);

#endif
