/* fsio.c - see fsio.h. */
#include "base/fsio.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum status atomic_name(struct atomic_file *file, const char *path)
{
    file->stream = NULL;
    if (strlen(path) >= sizeof file->path)
        return status_fail(STATUS_SYSTEM, "%.80s...: the path is longer than %zu bytes", path,
                           sizeof file->path - 1);
    snprintf(file->path, sizeof file->path, "%s", path);
    snprintf(file->temporary, sizeof file->temporary, "%s.%ld.tmp", path, (long)getpid());
    return STATUS_OK;
}

enum status atomic_open(struct atomic_file *file, const char *path)
{
    TRY(atomic_name(file, path));
    file->stream = fopen(file->temporary, "w+b");
    if (file->stream == NULL)
        return status_fail(STATUS_SYSTEM, "%s: could not be created: %s", path, strerror(errno));
    return STATUS_OK;
}

static void folder_of(const char *path, char folder[4096])
{
    snprintf(folder, 4096, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, 4096, ".");
    else
        slash[slash == folder] = '\0';
}

static enum status sync_folder_of(const char *path)
{
    char folder[4096];
    folder_of(path, folder);
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL)) {
        const int reason = errno;
        if (fd >= 0)
            close(fd);
        return status_fail(STATUS_SYSTEM, "%s: the folder could not be synced: %s", folder, strerror(reason));
    }
    close(fd);
    return STATUS_OK;
}

enum status atomic_commit(struct atomic_file *file)
{
    const char *step = "written";
    int reason = 0;
    if (file->stream != NULL) {
        if (fflush(file->stream) != 0 || ferror(file->stream) || fsync(fileno(file->stream)) != 0)
            reason = errno != 0 ? errno : EIO;
        if (fclose(file->stream) != 0 && reason == 0)
            reason = errno;
        file->stream = NULL;
    } else {
        const int fd = open(file->temporary, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fsync(fd) != 0)
            reason = errno;
        if (fd >= 0)
            close(fd);
    }
    if (reason == 0 && rename(file->temporary, file->path) != 0) {
        reason = errno;
        step = "put in place";
    }
    if (reason != 0) {
        atomic_abort(file);
        return status_fail(STATUS_SYSTEM, "%s: could not be %s: %s; nothing was changed", file->path, step,
                           strerror(reason));
    }
    return sync_folder_of(file->path);
}

void atomic_abort(struct atomic_file *file)
{
    if (file->stream != NULL)
        fclose(file->stream);
    file->stream = NULL;
    unlink(file->temporary);
}

enum status atomic_write(const char *path, const void *bytes, size_t n)
{
    struct atomic_file file;
    TRY(atomic_open(&file, path));
    errno = 0;
    if (n > 0 && fwrite(bytes, 1, n, file.stream) != n) {
        const int reason = errno;
        atomic_abort(&file);
        return status_fail(STATUS_SYSTEM, "%s: could not be written: %s; nothing was changed", path,
                           strerror(reason != 0 ? reason : EIO));
    }
    return atomic_commit(&file);
}

enum status path_join(const char *folder, const char *name, char path[4096])
{
    if (snprintf(path, 4096, "%s/%s", folder, name) >= 4096)
        return status_fail(STATUS_SYSTEM, "%s: the path is too long", folder);
    return STATUS_OK;
}

enum status make_folders(const char *path)
{
    char part[4096];
    if (strlen(path) >= sizeof part)
        return status_fail(STATUS_SYSTEM, "%.80s...: the path is longer than %zu bytes", path,
                           sizeof part - 1);
    snprintf(part, sizeof part, "%s", path);
    for (char *p = part + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        const char end = *p;
        struct stat info;
        *p = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return status_fail(STATUS_SYSTEM, "%s: the folder could not be made: %s", part, strerror(errno));
        if (stat(part, &info) != 0 || !S_ISDIR(info.st_mode))
            return status_fail(STATUS_SYSTEM,
                               "%s: is a file, and a folder is wanted there: move it or choose another",
                               part);
        *p = end;
        if (end == '\0')
            return STATUS_OK;
    }
}

enum status make_folder_of(const char *path)
{
    char folder[4096];
    folder_of(path, folder);
    return make_folders(folder);
}

bool file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

static enum status open_file(const char *path, int *fd, size_t *n)
{
    struct stat info;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return status_fail(errno == ENOENT || errno == ENOTDIR ? STATUS_DATA : STATUS_SYSTEM, "%s: %s", path,
                           errno == ENOENT ? "there is no such file" : strerror(errno));
    if (fstat(*fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(*fd);
        return status_fail(STATUS_DATA, "%s: is not a regular file", path);
    }
    *n = (size_t)info.st_size;
    return STATUS_OK;
}

enum status read_whole_file(const char *path, size_t limit, struct arena *arena, char **bytes, size_t *n)
{
    int fd;
    size_t size, done = 0;
    TRY(open_file(path, &fd, &size));
    if (size > limit) {
        close(fd);
        return status_fail(STATUS_DATA, "%s: has %zu bytes, at most %zu are expected", path, size, limit);
    }
    char *buffer = arena_alloc(arena, size + 1, 1);
    if (buffer == NULL) {
        close(fd);
        return STATUS_SYSTEM;
    }
    while (done < size) {
        const ssize_t got = read(fd, buffer + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            const int reason = errno;
            close(fd);
            return status_fail(STATUS_SYSTEM, "%s: could not be read: %s", path, strerror(reason));
        }
        if (got == 0)
            break;
        done += (size_t)got;
    }
    close(fd);
    *bytes = buffer;
    *n = done;
    return STATUS_OK;
}

enum status map_file(const char *path, const char **bytes, size_t *n)
{
    int fd;
    TRY(open_file(path, &fd, n));
    *bytes = NULL;
    if (*n > 0) {
        void *map = mmap(NULL, *n, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            const int reason = errno;
            close(fd);
            return status_fail(STATUS_SYSTEM, "%s: could not be mapped: %s", path, strerror(reason));
        }
        *bytes = map;
    }
    close(fd);
    return STATUS_OK;
}

static void to_hex(const unsigned char hash[crypto_hash_sha256_BYTES], char hex[SHA256_HEX])
{
    sodium_bin2hex(hex, SHA256_HEX, hash, crypto_hash_sha256_BYTES);
}

void sha256_hex(const void *bytes, size_t n, char hex[SHA256_HEX])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    sha256_update(&state, bytes, n);
    crypto_hash_sha256_final(&state, hash);
    to_hex(hash, hex);
}

enum status sha256_file(const char *path, char hex[SHA256_HEX])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    static _Thread_local unsigned char buffer[1 << 16];
    crypto_hash_sha256_state state;
    int fd;
    size_t size;
    TRY(open_file(path, &fd, &size));
    crypto_hash_sha256_init(&state);
    for (;;) {
        const ssize_t got = read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            const int reason = errno;
            close(fd);
            return status_fail(STATUS_SYSTEM, "%s: could not be read: %s", path, strerror(reason));
        }
        if (got == 0)
            break;
        sha256_update(&state, buffer, (size_t)got);
    }
    close(fd);
    crypto_hash_sha256_final(&state, hash);
    to_hex(hash, hex);
    return STATUS_OK;
}
