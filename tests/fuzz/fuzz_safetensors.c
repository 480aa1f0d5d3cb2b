/* fuzz_safetensors.c - a safetensors file, or (beginning with E5S1) an E5S1 one: read, and every tensor's numbers taken. */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "llm/e5s1.h"
#include "llm/safetensors_matrix.h"

/* A compressed matrix: the tensor's own name, or what stands before "_packed". */
static void take_matrix(const struct safetensors *file, const struct safetensors_tensor *t,
                        struct arena *arena)
{
    const size_t n = strlen(t->name), skip = strlen("_packed");
    const bool packed = n > skip && strcmp(t->name + n - skip, "_packed") == 0;
    float *values = NULL;
    const unsigned char *data;
    int type;
    char *name = arena_strdup(arena, t->name);
    if (t->n_dims != 2 || name == NULL || t->shape[1] > SIZE_MAX / 8)
        return;
    if (packed)
        name[n - skip] = '\0';
    const uint64_t cols = packed ? 8 * t->shape[1] : t->shape[1];
    if (safetensors_matrix(file, name, t->shape[0], cols, arena, &data, &type) == STATUS_OK &&
        safetensors_matrix_floats(file, name, t->shape[0], cols, arena, &values) != STATUS_OK)
        __builtin_trap(); /* what is let in has numbers */
}

static void take_all(const struct safetensors *file, struct arena *arena)
{
    for (size_t i = 0; i < file->n; i++) {
        const struct safetensors_tensor *t = &file->tensors[i];
        float *values = NULL;
        const unsigned char *data;
        int type;
        if (safetensors_find(file, t->name) == NULL)
            __builtin_trap(); /* what is listed is found */
        safetensors_floats(file, t->name, t->n_dims, t->shape, arena, &values);
        safetensors_check(file, t->name, t->n_dims, t->shape, &data, &type);
        take_matrix(file, t, arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct arena *arena = arena_new();
    struct safetensors file;
    struct e5s1 model;
    fuzz_quiet();
    if (arena != NULL && e5s1_is(bytes, n)) {
        if (e5s1_parse("fuzz.bin", bytes, n, arena, &model) == STATUS_OK)
            take_all(&model.tensors, arena);
    } else if (arena != NULL && safetensors_parse("fuzz.safetensors", bytes, n, arena, &file) == STATUS_OK)
        take_all(&file, arena);
    arena_free(arena);
    return 0;
}
