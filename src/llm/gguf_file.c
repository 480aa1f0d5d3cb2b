/*
 * gguf_file.c - see gguf_file.h.
 *
 * A page of a mapped file that is cut off meanwhile cannot be read: the kernel sends SIGBUS.  There is no way back into the
 * loop that read it, so the handler says what happened and ends the program with the status of bad data: the one place
 * beside main.c that exits.  A SIGBUS from anywhere else goes on to what it would have done.
 */
#include "llm/gguf_file.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

enum { GUARDS = 16 };
static struct {
    const char *begin, *end;
} guard[GUARDS];
static struct sigaction before;

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    static const char sentence[] = "recfuse: a model file became shorter while it was in use: leave it alone "
                                   "until the program has ended, and get it again\n";
    const char *at = info->si_addr;
    (void)context;
    for (int i = 0; i < GUARDS; i++)
        if (guard[i].begin != NULL && at >= guard[i].begin && at < guard[i].end) {
            if (write(STDERR_FILENO, sentence, sizeof sentence - 1) < 0)
                _exit(STATUS_DATA);
            _exit(STATUS_DATA);
        }
    sigaction(number, &before, NULL); /* happens again on return */
}

static void guard_add(const char *bytes, size_t n)
{
    struct sigaction now;
    sigaction(SIGBUS, NULL, &now);
    if (now.sa_sigaction != on_bus_error) {
        struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
        sigemptyset(&action.sa_mask);
        sigaction(SIGBUS, &action, &before);
    }
    for (int i = 0; i < GUARDS; i++)
        if (guard[i].begin == NULL) {
            guard[i].end = bytes + n;
            guard[i].begin = bytes;
            return;
        }
}

static void guard_remove(const char *bytes)
{
    for (int i = 0; i < GUARDS; i++)
        if (guard[i].begin == bytes)
            guard[i].begin = NULL;
}

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

enum status gguf_file_open(const char *path, struct gguf_file *out)
{
    char found[4096];
    *out = (struct gguf_file){0};
    snprintf(found, sizeof found, "%s", path);
    const int n = is_folder(path) ? find_in_folder(path, found, sizeof found) : access(path, F_OK) == 0;
    if (n == 0)
        return status_fail(STATUS_UNAVAILABLE,
                           "%s: %s; a decoder is a *.gguf file or a folder with one, as tools/get-models.sh "
                           "gemma makes models/gemma",
                           path, is_folder(path) ? "no *.gguf in this folder" : "no such file or folder");
    if (n > 1)
        return status_fail(STATUS_DATA, "%s: holds %d *.gguf files; name the one you mean", path, n);
    TRY(map_file(found, &out->bytes, &out->n));
    guard_add(out->bytes, out->n);
    out->arena = arena_new();
    enum status status = out->arena != NULL ? STATUS_OK : STATUS_SYSTEM;
    const char *name = status == STATUS_OK ? arena_strdup(out->arena, found) : NULL;
    if (status == STATUS_OK)
        status = name != NULL ? gguf_parse(name, out->bytes, out->n, out->arena, &out->gguf) : STATUS_SYSTEM;
    if (status != STATUS_OK)
        gguf_file_close(out);
    return status;
}

void gguf_file_close(struct gguf_file *file)
{
    guard_remove(file->bytes);
    if (file->bytes != NULL)
        munmap((void *)(uintptr_t)file->bytes, file->n);
    arena_free(file->arena);
    *file = (struct gguf_file){0};
}
