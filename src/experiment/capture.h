/*
 * capture.h - keeps what fails inside a cell as its sentence instead of printing it.
 */
#ifndef EXPERIMENT_CAPTURE_H
#define EXPERIMENT_CAPTURE_H
#include "base/status.h"

struct capture {
    char sentence[2048]; /* the first failure: the one at the place that found the mistake */
    status_handler *old;
    void *old_context;
};
/* From here to capture_end() this thread's failures go into `capture`. */
void capture_begin(struct capture *capture);
void capture_end(struct capture *capture);

#endif
