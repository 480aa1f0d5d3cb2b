/*
 * store_read.c - a dataset file to memory, nothing of it believed before it is checked: the bytes by
 * store_seal.c before HDF5 sees them, the parts by store_load.c, the values by store_check(), and at last
 * the content must have the hash that the file says.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/store_parts.h"

#define COLUMNS_MAX 1024u

static enum status load_sha256(const struct loader *l, const char *name, char hex[SHA256_HEX])
{
    char *value;
    TRY(load_string_attribute(l, name, &value));
    const size_t n = strlen(value);
    if ((n != 0 && n != SHA256_HEX - 1) || strspn(value, "0123456789abcdef") != n)
        return status_fail(STATUS_DATA, "%s: attribute %s is not a SHA-256 in hexadecimal", l->path, name);
    memcpy(hex, value, n + 1);
    return STATUS_OK;
}

static enum status load_column(const struct loader *l, const char *owner, struct column *column, uint64_t n)
{
    char path[160], below[200];
    bool is_list;
    snprintf(path, sizeof path, "%s/%s", owner, column->name);
    H5O_info_t info;
    if (H5Oget_info_by_name2(l->file, path, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return load_damaged(l, path);
    if (info.type == H5O_TYPE_DATASET) {
        column->kind = COLUMN_NUMBER;
        LOAD(l, owner, column->name, H5T_IEEE_F32LE, &n, column->number);
        return STATUS_OK;
    }
    TRY(load_need_group(l, path));
    snprintf(below, sizeof below, "%s/ptr", path);
    TRY(load_find(l, below, &is_list));
    column->kind = is_list ? COLUMN_LIST : COLUMN_TEXT;
    if (!is_list)
        return load_strings(l, path, n, &column->text);
    uint64_t n_ptr = n + 1, nnz = LOAD_ANY;
    LOAD(l, path, "ptr", H5T_STD_I64LE, &n_ptr, column->list.ptr);
    LOAD(l, path, "idx", H5T_STD_U32LE, &nnz, column->list.idx);
    snprintf(below, sizeof below, "%s/names", path);
    TRY(load_strings(l, below, LOAD_ANY, &column->names));
    if (nnz > INT64_MAX || column->names.n >= UINT32_MAX)
        return status_fail(STATUS_DATA, "%s: %s is too large", l->path, path);
    column->list.n_rows = (uint32_t)n;
    column->list.n_cols = (uint32_t)column->names.n;
    column->list.nnz = (int64_t)nnz;
    return STATUS_OK;
}

struct column_names {
    const struct loader *l;
    const char *owner;
    const char *name[COLUMNS_MAX];
    uint32_t n;
    enum status status;
};
static herr_t collect_column(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    struct column_names *names = context;
    (void)group;
    if (strcmp(name, "id") == 0)
        return 0;
    if (info->type != H5L_TYPE_HARD)
        names->status =
            status_fail(STATUS_DATA, "%s: %s/%.64s is a link to elsewhere, which a dataset file may not have",
                        names->l->path, names->owner, name);
    else if (names->n == COLUMNS_MAX || strlen(name) > 64)
        names->status =
            status_fail(STATUS_DATA, "%s: %s/%.64s: more than %u columns, or a name of more than 64 bytes",
                        names->l->path, names->owner, name, COLUMNS_MAX);
    else if ((names->name[names->n] = arena_strdup(names->l->arena, name)) == NULL)
        names->status = STATUS_SYSTEM;
    else
        names->n++;
    return names->status == STATUS_OK ? 0 : -1;
}

/* Names of what lies in a group, `id` left out. */
static enum status load_names(const struct loader *l, const char *owner, struct column_names **out)
{
    hsize_t at = 0;
    ARENA_NEW(*out, l->arena, 1);
    (*out)->l = l;
    (*out)->owner = owner;
    if (H5Literate_by_name(l->file, owner, H5_INDEX_NAME, H5_ITER_INC, &at, collect_column, *out,
                           H5P_DEFAULT) < 0)
        return (*out)->status != STATUS_OK ? (*out)->status : load_damaged(l, owner);
    return STATUS_OK;
}

/* All columns beside `id`, in the order of their attribute `position`. */
static enum status load_columns(const struct loader *l, const char *owner, uint32_t n, uint32_t *n_columns,
                                const struct column **columns)
{
    struct column_names *names;
    struct column *list;
    TRY(load_names(l, owner, &names));
    ARENA_NEW(list, l->arena, names->n);
    for (uint32_t i = 0; i < names->n; i++) {
        char path[160];
        uint32_t position;
        snprintf(path, sizeof path, "%s/%s", owner, names->name[i]);
        TRY(load_u32_attribute(l, path, "position", &position));
        if (position >= names->n || list[position].name != NULL)
            return status_fail(STATUS_DATA, "%s: %s: position %u is out of range or taken", l->path, path,
                               position);
        list[position].name = names->name[i];
        TRY(load_column(l, owner, &list[position], n));
    }
    *n_columns = names->n;
    *columns = list;
    return STATUS_OK;
}

enum status store_load_ids(const struct loader *l, const char *owner, struct strings *ids, uint32_t *n)
{
    char path[32];
    snprintf(path, sizeof path, "%s/id", owner);
    TRY(load_need_group(l, owner));
    TRY(load_strings(l, path, LOAD_ANY, ids));
    if (ids->n >= UINT32_MAX)
        return status_fail(STATUS_DATA, "%s: %s has %llu ids, more than 32 bits number", l->path, path,
                           (unsigned long long)ids->n);
    *n = (uint32_t)ids->n;
    return STATUS_OK;
}

static enum status load_interactions(const struct loader *l, struct interactions *x)
{
    const char *folder = "/interactions";
    bool has_time;
    x->n = LOAD_ANY;
    TRY(load_need_group(l, folder));
    LOAD(l, folder, "user", H5T_STD_U32LE, &x->n, x->user);
    LOAD(l, folder, "item", H5T_STD_U32LE, &x->n, x->item);
    LOAD(l, folder, "value", H5T_IEEE_F32LE, &x->n, x->value);
    TRY(load_find(l, "/interactions/time", &has_time));
    if (has_time)
        LOAD(l, folder, "time", H5T_STD_I64LE, &x->n, x->time);
    LOAD(l, folder, "source_row", H5T_STD_U64LE, &x->n, x->source_row);
    return STATUS_OK;
}

static enum status load_texts(const struct loader *l, struct texts *t)
{
    const char *folder = "/texts";
    bool there;
    TRY(load_find_group(l, folder, &there));
    if (!there)
        return STATUS_OK;
    t->n = LOAD_ANY;
    LOAD(l, folder, "user", H5T_STD_U32LE, &t->n, t->user);
    LOAD(l, folder, "item", H5T_STD_U32LE, &t->n, t->item);
    TRY(load_find(l, "/texts/time", &there));
    if (there)
        LOAD(l, folder, "time", H5T_STD_I64LE, &t->n, t->time);
    LOAD(l, folder, "kind", H5T_STD_U8LE, &t->n, t->kind);
    return load_strings(l, "/texts/text", t->n, &t->text);
}

static enum status load_features(const struct loader *l, struct dataset *d)
{
    bool there;
    struct column_names *names;
    struct feature *list;
    TRY(load_find_group(l, "/features", &there));
    if (!there)
        return STATUS_OK;
    TRY(load_names(l, "/features", &names));
    ARENA_NEW(list, l->arena, names->n);
    for (uint32_t i = 0; i < names->n; i++) {
        char path[160];
        uint32_t position, from_users;
        uint64_t rows = d->n_items, width = LOAD_ANY;
        void *values;
        snprintf(path, sizeof path, "/features/%s", names->name[i]);
        TRY(load_u32_attribute(l, path, "position", &position));
        TRY(load_u32_attribute(l, path, "from_users", &from_users));
        if (position >= names->n || list[position].name != NULL)
            return status_fail(STATUS_DATA, "%s: %s: position %u is out of range or taken", l->path, path,
                               position);
        TRY(load_array(l, "/features", names->name[i], H5T_IEEE_F32LE, &rows, &width, &values));
        if (width < 1 || width > FEATURE_WIDTH_MAX || from_users > 1)
            return status_fail(STATUS_DATA,
                               "%s: %s has %llu columns (expected 1 to %d) or a from_users of %u", l->path,
                               path, (unsigned long long)width, FEATURE_WIDTH_MAX, from_users);
        list[position] = (struct feature){names->name[i], (uint32_t)width, from_users == 1, values};
    }
    d->n_features = names->n;
    d->features = list;
    return STATUS_OK;
}

static enum status load_truth(const struct loader *l, struct dataset *d)
{
    bool there;
    struct truth *t;
    void *values;
    uint64_t n_users = d->n_users, n_items = d->n_items, factors = LOAD_ANY;
    TRY(load_find_group(l, "/truth", &there));
    if (!there)
        return STATUS_OK;
    ARENA_NEW(t, l->arena, 1);
    TRY(load_array(l, "/truth", "user", H5T_IEEE_F32LE, &n_users, &factors, &values));
    t->user = values;
    TRY(load_array(l, "/truth", "item", H5T_IEEE_F32LE, &n_items, &factors, &values));
    t->item = values;
    LOAD(l, "/truth", "item_bias", H5T_IEEE_F32LE, &n_items, t->item_bias);
    LOAD(l, "/truth", "exposure", H5T_IEEE_F32LE, &n_items, t->exposure);
    if (factors > 65536)
        return status_fail(STATUS_DATA, "%s: /truth/user has %llu factors", l->path,
                           (unsigned long long)factors);
    t->factors = (uint32_t)factors;
    d->truth = t;
    return STATUS_OK;
}

enum status store_load_version(const struct loader *l)
{
    uint32_t schema;
    TRY(load_u32_attribute(l, "/", "schema_version", &schema));
    if (schema > DATASET_SCHEMA)
        return status_fail(STATUS_DATA,
                           "%s: made by a newer recfuse, schema %u, this one reads up to %d: update recfuse",
                           l->path, schema, DATASET_SCHEMA);
    if (schema < 1)
        return status_fail(STATUS_DATA, "%s: schema 0 was never in use: damaged; import it again", l->path);
    return STATUS_OK;
}

static enum status load_all(const struct loader *l, struct dataset *d)
{
    char *name, *source, *policies, content[SHA256_HEX];
    TRY(store_load_version(l));
    TRY(load_string_attribute(l, "name", &name));
    TRY(load_string_attribute(l, "source", &source));
    TRY(load_string_attribute(l, "policies", &policies));
    TRY(load_sha256(l, "source_sha256", d->source_sha256));
    TRY(load_sha256(l, "content_sha256", d->content_sha256));
    d->name = name;
    d->source = source;
    d->policies = policies;
    TRY(store_load_ids(l, "/users", &d->user_ids, &d->n_users));
    TRY(store_load_ids(l, "/items", &d->item_ids, &d->n_items));
    TRY(load_columns(l, "/users", d->n_users, &d->n_user_columns, &d->user_columns));
    TRY(load_columns(l, "/items", d->n_items, &d->n_item_columns, &d->item_columns));
    TRY(load_interactions(l, &d->interactions));
    TRY(load_texts(l, &d->texts));
    TRY(load_features(l, d));
    TRY(load_truth(l, d));
    if (l->written != NULL)
        return STATUS_OK;
    TRY(store_check(d, l->path));
    TRY(store_hash(d, content));
    if (strcmp(content, d->content_sha256) != 0)
        return status_fail(STATUS_DATA,
                           "%s: its content doesn't have its content_sha256: changed or damaged; import it "
                           "again",
                           l->path);
    return STATUS_OK;
}

/* A file, an HDF5 file, and (unless its bytes are known) with the bytes that were written? */
static enum status look_at_file(struct loader *l, const char *path, bool trusted)
{
    struct stat info;
    if (stat(path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return status_fail(STATUS_DATA, "%s: no such file; make it by `recfuse import` or tools/get-data.sh",
                           l->path);
    if (stat(path, &info) != 0)
        return status_fail(STATUS_SYSTEM, "%s: %s", l->path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return status_fail(STATUS_DATA, "%s: is not a file", l->path);
    if (info.st_size == 0)
        return status_fail(STATUS_DATA, "%s: is empty, expected an HDF5 file", l->path);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return status_fail(STATUS_SYSTEM, "%s: can't be opened: %s", l->path, strerror(errno));
    char signature[8] = {0};
    const size_t n = fread(signature, 1, sizeof signature, file);
    enum status status = STATUS_OK;
    l->file_size = (uint64_t)info.st_size;
    if (n < sizeof signature || memcmp(signature, "\211HDF\r\n\032\n", sizeof signature) != 0)
        status =
            status_fail(STATUS_DATA, "%s: is not an HDF5 file; make one of it by `recfuse import`", l->path);
    else if (!trusted)
        status = store_check_seal(file, l->path, l->file_size, &l->sealed);
    fclose(file);
    return status;
}

/* A file descriptor beside HDF5's, if chunks lie where it says. */
static int open_beside(const char *path, hid_t file)
{
    hsize_t user_block = 1;
    const hid_t plist = H5Fget_create_plist(file);
    const bool plain = plist >= 0 && H5Pget_userblock(plist, &user_block) >= 0 && user_block == 0;
    H5Pclose(plist);
    return plain ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

enum status store_open(struct loader *l, const char *path, bool trusted)
{
    l->file = -1;
    l->fd = -1;
    store_hdf5_start();
    TRY(look_at_file(l, path, trusted));
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0 || H5Pset_file_locking(access, false, true) < 0)
        return status_fail(STATUS_SYSTEM, "%s: the HDF5 library can't be set up", l->path);
    H5Eclear2(H5E_DEFAULT);
    l->file = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (l->file < 0) {
        const enum status unreadable = load_damaged(l, "the file");
        H5Pclose(access);
        return unreadable;
    }
    H5Pclose(access);
    l->fd = open_beside(path, l->file);
    return STATUS_OK;
}

void store_close(struct loader *l)
{
    if (l->fd >= 0)
        close(l->fd);
    if (l->file >= 0)
        H5Fclose(l->file);
    l->fd = -1;
    l->file = -1;
}

static enum status read_as(struct loader *l, const char *path, struct dataset **out)
{
    struct dataset *d;
    TRY(store_open(l, path, l->written != NULL));
    d = arena_alloc(l->arena, 1, sizeof *d);
    const enum status status = d != NULL ? load_all(l, d) : STATUS_SYSTEM;
    store_close(l);
    if (status == STATUS_OK)
        *out = d;
    return status;
}

enum status store_read_back(const char *path, const char *shown, const struct written_list *written,
                            struct arena *arena, struct dataset **out)
{
    struct loader l = {.path = shown, .arena = arena, .written = written};
    return read_as(&l, path, out);
}

enum status store_read(const char *path, struct arena *arena, struct dataset **out)
{
    struct loader l = {.path = path, .arena = arena};
    return read_as(&l, path, out);
}
