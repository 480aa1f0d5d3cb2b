/*
 * records_probe.c - probe.csv (`recfuse probe --save`), where a run has one, as a sentence a dataset and decoder: has the decoder read the
 * rows that its recommendations are measured on?
 */

#include "report/csv_table.h"
#include "report/records.h"

static const double ALPHA = 0.05;

enum { DATASET, DECODER, DATA, ROWS = 4, CHANGED, N = 7, DIFFERENCE = 9, P_HOLM = 13 };

/* Tests of one decoder on one dataset: what only a reader of the file can know, and what the world knows. */
struct counts {
    size_t n[2], found[2];
    double rows; /* of the largest */
};

static enum status count(const struct csv_table *t, size_t first, struct counts *out)
{
    *out = (struct counts){0};
    for (size_t i = first; i < t->n_rows; i++) {
        double difference, p, rows;
        if (!records_same(csv_cell(t, i, DATASET), csv_cell(t, first, DATASET)) ||
            !records_same(csv_cell(t, i, DECODER), csv_cell(t, first, DECODER)))
            continue;
        TRY(csv_number(t, i, N, "n", &rows));
        TRY(csv_number(t, i, DIFFERENCE, "difference", &difference));
        TRY(csv_number(t, i, P_HOLM, "p_holm", &p));
        const bool known =
            records_same(csv_cell(t, i, ROWS), "items") && records_same(csv_cell(t, i, CHANGED), "title");
        out->n[known]++;
        out->rows = rows > out->rows ? rows : out->rows;
        out->found[known] += difference > 0 && p < ALPHA;
    }
    return STATUS_OK;
}

static const char *sentence(const struct csv_table *t, size_t i, const struct counts *c, struct arena *arena)
{
    const char *known =
        c->n[1] == 0 ? ""
                     : arena_printf(arena, "; genres by their titles, which the world knows, in %zu of %zu",
                                    c->found[1], c->n[1]);
    if (known == NULL)
        return NULL;
    return arena_printf(
        arena,
        "Memory of the language model %s (recfuse probe, rows of %s): it finds true rows likelier "
        "than changed ones in %zu of %zu tests%s, of at most %.0f rows each, so %s.",
        csv_cell(t, i, DECODER), csv_cell(t, i, DATA), c->found[0], c->n[0], known, c->rows,
        c->found[0] > 0 ? "what its rows reach may be remembered, not found"
                        : "there is no sign that it has read them");
}

enum status records_read_probe(struct records *r, struct arena *arena)
{
    static const char *const columns[] = {"dataset", "decoder", "data", "data_sha256", "rows",
                                          "changed", "stratum", "n",    "likelier",    "difference",
                                          "low",     "high",    "p",    "p_holm"};
    struct csv_table t;
    TRY(csv_table_read_some(r->run_dir, "probe.csv", columns, sizeof columns / sizeof *columns, arena, &t));
    ARENA_NEW(r->probe_note, arena, t.n_rows);
    for (size_t i = 0; i < t.n_rows; i++) {
        struct counts c;
        bool first = true;
        for (size_t j = 0; j < i && first; j++)
            first = !records_same(csv_cell(&t, i, DATASET), csv_cell(&t, j, DATASET)) ||
                    !records_same(csv_cell(&t, i, DECODER), csv_cell(&t, j, DECODER));
        if (!first)
            continue;
        TRY(count(&t, i, &c));
        const char *text = sentence(&t, i, &c, arena);
        if (text == NULL)
            return STATUS_SYSTEM;
        r->probe_note[r->n_probe_notes++] = (struct probe_note){csv_cell(&t, i, DATASET), text};
    }
    return STATUS_OK;
}

const char *records_probe_note(const struct records *r, const char *dataset, size_t n)
{
    for (size_t i = 0; i < r->n_probe_notes; i++)
        if (records_same(r->probe_note[i].dataset, dataset) && n-- == 0)
            return r->probe_note[i].text;
    return NULL;
}
