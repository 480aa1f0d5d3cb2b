/*
 * store_matrices.c - the ratings of a dataset file as two sparse matrices, and nothing else of it.
 *
 * Rows lie by user in the file: so its arrays of items and values, unpacked, are the matrix by user once each user's rows are
 * in order of item, and no entry is copied.  A file with a seal holds what store_write() checked; what would lead outside the
 * matrices is looked at again all the same.  A file without a seal, made by others, is read whole and checked first.
 */
#include <string.h>

#include "data/store_parts.h"

enum { MANY = 65536 }; /* rows that are worth waking threads for */

/* Indices in range, users never falling, values finite. */
static bool rows_fit(const struct interactions *x, uint32_t n_users, uint32_t n_items)
{
    int bad = 0;
#pragma omp parallel for schedule(static) reduction(| : bad) if (x->n > MANY)
    for (uint64_t i = 0; i < x->n; i++) {
        uint32_t bits;
        memcpy(&bits, &x->value[i], sizeof bits);
        bad |= (x->user[i] >= n_users) | (x->item[i] >= n_items) | ((bits & 0x7f800000u) == 0x7f800000u) |
               (x->user[i] < x->user[i > 0 ? i - 1 : 0]);
    }
    return !bad;
}

/* l->arena: for what is needed here only. */
static enum status load_matrices(const struct loader *l, struct arena *arena, struct csr *by_user,
                                 struct csr *by_item)
{
    struct loader to_keep = *l;
    struct strings ids;
    struct interactions x = {.n = LOAD_ANY};
    uint32_t n_users, n_items;
    TRY(store_load_version(l));
    TRY(store_load_ids(l, "/users", &ids, &n_users));
    TRY(store_load_ids(l, "/items", &ids, &n_items));
    TRY(load_need_group(l, "/interactions"));
    LOAD(l, "/interactions", "user", H5T_STD_U32LE, &x.n, x.user);
    to_keep.arena = arena;
    LOAD(&to_keep, "/interactions", "item", H5T_STD_U32LE, &x.n, x.item);
    LOAD(&to_keep, "/interactions", "value", H5T_IEEE_F32LE, &x.n, x.value);
    if (!rows_fit(&x, n_users, n_items))
        return status_fail(STATUS_DATA,
                           "%s: /interactions: a row is out of range or out of order; import it again",
                           l->path);
    TRY(csr_from_grouped(n_users, n_items, x.n, x.user, x.item, x.value, arena, by_user, NULL));
    return csr_transpose(by_user, arena, by_item);
}

/* Every check of a file that no seal vouches for. */
static enum status read_whole(const char *path)
{
    struct dataset *d;
    struct arena *arena = arena_new();
    const enum status status = arena != NULL ? store_read(path, arena, &d) : STATUS_SYSTEM;
    arena_free(arena);
    return status;
}

enum status store_read_matrices(const char *path, struct arena *arena, struct csr *by_user,
                                struct csr *by_item)
{
    struct loader l = {.path = path, .arena = arena_new()};
    if (l.arena == NULL)
        return STATUS_SYSTEM;
    enum status status = store_open(&l, path, false);
    if (status == STATUS_OK && !l.sealed)
        status = read_whole(path);
    if (status == STATUS_OK)
        status = load_matrices(&l, arena, by_user, by_item);
    store_close(&l);
    arena_free(l.arena);
    return status;
}
