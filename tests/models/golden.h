/* golden.h - lines name,row,column,value of tests/golden/models.csv (tools/golden-models.py names the libraries). */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The tables' values, as the script makes them. */
static inline int golden_count(int i, int w)
{
    const int c = (i * 5 + w * 3 + i * i * w % 5) % 7 - 3;
    return c > 0 ? c : 0;
}
static inline int golden_rating(int u, int i)
{
    return (3 * i + 5 * u + i * u) % 7 >= 4 ? 0 : (i + 2 * u) % 3 != 0 ? 5 : 2;
}
enum { GOLDEN_USERS = 12, GOLDEN_ITEMS = 14, GOLDEN_WORDS = 9 };

/* Values of that name into out [rows x columns]; returns how many there were. */
static inline int golden_read(const char *name, int rows, int columns, double *out)
{
    FILE *file = fopen("tests/golden/models.csv", "r");
    char line[256];
    int n = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        int r, c;
        double value;
        const size_t length = strcspn(line, ",");
        if (length == strlen(name) && strncmp(line, name, length) == 0 &&
            sscanf(line + length, ",%d,%d,%lf", &r, &c, &value) == 3 && r < rows && c < columns)
            out[r * columns + c] = value, n++;
    }
    fclose(file);
    return n;
}

#endif
