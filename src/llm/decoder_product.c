/*
 * decoder_product.c - a decoder's products as kernel launches (kernels/quant.cu, quant_int8.cu).
 *
 * A launch of one row (a norm while decoding) runs on the calling thread: waking the others costs more than the row.
 */
#include <string.h>

#include "llm/decoder_internal.h"

enum {
    GROUP_BYTES = 256 * 1024, /* float32: outputs that are unpacked together, of several tokens */
    GROUP_MOST = 64,
    INT8_GROUP = 64, /* the same in 8 bits */
    LARGE = 1 << 16, /* outputs of one token beyond which a thread's part is cut ... */
    PIECES = 16      /* ... in so many */
};

enum status decoder_launch(const struct decoder *d, const struct kernel *kernel, const void *args, long rows,
                           size_t scratch)
{
    if (rows > 1)
        return backend_launch(d->backend, kernel, args, rows, scratch);
    struct backend alone = *d->backend;
    alone.threads = 1;
    return backend_launch(&alone, kernel, args, rows, scratch);
}

enum status decoder_rounded_new(const struct decoder *d, size_t n, size_t k, struct arena *arena,
                                struct decoder_rounded *r)
{
    *r = (struct decoder_rounded){0};
    if (d->activations != DECODER_INT8)
        return STATUS_OK;
    ARENA_NEW(r->q, arena, n * (size_t)quant_round_ldq((long)k));
    ARENA_NEW(r->part, arena, n * (size_t)quant_round_ld_part((long)k));
    return STATUS_OK;
}

/* Outputs that go together.  One token is bound by memory: a thread should read on where it stopped, so it gets a piece of each matrix,
 * of a large one several, should another thread be late. */
static int int8_group(const struct decoder *d, int n, int n_tokens)
{
    if (strcmp(d->backend->name, "cpu") != 0)
        return QUANT_INT8_OUTPUTS;
    if (n_tokens > 1)
        return INT8_GROUP;
    const int pieces = d->backend->threads * (n > LARGE ? PIECES : 1);
    return ((n + pieces - 1) / pieces + QUANT_INT8_OUTPUTS - 1) / QUANT_INT8_OUTPUTS * QUANT_INT8_OUTPUTS;
}

static enum status product_int8(const struct decoder *d, const struct quant_linear *exact,
                                const struct decoder_rounded *r)
{
    const struct quant_round round = {.x = exact->x,
                                      .q = r->q,
                                      .part = r->part,
                                      .ldx = exact->ldx,
                                      .ldq = quant_round_ldq(exact->k),
                                      .ld_part = quant_round_ld_part(exact->k),
                                      .k = exact->k};
    struct quant_int8 args = {.q = r->q,
                              .part = r->part,
                              .y = exact->y,
                              .ldq = round.ldq,
                              .ld_part = round.ld_part,
                              .ldy = exact->ldy,
                              .n_tokens = exact->n_tokens,
                              .k = exact->k,
                              .n_matrices = exact->n_matrices};
    memcpy(args.m, exact->m, sizeof args.m);
    args.group = int8_group(d, exact->m[0].n, exact->n_tokens);
    TRY(decoder_launch(d, &kernel_quant_round, &round, exact->n_tokens, 0));
    return decoder_launch(d, &kernel_quant_int8, &args, quant_int8_rows(&args), quant_int8_scratch(&args));
}

enum status decoder_product(const struct decoder *d, const struct decoder_matrix *m, int n_m, const float *x,
                            long ldx, uint32_t n, float *y, long ldy, const struct decoder_rounded *rounded)
{
    struct quant_linear args = {
        .x = x, .y = y, .ldx = ldx, .ldy = ldy, .n_tokens = (int)n, .k = m->k, .n_matrices = n_m};
    long column = 0;
    bool whole = rounded->q != NULL;
    for (int i = 0; i < n_m; i++) {
        args.m[i] = (struct quant_matrix){.w = m[i].w,
                                          .bias = m[i].bias,
                                          .row_bytes = (long)m[i].row_bytes,
                                          .column = column,
                                          .type = m[i].type,
                                          .n = m[i].n};
        column += m[i].n;
        whole = whole && quant_is_whole(m[i].type);
        if (d->watch != NULL)
            d->watch(d->watch_context, &m[i], x, ldx, n);
    }
    if (whole)
        return product_int8(d, &args, rounded);
    const int fits = GROUP_BYTES / (m->k * (int)sizeof(float)) / QUANT_OUTPUTS * QUANT_OUTPUTS;
    args.group = fits < QUANT_OUTPUTS ? QUANT_OUTPUTS : fits > GROUP_MOST ? GROUP_MOST : fits;
    return decoder_launch(d, &kernel_quant_linear, &args, quant_linear_rows(&args),
                          quant_linear_scratch(&args));
}
