/*
 * vectors.h - vectors of items that another model made (a larger language model, an image encoder ...), by the publisher's ids: a folder
 * under models/ with the one file vectors.safetensors, which `recfuse import-embeddings` writes.
 *
 * The file: "offsets" U64 [n + 1], "vectors" F32 [n x d], "ids" U8 (the ids end to end); __metadata__ names the source.
 */
#ifndef LLM_VECTORS_H
#define LLM_VECTORS_H
#include "base/strings.h"
#include "llm/mapped.h"

#define VECTORS_FILE "vectors.safetensors"

struct vectors {
    uint32_t n, d;
    const float *value; /* [n x d], in the map: row i belongs to ids[i] */
    struct string_map *ids;
    struct mapped map;
};

/* Is the folder one of vectors (and no encoder)? */
bool vectors_are_in(const char *folder);

/* Opens the folder's file: checked whole, ids unique and not empty, numbers finite.  STATUS_DATA says what is wrong. */
enum status vectors_open(const char *folder, struct vectors *out);
void vectors_close(struct vectors *vectors); /* takes a zeroed one */

/* The row of that id, or NULL. */
const float *vectors_find(const struct vectors *vectors, const char *id, size_t length);

/* Writes FOLDER/vectors.safetensors, whole or not at all.  value [ids->n x d], finite; ids different (STATUS_DATA names one that is there
 * twice or is empty).  source: a file's name, source_sha256: of its bytes. */
enum status vectors_write(const char *folder, const struct strings *ids, uint32_t d, const float *value,
                          const char *source, const char *source_sha256);

#endif
