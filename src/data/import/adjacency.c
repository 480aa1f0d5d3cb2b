/*
 * adjacency.c - `user item item ...` a line, parted by blanks: the form of LightGCN's and the sequential
 * recommenders' splits.  Values are 1, there are no times, and the order of items in the line is kept.
 * source_row counts the pairs, not the lines: a line holds many.
 *
 * A folder stands for the files of a published split: train.txt, valid.txt or val.txt where there is one, test.txt, one
 * after the other; the same files are then given as the split (docs/splits.md).
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

static enum status read_lines(struct import *im, struct reader *r, uint64_t *n_alone)
{
    const char *line;
    size_t length;
    uint64_t empty_line = 0;
    const char *hint = "";
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
            if ((*n_alone)++ == 0)
                hint = record_looks_parted(user.at, user.length, " \t");
            if (string_map_add(im->users, user.at, user.length) == UINT32_MAX)
                return STATUS_SYSTEM;
        }
    }
    if (im->n == 0 && hint[0] != '\0')
        return reader_fail(r, 1, 0, "found one word a line, expected user item item ... parted by blanks%s",
                           hint);
    return STATUS_OK;
}

static enum status read_file(struct import *im, const char *path, uint64_t *n_alone)
{
    struct reader r;
    TRY(reader_open(&r, path, READER_UTF8, &im->log));
    const enum status status = read_lines(im, &r, n_alone);
    reader_close(&r);
    return status;
}

enum status import_read_adjacency(struct import *im, const char *path)
{
    uint64_t n_alone = 0;
    TRY(read_file(im, path, &n_alone));
    return import_note_count(im, "users_without_items", n_alone);
}

static enum status read_part(struct import *im, const char *path, void *context)
{
    return read_file(im, path, context);
}

static enum status read_folder(struct import *im, const char *folder, struct arena *arena)
{
    uint64_t n_alone = 0;
    TRY(import_each_part(im, folder, ".txt", read_part, &n_alone, arena));
    return import_note_count(im, "users_without_items", n_alone);
}

static enum status fill(struct import *im, const char *source, const struct import_options *options,
                        struct arena *arena)
{
    if (import_is_folder(source))
        TRY(read_folder(im, source, arena));
    else
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
    .help = "user item item ... a line, parted by blanks; no ratings, no times, the order is kept; or a "
            "folder with train.txt, test.txt",
    .example = "17 242 302 377",
    .read = read_adjacency,
    .takes = IMPORT_TAKES_ATTRIBUTES,
};
