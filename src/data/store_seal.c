/*
 * store_seal.c - the line behind a dataset file's HDF5 bytes: "recfuse sha256 " and their SHA-256.
 *
 * HDF5 1.10.8 doesn't stand all damage to its own structures: AddressSanitizer met freed memory being read
 * in H5Aexists (models/model_file.h), and of 6,000 files with 1 to 3 bytes changed, read without this line,
 * none crashed but many left memory behind.  So a damaged file is found before HDF5 sees it.  HDF5 and its
 * tools don't mind bytes behind the end that the superblock names, and a program that changes the file cuts
 * them off.  A file without the line, made by others, is read with the checks of store_load.c alone.
 * Against intent the line is no defence: anybody can write one.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "data/store_parts.h"

static const char mark[] = "recfuse sha256 ";
_Static_assert(STORE_SEAL_BYTES == sizeof mark - 1 + SHA256_HEX, "the seal is the mark, the hash, a newline");

static void finish(crypto_hash_sha256_state *h, char seal[STORE_SEAL_BYTES])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(h, digest);
    memcpy(seal, mark, sizeof mark - 1);
    sodium_bin2hex(seal + sizeof mark - 1, SHA256_HEX, digest, sizeof digest);
    seal[STORE_SEAL_BYTES - 1] = '\n';
}

static enum status start(crypto_hash_sha256_state *h)
{
    if (sodium_init() < 0)
        return status_fail(STATUS_SYSTEM,
                           "libsodium can't start: no source of random numbers on this machine");
    crypto_hash_sha256_init(h);
    return STATUS_OK;
}

enum status store_seal(const void *image, size_t n, char seal[STORE_SEAL_BYTES])
{
    crypto_hash_sha256_state h;
    TRY(start(&h));
    crypto_hash_sha256_update(&h, image, n);
    finish(&h, seal);
    return STATUS_OK;
}

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

enum status store_check_seal(FILE *file, const char *shown, uint64_t size)
{
    static _Thread_local unsigned char block[1 << 16];
    unsigned char head[48];
    char found[STORE_SEAL_BYTES], expected[STORE_SEAL_BYTES];
    if (size < sizeof head + STORE_SEAL_BYTES)
        return STATUS_OK; /* too small for a dataset: HDF5 says so */
    errno = 0;
    rewind(file);
    if (fread(head, 1, sizeof head, file) != sizeof head ||
        fseeko(file, (off_t)(size - STORE_SEAL_BYTES), SEEK_SET) != 0 ||
        fread(found, 1, sizeof found, file) != sizeof found)
        return unreadable(shown);
    const uint64_t end = superblock_end(head);
    const bool sealed = memcmp(found, mark, sizeof mark - 1) == 0;
    if (end > size || (!sealed && end > 0 && size > end && size - end <= STORE_SEAL_BYTES))
        return status_fail(
            STATUS_DATA,
            "%s: is damaged or truncated: it has %llu bytes, %llu of HDF5, and no whole SHA-256 "
            "behind them; import it again",
            shown, (unsigned long long)size, (unsigned long long)end);
    if (!sealed)
        return STATUS_OK;
    crypto_hash_sha256_state h;
    TRY(start(&h));
    rewind(file);
    for (uint64_t left = size - STORE_SEAL_BYTES; left > 0;) {
        const size_t n = left < sizeof block ? (size_t)left : sizeof block;
        if (fread(block, 1, n, file) != n)
            return unreadable(shown);
        crypto_hash_sha256_update(&h, block, n);
        left -= n;
    }
    finish(&h, expected);
    if (memcmp(found, expected, sizeof found) != 0)
        return status_fail(STATUS_DATA,
                           "%s: is damaged: its SHA-256 is not the one that it ends with; import it again",
                           shown);
    return STATUS_OK;
}
