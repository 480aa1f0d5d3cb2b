/*
 * encoder_files.h - the files that an encoder is made of: which there are, what they hold, one hash over them.
 */
#ifndef LLM_ENCODER_FILES_H
#define LLM_ENCODER_FILES_H
#include "base/fsio.h"
#include "llm/mapped.h"

/* In the order in which they are hashed; also names in a folder (encoder_files.c). */
enum encoder_file {
    FILE_WEIGHTS,   /* model.safetensors */
    FILE_E5S1,      /* *.bin that begins with E5S1 */
    FILE_VECTORS,   /* vectors.safetensors: imported vectors, no encoder */
    FILE_CONFIG,    /* config.json */
    FILE_VOCAB,     /* vocab.txt */
    FILE_TOKENIZER, /* tokenizer.json */
    FILE_TOKENIZER_CONFIG,
    FILE_POOLING,  /* 1_Pooling/config.json */
    FILE_SENTENCE, /* sentence_bert_config.json */
    FILE_PROMPTS,  /* config_sentence_transformers.json */
    N_ENCODER_FILES
};

struct encoder_files {
    const char *path[N_ENCODER_FILES]; /* NULL: not there */
    const char *bytes[N_ENCODER_FILES];
    size_t n[N_ENCODER_FILES];
    struct mapped map; /* of the weights, E5S1 or vectors */
    char sha256[SHA256_HEX];
};

/* Its name in a folder; NULL: any. */
const char *encoder_file_name(enum encoder_file file);
/* Which files the folder (or E5S1 file) `model` has; paths in the arena.  Nothing of them is read but an E5S1's first
 * bytes.  STATUS_DATA: no folder and no such file; several E5S1 files. */
enum status encoder_files_find(const char *model, struct arena *arena, struct encoder_files *out);
/* Maps the weights and reads the rest into the arena, and hashes all. */
enum status encoder_files_read(struct encoder_files *files, struct arena *arena);
/* Takes zeroed ones. */
void encoder_files_close(struct encoder_files *files);

#endif
