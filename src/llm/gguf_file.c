/* gguf_file.c - see gguf_file.h. */
#include "llm/gguf_file.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

static bool ends_in_gguf(const char *name)
{
    const size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".gguf") == 0;
}

/* The *.gguf of a folder, "" where there is none; how many there are. */
static int find_in_folder(const char *folder, char *path, size_t room)
{
    DIR *stream = opendir(folder);
    int n = 0;
    path[0] = '\0';
    if (stream == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;)
        if (ends_in_gguf(entry->d_name)) {
            snprintf(path, room, "%s/%s", folder, entry->d_name);
            n++;
        }
    closedir(stream);
    return n;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool gguf_file_is(const char *path)
{
    char found[4096];
    return is_folder(path) ? find_in_folder(path, found, sizeof found) > 0 : ends_in_gguf(path);
}

/* The file itself, and how many there are. */
static int find_file(const char *path, char *found, size_t room)
{
    snprintf(found, room, "%s", path);
    return is_folder(path) ? find_in_folder(path, found, room) : access(path, F_OK) == 0;
}

enum status gguf_file_sha256(const char *path, char hex[SHA256_HEX])
{
    char found[4096];
    hex[0] = '\0';
    return find_file(path, found, sizeof found) == 1 ? sha256_file(found, hex) : STATUS_OK;
}

enum status gguf_file_open(const char *path, struct gguf_file *out)
{
    char found[4096];
    *out = (struct gguf_file){0};
    const int n = find_file(path, found, sizeof found);
    if (n == 0)
        return status_fail(STATUS_UNAVAILABLE,
                           "%s: %s; a decoder is a *.gguf file or a folder with one, as tools/get-models.sh "
                           "gemma makes models/gemma",
                           path, is_folder(path) ? "no *.gguf in this folder" : "no such file or folder");
    if (n > 1)
        return status_fail(STATUS_DATA, "%s: holds %d *.gguf files; name the one you mean", path, n);
    TRY(mapped_open(found, &out->map));
    out->arena = arena_new();
    enum status status = out->arena != NULL ? STATUS_OK : STATUS_SYSTEM;
    const char *name = status == STATUS_OK ? arena_strdup(out->arena, found) : NULL;
    if (status == STATUS_OK)
        status = name != NULL ? gguf_parse(name, out->map.bytes, out->map.n, out->arena, &out->gguf)
                              : STATUS_SYSTEM;
    if (status != STATUS_OK)
        gguf_file_close(out);
    return status;
}

void gguf_file_close(struct gguf_file *file)
{
    mapped_close(&file->map);
    arena_free(file->arena);
    *file = (struct gguf_file){0};
}
