/* fuzz_numbers.c - the number reader alone: the first byte chooses the form and how long pieces are, the rest is the file.  Every set of
 * instructions gives the same rows, and the file read by pieces the same as its whole text parsed at once. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/number_file.h"
#include "fuzz.h"

enum { MOST = 4096, ROWS = MOST / 4 + 1 };
struct table {
    uint32_t user[ROWS], item[ROWS];
    float value[ROWS];
    int64_t time[ROWS];
    uint64_t n;
    size_t used;
};

static void must_be_same(const struct table *a, const struct table *b)
{
    if (a->n != b->n || a->used != b->used || memcmp(a->user, b->user, a->n * sizeof *a->user) != 0 ||
        memcmp(a->item, b->item, a->n * sizeof *a->item) != 0 ||
        memcmp(a->value, b->value, a->n * sizeof *a->value) != 0 ||
        memcmp(a->time, b->time, a->n * sizeof *a->time) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static char padded[MOST + 2 * NUMBER_ROWS_PAD];
    static struct table whole, other;
    if (n < 2 || n > MOST)
        return 0;
    const struct number_form form = {"\t,:"[bytes[0] % 3], 2 + bytes[0] / 3 % 3};
    const uint64_t piece = (uint64_t[]){1, 7, 64, 300}[bytes[0] / 9 % 4];
    memset(padded, bytes[0], sizeof padded);
    memcpy(padded + NUMBER_ROWS_PAD, bytes + 1, n - 1);
    const char *last = memrchr(padded + NUMBER_ROWS_PAD, '\n', n - 1);
    const size_t lines = last != NULL ? (size_t)(last + 1 - padded) - NUMBER_ROWS_PAD : 0;
    for (enum number_set set = NUMBER_PORTABLE; set <= number_rows_best(); set++) {
        struct table *t = set == NUMBER_PORTABLE ? &whole : &other;
        t->n = number_rows_parse_by(set, form, padded + NUMBER_ROWS_PAD, lines,
                                    (struct number_rows){t->user, t->item, t->value, t->time}, &t->used);
        must_be_same(t, &whole);
    }
    const int file = open(fuzz_file(bytes + 1, n - 1, ".tsv"), O_RDONLY);
    struct number_file f = {.fd = file, .form = form, .size = n - 1, .piece = piece};
    int reason;
    const enum number_stop stop = number_file_read(
        &f, (struct number_rows){other.user, other.item, other.value, other.time}, ROWS, &other.n, &reason);
    other.used = (size_t)f.at;
    close(file);
    must_be_same(&other, &whole);
    if ((whole.used < lines) != (stop == NUMBER_LINE) || (stop != NUMBER_LINE && stop != NUMBER_END))
        abort();
    return 0;
}
