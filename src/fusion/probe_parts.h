/* probe_parts.h - what probe.c (rows) and probe_lines.c (what comes of them) share. */
#ifndef FUSION_PROBE_PARTS_H
#define FUSION_PROBE_PARTS_H
#include "fusion/probe.h"

enum { USER, ITEM, ID, TITLE };

/* Log-likelihoods of rows behind their true and their changed beginning. */
struct probe_value {
    double *truth, *changed; /* [n] */
    uint32_t n;
};
typedef struct probe_value probe_values[PROBE_CHANGES][PROBE_STRATA];

enum status probe_lines(probe_values values, struct probe_line lines[PROBE_LINES], size_t *n_lines);

#endif
