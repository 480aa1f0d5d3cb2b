/* explain.c - `recfuse explain`: a tree of a model of a run, as text and as a picture. */
#include "command/command.h"
#include "experiment/chosen.h"
#include "report/tree_picture.h"

enum {
    OPTION_RUN = 256,
    OPTION_DATASET,
    OPTION_MODEL,
    OPTION_FOLD,
    OPTION_POINT,
    OPTION_TREE,
    OPTION_DEPTH,
    OPTION_THREADS
};

struct arguments {
    struct chosen_options options;
    unsigned tree, depth;
    const char *picture;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case OPTION_RUN:
        a->options.run = argument;
        return 0;
    case OPTION_DATASET:
        a->options.dataset = argument;
        return 0;
    case OPTION_MODEL:
        a->options.model = argument;
        return 0;
    case OPTION_FOLD:
        a->options.fold = (unsigned)command_number(state, "--fold", argument, 0, 100000);
        return 0;
    case OPTION_POINT:
        a->options.point = (unsigned)command_number(state, "--point", argument, 0, 100000);
        return 0;
    case OPTION_TREE:
        a->tree = (unsigned)command_number(state, "--tree", argument, 1, 10000000);
        return 0;
    case OPTION_DEPTH:
        a->depth = (unsigned)command_number(state, "--depth", argument, 0, 12);
        return 0;
    case OPTION_THREADS:
        a->options.threads = (unsigned)command_number(state, "--threads", argument, 1, 1024);
        return 0;
    case 'o':
        a->picture = argument;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too much", argument);
        return 0;
    case ARGP_KEY_END:
        if (a->options.run == NULL || a->options.model == NULL)
            argp_error(state, "--run and --model are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status show(const struct arguments *a, const struct chosen *c)
{
    const struct model_type *type = c->fitted.type;
    char what[512];
    struct tree_view view = {.tree = a->tree - 1, .depth = a->depth, .title = what};
    snprintf(what, sizeof what, "%s on %s, fold %u", c->model->label, c->dataset->name, a->options.fold);
    if (type->trees != NULL)
        type->trees(c->fitted.state, &view.forest, &view.columns);
    if (view.forest == NULL)
        return status_fail(
            STATUS_USAGE,
            "%s: %s has no trees to show; decision_tree, random_forest, gbdt and stacking by gbdt have", what,
            type->name);
    TRY(tree_print(&view, stdout));
    if (a->picture == NULL)
        return STATUS_OK;
    TRY(tree_draw(&view, a->picture));
    printf("drawn: %s.svg, %s.png\n", a->picture, a->picture);
    return STATUS_OK;
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"run", OPTION_RUN, "RUN_DIR", 0, "Folder of results", 0},
        {"model", OPTION_MODEL, "LABEL", 0,
         "Label of a model of the run: decision_tree, random_forest, gbdt, stacking by gbdt", 0},
        {"dataset", OPTION_DATASET, "D", 0, "Name of a dataset of the run (default: its first)", 0},
        {"fold", OPTION_FOLD, "F", 0, "Fold whose train rows are learned from (default 0)", 0},
        {"point", OPTION_POINT, "P", 0, "Place in the model's grid (default 0)", 0},
        {"tree", OPTION_TREE, "N", 0, "Which of its trees, from 1 (default 1)", 0},
        {"depth", OPTION_DEPTH, "N", 0,
         "Splits that are shown above each leaf, the rest as one box (default 3)", 0},
        {"output", 'o', "PATH", 0, "Draw PATH.svg and PATH.png too", 0},
        {"threads", OPTION_THREADS, "N", 0, "Threads (default: all cores); results don't depend on it", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              NULL,
                              "Prints one tree of a model: its splits, what they bring, what its leaves are "
                              "worth. The model is loaded "
                              "where the run kept it (save_models), else fitted again.",
                              NULL,
                              NULL,
                              NULL};
    struct arguments a = {.options = {.signal = &command_signal}, .tree = 1, .depth = 3};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    command_catch_signals();
    struct chosen c;
    enum status status = chosen_open(&a.options, &c);
    if (status == STATUS_OK)
        status = show(&a, &c);
    chosen_close(&c);
    return status;
}

const struct command command_explain = {"explain", "--run RUN_DIR --model LABEL",
                                        "a tree of a model, as text and as a picture", run};
