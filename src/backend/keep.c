/*
 * keep.c - the arrays of a launch, or of a sparse matrix, kept on a device at once (backend.h).
 */
#include <string.h>

#include "backend/backend.h"

enum status backend_keep_launch(const struct backend *b, const struct kernel *kernel, const void *args,
                                long n_rows)
{
    struct kernel_buffers buffers;
    if (b->reside == NULL)
        return STATUS_OK;
    kernel->buffers(args, n_rows, &buffers);
    for (int i = 0; i < buffers.n; i++) {
        const struct kernel_buffer *k = &buffers.buffer[i];
        const char *p;
        memcpy(&p, (const char *)args + k->field, sizeof p);
        TRY(backend_keep(b, p + k->first, k->bytes));
    }
    return STATUS_OK;
}

enum status backend_keep_csr(const struct backend *b, const struct csr *a)
{
    TRY(backend_keep(b, a->ptr, ((size_t)a->n_rows + 1) * sizeof *a->ptr));
    TRY(backend_keep(b, a->idx, (size_t)a->nnz * sizeof *a->idx));
    return backend_keep(b, a->val, (size_t)a->nnz * sizeof *a->val);
}

enum status backend_forget_csr(const struct backend *b, const struct csr *a)
{
    TRY(backend_forget(b, a->ptr));
    TRY(backend_forget(b, a->idx));
    return backend_forget(b, a->val);
}
