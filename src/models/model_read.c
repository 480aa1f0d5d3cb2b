/*
 * model_read.c - reading model files (model_io.h; the layout: model_file.h).
 *
 * Nothing read is believed: the hash must be right, links must be hard, data must lie in this file, contiguous, with
 * exactly the type and shape that the model asks for, and floating-point numbers must be finite.
 */
#include <errno.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "models/model_file.h"

struct model_reader {
    hid_t file;
    const char *path;
    uint64_t file_bytes;
    struct run *run;
};

static const struct array_kind {
    const char *name;
    size_t size;
} array_kinds[] = {[ARRAY_F32] = {"float32", 4},
                   [ARRAY_F64] = {"float64", 8},
                   [ARRAY_U32] = {"uint32", 4},
                   [ARRAY_I64] = {"int64", 8}};

/* A dataset behind a hard link; -1 otherwise. */
static hid_t open_array(hid_t file, const char *name)
{
    H5L_info_t link;
    if (H5Lexists(file, name, H5P_DEFAULT) <= 0 || H5Lget_info(file, name, &link, H5P_DEFAULT) < 0 ||
        link.type != H5L_TYPE_HARD)
        return -1;
    return H5Dopen2(file, name, H5P_DEFAULT);
}

static bool lies_in_file(hid_t array)
{
    const hid_t how = H5Dget_create_plist(array);
    const bool ok = how >= 0 && H5Pget_layout(how) == H5D_CONTIGUOUS && H5Pget_external_count(how) == 0;
    if (how >= 0)
        H5Pclose(how);
    return ok;
}

static bool has_type(hid_t array, enum array_type type)
{
    const hid_t found = H5Dget_type(array);
    const bool ok = found >= 0 && H5Tequal(found, file_type(type)) > 0;
    if (found >= 0)
        H5Tclose(found);
    return ok;
}

static bool get_shape(hid_t array, hsize_t shape[2])
{
    const hid_t space = H5Dget_space(array);
    const bool ok = space >= 0 && H5Sget_simple_extent_ndims(space) == 2 &&
                    H5Sget_simple_extent_dims(space, shape, NULL) == 2;
    if (space >= 0)
        H5Sclose(space);
    return ok;
}

static enum status check_finite(const struct model_reader *r, const char *name, enum array_type type,
                                uint64_t n, uint64_t cols, const void *data)
{
    for (uint64_t i = 0; i < n; i++) {
        const double x = type == ARRAY_F32 ? ((const float *)data)[i] : ((const double *)data)[i];
        if (!isfinite(x))
            return status_fail(STATUS_DATA, "%s: %s[%llu, %llu] is not a finite number; fit the model again",
                               r->path, name, (unsigned long long)(i / cols), (unsigned long long)(i % cols));
    }
    return STATUS_OK;
}

static enum status read_array(struct model_reader *r, hid_t array, const char *name, enum array_type type,
                              uint64_t *rows, uint64_t *cols, const void **data)
{
    const size_t size = array_kinds[type].size;
    hsize_t shape[2];
    uint64_t n, bytes;
    void *into;
    if (!lies_in_file(array))
        return status_fail(STATUS_DATA,
                           "%s: %s is not stored in one piece in this file, as recfuse writes it", r->path,
                           name);
    if (!has_type(array, type) || !get_shape(array, shape))
        return status_fail(STATUS_DATA, "%s: %s is not a matrix of %s", r->path, name,
                           array_kinds[type].name);
    if ((*rows != 0 && shape[0] != *rows) || (*cols != 0 && shape[1] != *cols))
        return status_fail(STATUS_DATA,
                           "%s: %s is %llu x %llu, not %llu x %llu (0: any); fit the model again", r->path,
                           name, (unsigned long long)shape[0], (unsigned long long)shape[1],
                           (unsigned long long)*rows, (unsigned long long)*cols);
    if (__builtin_mul_overflow(shape[0], shape[1], &n) || __builtin_mul_overflow(n, size, &bytes) ||
        bytes > r->file_bytes)
        return status_fail(STATUS_DATA, "%s: %s claims %llu x %llu numbers, more than the file holds",
                           r->path, name, (unsigned long long)shape[0], (unsigned long long)shape[1]);
    if ((into = arena_alloc(r->run->arena, n, size)) == NULL)
        return STATUS_SYSTEM;
    if (n > 0 && H5Dread(array, memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, into) < 0)
        return status_fail(STATUS_DATA, "%s: %s could not be read: the file is damaged", r->path, name);
    if (type == ARRAY_F32 || type == ARRAY_F64)
        TRY(check_finite(r, name, type, n, shape[1], into));
    *rows = shape[0], *cols = shape[1], *data = into;
    return STATUS_OK;
}

enum status model_get(struct model_reader *r, const char *name, enum array_type type, uint64_t *rows,
                      uint64_t *cols, const void **data)
{
    const hid_t array = open_array(r->file, name);
    if (array < 0)
        return status_fail(STATUS_DATA, "%s: there is no array %s in this model file", r->path, name);
    const enum status status = read_array(r, array, name, type, rows, cols, data);
    H5Dclose(array);
    return status;
}

enum status model_get_model(struct model_reader *r, const char *name, const struct model_type *type,
                            const void *params, struct run *run, void *state)
{
    H5L_info_t link;
    struct model_reader inner = *r;
    if (type->load == NULL)
        return status_fail(STATUS_USAGE, "%s: the model %s can't be loaded", r->path, type->name);
    if (H5Lexists(r->file, name, H5P_DEFAULT) <= 0 || H5Lget_info(r->file, name, &link, H5P_DEFAULT) < 0 ||
        link.type != H5L_TYPE_HARD || (inner.file = H5Gopen2(r->file, name, H5P_DEFAULT)) < 0)
        return status_fail(STATUS_DATA, "%s: there is no model %s in this model file", r->path, name);
    const enum status status = type->load(state, params, &inner, run);
    H5Gclose(inner.file);
    return status;
}

static bool get_number(hid_t file, const char *name, int32_t *value)
{
    const hid_t attribute = H5Aexists(file, name) > 0 ? H5Aopen(file, name, H5P_DEFAULT) : -1;
    if (attribute < 0)
        return false;
    const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    const bool ok = type >= 0 && space >= 0 && H5Tequal(type, H5T_STD_I32LE) > 0 &&
                    H5Sget_simple_extent_type(space) == H5S_SCALAR &&
                    H5Aread(attribute, H5T_NATIVE_INT32, value) >= 0;
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    H5Aclose(attribute);
    return ok;
}

/* Into text [TEXT_LIMIT], terminated. */
static bool get_text(hid_t file, const char *name, char *text)
{
    const hid_t attribute = H5Aexists(file, name) > 0 ? H5Aopen(file, name, H5P_DEFAULT) : -1;
    if (attribute < 0)
        return false;
    const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    const size_t size = type >= 0 ? H5Tget_size(type) : 0;
    bool ok = size > 0 && size <= TEXT_LIMIT && H5Tget_class(type) == H5T_STRING &&
              H5Tis_variable_str(type) == 0 && space >= 0 && H5Sget_simple_extent_type(space) == H5S_SCALAR &&
              H5Aread(attribute, type, text) >= 0;
    ok = ok && memchr(text, '\0', size) != NULL;
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    H5Aclose(attribute);
    return ok;
}

static enum status check_header(const struct model_reader *r, const struct model_type *type,
                                const char *params, char *text)
{
    int32_t number = 0;
    if (!get_text(r->file, "format", text) || strcmp(text, FORMAT) != 0 ||
        !get_number(r->file, "file_version", &number))
        return status_fail(STATUS_DATA, "%s: not a model file of recfuse", r->path);
    if (number != FILE_VERSION)
        return status_fail(STATUS_DATA, "%s: a model file of version %d, and this program reads version %d",
                           r->path, (int)number, FILE_VERSION);
    if (!get_text(r->file, "model", text))
        return status_fail(STATUS_DATA, "%s: the model's name is missing", r->path);
    if (strcmp(text, type->name) != 0)
        return status_fail(STATUS_DATA, "%s: holds the model %.64s, not %s", r->path, text, type->name);
    if (!get_number(r->file, "version", &number) || number != type->version)
        return status_fail(STATUS_DATA,
                           "%s: holds version %d of %s, and this program has version %d; fit it again",
                           r->path, (int)number, type->name, type->version);
    if (!get_text(r->file, "params", text))
        return status_fail(STATUS_DATA, "%s: the model's parameters are missing", r->path);
    if (strcmp(text, params) != 0)
        return status_fail(STATUS_DATA, "%s: %s was fitted with %.500s, not with %.500s", r->path, type->name,
                           text, params);
    return STATUS_OK;
}

enum status model_get_factors(struct model_reader *r, uint64_t ld, uint32_t *n_users, uint32_t *n_items,
                              float **user, float **item)
{
    uint64_t users = 0, items = 0;
    const void *user_data, *item_data;
    TRY(model_get(r, "user", ARRAY_F32, &users, &ld, &user_data));
    TRY(model_get(r, "item", ARRAY_F32, &items, &ld, &item_data));
    if (users > UINT32_MAX || items > UINT32_MAX)
        return status_fail(STATUS_DATA, "%s: holds more than 2^32 users or items", r->path);
    *n_users = (uint32_t)users;
    *n_items = (uint32_t)items;
    *user = (float *)user_data; /* the run's arena: the model's own from here on */
    *item = (float *)item_data;
    return STATUS_OK;
}

/* The bytes are those that were written. */
static enum status check_seal(struct model_reader *r)
{
    const char *bytes;
    char seal[SEAL_BYTES];
    size_t n;
    TRY(map_file(r->path, &bytes, &n));
    r->file_bytes = n;
    const bool sealed = n > SEAL_BYTES && seal_looks_right(bytes + n - SEAL_BYTES);
    bool same = false;
    if (sealed) {
        char hash[SHA256_HEX];
        sha256_hex(bytes, n - SEAL_BYTES, hash);
        seal_make(hash, seal);
        same = memcmp(bytes + n - SEAL_BYTES, seal, SEAL_BYTES) == 0;
    }
    if (n > 0)
        munmap((void *)bytes, n);
    if (!sealed)
        return status_fail(STATUS_DATA, "%s: not a model file of recfuse, or the end of it is missing",
                           r->path);
    if (!same)
        return status_fail(STATUS_DATA, "%s: the file is damaged: its SHA-256 is not the one it ends with",
                           r->path);
    return STATUS_OK;
}

enum status model_load(const char *path, const struct model_type *type, const void *params, struct run *run,
                       void *state)
{
    struct stat info;
    struct model_reader r = {.path = path, .run = run};
    char *json, *text;
    quiet_hdf5();
    if (type->load == NULL)
        return status_fail(STATUS_USAGE, "%s: the model %s can't be loaded", path, type->name);
    if (stat(path, &info) != 0)
        return status_fail(STATUS_DATA, "%s: no such model file: %s", path, strerror(errno));
    TRY(params_json(type->params, params, run->scratch, &json));
    ARENA_NEW(text, run->scratch, TEXT_LIMIT + 1);
    if (!S_ISREG(info.st_mode))
        return status_fail(STATUS_DATA, "%s: not a model file of recfuse but a folder or a device", path);
    TRY(check_seal(&r));
    r.file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (r.file < 0)
        return status_fail(STATUS_DATA, "%s: not a model file of recfuse, or damaged (HDF5 can't open it)",
                           path);
    enum status status = check_header(&r, type, json, text);
    if (status == STATUS_OK)
        status = type->load(state, params, &r, run);
    H5Fclose(r.file);
    return status;
}
