/* csv_put.c - see csv_put.h. */
#include "base/csv_put.h"

#include <csv.h>
#include <stdbool.h>
#include <string.h>

void csv_put_bytes(FILE *out, const char *bytes, size_t n)
{
    bool plain = true;
    for (size_t i = 0; i < n; i++)
        plain = plain && bytes[i] != ',' && bytes[i] != '"' && bytes[i] != '\r' && bytes[i] != '\n';
    if (plain)
        fwrite(bytes, 1, n, out);
    else
        csv_fwrite(out, bytes, n);
}

void csv_put(FILE *out, const char *text)
{
    csv_put_bytes(out, text, strlen(text));
}

void csv_put_quoted(FILE *out, const char *text)
{
    csv_fwrite(out, text, strlen(text));
    fputc(',', out);
}
