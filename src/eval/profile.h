/*
 * profile.h - how popular the recommended items are beside those that users took: by tenths of the items and by tenths of the
 * users.
 */
#ifndef EVAL_PROFILE_H
#define EVAL_PROFILE_H
#include <stdio.h>

#include "eval/metrics.h"

enum { PROFILE_GROUPS = 10 };

/* Lines `k,by,group,n,train,test,recommended` (%.9g), for each cut-off [n_k] at most lists->k:
 *   by `items`: group 1 .. 10, the most popular first, each with a tenth of the train rows (as near as whole items allow); n
 *     items; shares of the train rows, of the relevant test items and of the filled places of the lists that lie in it;
 *   by `users`: the users of the lists who have train rows, in tenths by rising mean popularity of those rows; n users; means
 *     over them of the mean popularity of their train items, their relevant test items (users who have any) and their list.
 * An item's popularity is the share of users with train rows who have it.  STATUS_SYSTEM: memory is out. */
enum status profile_write(const struct lists *lists, const uint32_t *users, const struct csr *train,
                          const struct csr *relevant, const uint32_t *k, size_t n_k, struct arena *scratch,
                          FILE *out);

#endif
