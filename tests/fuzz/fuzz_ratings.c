/* fuzz_ratings.c - rating files: the first byte chooses format and options, the rest is the file.  Plain lines go through the number reader,
 * others through the general one. */
#include <string.h>

#include "data/import.h"
#include "fuzz.h"

static const struct import_format *find(const char *name)
{
    for (size_t i = 0; import_formats[i] != NULL; i++)
        if (strcmp(import_formats[i]->name, name) == 0)
            return import_formats[i];
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *const formats[] = {"tsv", "csv", "libfm", "adjacency"};
    struct import_options options = {.name = "fuzz"};
    struct arena *arena = arena_new();
    struct dataset *d;
    fuzz_quiet();
    if (n > 0 && arena != NULL) {
        options.header = (bytes[0] & 4) != 0;
        options.max_bad = (bytes[0] & 8) != 0 && (bytes[0] & 3) < 2 ? 3 : 0;
        options.duplicates = (bytes[0] >> 4) % 5;
        const struct import_format *format = find(formats[bytes[0] & 3]);
        format->read(fuzz_file(bytes + 1, n - 1, ".txt"), &options, arena, &d);
    }
    arena_free(arena);
    return 0;
}
