/* explain.c - `recfuse explain`: a tree of a model of a run, as text and as a picture. */
#include "command/chosen_options.h"
#include "command/command.h"
#include "report/tree_picture.h"

enum { OPTION_TREE = 256, OPTION_DEPTH };

struct arguments {
    struct chosen_options options;
    unsigned tree, depth;
    const char *picture;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case OPTION_TREE:
        a->tree = (unsigned)command_number(state, "--tree", argument, 1, 10000000);
        return 0;
    case OPTION_DEPTH:
        a->depth = (unsigned)command_number(state, "--depth", argument, 0, 12);
        return 0;
    case 'o':
        a->picture = argument;
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->options;
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
        {"tree", OPTION_TREE, "N", 0, "Which of its trees, from 1 (default 1)", 0},
        {"depth", OPTION_DEPTH, "N", 0,
         "Splits that are shown above each leaf, the rest as one box (default 3)", 0},
        {"output", 'o', "PATH", 0, "Draw PATH.svg and PATH.png too", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              NULL,
                              "Prints one tree of a model: its splits, what they bring, what its leaves are "
                              "worth. The model is loaded "
                              "where the run kept it (save_models), else fitted again.",
                              command_chosen_child,
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
