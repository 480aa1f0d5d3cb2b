/*
 * adjacency.c - `user item item ...` a line, parted by blanks: the form of LightGCN's and the sequential
 * recommenders' splits.  Values are 1, there are no times, and the order of items in the line is kept.
 * source_row counts the pairs, not the lines: a line holds many.
 */
#include "data/import/build.h"

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The next word of the line from *at on; false at its end. */
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

static enum status read_lines(struct import *im, struct reader *r)
{
    const char *line;
    size_t length;
    uint64_t n_alone = 0, empty_line = 0;
    for (;;) {
        TRY(reader_line(r, &line, &length));
        if (length == 0)
            break;
        const char *at = line, *end = line + length;
        struct field user, item;
        if (!next_word(&at, end, &user)) {
            empty_line = empty_line > 0 ? empty_line : r->line;
            continue;
        }
        if (empty_line > 0)
            return reader_fail(r, empty_line, 0, "an empty line between rows: remove it");
        const uint64_t before = im->n;
        while (next_word(&at, end, &item))
            TRY(import_add_ids(im, user, item, 1, 0));
        if (im->n == before) {
            n_alone++;
            if (string_map_add(im->users, user.at, user.length) == UINT32_MAX)
                return STATUS_SYSTEM;
        }
    }
    return import_note_count(im, "users_without_items", n_alone);
}

enum status import_read_adjacency(struct import *im, const char *path)
{
    struct reader r;
    TRY(reader_open(&r, path, READER_UTF8, &im->log));
    const enum status status = read_lines(im, &r);
    reader_close(&r);
    return status;
}

static enum status fill(struct import *im, const char *source, const struct import_options *options,
                        struct arena *arena)
{
    TRY(import_read_adjacency(im, source));
    return import_read_items(im, options, arena);
}

static enum status read_adjacency(const char *source, const struct import_options *options,
                                  struct arena *arena, struct dataset **out)
{
    if (options->header)
        return status_fail(STATUS_USAGE,
                           "import adjacency: such a file has no header line, --header can't be used");
    return import_fill(source, options, arena, fill, out);
}

const struct import_format import_adjacency = {
    .name = "adjacency",
    .help = "user item item ... a line, parted by blanks; no ratings, no times, the order is kept",
    .example = "17 242 302 377",
    .read = read_adjacency,
};
