/*
 * words.h - from cleaned text to words.
 */
#ifndef TEXT_WORDS_H
#define TEXT_WORDS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct segmenter; /* segment.h */

enum word_rule {
    WORDS_RUNS,   /* longest runs of L*, M*, N*, Pc of two or more code points: scikit-learn's `\b\w\w+\b` */
    WORDS_UNICODE /* UAX 29: "can't", "32.3" and "U.S.A" are one word each; single letters too */
};
#define WORDS_CHOICES "runs|unicode"

/* Called for each word; a failure ends the walk. */
typedef enum status word_visitor(void *context, const char *word, size_t length);

/* Words of cleaned text (text_clean()), in order.  Han, Hiragana and Katakana stand without spaces: each such character is
 * a word by itself, but runs of Han go through the segmenter where there is one (NULL: none). */
enum status words_visit(const char *text, size_t length, enum word_rule rule,
                        const struct segmenter *segmenter, word_visitor *visit, void *context);

#endif
