/*
 * amazon.c - Amazon reviews and product metadata, editions of 2014, 2018 and 2023 (He and McAuley 2016;
 * McAuley et al. 2015; Ni, Li and McAuley 2019; Hou et al. 2024).
 *
 * SOURCE is a file of reviews, or a folder with one file of reviews and at most one of metadata (its name
 * begins with "meta"); --meta names the metadata otherwise.  Reviews are JSON lines or csv, plain or .gz;
 * metadata JSON lines or, in 2014, Python dicts.  The keys of an edition:
 *
 *             user         item                rating   time                text        summary
 *   2014/2018 reviewerID   asin                overall  unixReviewTime      reviewText  summary
 *   2023      user_id      parent_asin, asin   rating   timestamp (ms)      text        title
 *
 * A review becomes one interaction and one text (kind review): the summary, a line end, the text, as
 * published (HTML entities and tags too).  Names of reviewers, votes, styles and images are not read: nothing
 * here needs them, and names are people's.  Products that nobody reviewed are left out and counted: the
 * metadata of a category holds millions.
 */
#include "data/import/amazon.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/import/policies.h"

enum status amazon_add(struct import *im, const struct amazon_review *review, struct amazon_counts *counts)
{
    im->has_time = im->has_time || review->has_time;
    im->has_value = true;
    TRY(import_add_ids(im, review->user, review->item, review->rating, review->time));
    const size_t n = review->summary.length, m = review->text.length;
    if (n + m == 0) {
        counts->n_without_text++;
        return STATUS_OK;
    }
    const uint32_t user = im->user[im->n - 1], item = im->item[im->n - 1];
    if (n == 0 || m == 0)
        return import_add_text(im, TEXT_REVIEW, user, item, n > 0 ? review->summary : review->text,
                               review->time);
    char *both = malloc(n + m + 1);
    if (both == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory");
    memcpy(both, review->summary.at, n);
    both[n] = '\n';
    memcpy(both + n + 1, review->text.at, m);
    const enum status status =
        import_add_text(im, TEXT_REVIEW, user, item, (struct field){both, n + m + 1}, review->time);
    free(both);
    return status;
}

int64_t amazon_seconds(double time, struct amazon_counts *counts)
{
    if (fabs(time) < 1e11)
        return (int64_t)floor(time);
    counts->n_milliseconds++;
    return (int64_t)floor(time / 1000);
}

static enum status parse_review(struct import *im, const struct json_lines *j, struct amazon_review *out,
                                struct amazon_counts *counts)
{
    bool there;
    double rating, time = 0;
    *out = (struct amazon_review){0};
    TRY(json_id(j, "user_id", "reviewerID", &out->user));
    TRY(json_id(j, "parent_asin", "asin", &out->item));
    TRY(json_number(j, "overall", "rating", &rating, &there));
    if (!there)
        return json_lines_fail(j, "'overall' (or 'rating') is missing");
    if (!policies_in_scale(im, (float)rating, 0, 5))
        return json_lines_fail(j, "'overall' is %g, expected a rating from 0 to 5", rating);
    out->rating = (float)rating;
    TRY(json_number(j, "unixReviewTime", "timestamp", &time, &out->has_time));
    out->time = IMPORT_NO_TIME;
    if (im->n > 0 && im->has_time != out->has_time && !policies_no_time(im, &out->time))
        return json_lines_fail(j, "'unixReviewTime' (or 'timestamp') is %s, unlike in the reviews before",
                               out->has_time ? "there" : "missing");
    if (time < 0 || time > 1e15)
        return json_lines_fail(j, "'unixReviewTime' is %g, expected seconds or milliseconds since 1970",
                               time);
    TRY(json_text(j, "reviewText", "text", &out->text, &there));
    TRY(json_text(j, "summary", "title", &out->summary, &there));
    if (out->has_time)
        out->time = amazon_seconds(time, counts);
    return STATUS_OK;
}

enum status amazon_read_json(struct import *im, const char *path, struct amazon_counts *counts)
{
    struct json_lines j;
    const char *line;
    size_t length;
    struct amazon_review review;
    TRY(json_lines_open(&j, path, &im->log));
    enum status status = json_lines_next(&j, &line, &length);
    while (status == STATUS_OK && length > 0) {
        const uint64_t n_bad = im->n_bad;
        status = json_lines_parse(&j, line, length);
        if (status == STATUS_OK)
            status = parse_review(im, &j, &review, counts);
        status = import_row_done(im, status);
        if (status == STATUS_OK && n_bad == im->n_bad)
            status = amazon_add(im, &review, counts);
        if (status == STATUS_OK)
            status = json_lines_next(&j, &line, &length);
    }
    json_lines_close(&j);
    return status;
}

static bool is_json(const char *name)
{
    return import_ends_with(name, ".json") || import_ends_with(name, ".json.gz") ||
           import_ends_with(name, ".jsonl") || import_ends_with(name, ".jsonl.gz");
}

/* The one file of the folder that is (or isn't) metadata; *out NULL when there is none. */
static enum status choose(const char *folder, bool meta, struct arena *arena, const char **out)
{
    DIR *open = opendir(folder);
    if (open == NULL)
        return status_fail(STATUS_SYSTEM, "%s: the folder can't be read", folder);
    const char *names[2] = {NULL, NULL};
    enum status status = STATUS_OK;
    const struct dirent *entry;
    while (status == STATUS_OK && (entry = readdir(open)) != NULL) {
        if ((!import_is_csv(entry->d_name) && !is_json(entry->d_name)) ||
            (strncasecmp(entry->d_name, "meta", 4) == 0) != meta)
            continue;
        const size_t at = names[0] != NULL;
        names[at] = arena_strdup(arena, entry->d_name);
        if (names[at] == NULL)
            status = STATUS_SYSTEM;
        else if (at == 1)
            status = status_fail(
                STATUS_DATA, "%s: holds several files of %s (%s, %s): name one by --reviews FILE --meta FILE",
                folder, meta ? "metadata" : "reviews", strcmp(names[0], names[1]) < 0 ? names[0] : names[1],
                strcmp(names[0], names[1]) < 0 ? names[1] : names[0]);
    }
    closedir(open);
    TRY(status);
    *out = names[0] != NULL ? arena_printf(arena, "%s/%s", folder, names[0]) : NULL;
    return names[0] != NULL && *out == NULL ? STATUS_SYSTEM : STATUS_OK;
}

static enum status read_all(struct import *im, const char *source, const struct import_options *options,
                            struct arena *arena)
{
    const char *reviews = source, *meta = options->meta;
    struct amazon_counts counts = {0, 0};
    TRY(import_refuse_items_and_header(options, "amazon"));
    if (import_is_folder(source)) {
        TRY(choose(source, false, arena, &reviews));
        if (meta == NULL)
            TRY(choose(source, true, arena, &meta));
        if (reviews == NULL)
            return status_fail(
                STATUS_DATA,
                "%s: no file of reviews in this folder, expected one .json, .jsonl or .csv (or with "
                ".gz) whose name doesn't begin with meta",
                source);
    }
    TRY(import_is_csv(reviews) ? amazon_read_csv(im, reviews, &counts)
                               : amazon_read_json(im, reviews, &counts));
    TRY(import_note_count(im, "reviews_without_text", counts.n_without_text));
    TRY(import_note_count(im, "times_in_milliseconds", counts.n_milliseconds));
    TRY(import_note(im, "not_read", "names of reviewers, votes, styles, addresses of images"));
    if (meta != NULL)
        return amazon_read_meta(im, meta, arena);
    return STATUS_OK;
}

static enum status read_amazon(const char *source, const struct import_options *options, struct arena *arena,
                               struct dataset **out)
{
    return import_fill(source, options, arena, read_all, out);
}

const struct import_format import_amazon = {
    .name = "amazon",
    .help =
        "reviews of 2014, 2018 or 2023 (json lines or csv, .gz too), a folder or a file; --meta FILE: the "
        "products",
    .example = "{\"reviewerID\": \"A3X\", \"asin\": \"B0042\", \"overall\": 5.0, \"reviewText\": \"Good.\", "
               "\"unixReviewTime\": 1393545600}",
    .read = read_amazon,
    .takes = IMPORT_TAKES_META | IMPORT_TAKES_MAX_BAD,
};
