/*
 * record_more.c - the csv files with lines of their own for each cell: curves.csv (how fits went), popularity.csv
 * (eval/profile.h), multiverse.csv (universes.h).  A file that would have no line is not written.
 */
#include <string.h>

#include "experiment/cell_file.h"
#include "experiment/record.h"

static const struct {
    const char *file, *columns;
} MORE[CELL_PARTS] = {
    [CELL_CURVES] = {"curves.csv", "curve,step,value"},
    [CELL_POPULARITY] = {"popularity.csv", "k,by,group,n,train,test,recommended"},
    [CELL_MULTIVERSE] = {"multiverse.csv", "mask,ties,metric,k,dialect,value,n_users,n_tied"},
};

static enum status write_lines(FILE *out, const json_t *line, const struct cell_text *text)
{
    for (const char *at = text->bytes, *end = at + text->n; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop + 1 : end;
        TRY(record_csv_cell(out, line));
        fwrite(at, 1, (size_t)(stop - at), out);
        at = stop;
    }
    return STATUS_OK;
}

static enum status write_cells(const struct record *r, enum cell_more kind, FILE *out, bool *any)
{
    for (size_t i = 0; i < r->n_lines; i++) {
        struct cell_values values;
        if (strcmp(record_status(r->lines[i]), "done") != 0)
            continue;
        struct arena *arena = arena_new();
        if (arena == NULL)
            return STATUS_SYSTEM;
        enum status status =
            cell_read(r->folder, json_string_value(json_object_get(r->lines[i], "key")), arena, &values);
        if (status == STATUS_OK)
            status = write_lines(out, r->lines[i], &values.more[kind]);
        *any = *any || (status == STATUS_OK && values.more[kind].n > 0);
        arena_free(arena);
        TRY(status);
    }
    return STATUS_OK;
}

enum status record_more(const struct record *r)
{
    for (int kind = 0; kind < CELL_PARTS; kind++) {
        char path[4096];
        struct atomic_file csv;
        bool any = false;
        TRY(path_join(r->folder, MORE[kind].file, path));
        TRY(atomic_open(&csv, path));
        fprintf(csv.stream, "dataset,fold,model,label,params,seed,%s\n", MORE[kind].columns);
        const enum status status = write_cells(r, (enum cell_more)kind, csv.stream, &any);
        if (status == STATUS_OK && any) {
            TRY(atomic_commit(&csv));
            continue;
        }
        atomic_abort(&csv);
        TRY(status);
        TRY(record_without(r, MORE[kind].file));
    }
    return STATUS_OK;
}
