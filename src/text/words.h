/*
 * words.h - from cleaned text to words.
 */
#ifndef TEXT_WORDS_H
#define TEXT_WORDS_H
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum word_stops { WORDS_ALL, WORDS_ENGLISH }; /* WORDS_ENGLISH: without English function words */

/* Called for each word; a failure ends the walk. */
typedef enum status word_visitor(void *context, const char *word, size_t length);

/* Words of cleaned text (text_clean()), in order: longest runs of letters, marks, numbers and
 * connecting punctuation (Unicode categories L*, M*, N*, Pc), of two or more code points, as
 * scikit-learn's token_pattern `\b\w\w+\b` has them; and each Han, Hiragana or Katakana character by
 * itself, since those scripts put no space between words. */
enum status words_visit(const char *text, size_t length, enum word_stops stops, word_visitor *visit,
                        void *context);

/* Is it one of the English function words (lower case)? */
bool words_is_stop(const char *word, size_t length);

#endif
