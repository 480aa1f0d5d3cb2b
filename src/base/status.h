/*
 * status.h - how a function says that it failed, and how a person is told, once.
 *
 * A function that can fail returns enum status.  The place that finds the mistake calls status_fail() with
 * one sentence for people: which file, line or field; what was found; what was expected; what to do. Everyone
 * above only passes the status on (TRY).  The sentence goes to the handler of this thread: main.c's prints it
 * to standard error; a cell of an experiment keeps it in its record.  Only main.c exits.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H
#include <stddef.h>

/* Values below 128 that main.c may exit with are the documented exit codes of the program. */
enum status {
    STATUS_OK = 0,
    STATUS_EXPECT = 1,   /* an `expect` of the experiment failed, or compared runs differ */
    STATUS_USAGE = 2,    /* command line or config */
    STATUS_DATA = 3,     /* bad data or model file */
    STATUS_SYSTEM = 4,   /* disk, memory, another resource of the machine */
    STATUS_PARTIAL = 5,  /* some cells failed and the rest are recorded; wins over STATUS_EXPECT */
    STATUS_STOPPED = 75, /* stopped in good order: run again to go on */
    STATUS_INTERRUPTED = 130,
    STATUS_UNAVAILABLE =
        200 /* never an exit code: what a cell needs cannot be had; the sentence says what to do */
};

typedef void status_handler(void *context, enum status status, const char *sentence);

/* Formats the sentence (no final dot or newline needed), hands it to this thread's handler, returns `status`.
 */
enum status status_fail(enum status status, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));

/* The last sentence of this thread ("" if none).  Valid until the thread's next status_fail(). */
const char *status_sentence(void);

/* Installs a handler for this thread and returns the previous one in *old and *old_context (either may be
 * NULL). handler NULL: the default, which prints "recfuse: SENTENCE" to standard error. */
void status_set_handler(status_handler *handler, void *context, status_handler **old, void **old_context);

/* Passes a failure on. */
#define TRY(expression)                                                                                      \
    do {                                                                                                     \
        const enum status try_status_ = (expression);                                                        \
        if (try_status_ != STATUS_OK)                                                                        \
            return try_status_;                                                                              \
    } while (0)

#endif
