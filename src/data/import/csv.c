/*
 * csv.c - `user item [rating [timestamp]]` a line.  Quotes as in RFC 4180 (libcsv).
 */
#include "data/import/build.h"

static enum status fill(struct import *im, const char *source, const struct import_options *options,
                        struct arena *arena)
{
    TRY(import_read_rows_of(im, source, RECORD_CSV, ".csv", options, arena));
    return import_read_items(im, options, arena);
}

static enum status read_csv(const char *source, const struct import_options *options, struct arena *arena,
                            struct dataset **out)
{
    return import_fill(source, options, arena, fill, out);
}

const struct import_format import_csv = {
    .name = "csv",
    .help = "user item [rating [timestamp]] a line, parted by commas, quotes allowed; --header: columns "
            "found by name, or as --columns says",
    .example = "196,242,3,881250949",
    .read = read_csv,
    .takes = IMPORT_TAKES_MAX_BAD | IMPORT_TAKES_COLUMNS | IMPORT_TAKES_ATTRIBUTES,
};
