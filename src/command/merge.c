/* merge.c - `recfuse merge DIR... -o DIR`: shards of one experiment into one result. */
#include "experiment/merge.h"

#include "command/command.h"

enum { LIMIT_FOLDERS = 4096 };

struct arguments {
    const char *folders[LIMIT_FOLDERS], *out;
    size_t n_folders;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'o':
        a->out = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (a->n_folders == LIMIT_FOLDERS)
            argp_error(state, "more than %d folders", LIMIT_FOLDERS);
        a->folders[a->n_folders++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (a->n_folders == 0)
            argp_error(state, "which folders?");
        if (a->out == NULL)
            argp_error(state, "-o DIR is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {{"output", 'o', "DIR", 0, "The folder to make", 0}, {0}};
    const struct argp argp = {
        options, parse, "DIR...", "Joins shards of one experiment (recfuse run --shard) into one result.",
        NULL,    NULL,  NULL};
    static struct arguments a;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return merge_shards(a.folders, a.n_folders, a.out);
}

const struct command command_merge = {"merge", "DIR... -o DIR", "shards of one experiment into one result",
                                      run};
