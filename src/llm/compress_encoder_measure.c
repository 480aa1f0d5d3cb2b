/* compress_encoder_measure.c - what an encoder costs and is worth: see compress_encoder.h. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "llm/compress_encoder.h"
#include "llm/encoder_internal.h"
#include "llm/safetensors_write.h"

enum { TIMES = 3 }; /* the best counts */

static bool ends(const char *name, const char *with)
{
    const size_t n = strlen(name), m = strlen(with);
    return n >= m && strcmp(name + n - m, with) == 0;
}

static enum status size(const char *folder, struct arena *arena, struct compress_encoder_measures *out)
{
    struct encoder_files files;
    struct safetensors file;
    uint64_t weights = 0, bytes = 0;
    TRY(encoder_files_find(folder, arena, &files));
    enum status status = encoder_files_read(&files, arena);
    if (status == STATUS_OK)
        status = safetensors_parse(files.path[FILE_WEIGHTS], files.bytes[FILE_WEIGHTS], files.n[FILE_WEIGHTS],
                                   arena, &file);
    for (size_t i = 0; status == STATUS_OK && i < file.n; i++) {
        const struct safetensors_tensor *t = &file.tensors[i];
        bytes += safetensors_bytes(t);
        if (!ends(t->name, "_scale") && !ends(t->name, "_shape"))
            weights += ends(t->name, "_packed") ? 8 * t->n : t->n;
    }
    out->megabytes = 1e-6 * (double)files.n[FILE_WEIGHTS];
    out->bits = 8.0 * (double)bytes / (double)(weights > 0 ? weights : 1);
    encoder_files_close(&files);
    return status;
}

/* Of vectors of length 1. */
static double cosine(const float *a, const float *b, size_t d)
{
    double sum = 0;
    for (size_t j = 0; j < d; j++)
        sum += (double)a[j] * (double)b[j];
    return sum;
}

static enum status embed(struct encoder *e, const struct strings *texts, const float *reference,
                         struct arena *arena, float **vectors, struct compress_encoder_measures *out)
{
    const size_t d = encoder_dimensions(e);
    double sum = 0, least = 1;
    float *v;
    ARENA_NEW(v, arena, texts->n * d);
    out->texts = texts->n > 0 ? 0 : NAN;
    for (int time = 0; time < TIMES && texts->n > 0; time++) {
        const double start = omp_get_wtime();
        TRY(encoder_embed(e, texts, v));
        out->texts = fmax(out->texts, (double)texts->n / (omp_get_wtime() - start));
    }
    for (uint64_t i = 0; reference != NULL && i < texts->n; i++) {
        const double c = cosine(v + i * d, reference + i * d, d);
        sum += c;
        least = fmin(least, c);
    }
    out->cosine = reference != NULL && texts->n > 0 ? sum / (double)texts->n : NAN;
    out->least = reference != NULL && texts->n > 0 ? least : NAN;
    if (vectors != NULL)
        *vectors = v;
    return STATUS_OK;
}

enum status compress_encoder_measure(const char *folder, const struct encoder_options *options,
                                     const struct strings *texts, const float *reference,
                                     const struct backend *backend, struct arena *arena, float **vectors,
                                     struct compress_encoder_measures *out)
{
    struct encoder *e;
    *out = (struct compress_encoder_measures){0};
    TRY(size(folder, arena, out));
    TRY(encoder_open_with(folder, options, backend, &e));
    const enum status status = embed(e, texts, reference, arena, vectors, out);
    encoder_close(e);
    return status;
}
