/*
 * s3rec.c - the files of S3-Rec (Zhou et al. 2020): NAME.txt, `user item item ...` a line in order of time,
 * and NAME_item2attributes.json, one JSON object {item: [attribute, ...]}; plain or .gz.
 *
 * Items get a column `attributes` (item_attributes.c; ids as published: brands and categories without names).
 */
#include "data/import/build.h"

#define ATTRIBUTES_ENDING "_item2attributes.json"

static enum status read_all(struct import *im, const char *source, const struct import_options *options,
                            struct arena *arena)
{
    char *prefix, *sequences, *attributes;
    TRY(import_refuse_items_and_header(options, "s3rec"));
    if (import_is_folder(source)) {
        TRY(import_main_file(source, ATTRIBUTES_ENDING, arena, &prefix, &attributes));
        TRY(import_beside(prefix, ".txt", arena, &sequences));
        if (sequences == NULL)
            return status_fail(STATUS_DATA,
                               "%s: no %s.txt (or with .gz), the sequences that belong to the attributes",
                               source, prefix);
    } else {
        TRY(import_main_file(source, ".txt", arena, &prefix, &sequences));
        TRY(import_beside(prefix, ATTRIBUTES_ENDING, arena, &attributes));
    }
    TRY(import_read_adjacency(im, sequences));
    return attributes != NULL ? import_read_attributes(im, attributes, NULL, arena) : STATUS_OK;
}

static enum status read_s3rec(const char *source, const struct import_options *options, struct arena *arena,
                              struct dataset **out)
{
    return import_fill(source, options, arena, read_all, out);
}

const struct import_format import_s3rec = {
    .name = "s3rec",
    .help =
        "NAME.txt, user item item ... in order, with NAME_item2attributes.json beside it, or their folder",
    .example = "1 4 83 165; attributes: {\"4\": [1, 2], \"83\": [5]}",
    .read = read_s3rec,
};
