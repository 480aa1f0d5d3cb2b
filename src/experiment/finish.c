/* finish.c - see finish.h. */
#include "experiment/finish.h"

#include <string.h>

#include "base/log.h"
#include "experiment/trials.h"
#include "report/report.h"

enum status finish_yaml(const struct experiment *e, const char *folder, struct arena *arena)
{
    char path[4096], *text;
    TRY(path_join(folder, "experiment.yaml", path));
    TRY(experiment_yaml(e, arena, &text));
    return atomic_write(path, text, strlen(text));
}

static enum status write_all(struct record *r, const struct folder *folder, const char *device, int threads,
                             bool part, struct arena *arena)
{
    TRY(finish_yaml(r->experiment, r->folder, arena));
    TRY(record_results(r, arena));
    TRY(record_audit(r));
    TRY(record_more(r));
    TRY(record_trials(r));
    if (!part) {
        TRY(record_ranks(r));
        TRY(record_compare(r));
        TRY(record_intervals(r));
        TRY(record_expect(r));
    }
    TRY(record_json(r, &folder->journal, device, threads));
    TRY(report_run(r->folder));
    TRY(report_print(r->folder, stdout));
    record_expect_print(r, stdout);
    return STATUS_OK;
}

/* The first sentence of a cell that isn't done. */
static const char *first_message(const struct record *r)
{
    for (size_t i = 0; i < r->n_lines; i++)
        if (strcmp(record_status(r->lines[i]), "done") != 0)
            return json_string_value(json_object_get(r->lines[i], "message"));
    return NULL;
}

enum status finish(struct record *r, const struct folder *folder, const char *device, int threads, bool part)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = write_all(r, folder, device, threads, part, arena);
    json_decref(r->expectations);
    r->expectations = NULL;
    r->means = NULL;
    arena_free(arena);
    if (status != STATUS_OK)
        return status;
    printf("%zu of %zu cells done, %zu skipped, %zu failed; tables, plots and index.html lie in %s\n",
           r->n_done, r->n_cells, r->n_skipped, r->n_failed, r->folder);
    if (r->n_done == 0 && r->n_lines > 0) {
        const char *message = first_message(r);
        return status_fail(r->n_failed > 0 ? STATUS_PARTIAL : STATUS_DATA, "no cell could run: %s",
                           message != NULL ? message : "");
    }
    if (r->n_failed > 0)
        return STATUS_PARTIAL;
    return r->n_expect_failed > 0 ? STATUS_EXPECT : STATUS_OK;
}
