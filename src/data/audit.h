/*
 * audit.h - the leakage auditor: what of a split's test part a model could know from elsewhere.
 *
 * It runs on every fold of every experiment; its counts stand in `recfuse plan`, in the record, in audit.csv and on the page of
 * the report (docs/splits.md says what each means).
 */
#ifndef DATA_AUDIT_H
#define DATA_AUDIT_H
#include "data/split.h"

enum audit_kind {
    AUDIT_LEAK,   /* the model sees it */
    AUDIT_HIDDEN, /* is there, but taken out of what a model sees (view.h) */
    AUDIT_FACT    /* no leak, but the reader of a table should know */
};
enum audit_id {
    AUDIT_TRAIN_TEST_PAIRS,
    AUDIT_TRAIN_VALID_PAIRS,
    AUDIT_VALID_TEST_PAIRS,
    AUDIT_LATER_ROWS,
    AUDIT_TIED_ROWS,
    AUDIT_LATER_ROWS_OF_OTHERS,
    AUDIT_HELD_OUT_REVIEWS,
    AUDIT_HELD_OUT_TAGS,
    AUDIT_HELD_OUT_POSTS,
    AUDIT_DROPPED_TEXTS,
    AUDIT_TEXTS_AFTER_CUT,
    AUDIT_LATER_TEXTS,
    AUDIT_USER_MADE,
    AUDIT_LINKED_ROWS,
    AUDIT_SAME_TITLE_ITEMS,
    AUDIT_SAME_TITLE_ROWS,
    AUDIT_COLD_USERS,
    AUDIT_COLD_ITEMS,
    N_AUDITS
};
struct audit_check {
    const char *name; /* "later_rows" */
    enum audit_kind kind;
    const char *help; /* what is counted, "of" what */
};
extern const struct audit_check audit_checks[N_AUDITS];

struct audit {
    uint64_t count[N_AUDITS], of[N_AUDITS]; /* of 0: can't be told here, or there is nothing to count */
    const char *detail[N_AUDITS];           /* names of columns and features, or why it can't be told; "" */
};

/* "leak", "hidden", "fact"; "none" where nothing was found; "unknown" where it can't be told. */
const char *audit_verdict(const struct audit *a, enum audit_id id);

/* Counts for one fold of d.  Linear in rows and texts; details live in the arena. STATUS_SYSTEM: memory. */
enum status audit_fold(const struct dataset *d, const struct fold *fold, struct arena *arena,
                       struct audit *out);

#endif
