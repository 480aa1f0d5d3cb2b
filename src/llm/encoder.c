/*
 * encoder.c - opens sentence encoders, cuts texts into batches, hands the batches to threads.
 *
 * Why batches to threads and not rows: a batch of a few hundred tokens runs all layers on one core without waiting for
 * the other, its activations stay in that core's cache, and the weights stream past once a batch.  Only when there is a
 * single batch do the kernels spread their rows over the threads.  A text's numbers do not depend on its batch
 * (encoder_forward.c), so batches may be cut in any way.
 *
 * Files are read, not mapped: what was hashed and checked is what is used, even if the file changes meanwhile.
 */
#include "llm/encoder.h"

#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "llm/encoder_internal.h"

enum { BATCH_TOKENS = 384, BATCH_LEAST = 48 };
#define WEIGHTS_LARGEST   ((size_t)8 << 30)
#define TEXT_FILE_LARGEST ((size_t)64 << 20)

/* The three files; also in the order in which they are hashed. */
static const char *const file_names[] = {"model.safetensors", "vocab.txt", "config.json"};
enum { WEIGHTS, VOCABULARY, CONFIG, N_FILES };

static enum status unavailable(const char *folder, const char *what)
{
    const char *slash = strrchr(folder, '/');
    const char *name = slash != NULL && slash[1] != '\0' ? slash + 1 : folder;
    if (strcmp(name, "minilm") == 0)
        return status_fail(STATUS_UNAVAILABLE, "%s: %s; run tools/get-models.sh minilm", folder, what);
    return status_fail(STATUS_UNAVAILABLE,
                       "%s: %s; an encoder is a folder with model.safetensors, vocab.txt and config.json, as "
                       "tools/get-models.sh minilm makes models/minilm",
                       folder, what);
}

/* All three files into the arena, and e->sha256. */
static enum status read_files(const char *folder, struct encoder *e, struct arena *arena,
                              char *paths[N_FILES], char *bytes[N_FILES], size_t n[N_FILES])
{
    struct stat info;
    if (stat(folder, &info) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? unavailable(folder, "no such folder")
                   : status_fail(STATUS_SYSTEM, "%s: could not be looked at: %s", folder, strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return status_fail(STATUS_DATA, "%s: a model is a folder, this is none", folder);
    char hashes[N_FILES * (SHA256_HEX - 1) + 1];
    for (int i = 0; i < N_FILES; i++) {
        paths[i] = arena_printf(arena, "%s/%s", folder, file_names[i]);
        if (paths[i] == NULL)
            return STATUS_SYSTEM;
        if (!file_exists(paths[i]))
            return i == WEIGHTS ? unavailable(folder, "the folder has no model.safetensors")
                                : status_fail(STATUS_DATA,
                                              "%s: missing beside model.safetensors; get the model again "
                                              "(tools/get-models.sh)",
                                              paths[i]);
        TRY(read_whole_file(paths[i], i == WEIGHTS ? WEIGHTS_LARGEST : TEXT_FILE_LARGEST, arena, &bytes[i],
                            &n[i]));
        sha256_hex(bytes[i], n[i], hashes + i * (SHA256_HEX - 1));
    }
    sha256_hex(hashes, sizeof hashes - 1, e->sha256);
    return STATUS_OK;
}

enum status encoder_folder_sha256(const char *folder, char hex[SHA256_HEX])
{
    char path[4096], one[SHA256_HEX], hashes[N_FILES * (SHA256_HEX - 1) + 1];
    for (int i = 0; i < N_FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, file_names[i]);
        if (!file_exists(path)) {
            snprintf(hex, SHA256_HEX, "missing");
            return STATUS_OK;
        }
        TRY(sha256_file(path, one));
        memcpy(hashes + i * (SHA256_HEX - 1), one, SHA256_HEX);
    }
    sha256_hex(hashes, sizeof hashes - 1, hex);
    return STATUS_OK;
}

static enum status open_into(const char *folder, struct encoder *e, struct arena *files)
{
    char *paths[N_FILES], *bytes[N_FILES];
    size_t n[N_FILES];
    TRY(read_files(folder, e, files, paths, bytes, n));
    TRY(encoder_load_config(paths[CONFIG], bytes[CONFIG], n[CONFIG], e));
    TRY(wordpiece_parse(paths[VOCABULARY], bytes[VOCABULARY], n[VOCABULARY], &e->wordpiece));
    if (wordpiece_size(e->wordpiece) != (uint32_t)e->vocabulary)
        return status_fail(STATUS_DATA, "%s: %u pieces, but config.json's vocab_size is %d (is it cut off?)",
                           paths[VOCABULARY], wordpiece_size(e->wordpiece), e->vocabulary);
    return encoder_load_weights(paths[WEIGHTS], bytes[WEIGHTS], n[WEIGHTS], e);
}

enum status encoder_open(const char *folder, const struct backend *backend, struct encoder **out)
{
    struct encoder *e = calloc(1, sizeof *e);
    if (e == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: encoder %s", folder);
    struct arena *files = arena_new();
    e->backend = backend;
    e->arena = arena_new();
    enum status status = files != NULL && e->arena != NULL ? open_into(folder, e, files) : STATUS_SYSTEM;
    arena_free(files);
    if (status != STATUS_OK) {
        encoder_close(e);
        return status;
    }
    *out = e;
    return STATUS_OK;
}

void encoder_close(struct encoder *encoder)
{
    if (encoder == NULL)
        return;
    wordpiece_free(encoder->wordpiece);
    arena_free(encoder->arena);
    free(encoder);
}

uint32_t encoder_dimensions(const struct encoder *encoder)
{
    return (uint32_t)encoder->hidden;
}

const char *encoder_sha256(const struct encoder *encoder)
{
    return encoder->sha256;
}

enum status encoder_tokenize(const struct encoder *encoder, const char *text, size_t length,
                             struct arena *arena, uint32_t **ids, uint32_t *n)
{
    uint32_t room[ENCODER_MAX_TOKENS];
    wordpiece_encode(encoder->wordpiece, text, length, encoder->max_tokens, room, n);
    *ids = arena_copy(arena, room, *n, sizeof *room);
    return *ids != NULL ? STATUS_OK : STATUS_SYSTEM;
}

/* All texts as tokens, sorted by length, cut into batches. */
struct plan {
    uint64_t n_tokens, n_batches;
    uint32_t *ids, *positions; /* [n_tokens], in the sorted order */
    unsigned long *row;        /* [n_texts]: the text at each place of the order */
    uint64_t *start;           /* [n_texts + 1]: its first token */
    uint64_t *batch;           /* [n_batches + 1]: its first text */
    uint32_t largest;          /* tokens of the largest batch */
};

struct tokens { /* grows */
    uint64_t n, allocated;
    uint32_t *ids;
};

static enum status tokenize_all(const struct encoder *e, const struct strings *texts, struct tokens *tokens,
                                uint64_t *start)
{
    for (uint64_t i = 0; i < texts->n; i++) {
        if (tokens->n + ENCODER_MAX_TOKENS > tokens->allocated) {
            const uint64_t wanted = 2 * tokens->allocated + 16 * ENCODER_MAX_TOKENS;
            uint32_t *ids = realloc(tokens->ids, wanted * sizeof *ids);
            if (ids == NULL)
                return status_fail(STATUS_SYSTEM, "memory is out: the tokens of %llu texts",
                                   (unsigned long long)texts->n);
            tokens->ids = ids;
            tokens->allocated = wanted;
        }
        uint32_t n;
        start[i] = tokens->n;
        wordpiece_encode(e->wordpiece, strings_at(texts, i), strings_length(texts, i), e->max_tokens,
                         tokens->ids + tokens->n, &n);
        tokens->n += n;
    }
    start[texts->n] = tokens->n;
    return STATUS_OK;
}

/* Counting sort by length, longest first, so that no long batch is left for the end; equal ones in their order. */
static void sort_by_length(uint64_t n, const uint64_t *start, unsigned long *row)
{
    uint64_t place[ENCODER_MAX_TOKENS + 2] = {0};
    for (uint64_t i = 0; i < n; i++)
        place[ENCODER_MAX_TOKENS - (start[i + 1] - start[i]) + 1]++;
    for (int i = 0; i <= ENCODER_MAX_TOKENS; i++)
        place[i + 1] += place[i];
    for (uint64_t i = 0; i < n; i++)
        row[place[ENCODER_MAX_TOKENS - (start[i + 1] - start[i])]++] = i;
}

static enum status make_plan(const struct encoder *e, const struct strings *texts, struct tokens *tokens,
                             struct arena *arena, struct plan *p)
{
    uint64_t *start;
    ARENA_NEW(start, arena, texts->n + 1);
    TRY(tokenize_all(e, texts, tokens, start));
    p->n_tokens = tokens->n;
    ARENA_NEW(p->ids, arena, tokens->n);
    ARENA_NEW(p->positions, arena, tokens->n);
    ARENA_NEW(p->row, arena, texts->n);
    ARENA_NEW(p->start, arena, texts->n + 1);
    ARENA_NEW(p->batch, arena, texts->n + 1);
    sort_by_length(texts->n, start, p->row);
    /* Fewer tokens than would fill a batch a thread: smaller batches. */
    const uint64_t share = tokens->n / (uint64_t)e->backend->threads + 1;
    const uint64_t budget = share < BATCH_LEAST ? BATCH_LEAST : share > BATCH_TOKENS ? BATCH_TOKENS : share;
    uint64_t at = 0, in_batch = 0;
    for (uint64_t i = 0; i < texts->n; i++) {
        const uint64_t from = start[p->row[i]], n = start[p->row[i] + 1] - from;
        if (i == 0 || in_batch + n > budget) {
            p->batch[p->n_batches++] = i;
            in_batch = 0;
        }
        in_batch += n;
        if (in_batch > p->largest)
            p->largest = (uint32_t)in_batch;
        p->start[i] = at;
        memcpy(p->ids + at, tokens->ids + from, n * sizeof *p->ids);
        for (uint64_t j = 0; j < n; j++)
            p->positions[at++] = (uint32_t)j;
    }
    p->start[texts->n] = at;
    p->batch[p->n_batches] = texts->n;
    return STATUS_OK;
}

static enum status run_batch(const struct encoder *e, const struct plan *p, uint64_t index,
                             const struct encoder_work *work, uint32_t *first, float *out)
{
    const uint64_t from = p->batch[index], to = p->batch[index + 1], token = p->start[from];
    for (uint64_t i = from; i <= to; i++)
        first[i - from] = (uint32_t)(p->start[i] - token);
    const struct encoder_batch batch = {.n_texts = (uint32_t)(to - from),
                                        .n_tokens = (uint32_t)(p->start[to] - token),
                                        .ids = p->ids + token,
                                        .positions = p->positions + token,
                                        .first = first,
                                        .row = p->row + from};
    return encoder_forward(e, &batch, work, out, NULL);
}

/* A worker's complaint waits until the calling thread can make it its own. */
static void keep_quiet(void *context, enum status status, const char *sentence)
{
    (void)context, (void)status, (void)sentence;
}

static enum status run_plan(const struct encoder *e, const struct plan *p, struct arena *arena, float *out)
{
    int threads = e->backend->threads;
    if ((uint64_t)threads > p->n_batches)
        threads = p->n_batches > 1 ? (int)p->n_batches : 1;
    struct encoder_work *work;
    uint32_t *first; /* [threads][largest + 1] */
    ARENA_NEW(work, arena, (size_t)threads);
    ARENA_NEW(first, arena, (size_t)threads * (p->largest + 1));
    for (int i = 0; i < threads; i++)
        TRY(encoder_work_new(e, p->largest, arena, &work[i]));
    if (p->n_batches == 1)
        return run_batch(e, p, 0, &work[0], first, out);
    enum status worst = STATUS_OK;
    char sentence[512] = "";
#pragma omp parallel num_threads(threads)
    {
        const int me = omp_get_thread_num();
        status_handler *handler;
        void *context;
        status_set_handler(keep_quiet, NULL, &handler, &context);
#pragma omp for schedule(dynamic, 1)
        for (uint64_t i = 0; i < p->n_batches; i++) {
            const enum status status =
                run_batch(e, p, i, &work[me], first + (size_t)me * (p->largest + 1), out);
            if (status != STATUS_OK) {
#pragma omp critical(encoder_worst)
                {
                    worst = status;
                    snprintf(sentence, sizeof sentence, "%s", status_sentence());
                }
            }
        }
        status_set_handler(handler, context, NULL, NULL);
    }
    return worst == STATUS_OK ? STATUS_OK : status_fail(worst, "%s", sentence);
}

enum status encoder_embed(struct encoder *encoder, const struct strings *texts, float *out)
{
    if (texts->n == 0)
        return STATUS_OK;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    struct tokens tokens = {0};
    struct plan plan = {0};
    enum status status = make_plan(encoder, texts, &tokens, arena, &plan);
    free(tokens.ids);
    if (status == STATUS_OK)
        status = run_plan(encoder, &plan, arena, out);
    arena_free(arena);
    return status;
}
