/*
 * strata.h - parts of the users and of the items, for which every measure is taken apart.
 *
 *   item_popularity   head, tail: of the relevant items, those among the most popular that hold 80 % of the train rows; the rest
 *   item_warmth       warm_items, cold_items: with and without a train row that the model saw
 *   user_activity     activity_q1 .. activity_q4: quarters of the test users by their train rows, q1 the fewest
 *   user_warmth       warm_users, cold_users: at least, and fewer than, 5 train rows that the model saw
 *   user:COLUMN       COLUMN=VALUE of a user column of the dataset; numbers: quarters COLUMN_q1 .. COLUMN_q4
 */
#ifndef EVAL_STRATA_H
#define EVAL_STRATA_H
#include "data/dataset.h"
#include "eval/beyond.h"

enum { STRATA_COLD_ROWS = 5, STRATA_VALUES_MOST = 64 };

struct stratum {
    const char *name;     /* "head", "gender=F" */
    size_t group;         /* position in the list of what was asked for */
    const uint8_t *users; /* [n_users] 1: list u belongs to it; NULL: a stratum of items */
    const uint8_t *items; /* [n_items] 1: belongs to it; NULL: a stratum of users */
};

/* Is it one of the above (user: with any column)? */
bool strata_known(const char *what);
extern const char *const strata_names[]; /* NULL-ended, for messages */

/* The strata of `asked`, in its order.  seen: the train rows that models saw, fewer than those of `facts` under keep_train.  columns: of all
 * users, users[u] the user of list u.  STATUS_DATA: no such column, or one of more than 64 values. */
enum status strata_make(const struct param_list *asked, const struct beyond_facts *facts,
                        const struct csr *seen, const struct column *columns, uint32_t n_columns,
                        const uint32_t *users, uint32_t n_users, struct arena *arena, struct stratum **out,
                        size_t *n);
/* Relevant items of the stratum alone. */
enum status strata_restrict(const struct relevance *relevance, const struct stratum *stratum,
                            struct arena *arena, struct relevance *out);

#endif
