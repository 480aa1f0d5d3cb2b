/* replay.c - runs a fuzz target on every file named: target FILE...  "ok" when all came back. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        uint8_t *bytes = malloc(1 << 22);
        if (file == NULL || bytes == NULL)
            return 1;
        const size_t n = fread(bytes, 1, 1 << 22, file);
        fclose(file);
        uint8_t *exact = malloc(n > 0 ? n : 1); /* so that a sanitizer sees a read behind the end */
        for (size_t k = 0; k < n; k++)
            exact[k] = bytes[k];
        LLVMFuzzerTestOneInput(exact, n);
        free(exact);
        free(bytes);
    }
    printf("%d files\n", argc - 1);
    return 0;
}
