/*
 * segment.h - words of Chinese text, found by friso with Debian's dictionary.
 */
#ifndef TEXT_SEGMENT_H
#define TEXT_SEGMENT_H
#include "text/words.h"

struct segmenter;

/* Reads the dictionary (184,000 words, a tenth of a second): the folder `dictionary`, or NULL: that of Debian's package
 * friso-dict.  STATUS_UNAVAILABLE: it is not there, with what to install.  The caller owns *out. */
enum status segmenter_open(const char *dictionary, struct segmenter **out);
void segmenter_close(struct segmenter *segmenter); /* takes NULL */

/* The words of a run of Han characters (segmenter_takes() each), in order; every byte belongs to one word.  Not for two
 * threads at once. */
enum status segmenter_visit(const struct segmenter *segmenter, const char *text, size_t length,
                            word_visitor *visit, void *context);

/* Is it a character that friso's dictionary knows of: U+4E00 .. U+9FFF? */
static inline bool segmenter_takes(int32_t point)
{
    return point >= 0x4E00 && point <= 0x9FFF;
}

#endif
