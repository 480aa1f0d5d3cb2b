/*
 * stage.h - one dataset and one fold of it in memory, as every cell of that fold uses them.
 */
#ifndef EXPERIMENT_STAGE_H
#define EXPERIMENT_STAGE_H
#include "experiment/experiment.h"

struct stage {
    const char *name;                    /* of the dataset in the experiment */
    struct arena *data, *fold_data;      /* owners of what follows */
    const struct dataset *dataset;       /* what filters and split left of it: the items that are ranked */
    uint64_t n_interactions, n_filtered; /* rows of the file; rows after the filters */
    uint64_t n_links,
        n_links_filtered; /* between friends in the file; between those who have rows after the filters */
    struct fold *folds;
    size_t n_folds;

    struct fold *fold; /* the one that is up */
    struct view *view;
    struct csr
        train; /* [n_users x n_items] with the rows that keep_train dropped: what is masked and measured against is the same at
                         every share; what models see is the view's */
    struct csr valid, test; /* likewise */
    struct view *whole;     /* train and valid together, made by stage_whole(); NULL before */
    uint32_t n_users;
    uint32_t *users; /* [n_users] those with test rows, rising */
};

/* Reads, filters and splits.  A stage that fails is closed by the caller too. */
enum status stage_open(const struct dataset_config *config, struct stage *out);
/* Sets up fold `fold`; what an earlier one had is freed. */
enum status stage_fold(struct stage *stage, size_t fold);
/* The view of train and validation rows together (of those, what keep_train lets be learned from), of this fold. */
enum status stage_whole(struct stage *stage, const struct view **out);
/* Of all its rows, the test rows too, for a system that goes into use: nothing may be measured on them then. */
enum status stage_all(struct stage *stage, struct view **out);
void stage_close(struct stage *stage); /* takes a zeroed one */

#endif
