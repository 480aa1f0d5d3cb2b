/* cell_file.c - see cell_file.h. */
#include "experiment/cell_file.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/fsio.h"

static const char magic[16] = "recfuse cell 6\n";
enum { SUM = 16, SIZES = SUM + 32, MORE = SIZES + 4 + 4 + 8 + 8 + 8, HEADER = MORE + 8 * CELL_MORE };

static void digest(const void *bytes, size_t n, unsigned char out[32])
{
    char hex[SHA256_HEX];
    sha256_hex(bytes, n, hex);
    for (int i = 0; i < 32; i++) {
        const char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        out[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
}

static uint64_t raw_size(const struct cell_values *v, uint64_t n_id_bytes)
{
    uint64_t n_more = 0;
    for (int m = 0; m < CELL_MORE; m++)
        n_more += v->more[m].n;
    return n_more + (uint64_t)v->n_users * 8 + ((uint64_t)v->n_users + 1) * 8 + n_id_bytes +
           ((uint64_t)v->n_users + 1) * v->n_values * 8 + v->n_extra;
}

static char *put(char *to, const void *from, size_t n)
{
    if (n > 0)
        memcpy(to, from, n);
    return to + n;
}

static enum status pack(const struct cell_values *v, char **out, size_t *n_out)
{
    static const uint64_t none = 0;
    const uint64_t n_id_bytes = v->ids.n > 0 ? v->ids.offsets[v->ids.n] : 0;
    const uint64_t n = raw_size(v, n_id_bytes);
    uLongf n_packed = compressBound((uLong)n);
    char *raw = malloc(n), *file = malloc(HEADER + n_packed), *to = raw;
    *out = file;
    if (raw == NULL || file == NULL) {
        free(raw);
        return status_fail(STATUS_SYSTEM, "out of memory while writing a cell of %u users", v->n_users);
    }
    to = put(to, v->users, (size_t)v->n_users * 4);
    to = put(to, v->rows, (size_t)v->n_users * 4);
    to = put(to, v->ids.n > 0 ? v->ids.offsets : &none, ((size_t)v->n_users + 1) * 8);
    to = put(to, v->ids.bytes, n_id_bytes);
    to = put(to, v->values, (size_t)v->n_users * v->n_values * 8);
    to = put(to, v->pooled, (size_t)v->n_values * 8);
    to = put(to, v->extra, v->n_extra);
    for (int m = 0; m < CELL_MORE; m++)
        to = put(to, v->more[m].bytes, v->more[m].n);
    const int packed = compress2((Bytef *)file + HEADER, &n_packed, (const Bytef *)raw, (uLong)n, 1);
    free(raw);
    if (packed != Z_OK)
        return status_fail(STATUS_SYSTEM, "zlib could not pack a cell (error %d)", packed);
    const uint64_t n_packed64 = n_packed;
    unsigned char sum[32];
    put(file, magic, sizeof magic);
    to = put(file + SIZES, &v->n_users, 4);
    to = put(to, &v->n_values, 4);
    to = put(to, &n_id_bytes, 8);
    to = put(to, &v->n_extra, 8);
    to = put(to, &n_packed64, 8);
    for (int m = 0; m < CELL_MORE; m++)
        to = put(to, &v->more[m].n, 8);
    digest(file + SIZES, HEADER - SIZES + n_packed, sum);
    put(file + SUM, sum, sizeof sum);
    *n_out = HEADER + n_packed;
    return STATUS_OK;
}

static enum status cell_path(const char *folder, const char *key, char path[4096])
{
    if (snprintf(path, 4096, "%s/cells/%s.cell", folder, key) >= 4096)
        return status_fail(STATUS_SYSTEM, "%s: the path is too long", folder);
    return STATUS_OK;
}

enum status cell_write(const char *folder, const char *key, const struct cell_values *values)
{
    char path[4096], *file = NULL;
    size_t n = 0;
    TRY(cell_path(folder, key, path));
    enum status status = pack(values, &file, &n);
    if (status == STATUS_OK)
        status = atomic_write(path, file, n);
    free(file);
    return status;
}

/* What was unpacked becomes pointers, once everything is known to lie inside it. */
static enum status place(const char *path, const char *raw, uint64_t n_id_bytes, struct arena *arena,
                         struct cell_values *out)
{
    const size_t n = out->n_users;
    uint64_t *offsets;
    uint32_t *users, *rows;
    double *values;
    users = arena_copy(arena, raw, n, 4);
    rows = arena_copy(arena, raw + n * 4, n, 4);
    offsets = arena_copy(arena, raw + n * 8, n + 1, 8);
    const char *after = raw + n * 8 + (n + 1) * 8 + n_id_bytes;
    values = arena_copy(arena, after, n * out->n_values, 8);
    out->pooled = arena_copy(arena, after + n * out->n_values * 8, out->n_values, 8);
    out->extra = arena_copy(arena, after + (n + 1) * out->n_values * 8, out->n_extra, 1);
    const char *more = after + (n + 1) * out->n_values * 8 + out->n_extra;
    for (int m = 0; m < CELL_MORE; m++) {
        out->more[m].bytes = arena_copy(arena, more, out->more[m].n, 1);
        if (out->more[m].bytes == NULL)
            return STATUS_SYSTEM;
        more += out->more[m].n;
    }
    out->ids.bytes = arena_copy(arena, raw + n * 8 + (n + 1) * 8, n_id_bytes, 1);
    if (users == NULL || rows == NULL || offsets == NULL || values == NULL || out->ids.bytes == NULL ||
        out->pooled == NULL || out->extra == NULL)
        return STATUS_SYSTEM;
    for (size_t u = 0; u < n; u++)
        if (offsets[u] > offsets[u + 1])
            return status_fail(STATUS_DATA, "%s: is damaged (id offsets fall)", path);
    if (offsets[0] != 0 || offsets[n] != n_id_bytes)
        return status_fail(STATUS_DATA, "%s: is damaged (id offsets)", path);
    out->users = users;
    out->rows = rows;
    out->values = values;
    out->ids.offsets = offsets;
    out->ids.n = n;
    return STATUS_OK;
}

enum status cell_read(const char *folder, const char *key, struct arena *arena, struct cell_values *out)
{
    char path[4096], *file;
    unsigned char sum[32];
    uint64_t n_id_bytes, n_packed;
    size_t n;
    *out = (struct cell_values){0};
    TRY(cell_path(folder, key, path));
    TRY(read_whole_file(path, (size_t)1 << 40, arena, &file, &n));
    if (n < HEADER || memcmp(file, magic, sizeof magic) != 0)
        return status_fail(STATUS_DATA, "%s: is no cell of recfuse, or its head is cut off", path);
    memcpy(&out->n_users, file + SIZES, 4);
    memcpy(&out->n_values, file + SIZES + 4, 4);
    memcpy(&n_id_bytes, file + SIZES + 8, 8);
    memcpy(&out->n_extra, file + SIZES + 16, 8);
    memcpy(&n_packed, file + SIZES + 24, 8);
    bool fair = n_id_bytes <= (uint64_t)1 << 40 && out->n_extra <= (uint64_t)1 << 40;
    for (int m = 0; m < CELL_MORE; m++) {
        memcpy(&out->more[m].n, file + MORE + 8 * m, 8);
        fair = fair && out->more[m].n <= (uint64_t)1 << 40;
    }
    digest(file + SIZES, n - SIZES, sum);
    if (n_packed != n - HEADER || memcmp(sum, file + SUM, 32) != 0)
        return status_fail(STATUS_DATA, "%s: is damaged (its checksum doesn't match)", path);
    if (!fair || (uint64_t)out->n_users * out->n_values > (uint64_t)1 << 36)
        return status_fail(STATUS_DATA, "%s: is damaged (sizes)", path);
    const uint64_t size = raw_size(out, n_id_bytes);
    uLongf n_raw = (uLongf)size;
    char *raw = malloc(size);
    if (raw == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while reading %s", path);
    enum status status = STATUS_OK;
    if (uncompress((Bytef *)raw, &n_raw, (const Bytef *)file + HEADER, (uLong)n_packed) != Z_OK ||
        n_raw != size)
        status = status_fail(STATUS_DATA, "%s: is damaged (zlib)", path);
    if (status == STATUS_OK)
        status = place(path, raw, n_id_bytes, arena, out);
    free(raw);
    return status;
}
