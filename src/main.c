/* main.c - the command line: one line a command. */
#include <stdio.h>

int main(void)
{
    fputs("recfuse: no command is built in yet\n", stderr);
    return 2;
}
