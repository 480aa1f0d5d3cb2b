/*
 * user_texts.h - what users wrote (reviews, tags, queries, posts), as one vector a user among the vectors of
 * items.
 *
 *   t_u   the mean of the vectors of the user's own texts, faded by recency as a history is, of norm 1
 *   q_u   the direction of (1 - weight) h_u + weight t_u,  h_u the history's vector
 * (item_vectors_profiles()); where one of the two is missing the other stands alone, whatever the weight: a
 * user with texts and no train row has a vector
 *
 * Texts come from the view, so a held-out pair's are not among them.  For a question made of train row (u, i)
 * u's own texts about i are left out, as i is left out of the history; texts about other items stay, whether
 * the user has them or not.
 */
#ifndef MODELS_USER_TEXTS_H
#define MODELS_USER_TEXTS_H
#include "models/history.h"
#include "models/item_vectors.h"

struct user_texts_options {
    struct param_list kinds; /* reviews, tags, queries, posts; none: texts are not read */
    double weight;           /* 0 .. 1 */
    bool shuffled;           /* a control: each user's texts at another user */
};
#define USER_TEXTS_KINDS "reviews|tags|queries|posts"
/* The rows of a table of parameters for a `struct user_texts_options` at member `at`. */
#define USER_TEXTS_ROW(type, at, field, name_) .name = (name_), .offset = offsetof(type, at.field)
#define USER_TEXTS_PARAMS(type, at)                                                                          \
    {USER_TEXTS_ROW(type, at, kinds, "user_text"), .kind = PARAM_KIND_LIST, .text = "",                      \
     .choices = USER_TEXTS_KINDS,                                                                            \
     .help = "the user's own texts that are read beside the history; none by default"},                      \
        {USER_TEXTS_ROW(type, at, weight, "user_text_weight"), .kind = PARAM_KIND_REAL, .number = 0.3,       \
         .maximum = 1,                                                                                       \
         .help = "of their vector in the user's, the history having the rest; where one is missing the "     \
                 "other stands alone"},                                                                      \
    {                                                                                                        \
        USER_TEXTS_ROW(type, at, shuffled, "user_text_shuffled"),                                            \
            .kind = PARAM_KIND_BOOL,                                                                         \
            .help = "a control: each user's texts at another user; an encoder that is shuffled has them so"  \
    }

struct user_texts {
    uint32_t n_users, d; /* d 0: none are read, and v is NULL */
    float weight;
    const float *v; /* [n_users x d] t_u, of norm 1, or zero */
    /* For questions, while a model is fitted: */
    struct csr of;         /* [n_users x n distinct texts] what each counts */
    const uint32_t *about; /* [of.nnz] the item; UINT32_MAX: none */
    const float *each;     /* [n distinct x d] */
};

/* The items' vectors as item_vectors_build() makes them, and the users' among them: items and v in
 * run->arena, the rest in run->scratch. Encoders that read no text (none, random, columns) leave users
 * without; d is then 0.  STATUS_UNAVAILABLE: texts are asked for, and the view has none of those kinds, or
 * the vectors are by id, so that nothing can read them; fading without times. */
enum status user_texts_build(const struct user_texts_options *options,
                             const struct item_vectors_options *vectors, const struct history_fading *fading,
                             const struct view *view, struct run *run, struct item_vectors *items,
                             struct user_texts *out);

/* U [n x d], h of users (NULL: 0 .. n - 1), of norm 1 or zero, becomes q. */
void user_texts_blend(const struct user_texts *texts, const uint32_t *users, size_t n, float *U);
/* Is a text of that kind (enum text_kind) among the kinds asked for? */
bool user_texts_asked_for(const struct param_list *kinds, uint8_t kind);
/* Are the texts at wrong users, by the option or because the encoder's vectors are? */
bool user_texts_shuffled(const struct user_texts_options *options,
                         const struct item_vectors_options *vectors);
/* How many texts of those kinds the user wrote. */
uint64_t user_texts_count(const struct user_texts_options *options, const struct view *view, uint32_t user);
/* Did the user write anything that is read? */
bool user_texts_has(const struct user_texts *texts, uint32_t user);

/* For n questions of a user and an item: row[q] of *v [rows x d] is t of the user without the texts about the
 * item. */
enum status user_texts_without(const struct user_texts *texts, const uint32_t *user, const uint32_t *item,
                               size_t stride, uint64_t n, struct arena *arena, uint32_t **row, float **v);

/* v as array "user_texts" of the model's file, where there are any. */
enum status user_texts_save(const struct user_texts *texts, struct model_writer *w);
/* d: of the items' vectors. */
enum status user_texts_load(struct user_texts *texts, const struct user_texts_options *options,
                            const struct item_vectors_options *vectors, uint32_t n_users, uint32_t d,
                            struct model_reader *r);

#endif
