/*
 * preprocess.h - what is done to a text before a language model (or its controls) reads it: the pipeline's first stage, as a switch, so
 * that a table can say whether it helps.
 */
#ifndef TEXT_PREPROCESS_H
#define TEXT_PREPROCESS_H
#include "text/terms.h"

/* Each does what those before it do, and one thing more. */
enum preprocess {
    PREPROCESS_NONE,  /* the text as it was written */
    PREPROCESS_CLEAN, /* markup out, entities decoded, NFKC, one space (text/clean.h); capital letters stay */
    PREPROCESS_SEGMENT,    /* words alone, in small letters, a space between them: UAX 29, Chinese by friso */
    PREPROCESS_STOP_WORDS, /* without English and Chinese stop words */
    PREPROCESS_STEM,       /* English stems by Snowball */
    PREPROCESS_COUNT
};
#define PREPROCESS_CHOICES "none|clean|segment|stop_words|stem"
const char *preprocess_name(enum preprocess what);

/* Is there a character that friso's dictionary is for?  Where there is none, it need not be opened. */
bool preprocess_has_chinese(const struct strings *texts);

/* All texts so treated, in the arena; PREPROCESS_NONE: *out = *in, nothing is copied.  A text of which nothing is left becomes empty.
 * STATUS_UNAVAILABLE: words of a text with Chinese characters without friso's dictionary (it is not looked for where no text has any). */
enum status preprocess_texts(const struct strings *in, enum preprocess what, struct arena *arena,
                             struct strings *out);

#endif
