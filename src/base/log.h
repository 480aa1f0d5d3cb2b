/*
 * log.h - what a person sees while the program works: lines of log and a progress bar.  Both go to standard
 * error; results go to standard output and files.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line for people; log_warn() puts "warning: " before it. */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* false: log_info() says nothing (warnings stay). */
void log_set_verbose(bool verbose);

/* A progress bar on a terminal; on anything else one plain line at the start and at the end of each stage.
 * progress_update() may be called from any thread and as often as wished. */
struct progress;
struct progress *progress_new(uint64_t n_steps); /* NULL when memory is out: every call below takes NULL */
void progress_label(struct progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
void progress_update(struct progress *progress, uint64_t done);
void progress_free(struct progress *progress);

#endif
