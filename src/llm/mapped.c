/*
 * mapped.c - see mapped.h.
 *
 * A page of a mapped file that is cut off meanwhile cannot be read: the kernel sends SIGBUS.  There is no way back into the
 * loop that read it, so the handler says what happened and ends the program with the status of bad data: the one place
 * beside main.c that exits.  A SIGBUS from anywhere else goes on to what it would have done.
 */
#include "llm/mapped.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fsio.h"

enum { GUARDS = 64 };
static struct {
    const char *begin, *end;
    char sentence[512];
} guard[GUARDS];
static struct sigaction before;

static atomic_flag told = ATOMIC_FLAG_INIT; /* once for all threads */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    const char *at = info->si_addr;
    (void)context;
    for (int i = 0; i < GUARDS; i++)
        if (guard[i].begin != NULL && at >= guard[i].begin && at < guard[i].end) {
            while (atomic_flag_test_and_set(&told))
                pause(); /* another thread says it, and ends the program */
            if (write(STDERR_FILENO, guard[i].sentence, strlen(guard[i].sentence)) < 0)
                _exit(STATUS_DATA);
            _exit(STATUS_DATA);
        }
    sigaction(number, &before, NULL); /* happens again on return */
}

static void guard_add(const char *path, const char *bytes, size_t n)
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
            snprintf(guard[i].sentence, sizeof guard[i].sentence,
                     "recfuse: %.300s: the file became shorter while it was in use: leave it alone until the "
                     "program has "
                     "ended, and get it again\n",
                     path);
            guard[i].end = bytes + n;
            guard[i].begin = bytes;
            return;
        }
}

enum status mapped_open(const char *path, struct mapped *out)
{
    *out = (struct mapped){0};
    TRY(map_file(path, &out->bytes, &out->n));
    if (out->bytes != NULL)
        guard_add(path, out->bytes, out->n);
    return STATUS_OK;
}

void mapped_close(struct mapped *file)
{
    for (int i = 0; file->bytes != NULL && i < GUARDS; i++)
        if (guard[i].begin == file->bytes)
            guard[i].begin = NULL;
    if (file->bytes != NULL)
        munmap((void *)(uintptr_t)file->bytes, file->n);
    *file = (struct mapped){0};
}
