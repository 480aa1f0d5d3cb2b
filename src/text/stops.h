/*
 * stops.h - words that say nothing of a text's subject: lists of English and Chinese, in the program itself.
 */
#ifndef TEXT_STOPS_H
#define TEXT_STOPS_H
#include <stdbool.h>
#include <stddef.h>

enum stop_words { STOPS_NONE, STOPS_ENGLISH, STOPS_CHINESE, STOPS_BOTH };
#define STOPS_CHOICES "none|english|chinese|both"

/* Is the word (cleaned: folded, NFKC) on the list? */
bool stops_has(enum stop_words list, const char *word, size_t length);

#endif
