/* version.c - `recfuse version`: the build, its libraries and the machine. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/command.h"
#include "experiment/machine.h"

static error_t parse(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != 'j')
        return ARGP_ERR_UNKNOWN;
    *(bool *)state->input = true;
    return 0;
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {{"json", 'j', NULL, 0, "As one JSON object", 0}, {0}};
    const struct argp argp = {options, parse, NULL, "What this program was built from and runs on.",
                              NULL,    NULL,  NULL};
    bool json = false;
    argp_parse(&argp, argc, argv, 0, NULL, &json);

    json_t *all = machine_describe();
    if (all == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory");
    if (json) {
        char *text = json_dumps(all, JSON_SORT_KEYS | JSON_COMPACT);
        puts(text != NULL ? text : "{}");
        free(text);
    } else {
        const char *key;
        json_t *value;
        printf("recfuse %s\n", json_string_value(json_object_get(all, "commit")));
        json_object_foreach(all, key, value)
        {
            char *text = json_dumps(value, JSON_SORT_KEYS | JSON_ENCODE_ANY);
            if (json_is_string(value))
                printf("%-16s %s\n", key, json_string_value(value));
            else
                printf("%-16s %s\n", key, text != NULL ? text : "");
            free(text);
        }
    }
    json_decref(all);
    return STATUS_OK;
}

const struct command command_version = {"version", "", "the build, its libraries and the machine", run};
