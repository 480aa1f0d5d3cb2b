/* capture.c - see capture.h. */
#include "experiment/capture.h"

#include <stdio.h>

static void keep(void *context, enum status status, const char *sentence)
{
    struct capture *capture = context;
    (void)status;
    if (capture->sentence[0] == '\0')
        snprintf(capture->sentence, sizeof capture->sentence, "%s", sentence);
}

void capture_begin(struct capture *capture)
{
    capture->sentence[0] = '\0';
    status_set_handler(keep, capture, &capture->old, &capture->old_context);
}

void capture_end(struct capture *capture)
{
    status_set_handler(capture->old, capture->old_context, NULL, NULL);
}
