/*
 * movielens.h - what the parts of the MovieLens importer share.
 */
#ifndef IMPORT_MOVIELENS_H
#define IMPORT_MOVIELENS_H
#include "data/import/build.h"

/* The three families of files that GroupLens published. */
enum movielens_version {
    MOVIELENS_U,   /* 100K: u.data, u.item, u.genre, u.user */
    MOVIELENS_DAT, /* 1M, 10M: ratings.dat, movies.dat, users.dat, tags.dat */
    MOVIELENS_CSV  /* latest, 20M, 25M, 32M: ratings.csv, movies.csv, tags.csv */
};

/* The next row; of a .csv the first must be the header, whose first name is `header`, and is passed over. */
enum status movielens_first_row(struct record_reader *r, const char *header, bool *found);

/* FOLDER/NAME or FOLDER/NAME.gz in the arena; NULL in *path when neither is there. */
enum status movielens_find(const char *folder, const char *name, struct arena *arena, char **path);

/* Titles, genres and years into the item columns; films without a rating are added to the map. */
enum status movielens_read_items(struct import *im, const char *folder, enum movielens_version version,
                                 struct arena *arena);
/* links.csv and the tag genome, after the items. */
enum status movielens_read_more(struct import *im, const char *folder, struct arena *arena);
/* Gender, age and occupation into the user columns. */
enum status movielens_read_users(struct import *im, const char *folder, enum movielens_version version,
                                 struct arena *arena);
/* The year of "Toy Story (1995)"; of "Fawlty Towers (1975-1979)" the first; NaN when the title ends
 * otherwise. */
float movielens_year(struct field title);

#endif
