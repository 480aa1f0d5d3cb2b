/* journal.c - see journal.h. */
#include "experiment/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fsio.h"

static void take(struct journal *journal, json_t *line)
{
    if (json_object_get(line, "journal") != NULL) {
        if (journal->first == NULL)
            journal->first = json_incref(line);
        json_decref(journal->head);
        journal->head = json_incref(line);
        json_object_clear(journal->current);
        return;
    }
    const char *key = json_string_value(json_object_get(line, "key")),
               *after = json_string_value(json_object_get(line, "after"));
    if (after != NULL)
        json_object_set(journal->after, after, line);
    else if (key != NULL) {
        json_object_set(journal->entries, key, line);
        json_object_set(journal->current, key, line);
    }
}

/* Takes every line; *good: bytes up to the end of the last whole one. */
static enum status read_lines(struct journal *journal, const char *bytes, size_t n, size_t *good)
{
    size_t number = 0;
    *good = 0;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(bytes + at, '\n', n - at);
        number++;
        if (end == NULL)
            return STATUS_OK; /* torn */
        const size_t length = (size_t)(end - (bytes + at));
        json_t *line = json_loadb(bytes + at, length, JSON_REJECT_DUPLICATES, NULL);
        at += length + 1;
        if (!json_is_object(line)) {
            json_decref(line);
            if (at == n)
                return STATUS_OK; /* torn by a crash of the machine */
            return status_fail(STATUS_DATA, "%s:%zu: is damaged; use --fresh or another --out", journal->path,
                               number);
        }
        take(journal, line);
        json_decref(line);
        *good = at;
    }
    return STATUS_OK;
}

static enum status load(struct journal *journal, size_t *n, size_t *good)
{
    char *bytes;
    struct arena *arena = arena_new();
    enum status status =
        arena != NULL ? read_whole_file(journal->path, (size_t)1 << 32, arena, &bytes, n) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = read_lines(journal, bytes, *n, good);
    arena_free(arena);
    return status;
}

static enum status begin(const char *folder, struct journal *journal)
{
    *journal = (struct journal){
        .file = -1, .entries = json_object(), .current = json_object(), .after = json_object()};
    if (journal->entries == NULL || journal->current == NULL || journal->after == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for the journal");
    TRY(path_join(folder, "journal.jsonl", journal->path));
    return STATUS_OK;
}

enum status journal_read(const char *folder, struct journal *journal)
{
    size_t n, good;
    TRY(begin(folder, journal));
    return load(journal, &n, &good);
}

enum status journal_open(const char *folder, struct journal *journal)
{
    size_t n = 0, good = 0;
    TRY(begin(folder, journal));
    if (file_exists(journal->path))
        TRY(load(journal, &n, &good));
    journal->file = open(journal->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (journal->file < 0)
        return status_fail(STATUS_SYSTEM, "%s: can't be written: %s", journal->path, strerror(errno));
    if (good < n && (ftruncate(journal->file, (off_t)good) != 0 || fsync(journal->file) != 0))
        return status_fail(STATUS_SYSTEM, "%s: the torn last line can't be cut off: %s", journal->path,
                           strerror(errno));
    return STATUS_OK;
}

enum status journal_append(struct journal *journal, json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    if (text == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while writing the journal");
    const size_t n = strlen(text);
    const off_t before = lseek(journal->file, 0, SEEK_END);
    text[n] = '\n'; /* in place of the terminator: one write */
    errno = 0;
    const ssize_t written = write(journal->file, text, n + 1);
    free(text);
    if (written != (ssize_t)(n + 1) || fsync(journal->file) != 0) {
        const int reason = errno != 0 ? errno : ENOSPC;
        if (before < 0 || ftruncate(journal->file, before) != 0)
            return status_fail(STATUS_SYSTEM, "%s: can't be written, and its torn end can't be cut off: %s",
                               journal->path, strerror(reason));
        return status_fail(STATUS_SYSTEM, "%s: can't be written: %s", journal->path, strerror(reason));
    }
    take(journal, line);
    return STATUS_OK;
}

json_t *journal_find(const struct journal *journal, const char *key)
{
    return json_object_get(journal->entries, key);
}

void journal_close(struct journal *journal)
{
    if (journal->entries == NULL && journal->current == NULL && journal->after == NULL)
        return;
    if (journal->file >= 0)
        close(journal->file);
    json_decref(journal->first);
    json_decref(journal->head);
    json_decref(journal->entries);
    json_decref(journal->current);
    json_decref(journal->after);
    *journal = (struct journal){.file = -1};
}
