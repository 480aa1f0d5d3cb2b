/*
 * store_seal.c - is a dataset file what was written?  Its seal (base/image.h) is checked before HDF5 sees the file.
 *
 * Of 6,000 files with 1 to 3 bytes changed, read without this check, none crashed but many left memory behind.  A program
 * that changes a file cuts the seal off; a file without it, made by others, is read with the checks of store_load.c alone.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "data/store_parts.h"

static enum status unreadable(const char *shown)
{
    return status_fail(STATUS_SYSTEM, "%s: can't be read: %s", shown, strerror(errno != 0 ? errno : EIO));
}

/* HDF5's own end of the file, in the superblock (version 2 or 3, addresses of 8 bytes from 0); 0: another
 * form. */
static uint64_t superblock_end(const unsigned char head[48])
{
    uint64_t base, end;
    memcpy(&base, head + 12, sizeof base);
    memcpy(&end, head + 28, sizeof end);
    return (head[8] == 2 || head[8] == 3) && head[9] == 8 && base == 0 ? end : 0;
}

enum status store_check_seal(FILE *file, const char *shown, uint64_t size, bool *sealed)
{
    static _Thread_local unsigned char block[1 << 16];
    unsigned char head[48];
    char found[SEAL_BYTES], expected[SEAL_BYTES], hash[SHA256_HEX];
    *sealed = false;
    if (size < sizeof head + SEAL_BYTES)
        return STATUS_OK; /* too small for a dataset: HDF5 says so */
    errno = 0;
    rewind(file);
    if (fread(head, 1, sizeof head, file) != sizeof head ||
        fseeko(file, (off_t)(size - SEAL_BYTES), SEEK_SET) != 0 ||
        fread(found, 1, sizeof found, file) != sizeof found)
        return unreadable(shown);
    const uint64_t end = superblock_end(head);
    *sealed = seal_looks_right(found);
    if (end > size || (!*sealed && end > 0 && size > end && size - end <= SEAL_BYTES))
        return status_fail(
            STATUS_DATA,
            "%s: is damaged or truncated: it has %llu bytes, %llu of HDF5, and no whole SHA-256 "
            "behind them; import it again",
            shown, (unsigned long long)size, (unsigned long long)end);
    if (!*sealed)
        return STATUS_OK;
    crypto_hash_sha256_state h;
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init(&h);
    rewind(file);
    for (uint64_t left = size - SEAL_BYTES; left > 0;) {
        const size_t n = left < sizeof block ? (size_t)left : sizeof block;
        if (fread(block, 1, n, file) != n)
            return unreadable(shown);
        sha256_update(&h, block, n);
        left -= n;
    }
    crypto_hash_sha256_final(&h, digest);
    sodium_bin2hex(hash, sizeof hash, digest, sizeof digest);
    seal_make(hash, expected);
    if (memcmp(found, expected, sizeof found) != 0)
        return status_fail(STATUS_DATA,
                           "%s: is damaged: its SHA-256 is not the one that it ends with; import it again",
                           shown);
    return STATUS_OK;
}
