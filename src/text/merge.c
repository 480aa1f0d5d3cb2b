/*
 * merge.c - see merge.h.
 *
 * A heap holds the pairs that may merge.  A merge leaves stale pairs in it; they are known by the lengths that they were made
 * from, which no longer fit, and are dropped when they come up.
 */
#include "text/merge.h"

struct pair {
    double rank;
    size_t left; /* position of the left symbol */
    size_t left_length, right_length;
};

struct merging {
    const char *text;
    struct merge_symbol *symbol;
    size_t *next, *before; /* neighbours of each symbol; n: none */
    size_t n;
    struct pair *heap;
    size_t n_heap;
    merge_rank *rank;
    const void *context;
};

static bool less(const struct pair *a, const struct pair *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->left < b->left;
}

static void heap_add(struct merging *m, struct pair pair)
{
    size_t at = m->n_heap++;
    for (; at > 0 && less(&pair, &m->heap[(at - 1) / 2]); at = (at - 1) / 2)
        m->heap[at] = m->heap[(at - 1) / 2];
    m->heap[at] = pair;
}

static struct pair heap_take(struct merging *m)
{
    const struct pair top = m->heap[0], last = m->heap[--m->n_heap];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < m->n_heap; at = child) {
        if (child + 1 < m->n_heap && less(&m->heap[child + 1], &m->heap[child]))
            child++;
        if (!less(&m->heap[child], &last))
            break;
        m->heap[at] = m->heap[child];
    }
    m->heap[at] = last;
    return top;
}

static void consider(struct merging *m, size_t left)
{
    if (left == m->n || m->next[left] == m->n)
        return;
    const struct merge_symbol *a = &m->symbol[left], *b = &m->symbol[m->next[left]];
    double rank;
    if (m->rank(m->context, m->text, a->from, a->length, b->length, &rank))
        heap_add(m, (struct pair){rank, left, a->length, b->length});
}

enum status merge_run(const char *text, struct merge_symbol *symbols, size_t n, merge_rank *rank,
                      const void *context, struct arena *arena)
{
    struct merging m = {.text = text, .symbol = symbols, .n = n, .rank = rank, .context = context};
    if (n < 2)
        return STATUS_OK;
    ARENA_NEW(m.next, arena, n);
    ARENA_NEW(m.before, arena, n);
    ARENA_NEW(m.heap, arena, 3 * n); /* n - 1 pairs at first, two more a merge */
    for (size_t i = 0; i < n; i++) {
        m.next[i] = i + 1;
        m.before[i] = i > 0 ? i - 1 : n;
    }
    for (size_t i = 0; i + 1 < n; i++)
        consider(&m, i);
    while (m.n_heap > 0) {
        const struct pair best = heap_take(&m);
        struct merge_symbol *left = &symbols[best.left];
        const size_t other = m.next[best.left];
        if (other == n || left->length != best.left_length || symbols[other].length != best.right_length)
            continue;
        left->length += best.right_length;
        symbols[other].length = 0;
        m.next[best.left] = m.next[other];
        if (m.next[other] != n)
            m.before[m.next[other]] = best.left;
        consider(&m, m.before[best.left]);
        consider(&m, best.left);
    }
    return STATUS_OK;
}
