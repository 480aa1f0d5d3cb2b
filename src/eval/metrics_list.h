/*
 * metrics_list.h - the metrics that stand in other files than metrics_value.c, a line a file; read there and where they are defined.
 */
#ifndef EVAL_METRICS_LIST_H
#define EVAL_METRICS_LIST_H
#include "eval/metrics.h"

extern const struct metric_type metric_rmse, metric_mae, metric_r2, metric_fcp; /* ratings.c */
#define METRICS_OF_RATINGS &metric_rmse, &metric_mae, &metric_r2, &metric_fcp

#endif
