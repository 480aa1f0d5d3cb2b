/* per_user_read.c - see per_user_read.h. */
#include "report/per_user_read.h"

#include <string.h>

#include "base/fsio.h"

static enum status damaged(const struct per_user_file *f, const char *what)
{
    return status_fail(STATUS_DATA,
                       "%s: %s is missing or not as docs/results.md says: run the experiment again", f->path,
                       what);
}

enum status per_user_open(const char *run_dir, struct arena *arena, struct per_user_file *out)
{
    *out = (struct per_user_file){arena_printf(arena, "%s/per_user.h5", run_dir), -1};
    if (out->path == NULL)
        return STATUS_SYSTEM;
    if (!file_exists(out->path))
        return status_fail(STATUS_DATA,
                           "%s: is missing: give the folder of a finished run (`recfuse run` writes it)",
                           out->path);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    out->file = H5Fopen(out->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    return out->file >= 0 ? STATUS_OK
                          : status_fail(STATUS_DATA, "%s: no HDF5 file, or a damaged one", out->path);
}

void per_user_shut(struct per_user_file *f)
{
    if (f->file >= 0)
        H5Fclose(f->file);
    f->file = -1;
}

/* All of a one-dimensional dataset; element size as of `type`. */
static enum status read_array(const struct per_user_file *f, const char *name, hid_t type, size_t size,
                              struct arena *arena, void **out, size_t *n)
{
    enum status status = STATUS_OK;
    hsize_t extent = 0;
    const hid_t dataset = H5Dopen2(f->file, name, H5P_DEFAULT);
    const hid_t space = dataset >= 0 ? H5Dget_space(dataset) : -1;
    if (space < 0 || H5Sget_simple_extent_ndims(space) != 1 ||
        H5Sget_simple_extent_dims(space, &extent, NULL) != 1)
        status = damaged(f, name);
    if (status == STATUS_OK) {
        *n = (size_t)extent;
        *out = arena_alloc(arena, *n > 0 ? *n : 1, size);
        if (*out == NULL)
            status = STATUS_SYSTEM;
        else if (*n > 0 && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) < 0)
            status = damaged(f, name);
    }
    if (space >= 0)
        H5Sclose(space);
    if (dataset >= 0)
        H5Dclose(dataset);
    return status;
}

enum status per_user_ids(const struct per_user_file *f, const char *dataset, const char *fold,
                         struct arena *arena, struct strings *out)
{
    const char *folder = arena_printf(arena, "/users/%s/%s", dataset, fold);
    const char *offsets_name = folder != NULL ? arena_printf(arena, "%s/id_offsets", folder) : NULL;
    const char *bytes_name = folder != NULL ? arena_printf(arena, "%s/id_bytes", folder) : NULL;
    void *offsets, *bytes;
    size_t n_offsets, n_bytes;
    if (offsets_name == NULL || bytes_name == NULL)
        return STATUS_SYSTEM;
    TRY(read_array(f, offsets_name, H5T_NATIVE_UINT64, sizeof(uint64_t), arena, &offsets, &n_offsets));
    TRY(read_array(f, bytes_name, H5T_NATIVE_UINT8, 1, arena, &bytes, &n_bytes));
    const uint64_t *o = offsets;
    bool fine = n_offsets > 0 && o[0] == 0 && o[n_offsets - 1] == n_bytes;
    for (size_t i = 0; fine && i + 1 < n_offsets; i++)
        fine = o[i] <= o[i + 1];
    if (!fine)
        return damaged(f, folder);
    *out = (struct strings){.n = n_offsets - 1, .offsets = o, .bytes = bytes};
    return STATUS_OK;
}

struct names {
    struct string_builder builder;
    enum status status;
};

static herr_t on_name(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    struct names *names = context;
    (void)group, (void)info;
    names->status = string_builder_add(&names->builder, name, strlen(name));
    return names->status == STATUS_OK ? 0 : -1;
}

enum status per_user_measures(const struct per_user_file *f, long cell, struct arena *arena,
                              struct strings *out)
{
    struct names names = {.status = STATUS_OK};
    const char *path = arena_printf(arena, "/cells/%05ld", cell);
    if (path == NULL)
        return STATUS_SYSTEM;
    const hid_t group = H5Gopen2(f->file, path, H5P_DEFAULT);
    if (group < 0)
        return damaged(f, path);
    const herr_t listed = H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, on_name, &names);
    H5Gclose(group);
    enum status status = names.status;
    if (status == STATUS_OK)
        status = listed < 0 ? damaged(f, path) : string_builder_finish(&names.builder, arena, out);
    string_builder_free(&names.builder);
    return status;
}

enum status per_user_values(const struct per_user_file *f, long cell, const char *measure, size_t n,
                            struct arena *arena, double **out)
{
    const char *name = arena_printf(arena, "/cells/%05ld/%s", cell, measure);
    void *values;
    size_t found;
    if (name == NULL)
        return STATUS_SYSTEM;
    TRY(read_array(f, name, H5T_NATIVE_DOUBLE, sizeof(double), arena, &values, &found));
    *out = values;
    return found == n ? STATUS_OK : damaged(f, name);
}
