/*
 * store_load.c - arrays and attributes of an HDF5 file that may come from anywhere.
 *
 * HDF5 follows what a file says: to other files (external links, external storage, virtual datasets), to
 * plugins (unknown filters), to allocations of any declared size.  So each object is reached by hard links
 * only, must have exactly the type and shape asked for, and may not declare more bytes than its stored bytes
 * can unpack to (deflate reaches 1:1032).
 */
#include <string.h>

#include "data/store_chunks.h"
#include "data/store_parts.h"

#define DEFLATE_RATIO_MAX 1100u
#define CHUNK_BYTES_MAX   (64u << 20)

void store_hdf5_start(void)
{
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
}

struct reason {
    char *buffer;
    size_t size;
};
static herr_t deepest_reason(unsigned n, const H5E_error2_t *error, void *context)
{
    const struct reason *reason = context;
    (void)n;
    if (error->desc != NULL)
        snprintf(reason->buffer, reason->size, "%s", error->desc);
    return 0;
}
const char *store_hdf5_reason(char *buffer, size_t size)
{
    struct reason reason = {buffer, size};
    snprintf(buffer, size, "the HDF5 library gives no reason");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, deepest_reason, &reason);
    return buffer;
}

enum status load_damaged(const struct loader *l, const char *object)
{
    char reason[200];
    return status_fail(STATUS_DATA, "%s: %s can't be read (%s): damaged or truncated; import it again",
                       l->path, object, store_hdf5_reason(reason, sizeof reason));
}

enum status load_find(const struct loader *l, const char *path, bool *there)
{
    char part[240];
    snprintf(part, sizeof part, "%s", path);
    *there = false;
    for (char *slash = part + 1;; slash++) {
        if (*slash != '/' && *slash != '\0')
            continue;
        const char end = *slash;
        *slash = '\0';
        const htri_t exists = H5Lexists(l->file, part, H5P_DEFAULT);
        if (exists < 0)
            return load_damaged(l, part);
        if (exists == 0)
            return STATUS_OK;
        H5L_info_t info;
        if (H5Lget_info(l->file, part, &info, H5P_DEFAULT) < 0)
            return load_damaged(l, part);
        if (info.type != H5L_TYPE_HARD)
            return status_fail(STATUS_DATA,
                               "%s: %s is a link to elsewhere, which a dataset file may not have", l->path,
                               part);
        *slash = end;
        if (end == '\0')
            break;
    }
    *there = true;
    return STATUS_OK;
}

enum status load_find_group(const struct loader *l, const char *path, bool *there)
{
    TRY(load_find(l, path, there));
    if (!*there)
        return STATUS_OK;
    H5O_info_t info;
    if (H5Oget_info_by_name2(l->file, path, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return load_damaged(l, path);
    if (info.type != H5O_TYPE_GROUP)
        return status_fail(STATUS_DATA, "%s: %s is not a group", l->path, path);
    return STATUS_OK;
}

enum status load_need_group(const struct loader *l, const char *path)
{
    bool there;
    TRY(load_find_group(l, path, &there));
    if (!there)
        return status_fail(STATUS_DATA, "%s: has no %s: not a dataset file of recfuse", l->path, path);
    return STATUS_OK;
}

/* Storage inside this file, filters of HDF5's own, no more bytes than can be there. */
static enum status check_storage(const struct loader *l, const char *path, hid_t array, size_t size,
                                 uint64_t bytes)
{
    const hid_t plist = H5Dget_create_plist(array);
    if (plist < 0)
        return load_damaged(l, path);
    enum status status = STATUS_OK;
    const H5D_layout_t layout = H5Pget_layout(plist);
    if (layout == H5D_VIRTUAL || (layout == H5D_CONTIGUOUS && H5Pget_external_count(plist) != 0) ||
        (layout != H5D_CHUNKED && layout != H5D_CONTIGUOUS && layout != H5D_COMPACT))
        status =
            status_fail(STATUS_DATA, "%s: %s keeps its values in other files, which a dataset file may not",
                        l->path, path);
    uint64_t chunk_bytes = size;
    if (status == STATUS_OK && layout == H5D_CHUNKED) {
        hsize_t chunk[2] = {0, 0};
        const int rank = H5Pget_chunk(plist, 2, chunk);
        for (int i = 0; i < rank && i < 2; i++)
            if (__builtin_mul_overflow(chunk_bytes, chunk[i], &chunk_bytes))
                chunk_bytes = UINT64_MAX;
        if (rank < 1 || rank > 2 || chunk_bytes == 0 || chunk_bytes > CHUNK_BYTES_MAX)
            status = status_fail(STATUS_DATA, "%s: %s has chunks of more than %u MiB", l->path, path,
                                 CHUNK_BYTES_MAX >> 20);
    }
    const int n_filters = layout == H5D_CHUNKED ? H5Pget_nfilters(plist) : 0;
    for (int i = 0; status == STATUS_OK && i < n_filters; i++) {
        unsigned flags, config;
        size_t n_values = 0;
        const H5Z_filter_t filter =
            H5Pget_filter2(plist, (unsigned)i, &flags, &n_values, NULL, 0, NULL, &config);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32)
            status = status_fail(STATUS_DATA,
                                 "%s: %s uses filter %d, expected deflate, shuffle and Fletcher32 only",
                                 l->path, path, (int)filter);
    }
    H5Pclose(plist);
    TRY(status);
    const uint64_t stored = H5Dget_storage_size(array);
    if (stored > l->file_size || bytes / DEFLATE_RATIO_MAX > stored)
        return status_fail(STATUS_DATA,
                           "%s: %s declares %llu bytes, more than the file's %llu can hold: damaged", l->path,
                           path, (unsigned long long)bytes, (unsigned long long)l->file_size);
    return STATUS_OK;
}

/* The wanted shape; *rows is set where it was LOAD_ANY. */
static enum status check_shape(const struct loader *l, const char *path, hid_t array, uint64_t *rows,
                               uint64_t *width)
{
    hsize_t shape[2] = {0, 1};
    const hid_t space = H5Dget_space(array);
    const int rank =
        space >= 0 && H5Sget_simple_extent_type(space) == H5S_SIMPLE ? H5Sget_simple_extent_ndims(space) : -1;
    const int expected = width != NULL ? 2 : 1;
    if (rank == expected && H5Sget_simple_extent_dims(space, shape, NULL) < 0)
        shape[0] = LOAD_ANY;
    H5Sclose(space);
    if (rank != expected)
        return status_fail(STATUS_DATA, "%s: %s has %d dimensions, expected %d", l->path, path, rank,
                           expected);
    if (*rows != LOAD_ANY && shape[0] != *rows)
        return status_fail(STATUS_DATA, "%s: %s has %llu rows, expected %llu", l->path, path,
                           (unsigned long long)shape[0], (unsigned long long)*rows);
    *rows = shape[0];
    if (width == NULL)
        return STATUS_OK;
    if (*width != LOAD_ANY && shape[1] != *width)
        return status_fail(STATUS_DATA, "%s: %s has %llu columns, expected %llu", l->path, path,
                           (unsigned long long)shape[1], (unsigned long long)*width);
    *width = shape[1];
    return STATUS_OK;
}

static const char *type_name(hid_t type)
{
    return type == H5T_STD_U8LE     ? "unsigned 8-bit integers"
           : type == H5T_STD_U32LE  ? "unsigned 32-bit integers"
           : type == H5T_STD_U64LE  ? "unsigned 64-bit integers"
           : type == H5T_STD_I64LE  ? "64-bit integers"
           : type == H5T_IEEE_F32LE ? "32-bit floats"
                                    : "another type";
}

/* Is it stored as store_write.c does it? */
static bool is_ours(hid_t array, size_t element, uint64_t bytes, const uint64_t *width, struct chunked *c)
{
    const int rank = width != NULL ? 2 : 1;
    const hid_t plist = H5Dget_create_plist(array);
    hsize_t chunk[2] = {0, 1};
    bool ours = plist >= 0 && H5Pget_layout(plist) == H5D_CHUNKED && H5Pget_chunk(plist, 2, chunk) == rank &&
                (rank == 1 || chunk[1] == *width);
    const H5Z_filter_t filters[] = {H5Z_FILTER_SHUFFLE, H5Z_FILTER_DEFLATE, H5Z_FILTER_FLETCHER32};
    const int first = element > 1 ? 0 : 1;
    ours = ours && H5Pget_nfilters(plist) == 3 - first;
    for (int i = first; ours && i < 3; i++) {
        unsigned flags, config;
        size_t n_values = 0;
        ours = H5Pget_filter2(plist, (unsigned)(i - first), &flags, &n_values, NULL, 0, NULL, &config) ==
               filters[i];
    }
    H5Pclose(plist);
    *c = (struct chunked){array, rank, element, bytes, chunk[0], (size_t)(chunk[0] * chunk[1]) * element, 0};
    return ours;
}

static enum status read_values(const struct loader *l, const char *path, hid_t array, hid_t type,
                               uint64_t bytes, const uint64_t *width, void *values)
{
    struct chunked c;
    const bool ours = l->fd >= 0 && is_ours(array, H5Tget_size(type), bytes, width, &c);
    const enum chunks_result result = ours ? chunks_read(&c, l->fd, values) : CHUNKS_OTHER;
    if (result == CHUNKS_DAMAGED)
        return status_fail(STATUS_DATA,
                           "%s: %s can't be read (a chunk has not its checksum): damaged; import it again",
                           l->path, path);
    if (result == CHUNKS_OTHER && H5Dread(array, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        return load_damaged(l, path);
    return STATUS_OK;
}

/* The array that was written under this path, if the file holds it. */
static enum status compare_values(const struct loader *l, const char *path, hid_t array, hid_t type,
                                  uint64_t bytes, const uint64_t *width, void **values)
{
    const struct written *found = NULL;
    struct chunked c;
    for (size_t k = 0; found == NULL && k < l->written->n; k++)
        if (strcmp(l->written->array[k].path, path) == 0)
            found = &l->written->array[k];
    if (found == NULL || found->bytes != bytes ||
        (bytes > 0 && (l->fd < 0 || !is_ours(array, H5Tget_size(type), bytes, width, &c) ||
                       chunks_compare(&c, l->fd, found->values) != CHUNKS_READ)))
        return status_fail(STATUS_SYSTEM, "%s: %s reads back differently from what was written: a bad disk?",
                           l->path, path);
    *values = (void *)found->values;
    return STATUS_OK;
}

static enum status load_open_array(const struct loader *l, const char *path, hid_t array, hid_t type,
                                   uint64_t *rows, uint64_t *width, void **values)
{
    const hid_t stored = H5Dget_type(array);
    const bool fits = stored >= 0 && H5Tequal(stored, type) > 0;
    H5Tclose(stored);
    if (!fits)
        return status_fail(STATUS_DATA, "%s: %s has the wrong type, expected little-endian %s", l->path, path,
                           type_name(type));
    TRY(check_shape(l, path, array, rows, width));
    uint64_t bytes = H5Tget_size(type);
    if (__builtin_mul_overflow(bytes, *rows, &bytes) ||
        __builtin_mul_overflow(bytes, width != NULL ? *width : 1, &bytes))
        bytes = UINT64_MAX;
    TRY(check_storage(l, path, array, H5Tget_size(type), bytes));
    if (l->written != NULL)
        return compare_values(l, path, array, type, bytes, width, values);
    *values = arena_alloc(l->arena, bytes, 1);
    if (*values == NULL)
        return STATUS_SYSTEM;
    return bytes > 0 ? read_values(l, path, array, type, bytes, width, *values) : STATUS_OK;
}

/* The values of a dataset of exactly this type and shape, in the arena.  width NULL: one dimension. */
enum status load_array(const struct loader *l, const char *folder, const char *name, hid_t type,
                       uint64_t *rows, uint64_t *width, void **values)
{
    char path[240];
    bool there;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    TRY(load_find(l, path, &there));
    if (!there)
        return status_fail(STATUS_DATA, "%s: has no %s", l->path, path);
    H5O_info_t info;
    if (H5Oget_info_by_name2(l->file, path, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return load_damaged(l, path);
    if (info.type != H5O_TYPE_DATASET)
        return status_fail(STATUS_DATA, "%s: %s is not a dataset", l->path, path);
    const hid_t array = H5Dopen2(l->file, path, H5P_DEFAULT);
    if (array < 0)
        return load_damaged(l, path);
    const enum status status = load_open_array(l, path, array, type, rows, width, values);
    H5Dclose(array);
    return status;
}

/* n LOAD_ANY: as many as there are. */
enum status load_strings(const struct loader *l, const char *folder, uint64_t n, struct strings *s)
{
    uint64_t n_offsets = n == LOAD_ANY ? LOAD_ANY : n + 1, n_bytes = LOAD_ANY;
    TRY(load_need_group(l, folder));
    LOAD(l, folder, "offsets", H5T_STD_U64LE, &n_offsets, s->offsets);
    LOAD(l, folder, "bytes", H5T_STD_U8LE, &n_bytes, s->bytes);
    if (n_offsets == 0 || s->offsets[n_offsets - 1] != n_bytes || (n_offsets == 1 && n_bytes != 0))
        return status_fail(STATUS_DATA, "%s: %s/offsets doesn't fit the %llu bytes beside it", l->path,
                           folder, (unsigned long long)n_bytes);
    s->n = n_offsets - 1;
    return STATUS_OK;
}

enum status load_string_attribute(const struct loader *l, const char *name, char **value)
{
    const hid_t attribute = H5Aopen(l->file, name, H5P_DEFAULT);
    if (attribute < 0)
        return status_fail(STATUS_DATA, "%s: has no attribute %s: not a dataset file of recfuse", l->path,
                           name);
    const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    enum status status = STATUS_OK;
    if (type < 0 || space < 0 || H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 ||
        H5Sget_simple_extent_type(space) != H5S_SCALAR || H5Tget_size(type) > STORE_ATTRIBUTE_MAX)
        status =
            status_fail(STATUS_DATA, "%s: attribute %s is not one string of fixed length", l->path, name);
    if (status == STATUS_OK) {
        const size_t n = H5Tget_size(type);
        *value = arena_alloc(l->arena, n + 1, 1);
        if (*value == NULL)
            status = STATUS_SYSTEM;
        else if (H5Aread(attribute, type, *value) < 0)
            status = load_damaged(l, name);
        else if (utf8_valid_prefix(*value, strlen(*value)) != strlen(*value))
            status = status_fail(STATUS_DATA, "%s: attribute %s is not valid UTF-8", l->path, name);
    }
    H5Tclose(type);
    H5Sclose(space);
    H5Aclose(attribute);
    return status;
}

enum status load_u32_attribute(const struct loader *l, const char *object, const char *name, uint32_t *value)
{
    const hid_t attribute = H5Aopen_by_name(l->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0)
        return status_fail(STATUS_DATA, "%s: %s has no attribute %s: not a dataset file of recfuse", l->path,
                           object, name);
    const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    enum status status = STATUS_OK;
    if (type < 0 || space < 0 || H5Tequal(type, H5T_STD_U32LE) <= 0 ||
        H5Sget_simple_extent_type(space) != H5S_SCALAR)
        status = status_fail(STATUS_DATA, "%s: attribute %s of %s is not one unsigned 32-bit integer",
                             l->path, name, object);
    else if (H5Aread(attribute, H5T_NATIVE_UINT32, value) < 0)
        status = load_damaged(l, name);
    H5Tclose(type);
    H5Sclose(space);
    H5Aclose(attribute);
    return status;
}
