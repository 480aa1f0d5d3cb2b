/*
 * cross_encoder.h - a user and an item in one text: a decoder reads the user's history and what it is asked about the item behind it, and the
 * answer's likelihood, or log P(yes) - log P(no), is a number of the two (Hou et al. 2024; Sachan et al. 2022).  llm_rerank orders candidates by
 * it; the feature `cross` of a preference (cross_feature.h) gives it a weight beside other features.
 */
#ifndef FUSION_CROSS_ENCODER_H
#define FUSION_CROSS_ENCODER_H
#include "fusion/prompt.h"
#include "llm/decoder.h"
#include "models/model_io.h"
#include "models/scored.h"

enum cross_history { CROSS_OWN, CROSS_OTHER_USER, CROSS_NONE };
#define CROSS_HISTORIES "own|other_user|none"
enum cross_length { CROSS_PER_TOKEN, CROSS_PER_BYTE, CROSS_SUM };
#define CROSS_ACTIVATIONS "float32|int8"

struct cross_encoder_options {
    const char *decoder;        /* as decoder_file() reads it */
    const char *prompt;         /* as prompt_open() reads it */
    enum cross_history history; /* whose is told */
    enum cross_length
        length; /* what an answer's likelihood is divided by; not where the prompt has [yes] and [no] */
    uint32_t history_length; /* at most so many items of it are told, the latest */
    double minimum_rating;   /* of items rated at least this */
    double
        calibration; /* weight of what is said with no history, which is taken off; 0: none; none with CROSS_NONE */
    bool int8;       /* activations */
};

/* Tokens of many texts: those of text i are ids[ptr[i] .. ptr[i + 1]). */
struct token_lists {
    const uint32_t *ids;
    const size_t *ptr; /* [n + 1] */
};

struct cross_encoder {
    struct decoder *decoder;
    struct prompt_file prompt;
    const char *between; /* history items */
    enum cross_history history;
    enum cross_length length;
    uint32_t n_users, n_items, history_length;
    double calibration;
    uint64_t seed;
    const int64_t *taken_ptr; /* [n_users + 1] what histories are made of: */
    const uint32_t *taken;    /* each user's items, the latest last */
    uint32_t *known, n_known; /* users with such a history, rising */
    struct strings line,
        ask; /* [n_items] in a history; what is asked of a candidate: its answer, or the question about it */
    struct token_lists asked;  /* of `ask` */
    struct token_lists yes_no; /* two texts; ids NULL: the answer's own likelihood counts */
    const double *
        without; /* [n_items] what the model says with no history (0 where it was not asked); NULL: no calibration */
    struct cross_memo *memo;
};

/* STATUS_USAGE, STATUS_DATA: there is no such prompt, or it lacks a section.  In the arena. */
enum status cross_encoder_check(const struct cross_encoder_options *options, struct arena *arena);
/* Opens the decoder, and takes texts and histories from the view; not calibrated.  In run->arena, but for what cross_encoder_free() gives back.
 * STATUS_UNAVAILABLE: no such decoder; a place of the prompt that is no column of the items. */
enum status cross_encoder_open(const struct cross_encoder_options *options, const struct view *train,
                               struct run *run, struct cross_encoder *out);
/* Is there something to ask about the item? */
bool cross_encoder_asks(const struct cross_encoder *m, uint32_t item);
/* Of all [n_items], best first, the first `most` that can be asked about, are ranked at all and are none of the user's in `had`: rising in
 * out; how many. */
uint32_t cross_encoder_candidates(const struct cross_encoder *m, const struct csr *had, uint32_t user,
                                  const struct scored *all, uint32_t most, uint32_t *out);
/* m->without: what the model says of the items (of which `wanted` [n_items] is set; NULL: of all) with no history.  Nothing where calibration is
 * 0. */
enum status cross_encoder_calibrate(struct cross_encoder *m, const uint8_t *wanted, struct run *run);
/* Takes one that was not opened. */
void cross_encoder_free(struct cross_encoder *m);

/* Scores of the items (rising, each with something to ask) for the user into score [n].  No item that is asked about stands in the history that
 * is told.  *asked false: nothing is known of the user, and score is as it was.  Thread-safe; a user's same list is computed once. */
enum status cross_encoder_ask(const struct cross_encoder *m, uint32_t user, const uint32_t *items, uint32_t n,
                              float *score, bool *asked);
/* What the language model reads of a user before the candidates, for people: in the arena.  *known false: nothing. */
enum status cross_encoder_prompt(const struct cross_encoder *m, uint32_t user, const uint32_t *items,
                                 uint32_t n, struct arena *arena, char **text, bool *known);
/* What the decoder read since it was opened or told to forget (model.h). */
void cross_encoder_usage(const struct cross_encoder *m, struct model_usage *out);
/* Keeps no scores of so far, and counts from 0: what a fit asked is not what ranking costs. */
void cross_encoder_forget(const struct cross_encoder *m);

/* Histories, texts and calibration as arrays of a model's file. */
enum status cross_encoder_save(const struct cross_encoder *m, struct model_writer *w);
/* All but what options say comes from the file; n_users and n_items are the caller's. */
enum status cross_encoder_load(const struct cross_encoder_options *options, uint32_t n_users,
                               uint32_t n_items, struct model_reader *r, struct run *run,
                               struct cross_encoder *out);

/* ---- between cross_*.c ---- */

/* Is the item in a rising list? */
bool cross_among(const uint32_t *items, uint32_t n, uint32_t item);

/* Room for what users were given and for counts; STATUS_SYSTEM. */
enum status cross_memo_new(uint32_t n_users, struct cross_memo **out);
void cross_memo_free(struct cross_memo *memo); /* takes NULL */
/* Was this very list of the user scored before?  Then its scores. */
bool cross_memo_recall(struct cross_memo *memo, uint32_t user, const uint32_t *items, uint32_t n,
                       float *score);
/* Keeps copies, and counts what was used. */
enum status cross_memo_keep(struct cross_memo *memo, uint32_t user, const uint32_t *items, uint32_t n,
                            const float *score, const struct model_usage *used);

/* Histories of the items rated at least `minimum`, by time; without times in the order of the dataset's items. */
enum status cross_encoder_histories(struct cross_encoder *m, const struct view *train, double minimum,
                                    struct run *run);
/* The items that the user's prompt tells of, oldest first, in the arena, without the items that are asked about (rising): the answer is not
 * told, and a title that was just read is repeated gladly. */
enum status cross_encoder_history(const struct cross_encoder *m, uint32_t user, const uint32_t *asked,
                                  uint32_t n_asked, struct arena *arena, const uint32_t **item, uint32_t *n);
/* Fills known and n_known from the histories. */
enum status cross_encoder_known(struct cross_encoder *m, struct arena *arena);
/* What cross_encoder_save() wrote; calibration, n_users and n_items are known. */
enum status cross_encoder_get(struct cross_encoder *m, struct model_reader *r, struct run *run);
/* Tokens of `ask`, and of the prompt's [yes] and [no]. */
enum status cross_encoder_tokens(struct cross_encoder *m, struct arena *arena);

#endif
