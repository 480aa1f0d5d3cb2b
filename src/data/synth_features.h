/*
 * synth_features.h - inside of synth: image and audio vectors of items.
 */
#ifndef DATA_SYNTH_FEATURES_H
#define DATA_SYNTH_FEATURES_H
#include "data/synth.h"

enum { SYNTH_FEATURE_MAX = 4096 };

/* The features image and audio of d's items, from d->truth; none of width 0. */
enum status synth_features(const struct synth_options *options, struct arena *arena, struct dataset *d);

#endif
