/*
 * movielens_more.c - what the later versions of MovieLens have beside ratings: links.csv (ids at IMDb and TMDb) and the tag
 * genome (Vig, Sen, Riedl 2012): genome-tags.csv names the tags, genome-scores.csv gives each film's relevance of each.
 *
 * The genome becomes /features/genome, [n_items x tags], columns in the order of genome-tags.csv.  It was learned from what users
 * wrote and rated, so it is marked from_users: a split's auditor warns of it.  Ids of the links are texts: IMDb's have
 * leading zeros.  Films that nobody has heard of in movies.csv and ratings.csv are counted and left out.
 */
#include <math.h>
#include <string.h>

#include "data/import/attributes.h"
#include "data/import/features.h"
#include "data/import/movielens.h"

struct links {
    struct attributes table;
    uint32_t imdb, tmdb;
    uint64_t n_unknown;
};

static enum status link_row(struct import *im, const struct record_reader *r, void *context)
{
    struct links *l = context;
    bool again;
    if (r->n != 3)
        return record_count_expected(r, "3: movieId, imdbId, tmdbId");
    const uint32_t item = string_map_find(im->items, r->field[0].at, r->field[0].length);
    if (item == UINT32_MAX) {
        l->n_unknown++;
        return STATUS_OK;
    }
    TRY(attributes_row(&l->table, item, &again));
    if (again)
        return record_expected(r, 0, "each film only once in this file");
    TRY(attributes_text(&l->table, l->imdb, item, r->field[1]));
    return attributes_text(&l->table, l->tmdb, item, r->field[2]);
}

static enum status read_links(struct import *im, struct links *l, const char *path, struct arena *arena)
{
    TRY(attributes_define(&l->table, "imdb_id", COLUMN_TEXT, &l->imdb));
    TRY(attributes_define(&l->table, "tmdb_id", COLUMN_TEXT, &l->tmdb));
    TRY(import_each_row(im, path, RECORD_CSV, READER_UTF8, "movieId", link_row, l));
    TRY(import_note_count(im, "links_of_unknown_movies_dropped", l->n_unknown));
    return attributes_finish(&l->table, im->item_columns, &im->n_item_columns, string_map_size(im->items),
                             arena);
}

struct genome {
    struct string_map *tags; /* tagId to its column */
    float *score;            /* [n_items x n_tags] */
    uint8_t *has;            /* [n_items] */
    uint64_t n_unknown;
};

static enum status tag_row(struct import *im, const struct record_reader *r, void *context)
{
    struct genome *g = context;
    uint32_t place;
    (void)im;
    if (r->n != 2)
        return record_count_expected(r, "2: tagId, tag");
    TRY(import_id(r, 0, "a tag's id", g->tags, &place));
    if (place + 2 != r->row)
        return record_expected(r, 0, "each tag's id only once in this file");
    return STATUS_OK;
}

static enum status score_row(struct import *im, const struct record_reader *r, void *context)
{
    struct genome *g = context;
    float score;
    if (r->n != 3)
        return record_count_expected(r, "3: movieId, tagId, relevance");
    const uint32_t item = string_map_find(im->items, r->field[0].at, r->field[0].length);
    const uint32_t tag = string_map_find(g->tags, r->field[1].at, r->field[1].length);
    if (tag == UINT32_MAX)
        return record_expected(r, 1, "a tag's id of genome-tags.csv");
    TRY(record_real(r, 2, "a relevance", &score));
    if (item == UINT32_MAX) {
        g->n_unknown++;
        return STATUS_OK;
    }
    const uint32_t width = string_map_size(g->tags);
    float *row = g->score + (size_t)item * width;
    if (!g->has[item]) /* the first score of a film: tags without one count as 0 */
        memset(row, 0, width * sizeof *row);
    g->has[item] = 1;
    row[tag] = score;
    return STATUS_OK;
}

static enum status read_genome(struct import *im, struct genome *g, const char *tags, const char *scores,
                               struct arena *arena)
{
    const uint32_t n_items = string_map_size(im->items);
    TRY(import_each_row(im, tags, RECORD_CSV, READER_UTF8, "tagId", tag_row, g));
    const uint32_t width = string_map_size(g->tags);
    if (width < 1 || width > FEATURE_WIDTH_MAX)
        return status_fail(STATUS_DATA, "%s: holds %u tags, expected 1 to %d", tags, width,
                           FEATURE_WIDTH_MAX);
    ARENA_NEW(g->has, arena, n_items);
    ARENA_NEW(g->score, arena, (size_t)n_items * width);
    for (size_t k = 0; k < (size_t)n_items * width; k++)
        g->score[k] = NAN;
    TRY(import_each_row(im, scores, RECORD_CSV, READER_UTF8, "movieId", score_row, g));
    uint64_t n_missing = 0;
    for (uint32_t i = 0; i < n_items; i++)
        n_missing += !g->has[i];
    TRY(import_note_count(im, "genome_scores_of_unknown_movies_dropped", g->n_unknown));
    TRY(import_note_count(im, "feature_genome_items_missing", n_missing));
    return features_add(im, "genome", width, true, g->score);
}

enum status movielens_read_more(struct import *im, const char *folder, struct arena *arena)
{
    char *links, *tags, *scores;
    TRY(movielens_find(folder, "links.csv", arena, &links));
    TRY(movielens_find(folder, "genome-tags.csv", arena, &tags));
    TRY(movielens_find(folder, "genome-scores.csv", arena, &scores));
    if (links != NULL) {
        struct links l = {0};
        const enum status status = read_links(im, &l, links, arena);
        attributes_close(&l.table);
        TRY(status);
    }
    if ((tags == NULL) != (scores == NULL))
        return status_fail(STATUS_DATA, "%s: is there without %s/genome-%s.csv", tags != NULL ? tags : scores,
                           folder, tags != NULL ? "scores" : "tags");
    if (scores == NULL)
        return STATUS_OK;
    struct genome g = {.tags = string_map_new()};
    const enum status status = g.tags != NULL ? read_genome(im, &g, tags, scores, arena) : STATUS_SYSTEM;
    string_map_free(g.tags);
    return status;
}
