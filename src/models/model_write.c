/*
 * model_write.c - writing model files (model_io.h; the layout: model_file.h).
 *
 * The file is built in memory (base/image.h): saving takes about twice the model's size.
 */
#include "models/model_file.h"

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

static enum status fill(hid_t file, const char *path, const struct model_type *type, const char *params,
                        const void *state)
{
    const int32_t file_version = FILE_VERSION, version = type->version;
    struct model_writer w = {.file = file, .path = path};
    if (!put_text(file, "format", FORMAT) ||
        !put_attribute(file, "file_version", H5T_STD_I32LE, H5T_NATIVE_INT32, &file_version) ||
        !put_text(file, "model", type->name) ||
        !put_attribute(file, "version", H5T_STD_I32LE, H5T_NATIVE_INT32, &version) ||
        !put_text(file, "params", params))
        return write_fail(path, "the model's name and parameters");
    return type->save(state, &w);
}

/* The image and its seal, whole or not at all. */
static enum status put_on_disk(const char *path, const struct image *image)
{
    char hash[SHA256_HEX], seal[SEAL_BYTES];
    struct atomic_file file;
    sha256_hex(image->bytes, image->n, hash);
    seal_make(hash, seal);
    TRY(atomic_open(&file, path));
    fwrite(image->bytes, 1, image->n, file.stream); /* atomic_commit() finds what fails */
    fwrite(seal, 1, sizeof seal, file.stream);
    return atomic_commit(&file);
}

enum status model_save(const char *path, const struct model_type *type, const void *params, const void *state)
{
    struct arena *arena = arena_new();
    struct image image = {0};
    char *json;
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = params_json(type->params, params, arena, &json);
    if (status == STATUS_OK && type->save == NULL)
        status = status_fail(STATUS_USAGE, "%s: the model %s can't be saved", path, type->name);
    if (status == STATUS_OK && strlen(json) >= TEXT_LIMIT)
        status = status_fail(STATUS_USAGE, "%s: the parameters of %s take %zu bytes, more than %d", path,
                             type->name, strlen(json), TEXT_LIMIT);
    if (status == STATUS_OK)
        status = image_open(path, &image);
    if (status == STATUS_OK)
        status = fill(image.file, path, type, json, state);
    if (status == STATUS_OK)
        status = image_close(path, &image);
    if (status == STATUS_OK)
        status = put_on_disk(path, &image);
    image_free(&image);
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
