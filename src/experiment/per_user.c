/*
 * per_user.c - see per_user.h.
 */
#include "experiment/per_user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "experiment/record.h"

static enum status fail(const struct per_user *p, const char *what)
{
    return status_fail(STATUS_SYSTEM, "%s: HDF5 can't make it (%s): out of memory?", p->path, what);
}

static bool attribute_text(hid_t object, const char *name, const char *text)
{
    const size_t n = strlen(text) > 0 ? strlen(text) : 1;
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    bool fine = type >= 0 && space >= 0 && H5Tset_size(type, n) >= 0 &&
                H5Tset_cset(type, H5T_CSET_UTF8) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0;
    const hid_t attribute = fine ? H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT) : -1;
    fine = attribute >= 0 && H5Awrite(attribute, type, text) >= 0;
    fine = attribute >= 0 && H5Aclose(attribute) >= 0 && fine;
    H5Sclose(space);
    H5Tclose(type);
    return fine;
}

static bool attribute_number(hid_t object, const char *name, long long value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate2(object, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    bool fine = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_LLONG, &value) >= 0;
    fine = attribute >= 0 && H5Aclose(attribute) >= 0 && fine;
    H5Sclose(space);
    return fine;
}

static bool write_array(hid_t group, const char *name, hid_t file_type, hid_t memory_type, hsize_t n,
                        const void *data)
{
    const hsize_t chunk = n > 65536 ? 65536 : n;
    const hid_t space = H5Screate_simple(1, &n, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
    bool fine = space >= 0 && how >= 0 && H5Pset_obj_track_times(how, 0) >= 0;
    if (fine && n > 0)
        fine = H5Pset_chunk(how, 1, &chunk) >= 0 && H5Pset_shuffle(how) >= 0 && H5Pset_deflate(how, 4) >= 0 &&
               H5Pset_fletcher32(how) >= 0;
    const hid_t dataset =
        fine ? H5Dcreate2(group, name, file_type, space, H5P_DEFAULT, how, H5P_DEFAULT) : -1;
    fine =
        dataset >= 0 && (n == 0 || H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    fine = dataset >= 0 && H5Dclose(dataset) >= 0 && fine;
    H5Pclose(how);
    H5Sclose(space);
    return fine;
}

/* The group of that name below `parent`, made when missing; -1 on failure. */
static hid_t child_group(hid_t parent, const char *name)
{
    if (parent < 0)
        return -1;
    const htri_t there = H5Lexists(parent, name, H5P_DEFAULT);
    if (there != 0)
        return there > 0 ? H5Gopen2(parent, name, H5P_DEFAULT) : -1;
    const hid_t how = H5Pcreate(H5P_GROUP_CREATE);
    const bool fine = how >= 0 && H5Pset_obj_track_times(how, 0) >= 0;
    const hid_t group = fine ? H5Gcreate2(parent, name, H5P_DEFAULT, how, H5P_DEFAULT) : -1;
    H5Pclose(how);
    return group;
}

enum status per_user_create(const char *path, const char *experiment, struct per_user *out)
{
    *out = (struct per_user){0};
    snprintf(out->path, sizeof out->path, "%s", path);
    TRY(image_open(path, &out->image));
    if (!attribute_number(out->image.file, "schema_version", 1) ||
        !attribute_text(out->image.file, "experiment", experiment))
        return fail(out, "attributes");
    return STATUS_OK;
}

/* /users/DATASET/FOLD, unless another cell of the fold wrote it. */
static bool write_users(hid_t file, const json_t *line, const struct cell_values *v)
{
    char fold[32];
    snprintf(fold, sizeof fold, "%lld", (long long)json_integer_value(json_object_get(line, "fold")));
    const hid_t users = child_group(file, "users"),
                dataset = child_group(users, record_text(line, "dataset"));
    const hid_t group = child_group(dataset, fold);
    bool fine = group >= 0;
    if (fine && H5Lexists(group, "index", H5P_DEFAULT) <= 0)
        fine =
            write_array(group, "index", H5T_STD_U32LE, H5T_NATIVE_UINT32, v->n_users, v->users) &&
            write_array(group, "id_bytes", H5T_STD_U8LE, H5T_NATIVE_UINT8, v->ids.offsets[v->ids.n],
                        v->ids.bytes) &&
            write_array(group, "id_offsets", H5T_STD_U64LE, H5T_NATIVE_UINT64, v->ids.n + 1, v->ids.offsets);
    fine = (group < 0 || H5Gclose(group) >= 0) && fine;
    fine = (dataset < 0 || H5Gclose(dataset) >= 0) && fine;
    return (users < 0 || H5Gclose(users) >= 0) && fine;
}

static bool write_cell(hid_t group, const json_t *line, const struct evaluate_config *evaluate,
                       const struct cell_values *v)
{
    char name[96], *params = json_dumps(json_object_get(line, "params"),
                                        JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    bool fine = params != NULL && attribute_text(group, "key", record_text(line, "key")) &&
                attribute_text(group, "dataset", record_text(line, "dataset")) &&
                attribute_number(group, "fold", json_integer_value(json_object_get(line, "fold"))) &&
                attribute_text(group, "model", record_text(line, "model")) &&
                attribute_text(group, "label", record_text(line, "label")) &&
                attribute_text(group, "params", params) &&
                attribute_number(group, "seed", json_integer_value(json_object_get(line, "seed")));
    free(params);
    for (size_t i = 0; i < evaluate->n_measures && fine; i++)
        fine = !metric_is_per_user(evaluate->measures[i].metric) ||
               write_array(group, metric_at_name(&evaluate->measures[i], name), H5T_IEEE_F64LE,
                           H5T_NATIVE_DOUBLE, v->n_users, v->values + i * v->n_users);
    return fine;
}

enum status per_user_add(struct per_user *p, size_t place, const json_t *line,
                         const struct evaluate_config *evaluate, const struct cell_values *values)
{
    char name[32];
    if (!write_users(p->image.file, line, values))
        return fail(p, "users");
    snprintf(name, sizeof name, "%05zu", place);
    const hid_t cells = child_group(p->image.file, "cells"), group = child_group(cells, name);
    bool fine = group >= 0 && write_cell(group, line, evaluate, values);
    fine = (group < 0 || H5Gclose(group) >= 0) && fine;
    fine = (cells < 0 || H5Gclose(cells) >= 0) && fine;
    return fine ? STATUS_OK : fail(p, "cells");
}

enum status per_user_commit(struct per_user *p)
{
    enum status status = image_close(p->path, &p->image);
    if (status == STATUS_OK)
        status = atomic_write(p->path, p->image.bytes, p->image.n);
    image_free(&p->image);
    return status;
}

void per_user_close(struct per_user *p)
{
    image_free(&p->image);
}
