/*
 * store_hash.c - one name for a dataset's content.
 *
 * SHA-256 over a stream of parts, each as its name, a NUL, the number of bytes (u64) and the bytes, all
 * little-endian as in memory.  Chunks, compression and the HDF5 version leave no trace in it; missing numbers
 * (NaN) count as one value whatever their bits.
 */
#include <math.h>
#include <sodium.h>
#include <string.h>

#include "data/store_parts.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the dataset file and its hash are little-endian");

void store_hash_part(crypto_hash_sha256_state *h, const char *name, uint64_t n_bytes)
{
    sha256_update(h, name, strlen(name) + 1);
    sha256_update(h, &n_bytes, sizeof n_bytes);
}

static void hash_part(crypto_hash_sha256_state *h, const char *name, const void *bytes, uint64_t n)
{
    store_hash_part(h, name, n);
    if (n > 0)
        sha256_update(h, bytes, n);
}

static void hash_strings(crypto_hash_sha256_state *h, const char *name, const struct strings *s)
{
    static const uint64_t zero = 0;
    hash_part(h, name, s->n > 0 ? s->offsets : &zero, (s->n + 1) * sizeof *s->offsets);
    hash_part(h, "bytes", s->bytes, s->n > 0 ? s->offsets[s->n] : 0);
}

static void hash_number(crypto_hash_sha256_state *h, const float *number, uint64_t n)
{
    float block[1024];
    hash_part(h, "number", NULL, 0);
    for (uint64_t i = 0; i < n; i += 1024) {
        const uint64_t m = n - i < 1024 ? n - i : 1024;
        for (uint64_t j = 0; j < m; j++) {
            const uint32_t missing = 0x7fc00000;
            block[j] = number[i + j];
            if (isnan(block[j]))
                memcpy(&block[j], &missing, sizeof missing);
        }
        sha256_update(h, block, m * sizeof *block);
    }
}

static void hash_columns(crypto_hash_sha256_state *h, const char *owner, uint32_t n_columns,
                         const struct column *columns, uint32_t n)
{
    hash_part(h, owner, &n_columns, sizeof n_columns);
    for (uint32_t i = 0; i < n_columns; i++) {
        const struct column *c = &columns[i];
        hash_part(h, "column", c->name, strlen(c->name));
        if (c->kind == COLUMN_TEXT) {
            hash_strings(h, "text", &c->text);
        } else if (c->kind == COLUMN_LIST) {
            hash_part(h, "ptr", c->list.ptr, ((uint64_t)n + 1) * sizeof *c->list.ptr);
            hash_part(h, "idx", c->list.idx, (uint64_t)c->list.nnz * sizeof *c->list.idx);
            hash_strings(h, "names", &c->names);
        } else {
            hash_number(h, c->number, n);
        }
    }
}

enum status store_hash_start(void)
{
    return sodium_init() >= 0 ? STATUS_OK
                              : status_fail(STATUS_SYSTEM, "libsodium can't start: no source of random "
                                                           "numbers on this machine");
}

enum status store_hash_begin(crypto_hash_sha256_state *h, const struct dataset *d)
{
    TRY(store_hash_start());
    crypto_hash_sha256_init(h);
    hash_part(h, "recfuse dataset 1", NULL, 0);
    hash_strings(h, "user ids", &d->user_ids);
    hash_strings(h, "item ids", &d->item_ids);
    hash_columns(h, "user columns", d->n_user_columns, d->user_columns, d->n_users);
    hash_columns(h, "item columns", d->n_item_columns, d->item_columns, d->n_items);
    return STATUS_OK;
}

void store_hash_end(crypto_hash_sha256_state *h, const struct dataset *d, char hex[SHA256_HEX])
{
    for (uint32_t i = 0; i < d->n_features; i++) {
        const struct feature *f = &d->features[i];
        const uint32_t shape[2] = {f->width, f->from_users};
        hash_part(h, "feature", f->name, strlen(f->name));
        hash_part(h, "width, from users", shape, sizeof shape);
        hash_number(h, f->value, (uint64_t)d->n_items * f->width);
    }
    if (d->truth != NULL) {
        hash_part(h, "truth user", d->truth->user, (uint64_t)d->n_users * d->truth->factors * sizeof(float));
        hash_part(h, "truth item", d->truth->item, (uint64_t)d->n_items * d->truth->factors * sizeof(float));
        hash_part(h, "item bias", d->truth->item_bias, d->n_items * sizeof(float));
        hash_part(h, "exposure", d->truth->exposure, d->n_items * sizeof(float));
    }
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(h, digest);
    sodium_bin2hex(hex, SHA256_HEX, digest, sizeof digest);
}

enum status store_hash(const struct dataset *d, char hex[SHA256_HEX])
{
    crypto_hash_sha256_state h;
    TRY(store_hash_begin(&h, d));
    const struct interactions *x = &d->interactions;
    hash_part(&h, "user", x->user, x->n * sizeof *x->user);
    hash_part(&h, "item", x->item, x->n * sizeof *x->item);
    hash_part(&h, "value", x->value, x->n * sizeof *x->value);
    if (x->time != NULL)
        hash_part(&h, "time", x->time, x->n * sizeof *x->time);
    hash_part(&h, "source row", x->source_row, x->n * sizeof *x->source_row);
    const struct texts *t = &d->texts;
    if (t->n > 0) {
        hash_part(&h, "text user", t->user, t->n * sizeof *t->user);
        hash_part(&h, "text item", t->item, t->n * sizeof *t->item);
        if (t->time != NULL)
            hash_part(&h, "text time", t->time, t->n * sizeof *t->time);
        hash_part(&h, "text kind", t->kind, t->n * sizeof *t->kind);
        hash_strings(&h, "text", &t->text);
    }
    store_hash_end(&h, d, hex);
    return STATUS_OK;
}
