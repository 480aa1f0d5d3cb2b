/*
 * bx.h - Book-Crossing as its author published it: BX-Book-Ratings.csv, BX-Books.csv, BX-Users.csv (or one of them with .gz).
 */
#ifndef IMPORT_BX_H
#define IMPORT_BX_H
#include "data/import/build.h"

/* The folder's ratings file, in the arena; NULL in *path when this is not such a folder. */
enum status bx_find(const char *folder, struct arena *arena, char **path);
/* Ratings from that file, books and users from the folder.  Errors as everywhere: STATUS_DATA with file and line. */
enum status bx_read(struct import *im, const char *ratings, const char *folder, struct arena *arena);

/* A line of quoted fields parted by semicolons, unescaped in place: \" stands for a quote, NULL for nothing.  Gives the number of
 * fields, 0 where a quote isn't closed or something stands behind it. */
size_t bx_fields(char *line, size_t length, struct field *fields, size_t most);

#endif
