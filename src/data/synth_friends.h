/*
 * synth_friends.h - inside of synth: the users' list column `friends`.
 */
#ifndef DATA_SYNTH_FRIENDS_H
#define DATA_SYNTH_FRIENDS_H
#include "data/synth.h"

/* Appends the column to d->user_columns; d->truth and d->user_ids are there.  Friendship is mutual. */
enum status synth_friends(const struct synth_options *options, struct arena *arena, struct dataset *d);

#endif
