/*
 * item_texts.h - the texts of items as models read them: fields of the view, then what the parameters `words_kept` and `words_noise` leave.
 */
#ifndef MODELS_ITEM_TEXTS_H
#define MODELS_ITEM_TEXTS_H
#include "data/view.h"
#include "text/corruption.h"

/* One text an item, in the arena: view_item_texts(), then corruption_apply() by the items' ids; statuses as there. */
enum status item_texts_read(const struct view *view, const struct param_list *fields, int max_reviews,
                            const struct corruption *corruption, struct arena *arena, struct strings *out);

#endif
