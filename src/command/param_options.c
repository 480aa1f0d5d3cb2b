/* param_options.c - see param_options.h. */
#include "command/param_options.h"

#include <string.h>

#include "experiment/capture.h"

enum { FIRST_KEY = 8192 };

/* "A,B" as a list, anything else as a word. */
static enum status value_node(const struct param *p, const char *option, char *argument, struct arena *arena,
                              struct node *out)
{
    *out = (struct node){.kind = NODE_SCALAR,
                         .file = option,
                         .line = 1,
                         .column = 1,
                         .text = argument != NULL ? argument : "true"};
    if (p->kind != PARAM_KIND_LIST)
        return STATUS_OK;
    char *rest = NULL, *copy = arena_strdup(arena, argument);
    if (copy == NULL)
        return STATUS_SYSTEM;
    struct node word = *out;
    out->kind = NODE_LIST;
    ARENA_NEW(out->child, arena, strlen(argument) + 1);
    for (char *name = strtok_r(copy, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        word.text = name;
        out->child[out->n] = arena_copy(arena, &word, 1, sizeof word);
        if (out->child[out->n++] == NULL)
            return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct param_options *o = state->input;
    size_t n = 0;
    while (o->table[n].name != NULL)
        n++;
    if (key < FIRST_KEY || key >= FIRST_KEY + (int)n)
        return ARGP_ERR_UNKNOWN;
    const struct param *p = &o->table[key - FIRST_KEY];
    const char *option = arena_printf(o->arena, "--%s", p->name);
    struct node node;
    struct capture capture;
    capture_begin(&capture);
    enum status status = option != NULL ? value_node(p, option, argument, o->arena, &node) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = param_set(p, o->owner, &node, o->arena, o->values);
    capture_end(&capture);
    if (status == STATUS_OK)
        return 0;
    const char *sentence = strstr(capture.sentence, ":1:1: "); /* an argument has no line and column */
    argp_error(state, "%s: %s", option, sentence != NULL ? sentence + 6 : capture.sentence);
    return 0;
}

static const char *argument_of(const struct param *p)
{
    switch (p->kind) {
    case PARAM_KIND_INT:
        return "N";
    case PARAM_KIND_REAL:
        return "X";
    case PARAM_KIND_LIST:
        return "A,B";
    case PARAM_KIND_BOOL:
        return NULL;
    default:
        return "NAME";
    }
}

enum status command_param_options(struct param_options *o)
{
    size_t n = 0;
    for (const struct param *p = o->table; p->name != NULL && n < PARAM_OPTIONS_MOST; p++, n++) {
        char *value = NULL;
        TRY(param_text(p, o->values, o->arena, &value));
        const bool shown = p->kind != PARAM_KIND_BOOL && p->kind != PARAM_KIND_LIST && value[0] != '\0';
        const char *help = shown ? arena_printf(o->arena, "%s (default %s)", p->help, value)
                                 : arena_strdup(o->arena, p->help);
        if (help == NULL)
            return STATUS_SYSTEM;
        o->option[n] = (struct argp_option){p->name, FIRST_KEY + (int)n, argument_of(p), 0, help, 0};
    }
    o->option[n] = (struct argp_option){0};
    o->argp = (struct argp){o->option, parse, NULL, NULL, NULL, NULL, NULL};
    return STATUS_OK;
}
