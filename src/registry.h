/*
 * registry.h - what there is, by name: a line a model, a metric, an import format, a split, a filter.  Names,
 * help and validation come from here.
 */
#ifndef REGISTRY_H
#define REGISTRY_H
#include "data/filter.h"
#include "data/import.h"
#include "data/split.h"
#include "eval/metrics.h"
#include "models/model.h"

extern const struct model_type *const model_types[]; /* NULL-ended, in the order of the help */
/* NULL: none of that name. */
const struct model_type *model_find(const char *name);
/* The nearest known name for a message, or NULL. */
const char *model_nearest(const char *name);

#endif
