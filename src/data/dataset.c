/* dataset.c - see dataset.h; the order of rows is made in sort.c. */
#include "data/dataset.h"

#include <string.h>

const struct column *dataset_item_column(const struct dataset *d, const char *name)
{
    for (uint32_t i = 0; i < d->n_item_columns; i++)
        if (strcmp(d->item_columns[i].name, name) == 0)
            return &d->item_columns[i];
    return NULL;
}

const struct column *dataset_user_column(const struct dataset *d, const char *name)
{
    for (uint32_t i = 0; i < d->n_user_columns; i++)
        if (strcmp(d->user_columns[i].name, name) == 0)
            return &d->user_columns[i];
    return NULL;
}

const struct feature *dataset_feature(const struct dataset *d, const char *name)
{
    for (uint32_t i = 0; i < d->n_features; i++)
        if (strcmp(d->features[i].name, name) == 0)
            return &d->features[i];
    return NULL;
}
