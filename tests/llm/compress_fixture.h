/*
 * compress_fixture.h - a tiny encoder on disk, and what a compressed one of it gives.  For test_compress_encoder.c and
 * test_compress_refusals.c.
 */
#ifndef TESTS_LLM_COMPRESS_FIXTURE_H
#define TESTS_LLM_COMPRESS_FIXTURE_H
#include "tiny_bert.h"

#include <unistd.h>

#include "llm/compress_encoder.h"
#include "llm/encoder_files.h"
#include "llm/prune.h"
#include "llm/quantize.h"
#include "llm/safetensors_matrix.h"
#include "llm/safetensors_write.h"

enum { WIDE = 96, TEXTS = 40 };
static struct arena *arena;
static const struct backend *backend;
static struct tiny tiny;
static struct strings texts;
static char *source, *folder;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    source = test_folder();
    folder = test_folder();
    test_quiet();
    tiny_make_wide(&tiny, arena, 11, 40, WIDE);
    tiny_write(&tiny, source);
    tiny_texts(arena, 3, TEXTS, 12, &texts);
    return backend_open("cpu", 2, &backend) != STATUS_OK;
}
static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(source);
    test_folder_remove(folder);
    arena_free(arena);
    return 0;
}

static const char *target(const char *name)
{
    return arena_strdup(arena, test_path(folder, name));
}

static inline float *vectors_in(const char *at, enum encoder_precision precision)
{
    struct encoder *e;
    const struct encoder_options options = {.precision = precision};
    assert_ok(encoder_open_with(at, &options, backend, &e));
    float *v = arena_alloc(arena, texts.n * (size_t)tiny.hidden, sizeof *v);
    assert_ok(encoder_embed(e, &texts, v));
    encoder_close(e);
    return v;
}
static inline float *vectors_of(const char *at)
{
    return vectors_in(at, ENCODER_FP32);
}

static inline double least_cosine(const float *a, const float *b)
{
    double least = 1;
    for (size_t i = 0; i < TEXTS; i++) {
        double sum = 0;
        for (size_t j = 0; j < (size_t)tiny.hidden; j++)
            sum += (double)a[i * (size_t)tiny.hidden + j] * (double)b[i * (size_t)tiny.hidden + j];
        least = isfinite(sum) ? fmin(least, sum) : -1;
    }
    return least;
}

static inline double difference(const float *a, const float *b)
{
    double worst = 0;
    for (size_t i = 0; i < TEXTS * (size_t)tiny.hidden; i++)
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
    return worst;
}

/* The tensors of a folder's file; bytes are the arena's. */
static inline struct safetensors weights_of(const char *at)
{
    struct safetensors file;
    char *bytes;
    size_t n;
    const char *path = arena_printf(arena, "%s/model.safetensors", at);
    assert_ok(read_whole_file(path, 1 << 24, arena, &bytes, &n));
    assert_ok(safetensors_parse(path, bytes, n, arena, &file));
    return file;
}

static inline float *matrix_of(const char *at, const char *name, int rows, int cols)
{
    const struct safetensors file = weights_of(at);
    float *w = NULL;
    assert_ok(safetensors_matrix_floats(&file, name, (uint64_t)rows, (uint64_t)cols, arena, &w));
    return w;
}

static const char QUERY[] = "encoder.layer.1.attention.self.query.weight",
                  WORDS[] = "embeddings.word_embeddings.weight",
                  DOWN[] = "encoder.layer.0.output.dense.weight";

#endif
