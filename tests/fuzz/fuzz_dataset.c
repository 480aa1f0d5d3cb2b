/*
 * fuzz_dataset.c - dataset files: as they are (the seal refuses nearly all), and sealed anew, so that what lies behind the seal is reached
 * too.  HDF5 1.10 does not stand all damage to its own structures, so of sealed ones only changes within a valid file's arrays and
 * attributes are tried: pairs of (place, byte) that are laid over a small good file, its superblock and headers left alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/image.h"
#include "data/store.h"
#include "data/synth.h"
#include "fuzz.h"

static unsigned char *good;
static size_t n_good;

/* A small dataset file, once. */
static void make_good(void)
{
    struct synth_options options = SYNTH_DEFAULTS;
    struct arena *arena = arena_new();
    struct dataset *d;
    char *bytes;
    size_t n;
    options.n_users = 20, options.n_items = 16, options.n_interactions = 100;
    const char *path = fuzz_file((const uint8_t *)"", 0, ".h5");
    if (arena == NULL || synth_generate(&options, arena, &d) != STATUS_OK ||
        store_write(path, d) != STATUS_OK || read_whole_file(path, 1 << 22, arena, &bytes, &n) != STATUS_OK)
        abort();
    n_good = n;
    good = malloc(n);
    if (good == NULL)
        abort();
    memcpy(good, bytes, n);
    arena_free(arena);
}

static void try(const uint8_t *bytes, size_t n)
{
    struct arena *arena = arena_new();
    struct dataset *d;
    if (arena != NULL)
        store_read(fuzz_file(bytes, n, ".h5"), arena, &d);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    fuzz_quiet();
    if (good == NULL)
        make_good();
    try(bytes, n);
    unsigned char *changed = malloc(n_good);
    if (changed == NULL)
        return 0;
    memcpy(changed, good, n_good);
    for (size_t i = 0; i + 3 <= n; i += 3) {
        const size_t body = n_good - SEAL_BYTES, place = ((size_t)bytes[i] << 8 | bytes[i + 1]) * 7919 % body;
        changed[place] = bytes[i + 2];
    }
    try(changed, n_good); /* the seal must refuse it, unless nothing changed */
    free(changed);
    return 0;
}
