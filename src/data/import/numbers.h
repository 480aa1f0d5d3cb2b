/*
 * numbers.h - the quick way through rating files of plain numbers, for rows.c.
 */
#ifndef IMPORT_NUMBERS_H
#define IMPORT_NUMBERS_H
#include "data/import/build.h"
#include "data/number_map.h"
#include "data/number_rows.h"

struct numbers {
    struct number_form form; /* n_fields 0: this file's layout has no quick way */
    struct number_map map[2];
    uint64_t wait, patience; /* rows that the general reader takes before we look again */
};

/* Adds the plain lines that come next, up to one that isn't or the end of whole lines; the general reader goes on there.
 * No message about a line ever comes from here. */
enum status numbers_read(struct import *im, struct numbers *numbers, struct record_reader *r);
void numbers_close(struct numbers *numbers);

#endif
