/* loop_run.c - see loop_run.h. */
#include "experiment/loop_run.h"

#include <string.h>

#include "experiment/again.h"

enum status loop_of_run(const char *run_dir, struct arena *arena, struct experiment *experiment,
                        struct loop *out, char config[SHA256_HEX])
{
    struct model_config model;
    char key[SHA256_HEX];
    TRY(again_load(run_dir, arena, experiment));
    const struct feedback_config *f = experiment->feedback;
    if (f == NULL)
        return status_fail(STATUS_USAGE,
                           "%s: its experiment has no block `feedback`, which says what learns: write "
                           "`feedback: {}` under fusion, or `feedback: {model: LABEL}`, and run it again",
                           run_dir);
    const struct again_cell cell = {run_dir, experiment, f->dataset, f->model, 0, experiment->seeds[0]};
    TRY(again_chosen(&cell, arena, &model, key));
    TRY(loop_of_model(f, &model, arena, out));
    const char *all = arena_printf(arena, "%s\n%s", key, f->json);
    if (all == NULL)
        return STATUS_SYSTEM;
    sha256_hex(all, strlen(all), config);
    return STATUS_OK;
}
