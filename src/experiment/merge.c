/* merge.c - see merge.h. */
#include "experiment/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "experiment/finish.h"

struct merger {
    const char *const *folders;
    size_t n_folders;
    const char *out;
    struct arena *arena;
    struct experiment experiment;
    struct journal *shards; /* [n_folders] */
    struct folder folder;
};

static const char *head_text(const struct journal *j, const char *key)
{
    const char *text = json_string_value(json_object_get(j->head, key));
    return text != NULL ? text : "";
}

static enum status read_shards(struct merger *m)
{
    char path[4096];
    ARENA_NEW(m->shards, m->arena, m->n_folders);
    for (size_t i = 0; i < m->n_folders; i++) {
        snprintf(path, sizeof path, "%s/journal.jsonl", m->folders[i]);
        if (!file_exists(path))
            return status_fail(STATUS_DATA, "%s: holds no journal.jsonl, so it is no results folder",
                               m->folders[i]);
        TRY(journal_read(m->folders[i], &m->shards[i]));
        if (m->shards[i].head == NULL)
            return status_fail(STATUS_DATA, "%s: the journal has no head line", m->folders[i]);
        if (strcmp(head_text(&m->shards[0], "config_sha256"), head_text(&m->shards[i], "config_sha256")) !=
            0) {
            const char *what = experiment_difference(json_object_get(m->shards[0].head, "config"),
                                                     json_object_get(m->shards[i].head, "config"), m->arena);
            return status_fail(STATUS_USAGE, "%s and %s are not the same experiment: %s", m->folders[0],
                               m->folders[i], what != NULL ? what : "the configuration differs");
        }
        if (strcmp(head_text(&m->shards[0], "plan_sha256"), head_text(&m->shards[i], "plan_sha256")) != 0)
            return status_fail(STATUS_USAGE,
                               "%s and %s ran the same experiment on other data, models or instruction sets; "
                               "run one of them again",
                               m->folders[0], m->folders[i]);
    }
    return STATUS_OK;
}

/* A cell's file and its line; a cell that two shards have is taken once. */
static enum status take(struct merger *m, size_t shard, const char *key, json_t *line)
{
    const json_t *before = journal_find(&m->folder.journal, key);
    const bool done = strcmp(record_status(line), "done") == 0;
    char from[4096], to[4096], *bytes;
    size_t n;
    if (before != NULL && (strcmp(record_status(before), "done") == 0 || !done))
        return STATUS_OK;
    if (done) {
        if (snprintf(from, sizeof from, "%s/cells/%s.cell", m->folders[shard], key) >= (int)sizeof from ||
            snprintf(to, sizeof to, "%s/cells/%s.cell", m->folder.path, key) >= (int)sizeof to)
            return status_fail(STATUS_SYSTEM, "%s: the path is too long", m->folders[shard]);
        struct arena *arena = arena_new();
        enum status status =
            arena != NULL ? read_whole_file(from, (size_t)1 << 40, arena, &bytes, &n) : STATUS_SYSTEM;
        if (status == STATUS_OK)
            status = atomic_write(to, bytes, n);
        arena_free(arena);
        TRY(status);
    }
    return journal_append(&m->folder.journal, line);
}

static int by_place(const void *a, const void *b)
{
    const json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "cell"));
    const json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "cell"));
    return x < y ? -1 : x > y;
}

static enum status join(struct merger *m)
{
    const char *key;
    json_t *line;
    struct record record = {.experiment = &m->experiment, .folder = m->folder.path};
    TRY(journal_append(&m->folder.journal, m->shards[0].head));
    for (size_t i = 0; i < m->n_folders; i++)
        json_object_foreach(m->shards[i].current, key, line) TRY(take(m, i, key, line));
    record.n_cells = (size_t)json_integer_value(json_object_get(m->folder.journal.head, "n_cells"));
    ARENA_NEW(record.lines, m->arena, json_object_size(m->folder.journal.entries));
    json_object_foreach(m->folder.journal.entries, key, line) record.lines[record.n_lines++] = line;
    qsort(record.lines, record.n_lines, sizeof *record.lines, by_place);
    const json_t *first = record.n_lines > 0 ? record.lines[0] : NULL;
    const char *device = json_string_value(json_object_get(first, "device"));
    TRY(finish(&record, &m->folder, device != NULL ? device : "",
               (int)json_integer_value(json_object_get(first, "threads")), false));
    if (record.n_lines < record.n_cells)
        return status_fail(STATUS_STOPPED,
                           "%zu of %zu cells are in none of the folders; `recfuse run EXPERIMENT.yaml "
                           "--out %s` runs them",
                           record.n_cells - record.n_lines, record.n_cells, m->out);
    return STATUS_OK;
}

static enum status merge(struct merger *m)
{
    char path[4096];
    TRY(read_shards(m));
    snprintf(path, sizeof path, "%s/experiment.yaml", m->folders[0]);
    TRY(experiment_load(path, NULL, 0, m->arena, &m->experiment));
    snprintf(path, sizeof path, "%s/journal.jsonl", m->out);
    if (file_exists(path))
        return status_fail(STATUS_USAGE, "%s: holds results already; choose another -o", m->out);
    TRY(folder_open(m->out, &m->experiment, false, m->arena, &m->folder));
    const enum status status = join(m);
    folder_close(&m->folder);
    return status;
}

enum status merge_shards(const char *const *folders, size_t n_folders, const char *out)
{
    struct merger m = {.folders = folders, .n_folders = n_folders, .out = out, .arena = arena_new()};
    if (m.arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = merge(&m);
    for (size_t i = 0; m.shards != NULL && i < n_folders; i++)
        journal_close(&m.shards[i]);
    experiment_free(&m.experiment);
    arena_free(m.arena);
    return status;
}
