/* fuzz_reviews.c - lines of JSON (and Python dicts) as Amazon's reviews and metadata have them: the first byte chooses which file the rest is. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "data/import.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char review[] =
        "{\"reviewerID\": \"u\", \"asin\": \"a\", \"overall\": 4.0, \"unixReviewTime\": 1000}\n";
    static char other[64];
    struct import_options options = {.name = "fuzz"};
    struct arena *arena = arena_new();
    struct dataset *d;
    fuzz_quiet();
    for (size_t i = 0; n > 0 && arena != NULL && import_formats[i] != NULL; i++) {
        if (strcmp(import_formats[i]->name, "amazon") != 0)
            continue;
        const char *path = fuzz_file(bytes + 1, n - 1, ".json");
        if (bytes[0] & 1) {
            snprintf(other, sizeof other, "%s.reviews.json", path);
            FILE *file = fopen(other, "w");
            if (file != NULL) {
                fputs(review, file);
                fclose(file);
            }
            options.meta = path;
            path = other;
        }
        import_formats[i]->read(path, &options, arena, &d);
        if (other[0] != '\0')
            unlink(other);
    }
    arena_free(arena);
    return 0;
}
