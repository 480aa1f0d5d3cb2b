/*
 * words.c - from cleaned text to words.
 *
 * The stop words are a list of our own: English articles, pronouns, auxiliaries, prepositions,
 * conjunctions and the commonest adverbs, with the pieces that an apostrophe leaves ("don't" -> "don"
 * "t"; one letter is no word).  It was written for recfuse from a grammar's closed word classes and
 * copies no published list; it errs on the short side, for in titles even "the" and "who" may carry
 * meaning ("The Who"), and idf weighs common words down anyway.
 * Limits: scripts that need a dictionary
 * to find words (Thai, Khmer) give one long word a run; no stemming.
 */
#include "text/words.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Sorted by strcmp: binary search. */
/* clang-format off */
static const char *const stops_english[] = {
    "about", "above", "after", "again", "against", "all", "also", "am", "an", "and", "any", "are",
    "aren", "as", "at", "be", "because", "been", "before", "being", "below", "between", "both", "but",
    "by", "can", "could", "couldn", "did", "didn", "do", "does", "doesn", "doing", "don", "down",
    "during", "each", "few", "for", "from", "further", "had", "hadn", "has", "hasn", "have", "haven",
    "having", "he", "her", "here", "hers", "herself", "him", "himself", "his", "how", "if", "in",
    "into", "is", "isn", "it", "its", "itself", "just", "ll", "may", "me", "might", "more", "most",
    "must", "my", "myself", "no", "nor", "not", "of", "off", "on", "once", "only", "or", "other", "our",
    "ours", "ourselves", "out", "over", "own", "same", "shall", "she", "should", "shouldn", "so",
    "some", "such", "than", "that", "the", "their", "theirs", "them", "themselves", "then", "there",
    "these", "they", "this", "those", "through", "to", "too", "under", "until", "up", "upon", "us",
    "ve", "very", "was", "wasn", "we", "were", "weren", "what", "when", "where", "which", "while",
    "who", "whom", "why", "will", "with", "won", "would", "wouldn", "you", "your", "yours", "yourself",
    "yourselves"};
/* clang-format on */

bool words_is_stop(const char *word, size_t length)
{
    size_t low = 0, high = sizeof stops_english / sizeof *stops_english;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        int order = strncmp(word, stops_english[middle], length);
        if (order == 0)
            order = -(stops_english[middle][length] != '\0'); /* a proper prefix comes first */
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

enum piece { PIECE_BREAK, PIECE_WORD, PIECE_ALONE };

static enum piece piece_of(utf8proc_int32_t point)
{
    const bool alone = (point >= 0x3041 && point <= 0x30FF) || (point >= 0x31F0 && point <= 0x31FF) ||
                       (point >= 0x3400 && point <= 0x9FFF) || (point >= 0xF900 && point <= 0xFAFF) ||
                       (point >= 0x20000 && point <= 0x323AF);
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_LM:
        return alone ? PIECE_ALONE : PIECE_WORD;
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_PC:
        return PIECE_WORD;
    default:
        return PIECE_BREAK;
    }
}

static enum status visit_one(const char *word, size_t length, enum word_stops stops, word_visitor *visit,
                             void *context)
{
    if (stops == WORDS_ENGLISH && words_is_stop(word, length))
        return STATUS_OK;
    return visit(context, word, length);
}

enum status words_visit(const char *text, size_t length, enum word_stops stops, word_visitor *visit,
                        void *context)
{
    size_t start = 0, n_points = 0; /* of the run of PIECE_WORD that is open */
    for (size_t i = 0; i <= length;) {
        utf8proc_int32_t point = 0;
        utf8proc_ssize_t step = 1;
        enum piece piece = PIECE_BREAK;
        if (i < length) {
            step =
                utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(length - i), &point);
            if (step > 0)
                piece = piece_of(point);
            else
                step = 1;
        }
        if (piece == PIECE_WORD) {
            if (n_points++ == 0)
                start = i;
        } else {
            if (n_points >= 2)
                TRY(visit_one(text + start, i - start, stops, visit, context));
            n_points = 0;
            if (piece == PIECE_ALONE)
                TRY(visit_one(text + i, (size_t)step, stops, visit, context));
        }
        i += (size_t)step;
    }
    return STATUS_OK;
}
