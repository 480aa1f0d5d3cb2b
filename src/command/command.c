/* command.c - what several commands share. */
#include "command/command.h"

#include <errno.h>
#include <stdlib.h>

long command_number(struct argp_state *state, const char *option, const char *text, long minimum,
                    long maximum)
{
    char *end;
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < minimum || value > maximum)
        argp_error(state, "%s: '%s' is not a whole number from %ld to %ld", option, text, minimum, maximum);
    return value;
}
