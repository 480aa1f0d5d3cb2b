/*
 * gguf_file.h - a GGUF file on disk, mapped for as long as it is used.
 */
#ifndef LLM_GGUF_FILE_H
#define LLM_GGUF_FILE_H
#include "base/fsio.h"
#include "llm/gguf.h"
#include "llm/mapped.h"

struct gguf_file {
    struct gguf gguf;
    struct arena *arena; /* of the parsed header; others may add to it */
    struct mapped map;
};

/* `path` is the file, or a folder that holds exactly one *.gguf.  Maps it, checks it (gguf_parse), and guards the map: should
 * the file shrink while it is in use, the program ends with a sentence and status 3 in place of a bus error.
 * STATUS_UNAVAILABLE: no such file or folder, or no *.gguf in it (says what gets one); STATUS_DATA: damaged, or several. */
enum status gguf_file_open(const char *path, struct gguf_file *out);
/* Takes a zeroed or closed file. */
void gguf_file_close(struct gguf_file *file);
/* SHA-256 of the file that gguf_file_open() would open; "" where it is not there. */
enum status gguf_file_sha256(const char *path, char hex[SHA256_HEX]);
/* Is that a GGUF file or a folder with one? */
bool gguf_file_is(const char *path);

#endif
