/* fuzz_wordpiece.c - a vocab.txt, a NUL, a text: ids within the vocabulary, never more than the limit.  The first byte chooses how texts
 * are cleaned and the limit. */
#include <string.h>

#include "fuzz.h"
#include "text/wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    enum { MOST = 66 };
    struct wordpiece *w = NULL;
    uint32_t ids[MOST], n_ids = 0;
    fuzz_quiet();
    if (n < 1)
        return 0;
    const char *vocabulary = (const char *)bytes + 1;
    const char *end = memchr(vocabulary, '\0', n - 1);
    const size_t length = end != NULL ? (size_t)(end - vocabulary) : n - 1;
    const char *text = end != NULL ? end + 1 : vocabulary;
    const uint32_t limit = 2 + bytes[0] / 8 % 64;
    static const char plain[] =
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##a\n##b\nab\n##ab\ne\n##\xCC\x81\n\xE4\xB8\xAD\n!\n";
    if (wordpiece_parse("fuzz", vocabulary, length, &w) != STATUS_OK &&
        wordpiece_parse("plain", plain, sizeof plain - 1, &w) != STATUS_OK)
        return 0;
    wordpiece_configure(w, bytes[0] & 1, bytes[0] & 2, bytes[0] & 4);
    wordpiece_encode(w, text, (size_t)((const char *)bytes + n - text), limit, ids, &n_ids);
    if (n_ids < 2 || n_ids > limit)
        __builtin_trap();
    for (uint32_t i = 0; i < n_ids; i++)
        if (ids[i] >= wordpiece_size(w))
            __builtin_trap();
    wordpiece_free(w);
    return 0;
}
