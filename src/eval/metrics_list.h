/*
 * metrics_list.h - the metrics that stand in other files than metrics_value.c, a line a file; read there and where they are defined.
 */
#ifndef EVAL_METRICS_LIST_H
#define EVAL_METRICS_LIST_H
#include "eval/metrics.h"

extern const struct metric_type metric_rmse, metric_mae, metric_r2, metric_fcp; /* ratings.c */
extern const struct metric_type metric_auc, metric_expected_rank;               /* positions.c */
extern const struct metric_type metric_novelty, metric_epc, metric_serendipity, metric_ild, metric_ild_text,
    metric_ild_vectors, metric_arp, metric_long_tail_share, metric_calibration;          /* beyond.c */
extern const struct metric_type metric_coverage, metric_gini, metric_entropy;            /* spread.c */
extern const struct metric_type metric_pop_reo, metric_pop_rsp;                          /* aggregate.c */
extern const struct metric_type metric_auc_pairs;                                        /* auc_pairs.c */
extern const struct metric_type metric_log_loss, metric_brier, metric_calibration_error; /* probability.c */
#define METRICS_OF_POSITIONS &metric_auc, &metric_expected_rank
#define METRICS_BEYOND                                                                                       \
    &metric_coverage, &metric_gini, &metric_entropy, &metric_novelty, &metric_epc, &metric_serendipity,      \
        &metric_ild, &metric_ild_text, &metric_ild_vectors, &metric_arp, &metric_pop_reo, &metric_pop_rsp,   \
        &metric_long_tail_share, &metric_calibration
#define METRICS_OF_PROBABILITIES &metric_log_loss, &metric_brier, &metric_calibration_error
#define METRICS_OF_RATINGS       &metric_rmse, &metric_mae, &metric_r2, &metric_fcp

#endif
