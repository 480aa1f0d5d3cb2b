/*
 * script.h - which writing system a text is in: a guess of its language as far as letters tell.
 */
#ifndef TEXT_SCRIPT_H
#define TEXT_SCRIPT_H
#include <stddef.h>

enum script {
    SCRIPT_NONE, /* no letters */
    SCRIPT_LATIN,
    SCRIPT_HAN,      /* Chinese, or Japanese without kana */
    SCRIPT_JAPANESE, /* Han and kana, or kana alone */
    SCRIPT_HANGUL,
    SCRIPT_CYRILLIC,
    SCRIPT_GREEK,
    SCRIPT_ARABIC,
    SCRIPT_HEBREW,
    SCRIPT_DEVANAGARI,
    SCRIPT_THAI,
    SCRIPT_OTHER,
    SCRIPT_MIXED, /* no script has four fifths of the letters */
    SCRIPT_COUNT
};
const char *script_name(enum script script);

/* Of UTF-8; other bytes don't count.  A Han character or a Hangul syllable counts as two letters, for it says more. */
enum script script_guess(const char *text, size_t length);

#endif
