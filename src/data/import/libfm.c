/*
 * libfm.c - LibFM's and SVMlight's sparse rows (Rendle 2012; Joachims 1999): `rating feature:1 feature:1
 * ...`, a comment after '#'.
 *
 * The format doesn't say which features are users and items.  The convention of factorization machines, and
 * of LibFM's own triple_format_to_libfm.pl, is taken: the first feature of a row is the user, the second the
 * item, each one-hot (value 1); further ones (context) are counted and left out.  Ids are the feature
 * numbers.  A user's number that stands in another row as an item shows that the convention doesn't hold: an
 * error.  SVMlight's `qid:N` before the features is passed over, counted.
 */
#include <string.h>

#include "data/import/build.h"

struct libfm {
    uint64_t n_context, n_queries;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool next_word(const char **at, const char *end, struct field *word)
{
    while (*at < end && is_blank(**at))
        (*at)++;
    word->at = *at;
    while (*at < end && !is_blank(**at))
        (*at)++;
    word->length = (size_t)(*at - word->at);
    return word->length > 0;
}

/* "42:1" */
static enum status one_hot(const struct reader *r, size_t column, struct field word, struct field *feature)
{
    float value;
    int64_t number;
    const char *colon = memchr(word.at, ':', word.length);
    *feature = (struct field){word.at, colon != NULL ? (size_t)(colon - word.at) : word.length};
    if (colon == NULL || !field_integer(*feature, &number) || number < 0 ||
        !field_real((struct field){colon + 1, (size_t)(word.at + word.length - colon - 1)}, &value))
        return reader_fail(r, r->line, column,
                           "found '%.*s', expected feature:value, a whole number and a number",
                           word.length < 40 ? (int)word.length : 40, word.at);
    if (value != 1)
        return reader_fail(r, r->line, column,
                           "found '%.*s', expected value 1: the first two features are the user and the item",
                           word.length < 40 ? (int)word.length : 40, word.at);
    return STATUS_OK;
}

static enum status parse_line(struct import *im, struct libfm *l, const struct reader *r, const char *line,
                              size_t length)
{
    const char *comment = memchr(line, '#', length), *at = line;
    const char *end = comment != NULL ? comment : line + length;
    struct field word, id[2];
    float value;
    if (!next_word(&at, end, &word))
        return reader_fail(r, r->line, 0, "an empty line, expected a rating and features");
    if (!field_real(word, &value))
        return reader_fail(r, r->line, 1,
                           "found '%.*s', expected a rating, then features, parted by blanks%s",
                           word.length < 40 ? (int)word.length : 40, word.at,
                           record_looks_parted(word.at, word.length, " \t"));
    const char *before = at;
    if (next_word(&at, end, &word) && word.length > 4 && memcmp(word.at, "qid:", 4) == 0)
        l->n_queries++;
    else
        at = before;
    for (int k = 0; k < 2; k++) {
        if (!next_word(&at, end, &word))
            return reader_fail(r, r->line, 0,
                               "found %d feature%s, expected at least 2: the user and the item", k,
                               k == 1 ? "" : "s");
        TRY(one_hot(r, (size_t)(word.at - line) + 1, word, &id[k]));
    }
    if (string_map_find(im->items, id[0].at, id[0].length) != UINT32_MAX ||
        string_map_find(im->users, id[1].at, id[1].length) != UINT32_MAX)
        return reader_fail(
            r, r->line, 0,
            "a feature is the user in one row and the item in another: the first feature must be the "
            "user, the second the item, with numbers of their own");
    uint64_t n_context = 0;
    while (next_word(&at, end, &word))
        n_context++;
    l->n_context += n_context;
    return import_add_ids(im, id[0], id[1], value, 0);
}

static enum status read_lines(struct import *im, struct libfm *l, struct reader *r)
{
    const char *line;
    size_t length;
    TRY(reader_line(r, &line, &length));
    while (length > 0) {
        TRY(import_row_done(im, parse_line(im, l, r, line, length)));
        TRY(reader_line(r, &line, &length));
    }
    return STATUS_OK;
}

static enum status read_all(struct import *im, const char *source, const struct import_options *options,
                            struct arena *arena)
{
    struct libfm l = {0};
    struct reader r;
    if (options->header)
        return status_fail(STATUS_USAGE,
                           "import libfm: such a file has no header line, --header can't be used");
    TRY(reader_open(&r, source, READER_UTF8, &im->log));
    const enum status status = read_lines(im, &l, &r);
    reader_close(&r);
    TRY(status);
    im->has_value = true;
    TRY(import_note_count(im, "context_features_left_out", l.n_context));
    TRY(import_note_count(im, "query_numbers_left_out", l.n_queries));
    return import_read_items(im, options, arena);
}

static enum status read_libfm(const char *source, const struct import_options *options, struct arena *arena,
                              struct dataset **out)
{
    return import_fill(source, options, arena, read_all, out);
}

const struct import_format import_libfm = {
    .name = "libfm",
    .help = "LibFM or SVMlight rows: the first feature is the user, the second the item, others are left out",
    .example = "4 17:1 6283:1",
    .read = read_libfm,
    .takes = IMPORT_TAKES_MAX_BAD | IMPORT_TAKES_ATTRIBUTES,
};
