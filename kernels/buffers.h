/*
 * buffers.h - what a kernel's arguments point to: one declaration an argument struct (buffers.c), from which a backend with
 * memory of its own knows what to copy there and back.
 *
 * A range is the part of an array that a launch touches.  A host without a GPU never looks at it; a wrong one shows under
 * `make gpu-emulate`, where every kernel's cases run in device memory too and an access outside is an error.
 */
#ifndef KERNELS_BUFFERS_H
#define KERNELS_BUFFERS_H
#include <stddef.h>

enum {
    BUFFER_READ = 1,
    BUFFER_WRITE = 2, /* alone: every byte of the range is written */
    BUFFERS_MOST = 24
};

struct kernel_buffer {
    size_t field; /* offset, in the argument struct, of the pointer */
    int access;
    size_t first, bytes; /* the launch touches bytes first .. first + bytes - 1 from the pointer on */
    size_t row;          /* > 0: launch row r touches only bytes [first + r row, first + (r + 1) row) */
};

struct kernel_buffers {
    size_t args_size; /* of the argument struct */
    int n;
    struct kernel_buffer buffer[BUFFERS_MOST];
};

#endif
