/* cell_parts.c - see cell_parts.h. */
#include "experiment/cell_parts.h"

#include <string.h>

static void put_u32(uint32_t value, FILE *out)
{
    fwrite(&value, sizeof value, 1, out);
}

static void write_part(const struct cell_part *p, const struct metric_at *measures, size_t n_measures,
                       bool whole, FILE *out)
{
    const struct measured *m = &p->measured;
    const size_t n = m->n_users, n_name = strlen(p->stratum);
    put_u32((uint32_t)n_name, out);
    fwrite(p->stratum, 1, n_name, out);
    put_u32(m->n_users, out), put_u32(m->n_items, out), put_u32(m->depth, out);
    if (!whole) {
        fwrite(m->users, sizeof *m->users, n, out);
        fwrite(m->values, sizeof *m->values, n * n_measures, out);
        fwrite(m->pooled, sizeof *m->pooled, n_measures, out);
    }
    fwrite(m->n_relevant, sizeof *m->n_relevant, n, out);
    fwrite(m->parts, sizeof *m->parts, n * measured_parts(measures, n_measures), out);
    fwrite(m->lists, sizeof *m->lists, n * m->depth, out);
}

enum status cell_parts_write(const struct cell_part *whole, const struct cell_part *strata, size_t n_strata,
                             const struct metric_at *measures, size_t n_measures, FILE *out)
{
    put_u32((uint32_t)n_strata + 1, out);
    write_part(whole, measures, n_measures, true, out);
    for (size_t s = 0; s < n_strata; s++)
        write_part(&strata[s], measures, n_measures, false, out);
    return ferror(out) ? status_fail(STATUS_SYSTEM, "memory is out: what a cell's intervals are made of")
                       : STATUS_OK;
}

/* Bytes being read; `at` beyond `n` once something was missing. */
struct cursor {
    const char *bytes;
    size_t n, at;
    struct arena *arena;
    bool no_memory;
};

/* A copy of the next n elements; NULL where there are not so many. */
static void *take(struct cursor *c, size_t n, size_t size)
{
    if (c->at > c->n || n > (c->n - c->at) / size) {
        c->at = c->n + 1;
        return NULL;
    }
    void *copy = arena_copy(c->arena, c->bytes + c->at, n, size);
    c->no_memory = c->no_memory || copy == NULL;
    c->at += n * size;
    return copy;
}

static uint32_t take_u32(struct cursor *c)
{
    uint32_t value = 0;
    if (c->at <= c->n && c->n - c->at >= sizeof value)
        memcpy(&value, c->bytes + c->at, sizeof value);
    c->at += sizeof value;
    return value;
}

static void read_part(struct cursor *c, const struct cell_values *cell, const struct metric_at *measures,
                      size_t n_measures, bool whole, struct cell_part *out)
{
    struct measured *m = &out->measured;
    const uint32_t n_name = take_u32(c);
    const char *name = take(c, n_name, 1);
    out->stratum = name != NULL ? arena_printf(c->arena, "%.*s", (int)n_name, name) : NULL;
    m->n_users = take_u32(c), m->n_items = take_u32(c), m->depth = take_u32(c);
    if (whole && m->n_users == cell->n_users && n_measures == cell->n_values) {
        m->users = cell->users, m->values = cell->values, m->pooled = cell->pooled;
    } else if (whole)
        c->at = c->n + 1;
    else {
        m->users = take(c, m->n_users, sizeof *m->users);
        m->values = take(c, m->n_users * n_measures, sizeof *m->values);
        m->pooled = take(c, n_measures, sizeof *m->pooled);
    }
    m->n_relevant = take(c, m->n_users, sizeof *m->n_relevant);
    m->parts = take(c, m->n_users * measured_parts(measures, n_measures), sizeof *m->parts);
    m->lists = take(c, (size_t)m->n_users * m->depth, sizeof *m->lists);
}

enum status cell_parts_read(const struct cell_values *cell, const struct metric_at *measures,
                            size_t n_measures, struct arena *arena, struct cell_part **out, size_t *n_out)
{
    const struct cell_text *text = &cell->more[CELL_PARTS];
    struct cursor c = {.bytes = text->bytes, .n = text->n, .arena = arena};
    const uint32_t n = take_u32(&c);
    if (n > text->n / 16) /* of which each has more */
        return status_fail(STATUS_DATA, "a cell is damaged: %u strata", n);
    ARENA_NEW(*out, arena, n);
    for (uint32_t p = 0; p < n && c.at <= c.n && !c.no_memory; p++)
        read_part(&c, cell, measures, n_measures, p == 0, &(*out)[p]);
    *n_out = n;
    if (c.no_memory)
        return STATUS_SYSTEM;
    return n > 0 && c.at == c.n ? STATUS_OK
                                : status_fail(STATUS_DATA, "a cell is damaged: its strata don't fill it");
}
