/* serve_journal.c - the journal of events: what stands there was acknowledged, and nothing of it is ever dropped. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "experiment/serve_parts.h"

static enum status damaged(const struct server *s, size_t number)
{
    return status_fail(STATUS_DATA,
                       "%s:%zu: the journal is damaged there; give another --state, or restore the file",
                       s->path, number);
}

/* Every whole line: takes it into the state, or (apply false) counts answered events alone. */
static enum status replay(struct server *s, const char *bytes, size_t n, bool apply)
{
    size_t number = 0;
    uint64_t answered = 0;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(bytes + at, '\n', n - at); /* there is one: n is whole lines */
        json_t *line = json_loadb(bytes + at, (size_t)(end - bytes) - at, JSON_REJECT_DUPLICATES, NULL);
        struct feedback_event e;
        char mistake[256];
        enum status status = STATUS_OK;
        number++;
        at = (size_t)(end - bytes) + 1;
        if (number == 1 && (line == NULL || !json_is_string(json_object_get(line, "config"))))
            status = damaged(s, number);
        else if (number == 1 && strcmp(json_string_value(json_object_get(line, "config")), s->config) != 0)
            status = status_fail(
                STATUS_DATA, "%s was written under another configuration or dataset; give another --state",
                s->path);
        else if (number > 1 && (line == NULL || !serve_parse_event(s, line, &e, mistake, sizeof mistake)))
            status = damaged(s, number);
        else if (number > 1) {
            answered += e.kind != FEEDBACK_SHOW;
            if (apply && serve_is_new(s, line, &status) && status == STATUS_OK)
                status = serve_take(s, &e);
        }
        json_decref(line);
        TRY(status);
    }
    if (!apply)
        s->refits_from = answered / (uint64_t)s->head.refit_every * (uint64_t)s->head.refit_every;
    return STATUS_OK;
}

static enum status cannot_write(const struct server *s)
{
    return status_fail(STATUS_SYSTEM, "%s: can't be written: %s", s->path,
                       strerror(errno != 0 ? errno : ENOSPC));
}

enum status serve_append(const struct server *s, const char *bytes, size_t n)
{
    errno = 0;
    while (n > 0) {
        const ssize_t written = write(s->journal, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return cannot_write(s);
        bytes += written;
        n -= (size_t)written;
    }
    return fsync(s->journal) == 0 ? STATUS_OK : cannot_write(s);
}

static const char head_begins[] = "{\"config\":\"";

/* What follows the last newline was torn by a kill and nobody was answered: it is cut off.  Not so a file that never was a journal. */
static enum status cut_torn(const struct server *s, const char *bytes, size_t n, size_t whole)
{
    const size_t begins = n < strlen(head_begins) ? n : strlen(head_begins);
    if (whole == 0 && memcmp(bytes, head_begins, begins) != 0)
        return status_fail(STATUS_DATA, "%s: is no journal of serve-events; give another --state", s->path);
    if (whole == n)
        return STATUS_OK;
    log_warn("%s: %zu bytes behind the last whole line were torn by a kill, before any answer: cut off",
             s->path, n - whole);
    return ftruncate(s->journal, (off_t)whole) == 0 && fsync(s->journal) == 0 ? STATUS_OK : cannot_write(s);
}

static enum status take_journal(struct server *s, const char *bytes, size_t n)
{
    size_t whole = n;
    while (whole > 0 && bytes[whole - 1] != '\n')
        whole--;
    TRY(replay(s, bytes, whole, false));
    TRY(replay(s, bytes, whole, true));
    s->refits_from = 0;
    return cut_torn(s, bytes, n, whole);
}

enum status serve_open_journal(struct server *s, const char *folder)
{
    char *bytes = NULL, head[128];
    size_t n = 0;
    TRY(make_folders(folder));
    TRY(path_join(folder, "events.jsonl", s->path));
    s->journal = open(s->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (s->journal < 0)
        return cannot_write(s);
    if (flock(s->journal, LOCK_EX | LOCK_NB) != 0)
        return status_fail(STATUS_SYSTEM, "%s: another `recfuse serve-events` works here", folder);
    struct arena *arena = arena_new();
    enum status status =
        arena != NULL ? read_whole_file(s->path, (size_t)1 << 36, arena, &bytes, &n) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = take_journal(s, bytes, n);
    const bool begun = status == STATUS_OK && memchr(bytes, '\n', n) != NULL;
    arena_free(arena);
    TRY(status);
    if (begun)
        return STATUS_OK;
    snprintf(head, sizeof head, "%s%s\",\"serve\":1}\n", head_begins, s->config);
    return serve_append(s, head, strlen(head));
}
