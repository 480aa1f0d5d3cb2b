/* fuzz_gguf.c - GGUF files: the header, the tokenizer in it, the decoder's description, and a token through what was let in. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "llm/decoder.h"
#include "llm/gguf.h"
#include "llm/tokenizer.h"

/* What the tokenizer makes of some bytes, there and back. */
static void use_tokenizer(const struct gguf *file, const uint8_t *bytes, size_t n, struct arena *arena)
{
    struct tokenizer *tokenizer;
    uint32_t *ids;
    size_t n_ids, length;
    char *text;
    if (tokenizer_open(file, arena, &tokenizer) != STATUS_OK)
        return;
    const size_t most = n < 64 ? n : 64;
    for (int flags = 0; flags < 4; flags++)
        if (tokenizer_encode(tokenizer, (const char *)bytes + n - most, most, flags, arena, &ids, &n_ids) ==
            STATUS_OK) {
            for (size_t i = 0; i < n_ids; i++)
                if (ids[i] >= tokenizer_size(tokenizer))
                    abort();
            tokenizer_decode(tokenizer, ids, n_ids, true, arena, &text, &length);
        }
}

/* One token through the model, where it is small. */
static void use_decoder(const char *path)
{
    const struct backend *backend;
    struct decoder *d;
    struct decoder_cache *cache;
    if (backend_open("cpu", 1, &backend) != STATUS_OK || decoder_open(path, backend, &d) != STATUS_OK)
        return;
    const struct decoder_run run = {.n = 1};
    const uint32_t id = 0, last = 0;
    float *state = malloc(decoder_hidden(d) * sizeof *state);
    if (state != NULL && decoder_cell_bytes(d) < 1 << 20 && decoder_cache_new(d, 2, &cache) == STATUS_OK) {
        decoder_forward(d, cache, &id, &run, 1, &last, 1, state);
        decoder_cache_free(cache);
    }
    free(state);
    decoder_close(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct arena *arena = arena_new();
    struct gguf file;
    char *exact = malloc(n > 0 ? n : 1); /* a read beyond it is seen */
    fuzz_quiet();
    if (arena != NULL && exact != NULL) {
        memcpy(exact, bytes, n);
        if (gguf_parse("fuzz", exact, n, arena, &file) == STATUS_OK)
            use_tokenizer(&file, bytes, n, arena);
        use_decoder(fuzz_file(bytes, n, ".gguf"));
    }
    free(exact);
    arena_free(arena);
    return 0;
}
