/*
 * text_quality.h - what an encoder is worth to recommendation: NDCG@10 of llm_content and llm_fusion with it.
 */
#ifndef EXPERIMENT_TEXT_QUALITY_H
#define EXPERIMENT_TEXT_QUALITY_H
#include "backend/backend.h"
#include "base/strings.h"
#include "llm/encoder.h"

enum { TEXT_QUALITY_CONTENT, TEXT_QUALITY_FUSION, N_TEXT_QUALITIES };

/* Fits both models, with their defaults, on 80 % of each user's rows in the dataset file (as recfuse import makes it; the rest by lots,
 * seed 42), item texts from titles and genres, and ranks all items that the user has not seen.  `encoder`: the folder.
 * STATUS_UNAVAILABLE: no such file. */
enum status text_quality(const char *dataset, const char *encoder, enum encoder_precision precision,
                         const struct backend *backend, double ndcg[N_TEXT_QUALITIES]);

/* The titles of the dataset's items, in the arena. */
enum status text_quality_titles(const char *dataset, struct arena *arena, struct strings *out);

#endif
