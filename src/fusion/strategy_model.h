/*
 * strategy_model.h - the model `strategy`, and what its rules changed for one user.
 */
#ifndef FUSION_STRATEGY_MODEL_H
#define FUSION_STRATEGY_MODEL_H
#include "fusion/strategy.h"
#include "models/model.h"

extern const struct model_type model_strategy;

/* The list of one user after the rules, and each change in order of the rules; both in the arena.  `state`: a fitted or loaded
 * model_strategy.  Statuses: those of scoring. */
enum status strategy_model_changes(const void *state, uint32_t user, struct arena *arena,
                                   struct strategy_list *list, struct strategy_log *log);

#endif
