/* kept.c - see kept.h. */
#include "experiment/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fsio.h"

static enum status fail(const struct kept *k)
{
    return status_fail(STATUS_SYSTEM, "%s: can't be written: %s", k->path,
                       strerror(errno != 0 ? errno : ENOSPC));
}

/* The bytes that the first n lines take; SIZE_MAX as n: all whole lines, which go into k->lines. */
static enum status scan(struct kept *k, size_t n, size_t *good)
{
    char *bytes;
    size_t length;
    *good = 0;
    if (!file_exists(k->path))
        return STATUS_OK;
    struct arena *arena = arena_new();
    enum status status =
        arena != NULL ? read_whole_file(k->path, (size_t)1 << 32, arena, &bytes, &length) : STATUS_SYSTEM;
    for (size_t i = 0; status == STATUS_OK && i < n && *good < length; i++) {
        const char *end = memchr(bytes + *good, '\n', length - *good);
        json_t *line = end != NULL ? json_loadb(bytes + *good, (size_t)(end - bytes) - *good,
                                                JSON_REJECT_DUPLICATES, NULL)
                                   : NULL;
        const bool fine = json_is_object(line);
        if (fine && n == SIZE_MAX)
            json_array_append(k->lines, line);
        json_decref(line);
        if (!fine)
            break; /* torn */
        *good = (size_t)(end - bytes) + 1;
    }
    arena_free(arena);
    return status;
}

enum status kept_open(const char *folder, const char *sub, const char *key, struct kept *out)
{
    char path[4096];
    size_t good;
    *out = (struct kept){.file = -1, .lines = json_array()};
    if (out->lines == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for %s of %s", sub, folder);
    if (snprintf(path, sizeof path, "%s/%s", folder, sub) >= (int)sizeof path ||
        snprintf(out->path, sizeof out->path, "%s/%s/%s.jsonl", folder, sub, key) >= (int)sizeof out->path)
        return status_fail(STATUS_SYSTEM, "%s: the path is too long", folder);
    TRY(make_folders(path));
    TRY(scan(out, SIZE_MAX, &good));
    out->file = open(out->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return out->file >= 0 && ftruncate(out->file, (off_t)good) == 0 ? STATUS_OK : fail(out);
}

enum status kept_cut(struct kept *k, size_t n)
{
    size_t good;
    if (n == json_array_size(k->lines))
        return STATUS_OK;
    TRY(scan(k, n, &good));
    while (json_array_size(k->lines) > n)
        json_array_remove(k->lines, json_array_size(k->lines) - 1);
    return ftruncate(k->file, (off_t)good) == 0 ? STATUS_OK : fail(k);
}

enum status kept_add(struct kept *k, json_t *line)
{
    char *text =
        line != NULL ? json_dumps(line, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17)) : NULL;
    if (text == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while writing %s", k->path);
    const size_t n = strlen(text);
    text[n] = '\n'; /* in place of the terminator: one write */
    errno = 0;
    const ssize_t written = write(k->file, text, n + 1);
    free(text);
    if (written != (ssize_t)(n + 1) || fsync(k->file) != 0)
        return fail(k);
    return json_array_append(k->lines, line) == 0 ? STATUS_OK : fail(k);
}

void kept_close(struct kept *k)
{
    if (k->lines != NULL && k->file >= 0)
        close(k->file);
    json_decref(k->lines);
    *k = (struct kept){.file = -1};
}

void kept_forget(const char *folder, const char *sub, const char *key)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s/%s.jsonl", folder, sub, key) < (int)sizeof path)
        unlink(path);
    if (snprintf(path, sizeof path, "%s/%s", folder, sub) < (int)sizeof path)
        rmdir(path); /* when it is empty */
}
