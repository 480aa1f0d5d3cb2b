/* placeholder.c - see placeholder.h. */
#include "base/placeholder.h"

#include <stdio.h>
#include <string.h>

char *placeholder_path(const char *text, const char *dataset, size_t fold, uint64_t seed, struct arena *arena)
{
    char numbers[2][32];
    const char *const names[] = {"{dataset}", "{fold}", "{seed}"};
    const char *const values[] = {dataset, numbers[0], numbers[1]};
    snprintf(numbers[0], sizeof numbers[0], "%zu", fold);
    snprintf(numbers[1], sizeof numbers[1], "%llu", (unsigned long long)seed);
    char *out = arena_strdup(arena, text);
    for (size_t i = 0; i < 3; i++)
        for (const char *at; out != NULL && (at = strstr(out, names[i])) != NULL;) {
            if (strstr(values[i], names[i]) != NULL)
                break;
            out = arena_printf(arena, "%.*s%s%s", (int)(at - out), out, values[i], at + strlen(names[i]));
        }
    return out;
}
