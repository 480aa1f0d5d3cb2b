/*
 * csv_table.h - one csv file of a run's folder in memory.
 */
#ifndef REPORT_CSV_TABLE_H
#define REPORT_CSV_TABLE_H
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"

struct csv_table {
    const char *path;
    size_t n_rows, n_columns;
    const char **cell; /* [n_rows x n_columns], without the heading */
    size_t *line;      /* [n_rows] where a row ends in the file, for messages */
};
/* Reads a file whose first columns are `columns`, in that order (more may follow and are left out).  The last ones may be missing where their
 * name has a question mark before it, as in files of earlier versions: their cells are empty.  STATUS_DATA names file, line and
 * column.  All of the arena. */
enum status csv_table_read(const char *path, const char *const *columns, size_t n_columns,
                           struct arena *arena, struct csv_table *out);
/* The same of FOLDER/NAME, where it is there; else no rows. */
enum status csv_table_read_some(const char *folder, const char *name, const char *const *columns,
                                size_t n_columns, struct arena *arena, struct csv_table *out);
static inline const char *csv_cell(const struct csv_table *t, size_t row, size_t column)
{
    return t->cell[row * t->n_columns + column];
}
/* A cell as a number; STATUS_DATA where it is none. */
enum status csv_number(const struct csv_table *t, size_t row, size_t column, const char *name, double *out);

#endif
