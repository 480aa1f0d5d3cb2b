/*
 * queries.h - what users searched for, from a file beside the interactions: a shop's log of searches, or texts that are to be matched to items.
 */
#ifndef IMPORT_QUERIES_H
#define IMPORT_QUERIES_H
#include "data/import/build.h"

/* The option --queries "FILE" or "FILE,user=NAME,text=NAME[,item=NAME][,time=NAME]": csv (.csv) or tab-parted rows behind a header; without
 * names the columns are user (or userId, user_id), text (or query), and where they are there item and time.  Each row becomes a text of kind query;
 * an empty item, or one that the interactions and the catalogue lack: about none.  Times are seconds since 1970 or dates.  Notes the counts
 * queries, queries_of_no_user_dropped (an id without an interaction), queries_without_text_dropped, queries_of_unknown_items.
 * STATUS_USAGE: other names than those; STATUS_DATA: a column that the header lacks, another number of fields, no user, a bad time. */
enum status queries_read_option(struct import *im, const char *option, struct arena *arena);

#endif
