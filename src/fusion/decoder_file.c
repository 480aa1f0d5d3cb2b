/* decoder_file.c - see decoder_file.h. */
#include "fusion/decoder_file.h"

#include <string.h>

char *decoder_file(const char *models, const char *decoder, struct arena *arena)
{
    static const char ending[] = ".gguf";
    const size_t n = strlen(decoder), e = sizeof ending - 1;
    if (strchr(decoder, '/') != NULL || (n > e && strcmp(decoder + n - e, ending) == 0))
        return arena_strdup(arena, decoder);
    return arena_printf(arena, "%s/%s", models != NULL ? models : "models", decoder);
}
