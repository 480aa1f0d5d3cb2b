/*
 * clean.h - what users and catalogues write, made fit for counting words: markup out, one spelling a
 * character.
 */
#ifndef TEXT_CLEAN_H
#define TEXT_CLEAN_H
#include "base/strings.h"

enum clean_form { CLEAN_NFKC, CLEAN_NFC };
#define CLEAN_FORMS "nfkc|nfc"

/* Appends the cleaned text to the string that `b` is building (string_builder_end() closes it):
 *   1. tags (<b>, </p>, <!-- -->, <br/>) become a space; "<3" and "a < b" are no tags and stay;
 *   2. HTML entities are decoded once (&amp; &#34; &#x27; &eacute; ...); an unknown one stays as
 *         written;
 *   3. bytes that are not UTF-8 become U+FFFD;
 *   4. NFKC with case folding (Unicode's full folding: "Straße" -> "strasse");
 *   5. control characters and runs of white space become one space; none at the ends.
 * STATUS_SYSTEM when memory is out. */
enum status text_clean(const char *bytes, size_t length, struct string_builder *b);
/* Likewise, with step 4 as asked: NFC leaves full-width letters and ligatures as written, keep_case capital letters. */
enum status text_clean_as(const char *bytes, size_t length, enum clean_form form, bool keep_case,
                          struct string_builder *b);

/* All of `in`, into the arena. */
enum status text_clean_all(const struct strings *in, struct arena *arena, struct strings *out);

#endif
