/*
 * model_write.c - writing model files (model_io.h; the layout: model_file.h).
 *
 * HDF5 writes into memory (its core driver) and this file puts the image on the disk: where HDF5 itself meets a full
 * disk, H5Dwrite and H5Fclose return 0 and its clean-up at exit crashes (1.10.8).  Saving takes about twice the
 * model's size in memory.
 */
#include "models/model_file.h"

enum { GROWTH = 1 << 20 /* bytes that the image in memory grows by */ };

struct model_writer {
    hid_t file;
    const char *path;
};

static enum status write_fail(const char *path, const char *what)
{
    return status_fail(STATUS_SYSTEM, "%s: %s could not be put into the file; is memory out?", path, what);
}

static bool put_attribute(hid_t file, const char *name, hid_t type, hid_t from, const void *value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = space >= 0 && attribute >= 0 && H5Awrite(attribute, from, value) >= 0;
    if (attribute >= 0)
        ok = H5Aclose(attribute) >= 0 && ok;
    if (space >= 0)
        H5Sclose(space);
    return ok;
}

static bool put_text(hid_t file, const char *name, const char *text)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    const bool ok = type >= 0 && H5Tset_size(type, strlen(text) + 1) >= 0 &&
                    H5Tset_cset(type, H5T_CSET_UTF8) >= 0 && put_attribute(file, name, type, type, text);
    if (type >= 0)
        H5Tclose(type);
    return ok;
}

enum status model_put(struct model_writer *w, const char *name, enum array_type type, uint64_t rows,
                      uint64_t cols, const void *data)
{
    const hsize_t shape[2] = {rows, cols};
    const hid_t space = H5Screate_simple(2, shape, NULL);
    const hid_t how = H5Pcreate(H5P_DATASET_CREATE);
    bool ok = space >= 0 && how >= 0 && H5Pset_layout(how, H5D_CONTIGUOUS) >= 0 &&
              H5Pset_alloc_time(how, H5D_ALLOC_TIME_EARLY) >= 0 &&
              H5Pset_fill_time(how, H5D_FILL_TIME_NEVER) >= 0 && H5Pset_obj_track_times(how, false) >= 0;
    const hid_t array =
        ok ? H5Dcreate2(w->file, name, file_type(type), space, H5P_DEFAULT, how, H5P_DEFAULT) : -1;
    ok = array >= 0;
    if (ok && rows > 0 && cols > 0)
        ok = H5Dwrite(array, memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    if (array >= 0)
        ok = H5Dclose(array) >= 0 && ok;
    if (how >= 0)
        H5Pclose(how);
    if (space >= 0)
        H5Sclose(space);
    return ok ? STATUS_OK : write_fail(w->path, name);
}

/* The whole file as bytes, in the arena. */
static enum status make_image(const char *path, const struct model_type *type, const char *params,
                              const void *state, struct arena *arena, char **image, size_t *n)
{
    const int32_t file_version = FILE_VERSION, version = type->version;
    const hid_t in_memory = H5Pcreate(H5P_FILE_ACCESS);
    struct model_writer w = {.file = -1, .path = path};
    if (in_memory >= 0 && H5Pset_fapl_core(in_memory, GROWTH, false) >= 0)
        w.file = H5Fcreate(type->name, H5F_ACC_TRUNC, H5P_DEFAULT, in_memory);
    if (in_memory >= 0)
        H5Pclose(in_memory);
    if (w.file < 0)
        return write_fail(path, "the model");
    enum status status = STATUS_OK;
    if (!put_text(w.file, "format", FORMAT) ||
        !put_attribute(w.file, "file_version", H5T_STD_I32LE, H5T_NATIVE_INT32, &file_version) ||
        !put_text(w.file, "model", type->name) ||
        !put_attribute(w.file, "version", H5T_STD_I32LE, H5T_NATIVE_INT32, &version) ||
        !put_text(w.file, "params", params))
        status = write_fail(path, "the model's name and parameters");
    if (status == STATUS_OK)
        status = type->save(state, &w);
    if (status == STATUS_OK) {
        const ssize_t size =
            H5Fflush(w.file, H5F_SCOPE_GLOBAL) >= 0 ? H5Fget_file_image(w.file, NULL, 0) : -1;
        *n = size > 0 ? (size_t)size : 0;
        *image = size > 0 ? arena_alloc(arena, *n + SEAL_BYTES, 1) : NULL;
        if (size > 0 && *image == NULL)
            status = STATUS_SYSTEM;
        else if (size <= 0 || H5Fget_file_image(w.file, *image, *n) != size)
            status = write_fail(path, "the model");
    }
    H5Fclose(w.file);
    return status;
}

enum status model_save(const char *path, const struct model_type *type, const void *params, const void *state)
{
    struct arena *arena = arena_new();
    char *json, *image = NULL;
    size_t n = 0;
    quiet_hdf5();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = params_json(type->params, params, arena, &json);
    if (status == STATUS_OK && type->save == NULL)
        status = status_fail(STATUS_USAGE, "%s: the model %s can't be saved", path, type->name);
    if (status == STATUS_OK && strlen(json) >= TEXT_LIMIT)
        status = status_fail(STATUS_USAGE, "%s: the parameters of %s take %zu bytes, more than %d", path,
                             type->name, strlen(json), TEXT_LIMIT);
    if (status == STATUS_OK)
        status = make_image(path, type, json, state, arena, &image, &n);
    if (status == STATUS_OK) {
        make_seal(image, n, image + n);
        status = atomic_write(path, image, n + SEAL_BYTES);
    }
    arena_free(arena);
    return status;
}

enum status model_put_model(struct model_writer *w, const char *name, const struct model_type *type,
                            const void *state)
{
    const hid_t how = H5Pcreate(H5P_GROUP_CREATE);
    struct model_writer inner = *w;
    inner.file = how >= 0 && H5Pset_obj_track_times(how, false) >= 0
                     ? H5Gcreate2(w->file, name, H5P_DEFAULT, how, H5P_DEFAULT)
                     : H5I_INVALID_HID;
    enum status status = STATUS_OK;
    if (inner.file < 0)
        status = write_fail(w->path, name);
    else if (type->save == NULL)
        status = status_fail(STATUS_USAGE, "%s: the model %s can't be saved", w->path, type->name);
    else
        status = type->save(state, &inner);
    if (inner.file >= 0 && H5Gclose(inner.file) < 0 && status == STATUS_OK)
        status = write_fail(w->path, name);
    if (how >= 0)
        H5Pclose(how);
    return status;
}
