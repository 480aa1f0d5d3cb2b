/*
 * tsv.c - `user item [rating [timestamp]]` a line.  Fields are parted by one tab; there are no quotes.
 */
#include "data/import/build.h"

static enum status fill(struct import *im, const char *source, const struct import_options *options,
                        struct arena *arena)
{
    TRY(import_read_rows_of(im, source, RECORD_TAB, ".tsv", options, arena));
    return import_read_items(im, options, arena);
}

static enum status read_tsv(const char *source, const struct import_options *options, struct arena *arena,
                            struct dataset **out)
{
    return import_fill(source, options, arena, fill, out);
}

const struct import_format import_tsv = {
    .name = "tsv",
    .help = "user item [rating [timestamp]] a line, parted by tabs; --header: columns found by name, or as "
            "--columns says",
    .example = "196\t242\t3\t881250949",
    .read = read_tsv,
    .takes = IMPORT_TAKES_MAX_BAD | IMPORT_TAKES_COLUMNS | IMPORT_TAKES_ATTRIBUTES,
};
