/*
 * unicode.h - code points out of UTF-8, and the classes of characters that BERT's text cleaning asks for.
 *
 * The classes are those of the reference tokenizer, whose tables are Unicode 8's: a character that a later Unicode
 * added has no class here, although the utf8proc of this machine may know it.  So token ids do not depend on the
 * version of a library.
 */
#ifndef TEXT_UNICODE_H
#define TEXT_UNICODE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNICODE_REPLACEMENT 0xFFFDu

/* The code point at bytes[*at], *at < length, and *at moved behind it.  A maximal ill-formed sequence (Unicode 15,
 * section 3.9, table 3-7: a lead byte and those of its continuation bytes that fit) gives one U+FFFD. */
uint32_t unicode_next(const char *bytes, size_t length, size_t *at);
/* Writes 1 to 4 bytes of UTF-8; returns their number.  c is a code point, no surrogate. */
size_t unicode_put(uint32_t c, char out[4]);

bool unicode_is_dropped(uint32_t c);     /* NUL, U+FFFD, Cc, Cf, Co; not tab, line feed, carriage return */
bool unicode_is_space(uint32_t c);       /* White_Space that is not dropped */
bool unicode_is_mark(uint32_t c);        /* Mn */
bool unicode_is_punctuation(uint32_t c); /* P*, and the ASCII symbols $ + < = > ^ ` | ~ */
bool unicode_is_cjk(uint32_t c);         /* ideographs, as BERT counts them: not kana, not Hangul */

#endif
