/*
 * embeddings.c - see embeddings.h.
 *
 * Of an HDF5 file only a hard-linked dataset in its root is taken, in the file itself (no external or virtual storage), through HDF5's
 * own filters; what it would unpack to is held against the file's size before memory is asked for.
 */
#include "data/import/embeddings.h"

#include <hdf5.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "data/dataset.h"
#include "data/import/npy.h"

enum { UNPACKED_RATIO = 1100 }; /* deflate reaches 1,032 */

static bool ends_in(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

static enum status read_npy(const char *path, struct source_log *log, struct arena *arena,
                            struct embeddings *out)
{
    enum { ROOM = 1 << 16 };
    struct npy_pull p = {0};
    struct npy shape = {0};
    size_t got = 0;
    enum status status = npy_open(&p, path, log, &shape);
    const size_t size = (size_t)(shape.kind - '0') * shape.width,
                 all = status == STATUS_OK ? shape.rows * size : 0;
    struct stat info;
    unsigned char *raw = NULL;
    if (status == STATUS_OK && (stat(path, &info) != 0 || all / UNPACKED_RATIO > (size_t)info.st_size))
        status = status_fail(STATUS_DATA,
                             "%s: its header promises %llu x %llu numbers, more than the file can hold", path,
                             (unsigned long long)shape.rows, (unsigned long long)shape.width);
    if (status == STATUS_OK) {
        out->n = (uint32_t)shape.rows;
        out->d = (uint32_t)shape.width;
        out->value = arena_alloc(arena, (size_t)shape.rows * shape.width, sizeof *out->value);
        raw = arena_alloc(arena, size, 1);
        status = out->value != NULL && raw != NULL ? STATUS_OK : STATUS_SYSTEM;
    }
    for (uint64_t row = 0; row < shape.rows && status == STATUS_OK; row++) {
        status = npy_pull(&p, raw, size, &got);
        if (status == STATUS_OK && got < size)
            status = status_fail(STATUS_DATA, "%s: ends in row %llu, expected %llu rows", path,
                                 (unsigned long long)row, (unsigned long long)shape.rows);
        if (status == STATUS_OK)
            npy_floats(raw, shape.kind, out->d, out->value + row * out->d);
    }
    if (status == STATUS_OK)
        status = npy_pull(&p, raw, 1, &got);
    if (status == STATUS_OK && got > 0)
        status =
            status_fail(STATUS_DATA, "%s: goes on after its %llu rows", path, (unsigned long long)shape.rows);
    reader_close(&p.reader);
    return status;
}

/* The datasets of the root that could be meant. */
struct search {
    const char *name; /* wanted; NULL: any */
    char found[256];
    int n;
};

static herr_t look(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    struct search *s = context;
    H5O_info_t object;
    if (info->type != H5L_TYPE_HARD || (s->name != NULL && strcmp(s->name, name) != 0) ||
        strlen(name) > 255 || H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0 ||
        object.type != H5O_TYPE_DATASET)
        return 0;
    const hid_t set = H5Dopen2(group, name, H5P_DEFAULT);
    const hid_t space = set >= 0 ? H5Dget_space(set) : -1, type = set >= 0 ? H5Dget_type(set) : -1;
    if (space >= 0 && type >= 0 && H5Sget_simple_extent_ndims(space) == 2 &&
        H5Tget_class(type) == H5T_FLOAT) {
        snprintf(s->found, sizeof s->found, "%s", name);
        s->n++;
    }
    H5Tclose(type);
    H5Sclose(space);
    H5Dclose(set);
    return 0;
}

static enum status read_set(const char *path, hid_t set, size_t file_size, struct arena *arena,
                            struct embeddings *out)
{
    hsize_t shape[2] = {0, 0};
    const hid_t space = H5Dget_space(set), how = H5Dget_create_plist(set);
    const bool inside = how >= 0 && H5Pget_layout(how) != H5D_VIRTUAL &&
                        (H5Pget_layout(how) == H5D_CHUNKED || H5Pget_external_count(how) == 0);
    H5Sget_simple_extent_dims(space, shape, NULL);
    H5Pclose(how);
    H5Sclose(space);
    if (!inside)
        return status_fail(STATUS_DATA, "%s: its vectors lie in other files, which is not followed", path);
    if (shape[0] < 1 || shape[0] >= UINT32_MAX || shape[1] < 1 || shape[1] > FEATURE_WIDTH_MAX ||
        shape[0] * shape[1] / UNPACKED_RATIO > file_size)
        return status_fail(
            STATUS_DATA, "%s: %llu x %llu vectors, expected a width of 1 to %d and what the file can hold",
            path, (unsigned long long)shape[0], (unsigned long long)shape[1], FEATURE_WIDTH_MAX);
    out->n = (uint32_t)shape[0];
    out->d = (uint32_t)shape[1];
    ARENA_NEW(out->value, arena, (size_t)(shape[0] * shape[1]));
    return H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, out->value) >= 0
               ? STATUS_OK
               : status_fail(STATUS_DATA,
                             "%s: its vectors can't be read: the file is damaged, or packed by a filter that "
                             "HDF5 does not have",
                             path);
}

static enum status read_h5(const char *path, const char *name, struct arena *arena, struct embeddings *out)
{
    struct search search = {.name = name};
    struct stat info;
    if (stat(path, &info) != 0)
        return status_fail(STATUS_DATA, "%s: no such file", path);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0)
        return status_fail(STATUS_DATA, "%s: is not an HDF5 file, or damaged", path);
    hsize_t at = 0;
    enum status status = STATUS_OK;
    if (H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, &at, look, &search) < 0 || search.n != 1)
        status = status_fail(
            STATUS_DATA,
            "%s: %d datasets of two dimensions of floats%s%s in its root, expected one (--name NAME "
            "takes one of several)",
            path, search.n, name != NULL ? " called " : "", name != NULL ? name : "");
    const hid_t set = status == STATUS_OK ? H5Dopen2(file, search.found, H5P_DEFAULT) : -1;
    if (status == STATUS_OK)
        status = read_set(path, set, (size_t)info.st_size, arena, out);
    if (set >= 0)
        H5Dclose(set);
    H5Fclose(file);
    return status;
}

static enum status read_ids(const char *path, uint32_t n, struct source_log *log, struct arena *arena,
                            struct strings *out)
{
    struct reader reader = {0};
    struct string_builder builder = {0};
    struct string_map *seen = string_map_new();
    uint32_t row = 0;
    enum status status = seen != NULL ? reader_open(&reader, path, READER_UTF8, log) : STATUS_SYSTEM;
    while (status == STATUS_OK) {
        const char *line;
        size_t length;
        status = reader_line(&reader, &line, &length);
        if (status != STATUS_OK || length == 0)
            break;
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            length--;
        if (row == n)
            status = status_fail(STATUS_DATA, "%s: holds more ids than there are vectors (%u)", path, n);
        else if (length == 0)
            status = status_fail(STATUS_DATA, "%s:%u: the line is empty, an id was expected", path, row + 1);
        else {
            const uint32_t number = string_map_add(seen, line, length);
            if (number == UINT32_MAX)
                status = STATUS_SYSTEM;
            else if (number != row)
                status = status_fail(STATUS_DATA, "%s:%u: the id '%.*s' stands in line %u already", path,
                                     row + 1, (int)(length < 60 ? length : 60), line, number + 1);
            else
                status = string_builder_add(&builder, line, length);
        }
        row++;
    }
    if (status == STATUS_OK && row < n)
        status = status_fail(STATUS_DATA, "%s: holds %u ids for %u vectors: one for each, in their order",
                             path, row, n);
    if (status == STATUS_OK)
        status = string_builder_finish(&builder, arena, out);
    string_builder_free(&builder);
    string_map_free(seen);
    reader_close(&reader);
    return status;
}

static enum status check_numbers(const char *path, const struct embeddings *e)
{
    for (uint32_t i = 0; i < e->n; i++)
        for (uint32_t k = 0; k < e->d; k++)
            if (!isfinite(e->value[(size_t)i * e->d + k]))
                return status_fail(STATUS_DATA,
                                   "%s: row %u (id '%.*s'), column %u: found %g, expected a finite number",
                                   path, i, (int)strings_length(&e->ids, i), strings_at(&e->ids, i), k,
                                   (double)e->value[(size_t)i * e->d + k]);
    return STATUS_OK;
}

static enum status read_both(const char *path, const char *name, const char *ids, struct source_log *log,
                             struct arena *arena, struct embeddings *out)
{
    const bool is_h5 = ends_in(path, ".h5") || ends_in(path, ".hdf5");
    if (!is_h5 && !ends_in(path, ".npy") && !ends_in(path, ".npy.gz"))
        return status_fail(STATUS_USAGE, "%s: vectors come as .npy, .npy.gz, .h5 or .hdf5", path);
    TRY(is_h5 ? read_h5(path, name, arena, out) : read_npy(path, log, arena, out));
    TRY(read_ids(ids, out->n, log, arena, &out->ids));
    return check_numbers(path, out);
}

enum status embeddings_read(const char *path, const char *name, const char *ids, struct arena *arena,
                            struct embeddings *out)
{
    struct source_log log;
    char both[2 * SHA256_HEX] = "";
    *out = (struct embeddings){0};
    TRY(source_log_open(&log));
    const enum status status = read_both(path, name, ids, &log, arena, out);
    source_log_close(&log, both);
    TRY(status);
    TRY(sha256_file(path, both + SHA256_HEX - 1)); /* an HDF5 file is not in the log */
    sha256_hex(both, strlen(both), out->source_sha256);
    const char *slash = strrchr(path, '/'), *ids_slash = strrchr(ids, '/');
    snprintf(out->source, sizeof out->source, "%.500s, %.500s", slash != NULL ? slash + 1 : path,
             ids_slash != NULL ? ids_slash + 1 : ids);
    return STATUS_OK;
}

enum status embeddings_match(struct embeddings *e, const struct strings *wanted, bool keep_only,
                             struct arena *arena, uint32_t *missing, uint32_t *unknown, uint32_t *one)
{
    struct string_map *known = string_map_new();
    struct string_builder kept = {0};
    enum status status = known != NULL ? STATUS_OK : STATUS_SYSTEM;
    uint32_t n = 0, found = 0;
    bool *has;
    *one = UINT32_MAX;
    ARENA_NEW(has, arena, wanted->n);
    for (uint64_t i = 0; i < wanted->n && status == STATUS_OK; i++)
        if (string_map_add(known, strings_at(wanted, i), strings_length(wanted, i)) == UINT32_MAX)
            status = STATUS_SYSTEM;
    for (uint32_t i = 0; i < e->n && status == STATUS_OK; i++) {
        const char *id = strings_at(&e->ids, i);
        const size_t length = strings_length(&e->ids, i);
        const uint32_t item = string_map_find(known, id, length);
        if (item != UINT32_MAX)
            has[item] = true;
        found += item != UINT32_MAX;
        if (item == UINT32_MAX && keep_only)
            continue;
        memmove(e->value + (size_t)n++ * e->d, e->value + (size_t)i * e->d, e->d * sizeof *e->value);
        status = string_builder_add(&kept, id, length);
    }
    for (uint64_t i = 0; i < wanted->n && *one == UINT32_MAX; i++)
        if (!has[i])
            *one = (uint32_t)i;
    *unknown = e->n - found;
    *missing = (uint32_t)wanted->n - found;
    if (status == STATUS_OK)
        status = string_builder_finish(&kept, arena, &e->ids);
    e->n = n;
    string_builder_free(&kept);
    string_map_free(known);
    return status;
}
