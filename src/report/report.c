/* report.c - see report.h. */
#include "report/report.h"

#include "report/parts.h"

static enum status make(const char *run_dir, struct arena *arena)
{
    struct records *r;
    bool drawn;
    TRY(records_read(run_dir, arena, &r));
    TRY(tables_write(r, arena));
    TRY(plots_write(r, arena, &drawn));
    return page_write(r, arena);
}

enum status report_run(const char *run_dir)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status s = make(run_dir, arena);
    arena_free(arena);
    return s;
}

static enum status print(const char *run_dir, FILE *out, struct arena *arena)
{
    struct records *r;
    TRY(records_read(run_dir, arena, &r));
    for (size_t d = 0; d < r->n_datasets; d++) {
        fprintf(out, "\n%s\n", r->dataset[d]);
        table_print(r, r->dataset[d], table_main_k(r), out);
        TRY(compare_write(r, r->dataset[d], 1, TABLE_TERMINAL, arena, out));
        if (r->prints_strata) {
            TRY(strata_write(r, r->dataset[d], 1, TABLE_TERMINAL, arena, out));
            TRY(compare_strata_write(r, r->dataset[d], 1, TABLE_TERMINAL, arena, out));
        }
    }
    if (r->warning != NULL)
        fprintf(out, "\n%s\n", r->warning);
    return STATUS_OK;
}

enum status report_print(const char *run_dir, FILE *out)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status s = print(run_dir, out, arena);
    arena_free(arena);
    return s;
}
