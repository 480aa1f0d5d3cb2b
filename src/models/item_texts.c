/* item_texts.c - see item_texts.h. */
#include "models/item_texts.h"

enum status item_texts_read(const struct view *view, const struct param_list *fields, int max_reviews,
                            const struct corruption *corruption, struct arena *arena, struct strings *out)
{
    struct strings texts;
    TRY(view_item_texts(view, fields, (uint32_t)max_reviews, arena, &texts));
    return corruption_apply(corruption, &texts, &view->item_ids, arena, out);
}
