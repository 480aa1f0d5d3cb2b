/*
 * synth_features.c - vectors that carry part of the taste: an item's weights in the even factors (image) or in the odd ones
 * (audio), put through a random matrix, with noise.
 *
 * So each alone tells half of the themes, both together all, and neither tells quality or exposure.
 */
#include "data/synth_features.h"

#include <math.h>

#include "data/synth_text.h"

#define NOISE 0.35 /* standard deviation, where a main theme's part has about 1 */

static enum status make(const struct synth_options *o, enum synth_purpose purpose, const char *name,
                        uint32_t parity, uint32_t width, struct arena *arena, const struct truth *t,
                        struct feature *out)
{
    float *matrix, *value;
    const uint32_t n_items = o->n_items;
    ARENA_NEW(matrix, arena, (size_t)o->factors * width);
    ARENA_NEW(value, arena, (size_t)n_items * width);
    for (size_t k = 0; k < (size_t)o->factors * width; k++)
        matrix[k] = (float)synth_normal(o->seed, purpose, 0, k);
#pragma omp parallel for
    for (uint32_t i = 0; i < n_items; i++)
        for (uint32_t k = 0; k < width; k++) {
            const size_t at = (size_t)i * width + k;
            double sum = NOISE * synth_normal(o->seed, purpose, 1, at);
            for (uint32_t f = parity; f < o->factors; f += 2)
                sum += (double)t->item[(size_t)i * o->factors + f] * (double)matrix[(size_t)f * width + k];
            value[at] = (float)sum;
        }
    *out = (struct feature){.name = name, .width = width, .value = value};
    return STATUS_OK;
}

enum status synth_features(const struct synth_options *o, struct arena *arena, struct dataset *d)
{
    struct feature *features;
    ARENA_NEW(features, arena, 2);
    if (o->n_image > 0)
        TRY(make(o, SYNTH_IMAGE, "image", 0, o->n_image, arena, d->truth, &features[d->n_features++]));
    if (o->n_audio > 0)
        TRY(make(o, SYNTH_AUDIO, "audio", 1, o->n_audio, arena, d->truth, &features[d->n_features++]));
    d->features = features;
    return STATUS_OK;
}
