/* decoder_file.h - which file a parameter `decoder` names. */
#ifndef FUSION_DECODER_FILE_H
#define FUSION_DECODER_FILE_H
#include "base/arena.h"

/* A path (it holds a '/' or ends in .gguf) as it is; else the folder or file of that name below `models` (NULL: "models").  In the arena;
 * NULL when memory is out. */
char *decoder_file(const char *models, const char *decoder, struct arena *arena);

#endif
