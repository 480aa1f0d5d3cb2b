/* status.c - see status.h. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char sentence[2048];
static _Thread_local status_handler *handler_now;
static _Thread_local void *handler_context;

enum status status_fail(enum status status, const char *format, ...)
{
    char text[sizeof sentence];
    va_list arguments;

    /* Through a buffer of its own: the arguments may point into the last sentence. */
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(sentence, sizeof sentence, "%s", text);
    if (handler_now != NULL)
        handler_now(handler_context, status, sentence);
    else
        fprintf(stderr, "recfuse: %s\n", sentence);
    return status;
}

const char *status_sentence(void)
{
    return sentence;
}

void status_set_handler(status_handler *handler, void *context, status_handler **old, void **old_context)
{
    if (old != NULL)
        *old = handler_now;
    if (old_context != NULL)
        *old_context = handler_context;
    handler_now = handler;
    handler_context = context;
}
