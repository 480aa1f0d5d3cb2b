/*
 * friends.h - the user column `friends` while a file of links between users is read: which other users each has named.
 */
#ifndef IMPORT_FRIENDS_H
#define IMPORT_FRIENDS_H
#include "data/import/attributes.h"

struct friends {
    struct attributes users; /* the one list column */
    uint32_t column;
    uint64_t n;                   /* links taken, repeated ones too */
    uint64_t n_unknown, n_selves; /* left out: an id without an interaction; a user's link to himself */
};

/* Zeroed before; friends_close() frees it, opened or not. */
enum status friends_open(struct friends *f);
void friends_close(struct friends *f);
/* The user of the first field has the one of the second as a friend; both users must be in im->users by now. */
enum status friends_add(struct friends *f, const struct import *im, struct field user, struct field other);
/* Appends the column `friends` (a list of user ids; none where there is no link) to the users' and notes the counts
 * friends_unknown_dropped, friends_selves_dropped and friends_repeated_dropped. */
enum status friends_finish(struct friends *f, struct import *im, struct arena *arena);

/* The option --friends "FILE" or "FILE,both": two ids a row, by the name's ending parted by commas (.csv) or tabs; a first row that begins with
 * user, userid or user_id is a header.  both: a row says that each is a friend of the other.  STATUS_USAGE: the format has read friends already. */
enum status friends_read_option(struct import *im, const char *option, struct arena *arena);

#endif
