/* command.c - what several commands share. */
#include "command/command.h"

#include <errno.h>
#include <stdlib.h>

volatile sig_atomic_t command_signal;

static void on_signal(int signal_number)
{
    command_signal = signal_number;
    signal(signal_number, SIG_DFL);
}

void command_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

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

double command_real(struct argp_state *state, const char *option, const char *text, double minimum,
                    double maximum)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= minimum && value <= maximum))
        argp_error(state, "%s: '%s' is not a number from %g to %g", option, text, minimum, maximum);
    return value;
}
