/* folder.c - see folder.h. */
#include "experiment/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"

/* Does the folder hold anything but our lock and torn temporaries? */
static enum status holds_something(const char *path, bool *out)
{
    DIR *folder = opendir(path);
    *out = false;
    if (folder == NULL)
        return errno == ENOENT ? STATUS_OK : status_fail(STATUS_SYSTEM, "%s: %s", path, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL && !*out;) {
        const size_t n = strlen(entry->d_name);
        *out = entry->d_name[0] != '.' && !(n > 4 && strcmp(entry->d_name + n - 4, ".tmp") == 0);
    }
    closedir(folder);
    return STATUS_OK;
}

/* Temporaries that a killed run left behind. */
static void sweep(const char *path)
{
    char file[4096];
    DIR *folder = opendir(path);
    if (folder == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const size_t n = strlen(entry->d_name);
        if (n > 4 && strcmp(entry->d_name + n - 4, ".tmp") == 0 &&
            snprintf(file, sizeof file, "%s/%s", path, entry->d_name) < (int)sizeof file)
            unlink(file);
    }
    closedir(folder);
}

static enum status lock_folder(struct folder *out)
{
    char path[4096];
    TRY(make_folders(out->path));
    TRY(path_join(out->path, ".lock", path));
    out->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (out->lock < 0)
        return status_fail(STATUS_SYSTEM, "%s: can't be written: %s", path, strerror(errno));
    if (flock(out->lock, LOCK_EX | LOCK_NB) != 0)
        return status_fail(STATUS_SYSTEM,
                           "%s: another run works in this folder; wait for it or choose another --out",
                           out->path);
    return STATUS_OK;
}

static void unlock(struct folder *folder)
{
    if (folder->lock >= 0)
        close(folder->lock);
    folder->lock = -1;
}

/* Renames the folder to PATH.old-N, N the first that is free; the lock moves with it and is given up. */
static enum status move_aside(struct folder *folder)
{
    char target[4096];
    struct stat status;
    size_t n = strlen(folder->path);
    while (n > 1 && folder->path[n - 1] == '/')
        n--;
    for (int i = 1;; i++) {
        snprintf(target, sizeof target, "%.*s.old-%d", (int)n, folder->path, i);
        if (lstat(target, &status) != 0)
            break;
    }
    if (rename(folder->path, target) != 0)
        return status_fail(STATUS_SYSTEM, "%s: can't be moved to %s: %s", folder->path, target,
                           strerror(errno));
    log_info("older results moved to %s", target);
    unlock(folder);
    return lock_folder(folder);
}

/* Is what the journal says of the experiment still so? */
static enum status check_same(const struct folder *folder, const struct experiment *e, struct arena *arena)
{
    if (folder->journal.head == NULL)
        return STATUS_OK;
    const char *hash = json_string_value(json_object_get(folder->journal.head, "config_sha256"));
    if (hash != NULL && strcmp(hash, e->sha256) == 0)
        return STATUS_OK;
    const char *what =
        experiment_difference(json_object_get(folder->journal.head, "config"), e->resolved, arena);
    return status_fail(
        STATUS_USAGE,
        "%s: holds results of another experiment: %s; --fresh moves them aside, --out DIR writes elsewhere",
        folder->path, what != NULL ? what : "its configuration differs");
}

static enum status open_locked(struct folder *out, const struct experiment *e, bool fresh,
                               struct arena *arena)
{
    static const char *const parts[] = {"cells", "models", "tables", "plots"};
    char path[4096];
    bool something;
    TRY(path_join(out->path, "journal.jsonl", path));
    TRY(holds_something(out->path, &something));
    if (something && !file_exists(path))
        return status_fail(
            STATUS_USAGE,
            "%s: holds files but no journal.jsonl, so it is no results folder; choose another --out",
            out->path);
    if (something && fresh)
        TRY(move_aside(out));
    TRY(journal_open(out->path, &out->journal));
    TRY(check_same(out, e, arena));
    sweep(out->path);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        TRY(path_join(out->path, parts[i], path));
        sweep(path);
    }
    TRY(path_join(out->path, "cells", path));
    return make_folders(path);
}

enum status folder_open(const char *path, const struct experiment *e, bool fresh, struct arena *arena,
                        struct folder *out)
{
    *out = (struct folder){.lock = -1, .journal = {.file = -1}};
    if (snprintf(out->path, sizeof out->path, "%s", path) >= (int)sizeof out->path || path[0] == '\0')
        return status_fail(STATUS_USAGE, "the results folder needs a path of 1 to %zu bytes",
                           sizeof out->path - 1);
    enum status status = lock_folder(out);
    if (status == STATUS_OK)
        status = open_locked(out, e, fresh, arena);
    if (status != STATUS_OK)
        folder_close(out);
    return status;
}

void folder_close(struct folder *folder)
{
    journal_close(&folder->journal);
    unlock(folder);
}
