/*
 * stops.c - the lists are data files, src/text/stopwords/LANGUAGE.txt, each with its source and licence at the head.
 * The Makefile sorts them by bytes and puts them into stop_words.h, so that an installed program carries them.
 */
#include "text/stops.h"

#include <string.h>

#include "stop_words.h" /* stop_words_english[], stop_words_chinese[]: sorted by strcmp */

static bool has(const char *const *words, size_t n, const char *word, size_t length)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        int order = strncmp(word, words[middle], length);
        if (order == 0)
            order = -(words[middle][length] != '\0'); /* a proper prefix comes first */
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

#define LIST(name) name, sizeof(name) / sizeof *(name)
bool stops_has(enum stop_words list, const char *word, size_t length)
{
    if ((list == STOPS_ENGLISH || list == STOPS_BOTH) && has(LIST(stop_words_english), word, length))
        return true;
    return (list == STOPS_CHINESE || list == STOPS_BOTH) && has(LIST(stop_words_chinese), word, length);
}
