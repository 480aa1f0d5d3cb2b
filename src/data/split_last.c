/* split_last.c - see split_last.h. */
#include "data/split_last.h"

uint64_t split_user_end(const struct interactions *in, uint64_t begin)
{
    uint64_t end = begin + 1;
    while (end < in->n && in->user[end] == in->user[begin])
        end++;
    return end;
}

uint64_t split_count(const uint8_t *part, uint64_t begin, uint64_t end)
{
    uint64_t n = 0;
    for (uint64_t r = begin; r < end; r++)
        n += part[r] != SPLIT_NOWHERE;
    return n;
}

void split_mark_last(uint8_t *part, uint64_t begin, uint64_t end, uint64_t n_test, uint64_t n_valid)
{
    for (uint64_t r = end; r > begin && n_test + n_valid > 0; r--) {
        if (part[r - 1] == SPLIT_NOWHERE)
            continue;
        part[r - 1] = n_test > 0 ? SPLIT_TEST : SPLIT_VALID;
        if (n_test > 0)
            n_test--;
        else
            n_valid--;
    }
}
