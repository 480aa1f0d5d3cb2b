/* liked.h - what a user liked best of the train rows, for people and for prompts. */
#ifndef EXPERIMENT_LIKED_H
#define EXPERIMENT_LIKED_H
#include "data/view.h"

struct liked {
    float value;  /* the rating; 1 where there are none */
    int64_t time; /* 0: unknown */
    uint32_t item;
};
/* All of the user's train items: best rated first, of equals the latest, then the lower number; *out [*n] in the arena. */
enum status liked_items(const struct view *view, uint32_t user, struct arena *arena, struct liked **out,
                        size_t *n);

#endif
