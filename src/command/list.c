/*
 * list.c - `recfuse models [NAME]` and `formats`: what there is, from the registry and its tables of
 * parameters alone.
 */
#include <stdio.h>
#include <string.h>

#include "base/strings.h"
#include "command/command.h"
#include "fusion/strategy.h"
#include "registry.h"

static error_t parse_name(int key, char *argument, struct argp_state *state)
{
    if (key != ARGP_KEY_ARG || state->arg_num > 0)
        return ARGP_ERR_UNKNOWN;
    *(const char **)state->input = argument;
    return 0;
}

static const char *kind_text(const struct param *p)
{
    switch (p->kind) {
    case PARAM_KIND_INT:
        return "whole number";
    case PARAM_KIND_REAL:
        return "number";
    case PARAM_KIND_BOOL:
        return "true or false";
    case PARAM_KIND_CHOICE:
        return "one of";
    case PARAM_KIND_LIST:
        return p->choices != NULL ? "list of" : "list of strings";
    case PARAM_KIND_NODE:
        return "block";
    default:
        return "string";
    }
}

/* One line a parameter: name, default, what it takes, help. */
static enum status print_params(const struct param *table, size_t size)
{
    struct arena *arena = arena_new();
    void *values = arena != NULL ? arena_alloc(arena, 1, size > 0 ? size : 1) : NULL;
    enum status status = values != NULL ? params_default(table, arena, values) : STATUS_SYSTEM;
    for (const struct param *p = table; status == STATUS_OK && p != NULL && p->name != NULL; p++) {
        char *text = NULL;
        status = param_text(p, values, arena, &text);
        if (status != STATUS_OK)
            break;
        printf("  %-18s = %-12s %s", p->name, text, kind_text(p));
        if (p->kind == PARAM_KIND_INT || p->kind == PARAM_KIND_REAL)
            printf(" from %.9g to %.9g", p->minimum, p->maximum);
        if (p->choices != NULL)
            printf(" %s", p->choices);
        printf("\n      %s\n", p->help);
    }
    arena_free(arena);
    return status;
}

static enum status print_model(const struct model_type *type)
{
    static const struct {
        unsigned bit;
        const char *text;
    } needs[] = {{NEEDS_TEXT, "item texts"},
                 {NEEDS_TIME, "times"},
                 {NEEDS_RATINGS, "ratings"},
                 {NEEDS_ENCODER, "a language model (tools/get-models.sh)"},
                 {NEEDS_TRUTH, "a generated dataset (recfuse synth)"},
                 {NEEDS_DECODER, "a decoder (tools/get-models.sh gemma)"},
                 {NEEDS_FILE, "a file of lists"},
                 {NEEDS_FRIENDS, "links between users: their column friends (recfuse import --friends)"}};
    printf("%s: %s\n  family   %s\n  source   %s\n  version  %d\n", type->name, type->help, type->family,
           type->source, type->version);
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (type->needs & needs[i].bit)
            printf("  needs    %s\n", needs[i].text);
    puts("parameters:");
    return print_params(type->params, type->params_size);
}

static enum status run_models(int argc, char **argv)
{
    const struct argp argp = {NULL, parse_name, "[NAME]", "Every model, or the parameters of one.",
                              NULL, NULL,       NULL};
    const char *name = NULL;
    argp_parse(&argp, argc, argv, 0, NULL, &name);
    if (name != NULL) {
        const struct model_type *type = model_find(name);
        const char *nearest = model_nearest(name);
        if (type != NULL)
            return print_model(type);
        return status_fail(
            STATUS_USAGE, "unknown model '%s'%s%s%s", name, nearest != NULL ? "; did you mean '" : "",
            nearest != NULL ? nearest : ": `recfuse models` lists them", nearest != NULL ? "'?" : "");
    }
    for (size_t i = 0; model_types[i] != NULL; i++)
        printf("%-16s %-24s %s\n", model_types[i]->name, model_types[i]->family, model_types[i]->help);
    return STATUS_OK;
}

static enum status run_formats(int argc, char **argv)
{
    const struct argp argp = {NULL, NULL, NULL, "Import formats, splits, filters and rules.",
                              NULL, NULL, NULL};
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    puts("import formats (recfuse import FORMAT SOURCE -o FILE.h5):");
    for (size_t i = 0; import_formats[i] != NULL; i++)
        printf("%-14s %s\n               %s\n", import_formats[i]->name, import_formats[i]->help,
               import_formats[i]->example);
    puts("\nsplits (`split: {kind: NAME, ...}` of a dataset):");
    for (size_t i = 0; split_types[i] != NULL; i++) {
        printf("%-15s %s\n                loses %s\n", split_types[i]->name, split_types[i]->help,
               split_types[i]->loses);
        TRY(print_params(split_types[i]->params, split_types[i]->params_size));
    }
    puts("\nfilters (`filter: [{NAME: value}, ...]` of a dataset, before the split):");
    for (size_t i = 0; filter_types[i] != NULL; i++) {
        printf("%-14s %s\n", filter_types[i]->name, filter_types[i]->help);
        TRY(print_params(filter_types[i]->params, filter_types[i]->params_size));
    }
    puts("\n{NAME: value} sets a filter's first parameter, {NAME: {parameter: value, ...}} any.");
    puts("\nrules of the model strategy (`params: {rules: [{NAME: {parameter: value, ...}}, ...]}`), in the "
         "order given:");
    for (size_t i = 0; strategy_rule_types[i] != NULL; i++) {
        printf("%-14s %s\n", strategy_rule_types[i]->name, strategy_rule_types[i]->help);
        TRY(print_params(strategy_rule_types[i]->params, strategy_rule_types[i]->params_size));
    }
    return STATUS_OK;
}

const struct command command_models = {"models", "[NAME]", "every model, or the parameters of one",
                                       run_models};
const struct command command_formats = {"formats", "", "import formats, splits, filters, rules", run_formats};
