/* log.c - see log.h. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool verbose = true;
static bool bar_shown; /* a bar stands on the terminal's last line */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void log_set_verbose(bool on)
{
    verbose = on;
}

static void line(const char *head, const char *format, va_list arguments)
{
    pthread_mutex_lock(&lock);
    if (bar_shown)
        fputs("\r\033[K", stderr);
    bar_shown = false;
    fputs(head, stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    pthread_mutex_unlock(&lock);
}

void log_info(const char *format, ...)
{
    if (!verbose)
        return;
    va_list arguments;
    va_start(arguments, format);
    line("", format, arguments);
    va_end(arguments);
}

void log_warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    line("warning: ", format, arguments);
    va_end(arguments);
}

struct progress {
    uint64_t n_steps, done;
    double start, drawn;
    bool terminal;
    char label[128];
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct progress *progress_new(uint64_t n_steps)
{
    struct progress *progress = calloc(1, sizeof *progress);
    if (progress != NULL) {
        progress->n_steps = n_steps;
        progress->start = now();
        progress->terminal = isatty(STDERR_FILENO) != 0;
    }
    return progress;
}

static void draw(struct progress *p)
{
    enum { WIDTH = 30 };
    const double share = p->n_steps > 0 ? (double)p->done / (double)p->n_steps : 0.0;
    const int full = (int)(share * WIDTH);
    /* ?7l, ?7h: a bar wider than the terminal is cut there, or the next one would not cover it. */
    fprintf(stderr, "\r\033[K\033[?7l[%.*s%*s] %llu/%llu %s\033[?7h", full, "##############################",
            WIDTH - full, "", (unsigned long long)p->done, (unsigned long long)p->n_steps, p->label);
    fflush(stderr);
    bar_shown = true;
    p->drawn = now();
}

void progress_label(struct progress *progress, const char *format, ...)
{
    if (progress == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&lock);
    vsnprintf(progress->label, sizeof progress->label, format, arguments);
    if (progress->terminal)
        draw(progress);
    else if (verbose)
        fprintf(stderr, "[%llu/%llu] %s\n", (unsigned long long)progress->done,
                (unsigned long long)progress->n_steps, progress->label);
    pthread_mutex_unlock(&lock);
    va_end(arguments);
}

void progress_update(struct progress *progress, uint64_t done)
{
    if (progress == NULL)
        return;
    pthread_mutex_lock(&lock);
    progress->done = done;
    if (progress->terminal && (done >= progress->n_steps || now() - progress->drawn > 0.1))
        draw(progress);
    pthread_mutex_unlock(&lock);
}

void progress_free(struct progress *progress)
{
    if (progress == NULL)
        return;
    if (progress->terminal && bar_shown) {
        fputs("\r\033[K", stderr);
        bar_shown = false;
    }
    free(progress);
}
