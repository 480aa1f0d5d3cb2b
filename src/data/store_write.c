/*
 * store_write.c - a dataset as objects of an open HDF5 file: no times, no variable-length types, one fixed set of format
 * versions, so that the same dataset gives the same bytes.  Where each array lies in memory is noted, for reading back.
 */
#include <stdlib.h>
#include <string.h>

#include "data/store_chunks.h"
#include "data/store_parts.h"

#define DEFLATE_LEVEL 4 /* what the file says; libdeflate has its own scale (store_chunks.c) */

enum status write_failed(const struct writer *w, const char *object)
{
    char reason[256];
    return status_fail(STATUS_SYSTEM, "%s: %s could not be made: %s", w->path, object,
                       store_hdf5_reason(reason, sizeof reason));
}

enum status write_group(const struct writer *w, const char *name)
{
    const hid_t plist = H5Pcreate(H5P_GROUP_CREATE);
    hid_t group = -1;
    if (plist >= 0 && H5Pset_obj_track_times(plist, false) >= 0)
        group = H5Gcreate2(w->file, name, H5P_DEFAULT, plist, H5P_DEFAULT);
    const bool closed = group >= 0 && H5Gclose(group) >= 0;
    H5Pclose(plist);
    return closed ? STATUS_OK : write_failed(w, name);
}

hid_t array_properties(int rank, const hsize_t *shape, size_t size)
{
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    if (plist < 0 || H5Pset_obj_track_times(plist, false) < 0)
        return plist;
    hsize_t chunk[2] = {1, 1}, total = 1;
    for (int i = 0; i < rank; i++)
        total *= shape[i];
    if (total == 0)
        return plist;
    chunk[1] = rank > 1 ? shape[1] : 1;
    const hsize_t rows = STORE_CHUNK_BYTES / (size * chunk[1]);
    chunk[0] = rows < 1 ? 1 : rows < shape[0] ? rows : shape[0];
    bool fine = H5Pset_chunk(plist, rank, chunk) >= 0;
    if (size > 1)
        fine = fine && H5Pset_shuffle(plist) >= 0;
    fine = fine && H5Pset_deflate(plist, DEFLATE_LEVEL) >= 0 && H5Pset_fletcher32(plist) >= 0;
    if (fine)
        return plist;
    H5Pclose(plist);
    return -1;
}

/* Keeps what was written where, for reading back. */
static bool remember(struct written_list *list, const char *path, const void *values, uint64_t bytes)
{
    if (list->n == list->n_allocated) {
        const size_t more = list->n > 0 ? 2 * list->n : 64;
        struct written *grown = realloc(list->array, more * sizeof *grown);
        if (grown == NULL)
            return false;
        list->array = grown;
        list->n_allocated = more;
    }
    struct written *last = &list->array[list->n++];
    snprintf(last->path, sizeof last->path, "%s", path);
    last->values = values;
    last->bytes = bytes;
    return true;
}

/* Writes an array; position >= 0 adds the attribute that keeps columns in order. */
static enum status write_array_of(const struct writer *w, const char *name, hid_t stored, int rank,
                                  const hsize_t *shape, const void *values)
{
    const hid_t space = H5Screate_simple(rank, shape, NULL);
    const hid_t plist = array_properties(rank, shape, H5Tget_size(stored));
    hid_t array = -1;
    hsize_t total = 1;
    for (int i = 0; i < rank; i++)
        total *= shape[i];
    if (space >= 0 && plist >= 0)
        array = H5Dcreate2(w->file, name, stored, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    bool fine =
        array >= 0 && (w->written == NULL || remember(w->written, name, values, total * H5Tget_size(stored)));
    if (fine && total > 0) {
        hsize_t chunk[2] = {0, 0};
        const size_t element = H5Tget_size(stored);
        fine = H5Pget_chunk(plist, 2, chunk) == rank;
        const struct chunked c = {.array = array,
                                  .rank = rank,
                                  .element = element,
                                  .bytes = total * element,
                                  .chunk_rows = chunk[0],
                                  .chunk_bytes = chunk[0] * (rank > 1 ? chunk[1] : 1) * element};
        fine = fine && chunks_write(&c, values);
    }
    if (array >= 0)
        fine = H5Dclose(array) >= 0 && fine;
    H5Pclose(plist);
    H5Sclose(space);
    return fine ? STATUS_OK : write_failed(w, name);
}

enum status write_array(const struct writer *w, const char *folder, const char *name, hid_t stored,
                        uint64_t n, const void *values)
{
    char path[200];
    const hsize_t shape = n;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return write_array_of(w, path, stored, 1, &shape, values);
}

static enum status write_strings(const struct writer *w, const char *folder, const struct strings *s)
{
    static const uint64_t zero = 0;
    TRY(write_group(w, folder));
    TRY(write_array(w, folder, "offsets", H5T_STD_U64LE, s->n + 1, s->n > 0 ? s->offsets : &zero));
    return write_array(w, folder, "bytes", H5T_STD_U8LE, s->n > 0 ? s->offsets[s->n] : 0, s->bytes);
}

static enum status write_attribute(const struct writer *w, const char *object, const char *name, hid_t stored,
                                   hid_t native, const void *value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute =
        H5Acreate_by_name(w->file, object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    bool fine = attribute >= 0 && H5Awrite(attribute, native, value) >= 0;
    if (attribute >= 0)
        fine = H5Aclose(attribute) >= 0 && fine;
    H5Sclose(space);
    return fine ? STATUS_OK : write_failed(w, name);
}

enum status write_string_attribute(const struct writer *w, const char *name, const char *value)
{
    const size_t length = value != NULL ? strlen(value) : 0;
    if (length > STORE_ATTRIBUTE_MAX)
        return status_fail(STATUS_DATA, "%s: attribute %s has %zu bytes, more than the file format's %d",
                           w->path, name, length, STORE_ATTRIBUTE_MAX);
    const hid_t type = H5Tcopy(H5T_C_S1);
    enum status status = STATUS_SYSTEM;
    if (type >= 0 && H5Tset_size(type, length > 0 ? length : 1) >= 0 &&
        H5Tset_cset(type, H5T_CSET_UTF8) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0)
        status = write_attribute(w, "/", name, type, type, length > 0 ? value : "");
    else
        write_failed(w, name);
    H5Tclose(type);
    return status;
}

static enum status write_columns(const struct writer *w, const char *owner, uint32_t n_columns,
                                 const struct column *columns, uint32_t n)
{
    char path[120], names[140];
    for (uint32_t i = 0; i < n_columns; i++) {
        const struct column *c = &columns[i];
        snprintf(path, sizeof path, "%s/%s", owner, c->name);
        if (c->kind == COLUMN_TEXT) {
            TRY(write_strings(w, path, &c->text));
        } else if (c->kind == COLUMN_LIST) {
            TRY(write_group(w, path));
            TRY(write_array(w, path, "ptr", H5T_STD_I64LE, (uint64_t)n + 1, c->list.ptr));
            TRY(write_array(w, path, "idx", H5T_STD_U32LE, (uint64_t)c->list.nnz, c->list.idx));
            snprintf(names, sizeof names, "%s/names", path);
            TRY(write_strings(w, names, &c->names));
        } else {
            TRY(write_array(w, owner, c->name, H5T_IEEE_F32LE, n, c->number));
        }
        TRY(write_attribute(w, path, "position", H5T_STD_U32LE, H5T_NATIVE_UINT32, &i));
    }
    return STATUS_OK;
}

static enum status write_interactions(const struct writer *w, const struct interactions *x)
{
    const char *folder = "/interactions";
    TRY(write_group(w, folder));
    TRY(write_array(w, folder, "user", H5T_STD_U32LE, x->n, x->user));
    TRY(write_array(w, folder, "item", H5T_STD_U32LE, x->n, x->item));
    TRY(write_array(w, folder, "value", H5T_IEEE_F32LE, x->n, x->value));
    if (x->time != NULL)
        TRY(write_array(w, folder, "time", H5T_STD_I64LE, x->n, x->time));
    return write_array(w, folder, "source_row", H5T_STD_U64LE, x->n, x->source_row);
}

static enum status write_texts(const struct writer *w, const struct texts *t)
{
    const char *folder = "/texts";
    TRY(write_group(w, folder));
    TRY(write_array(w, folder, "user", H5T_STD_U32LE, t->n, t->user));
    TRY(write_array(w, folder, "item", H5T_STD_U32LE, t->n, t->item));
    if (t->time != NULL)
        TRY(write_array(w, folder, "time", H5T_STD_I64LE, t->n, t->time));
    TRY(write_array(w, folder, "kind", H5T_STD_U8LE, t->n, t->kind));
    return write_strings(w, "/texts/text", &t->text);
}

static enum status write_features(const struct writer *w, const struct dataset *d)
{
    char path[120];
    if (d->n_features > 0)
        TRY(write_group(w, "/features"));
    for (uint32_t i = 0; i < d->n_features; i++) {
        const struct feature *f = &d->features[i];
        const hsize_t shape[2] = {d->n_items, f->width};
        const uint32_t from_users = f->from_users;
        snprintf(path, sizeof path, "/features/%s", f->name);
        TRY(write_array_of(w, path, H5T_IEEE_F32LE, 2, shape, f->value));
        TRY(write_attribute(w, path, "position", H5T_STD_U32LE, H5T_NATIVE_UINT32, &i));
        TRY(write_attribute(w, path, "from_users", H5T_STD_U32LE, H5T_NATIVE_UINT32, &from_users));
    }
    return STATUS_OK;
}

static enum status write_truth(const struct writer *w, const struct dataset *d)
{
    const struct truth *t = d->truth;
    const hsize_t users[2] = {d->n_users, t->factors}, items[2] = {d->n_items, t->factors};
    TRY(write_group(w, "/truth"));
    TRY(write_array_of(w, "/truth/user", H5T_IEEE_F32LE, 2, users, t->user));
    TRY(write_array_of(w, "/truth/item", H5T_IEEE_F32LE, 2, items, t->item));
    TRY(write_array(w, "/truth", "item_bias", H5T_IEEE_F32LE, d->n_items, t->item_bias));
    return write_array(w, "/truth", "exposure", H5T_IEEE_F32LE, d->n_items, t->exposure);
}

enum status write_head(const struct writer *w, const struct dataset *d)
{
    const uint32_t schema = DATASET_SCHEMA;
    TRY(write_attribute(w, "/", "schema_version", H5T_STD_U32LE, H5T_NATIVE_UINT32, &schema));
    TRY(write_string_attribute(w, "name", d->name));
    TRY(write_string_attribute(w, "source", d->source));
    TRY(write_string_attribute(w, "source_sha256", d->source_sha256));
    TRY(write_string_attribute(w, "content_sha256", d->content_sha256));
    TRY(write_string_attribute(w, "policies", d->policies));
    TRY(write_group(w, "/users"));
    TRY(write_strings(w, "/users/id", &d->user_ids));
    TRY(write_columns(w, "/users", d->n_user_columns, d->user_columns, d->n_users));
    TRY(write_group(w, "/items"));
    TRY(write_strings(w, "/items/id", &d->item_ids));
    return write_columns(w, "/items", d->n_item_columns, d->item_columns, d->n_items);
}

enum status write_tail(const struct writer *w, const struct dataset *d)
{
    TRY(write_features(w, d));
    return d->truth != NULL ? write_truth(w, d) : STATUS_OK;
}

enum status write_all(const struct writer *w, const struct dataset *d)
{
    TRY(write_head(w, d));
    TRY(write_interactions(w, &d->interactions));
    if (d->texts.n > 0)
        TRY(write_texts(w, &d->texts));
    return write_tail(w, d);
}

enum status write_content_hash(const struct writer *w, const char hex[SHA256_HEX])
{
    const hid_t attribute = H5Aopen(w->file, "content_sha256", H5P_DEFAULT);
    const hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1;
    const bool fine = type >= 0 && H5Tget_size(type) == SHA256_HEX - 1 && H5Awrite(attribute, type, hex) >= 0;
    H5Tclose(type);
    if (attribute >= 0)
        H5Aclose(attribute);
    return fine ? STATUS_OK : write_failed(w, "content_sha256");
}
