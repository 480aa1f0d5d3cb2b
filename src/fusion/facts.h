/*
 * facts.h - does a text say anything of an item that its record does not?
 *
 * Checked are what can be told by form: numbers, names, genres.  Everything of the item's columns is its record.
 *   number  digits (1,000 is 1000; full-width ones too) and the words two .. twelve, dozen, hundred, thousand, million
 *   name    a word with a capital letter that is neither in the record, nor an English stop word, nor, where a sentence begins, one of the
 *           given opening words; in a text of mostly Chinese any Latin word, and what stands in quotes or 《》
 *   genre   a name of the columns genres and categories of any item (plurals too) that this item lacks, unless its words are in the record
 * A text that says nothing checkable passes: what it means is not understood.
 */
#ifndef FUSION_FACTS_H
#define FUSION_FACTS_H
#include "data/view.h"

enum fact_kind { FACT_NUMBER, FACT_NAME, FACT_GENRE };
extern const char *const fact_kinds[]; /* number, name, genre */

struct fact_problem {
    enum fact_kind kind;
    char text[64]; /* what the record lacks, as it is written, cut to whole characters */
};

struct facts;
/* openers: words, parted by white space, that may begin a sentence with a capital letter; NULL: none.  The view's columns must outlive
 * *out, which lives in the arena. */
enum status facts_open(const struct view *view, const char *openers, struct arena *arena, struct facts **out);
void facts_close(struct facts *facts); /* takes NULL */
/* The first `most` problems of a text about the item, in its order; *n of all.  STATUS_SYSTEM: memory. */
enum status facts_check(const struct facts *facts, uint32_t item, const char *text, size_t length,
                        struct fact_problem *problem, size_t most, size_t *n);

#endif
