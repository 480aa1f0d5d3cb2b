/* fuzz.c - see fuzz.h. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"

static void silent(void *context, enum status status, const char *sentence)
{
    (void)context, (void)status, (void)sentence;
}

void fuzz_quiet(void)
{
    status_set_handler(silent, NULL, NULL, NULL);
}

static char folder[] = "/tmp/recfuse-fuzz-XXXXXX", path[64];

static void clean_up(void)
{
    unlink(path);
    rmdir(folder);
}

const char *fuzz_file(const uint8_t *bytes, size_t n, const char *ending)
{
    static int made;
    if (!made && (mkdtemp(folder) == NULL || atexit(clean_up) != 0))
        abort();
    made = 1;
    if (path[0] != '\0')
        unlink(path);
    snprintf(path, sizeof path, "%s/file%s", folder, ending);
    const int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    for (size_t at = 0; file >= 0 && at < n;) {
        const ssize_t some = write(file, bytes + at, n - at);
        if (some <= 0)
            abort();
        at += (size_t)some;
    }
    if (file < 0)
        abort();
    close(file);
    return path;
}
