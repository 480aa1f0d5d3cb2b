/* encoder_files.c - see encoder_files.h. */
#include "llm/encoder_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "llm/e5s1.h"

#define TEXT_FILE_LARGEST ((size_t)64 << 20)

static const char *const names[N_ENCODER_FILES] = {"model.safetensors",
                                                   NULL,
                                                   "vectors.safetensors",
                                                   "config.json",
                                                   "vocab.txt",
                                                   "tokenizer.json",
                                                   "tokenizer_config.json",
                                                   "1_Pooling/config.json",
                                                   "sentence_bert_config.json",
                                                   "config_sentence_transformers.json"};

const char *encoder_file_name(enum encoder_file file)
{
    return names[file];
}

static bool begins_as_e5s1(const char *path)
{
    char magic[4];
    FILE *file = fopen(path, "rbe");
    const size_t n = file != NULL ? fread(magic, 1, sizeof magic, file) : 0;
    if (file != NULL)
        fclose(file);
    return e5s1_is(magic, n);
}

static enum status find_e5s1(const char *folder, struct arena *arena, const char **out)
{
    DIR *stream = opendir(folder);
    enum status status = STATUS_OK;
    if (stream == NULL)
        return status_fail(STATUS_SYSTEM, "%s: could not be looked at: %s", folder, strerror(errno));
    for (const struct dirent *entry; status == STATUS_OK && (entry = readdir(stream)) != NULL;) {
        const size_t n = strlen(entry->d_name);
        if (n < 5 || strcmp(entry->d_name + n - 4, ".bin") != 0)
            continue;
        const char *path = arena_printf(arena, "%s/%s", folder, entry->d_name);
        if (path == NULL)
            status = STATUS_SYSTEM;
        else if (begins_as_e5s1(path) && *out != NULL)
            status = status_fail(STATUS_DATA, "%s: holds several E5S1 files; name the one you mean", folder);
        else if (begins_as_e5s1(path))
            *out = path;
    }
    closedir(stream);
    return status;
}

enum status encoder_files_find(const char *model, struct arena *arena, struct encoder_files *out)
{
    struct stat info;
    *out = (struct encoder_files){0};
    if (stat(model, &info) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? STATUS_OK
                   : status_fail(STATUS_SYSTEM, "%s: could not be looked at: %s", model, strerror(errno));
    if (!S_ISDIR(info.st_mode)) {
        if (!begins_as_e5s1(model))
            return status_fail(STATUS_DATA, "%s: a model is a folder (or an E5S1 file), this is none", model);
        out->path[FILE_E5S1] = arena_strdup(arena, model);
        return out->path[FILE_E5S1] != NULL ? STATUS_OK : STATUS_SYSTEM;
    }
    for (int i = 0; i < N_ENCODER_FILES; i++) {
        if (names[i] == NULL)
            continue;
        const char *path = arena_printf(arena, "%s/%s", model, names[i]);
        if (path == NULL)
            return STATUS_SYSTEM;
        if (file_exists(path))
            out->path[i] = path;
    }
    return out->path[FILE_WEIGHTS] == NULL ? find_e5s1(model, arena, &out->path[FILE_E5S1]) : STATUS_OK;
}

enum status encoder_files_read(struct encoder_files *files, struct arena *arena)
{
    char hashes[N_ENCODER_FILES * (SHA256_HEX + 8)] = "";
    size_t at = 0;
    for (int i = 0; i < N_ENCODER_FILES; i++) {
        char *bytes = NULL;
        if (files->path[i] == NULL)
            continue;
        if (i <= FILE_VECTORS && files->map.bytes != NULL)
            continue; /* the weights win */
        if (i <= FILE_VECTORS) {
            TRY(mapped_open(files->path[i], &files->map));
            files->bytes[i] = files->map.bytes;
            files->n[i] = files->map.n;
        } else {
            TRY(read_whole_file(files->path[i], TEXT_FILE_LARGEST, arena, &bytes, &files->n[i]));
            files->bytes[i] = bytes;
        }
        at += (size_t)snprintf(hashes + at, sizeof hashes - at, "%d:", i);
        sha256_hex(files->bytes[i], files->n[i], hashes + at);
        at += SHA256_HEX - 1;
    }
    sha256_hex(hashes, at, files->sha256);
    return STATUS_OK;
}

void encoder_files_close(struct encoder_files *files)
{
    mapped_close(&files->map);
}
