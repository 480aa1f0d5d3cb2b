/*
 * strategy_model.h - the model `strategy`, and what its rules changed for one user.
 */
#ifndef FUSION_STRATEGY_MODEL_H
#define FUSION_STRATEGY_MODEL_H
#include "fusion/strategy.h"
#include "models/model.h"
#include "models/nested.h"

extern const struct model_type model_strategy;

/* What the model's parameters name, the base parsed, not fitted; vectors: of rules by text.  Statuses: those of nested_parse() and
 * strategy_parse(). */
enum status strategy_model_parts(const void *params, struct arena *arena, struct nested *base,
                                 struct strategy **rules, const struct item_vectors_options **vectors);
/* The list of one user after the rules, and each change in order of the rules; both in the arena.  `state`: a fitted or loaded
 * model_strategy.  Statuses: those of scoring. */
enum status strategy_model_changes(const void *state, uint32_t user, struct arena *arena,
                                   struct strategy_list *list, struct strategy_log *log);

#endif
