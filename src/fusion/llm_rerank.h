/*
 * llm_rerank.h - what llm_rerank.c (the model) and llm_rerank_score.c (what the language model is asked) share.
 */
#ifndef FUSION_LLM_RERANK_H
#define FUSION_LLM_RERANK_H
#include "fusion/prompt.h"
#include "llm/decoder.h"
#include "models/nested.h"

enum rerank_history { RERANK_OWN, RERANK_OTHER_USER, RERANK_NONE };
enum rerank_length { RERANK_PER_TOKEN, RERANK_PER_BYTE, RERANK_SUM };

/* Tokens of many texts: those of text i are ids[ptr[i] .. ptr[i + 1]). */
struct token_lists {
    const uint32_t *ids;
    const size_t *ptr; /* [n + 1] */
};

struct llm_rerank {
    const struct backend *backend;
    struct nested base;
    struct decoder *decoder;
    struct prompt_file prompt;
    const char *between; /* history items */
    enum rerank_history history;
    enum rerank_length length;
    uint32_t candidates, history_length;
    double calibration;
    uint64_t seed;
    struct csr train;         /* [n_users x n_items] what users have */
    const int64_t *taken_ptr; /* [n_users + 1] what histories are made of: */
    const uint32_t *taken;    /* each user's items, the latest last */
    uint32_t *known, n_known; /* users with such a history, rising */
    struct strings line,
        ask; /* [n_items] in a history; what is asked of a candidate: its answer, or the question about it */
    struct token_lists asked;  /* of `ask` */
    struct token_lists yes_no; /* two texts; ids NULL: the answer's own likelihood counts */
    const double *
        without; /* [n_items] what the model says with no history (0 where it was not asked); NULL: no calibration */
    const struct csr *given; /* [n_users x n_items] candidates from a file; NULL: the base model's best */
    struct rerank_memo *memo;
};

/* Room for what users were given and for counts; STATUS_SYSTEM. */
enum status rerank_memo_new(uint32_t n_users, struct rerank_memo **out);
void rerank_memo_free(struct rerank_memo *memo); /* takes NULL */
/* Was this very list of the user scored before?  Then its scores. */
bool rerank_recall(struct rerank_memo *memo, uint32_t user, const uint32_t *items, uint32_t n, float *score);
/* Keeps copies, and counts what was used. */
enum status rerank_keep(struct rerank_memo *memo, uint32_t user, const uint32_t *items, uint32_t n,
                        const float *score, const struct model_usage *used);
void rerank_usage(const struct llm_rerank *m, struct model_usage *out);

/* Histories of the items rated at least `minimum`, by time; without times in the order of the dataset's items. */
enum status rerank_histories(struct llm_rerank *m, const struct view *train, double minimum, struct run *run);
/* The items that the user's prompt tells of, oldest first, in the arena.  A stranger's history is told without the user's candidates, which
 * the user's own never holds either: a title that was just read is repeated gladly. */
enum status rerank_history_of(const struct llm_rerank *m, uint32_t user, const uint32_t *candidates,
                              uint32_t n_candidates, struct arena *arena, const uint32_t **item, uint32_t *n);
/* Fills known and n_known from the histories. */
enum status rerank_known(struct llm_rerank *m, struct arena *arena);
enum status rerank_save(const void *state, struct model_writer *w);
/* All but what parameters say and the base model. */
enum status rerank_get(struct llm_rerank *m, struct model_reader *r, struct run *run);

/* Tokens of `ask`, and of the prompt's [yes] and [no]. */
enum status rerank_encode(struct llm_rerank *m, struct arena *arena);
/* m->without: what the model says of the items (rising) with no history. */
enum status rerank_calibrate(struct llm_rerank *m, const uint32_t *items, uint32_t n_items,
                             const volatile sig_atomic_t *cancelled, struct arena *arena);
/* The user's candidates (rising, each with something to ask) into score [n].  *asked false: nothing is known of the user, the base model's
 * order stands.  Thread-safe; a user's scores are computed once. */
enum status rerank_user(const struct llm_rerank *m, uint32_t user, const uint32_t *items, uint32_t n,
                        float *score, bool *asked);

/* What the language model reads of a user before the candidates, for people: in the arena.  *known false: nothing. */
enum status rerank_prompt(const struct llm_rerank *m, uint32_t user, const uint32_t *items, uint32_t n,
                          struct arena *arena, char **text, bool *known);

#endif
