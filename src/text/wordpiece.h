/*
 * wordpiece.h - BERT's tokenizer (uncased, or cased by wordpiece_configure()): text in, numbers of word pieces out.
 */
#ifndef TEXT_WORDPIECE_H
#define TEXT_WORDPIECE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

struct wordpiece;

/* From the bytes of a vocab.txt: one piece a line, its number the line's, from 0; "##" marks a piece that continues a
 * word.  `path` names it in messages.  STATUS_DATA: a piece that occurs twice, an empty line, invalid UTF-8, no
 * [PAD], [UNK], [CLS], [SEP] or [MASK].  Free with wordpiece_free(). */
enum status wordpiece_parse(const char *path, const char *bytes, size_t n, struct wordpiece **out);
/* How texts are cleaned; all true (BERT uncased) until this is called.  lower_case: each character by itself; strip_accents:
 * canonical decomposition, marks dropped; split_ideographs: an ideograph is a word of its own. */
void wordpiece_configure(struct wordpiece *wordpiece, bool lower_case, bool strip_accents,
                         bool split_ideographs);
void wordpiece_free(struct wordpiece *wordpiece);           /* takes NULL */
uint32_t wordpiece_size(const struct wordpiece *wordpiece); /* pieces in the vocabulary */

/* [CLS], the text's pieces, [SEP]: ids[0 .. *n - 1], *n at most `limit` (at least 2): pieces after the first
 * limit - 2 are cut off.  `ids` has room for `limit`.  Any bytes are a text: ill-formed UTF-8 counts as U+FFFD, which
 * the cleaning drops.  Never fails. */
void wordpiece_encode(const struct wordpiece *wordpiece, const char *text, size_t length, uint32_t limit,
                      uint32_t *ids, uint32_t *n);

#endif
