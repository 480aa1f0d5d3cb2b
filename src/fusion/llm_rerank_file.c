/* llm_rerank_file.c - a fitted llm_rerank as arrays of a model file (llm_rerank.h). */
#include "fusion/llm_rerank.h"
#include "models/columns_io.h"
#include "models/history.h"

static enum status put_all(const struct llm_rerank *m, struct model_writer *w, struct arena *scratch)
{
    const uint32_t shape[4] = {m->train.n_rows, m->train.n_cols, m->without != NULL, m->given != NULL};
    const uint64_t n_taken = (uint64_t)m->taken_ptr[m->train.n_rows];
    TRY(model_put(w, "shape", ARRAY_U32, 4, 1, shape));
    TRY(csr_put(w, "train", &m->train));
    TRY(model_put(w, "taken_ptr", ARRAY_I64, (uint64_t)m->train.n_rows + 1, 1, m->taken_ptr));
    TRY(model_put(w, "taken", ARRAY_U32, n_taken + 1, 1, m->taken)); /* an empty array would be no array */
    TRY(strings_put(w, "line", &m->line, scratch));
    TRY(strings_put(w, "ask", &m->ask, scratch));
    if (m->without != NULL)
        TRY(model_put(w, "without", ARRAY_F64, m->train.n_cols, 1, m->without));
    return m->given != NULL ? csr_put(w, "given", m->given) : STATUS_OK;
}

enum status rerank_save(const void *state, struct model_writer *w)
{
    const struct llm_rerank *m = state;
    struct arena *scratch = arena_new();
    if (scratch == NULL)
        return STATUS_SYSTEM;
    const enum status status = put_all(m, w, scratch);
    arena_free(scratch);
    TRY(status);
    return nested_save(&m->base, "base", w);
}

static enum status check_taken(const struct llm_rerank *m, uint64_t n)
{
    bool good = m->taken_ptr[0] == 0 && (uint64_t)m->taken_ptr[m->train.n_rows] == n;
    for (uint32_t u = 0; u < m->train.n_rows; u++)
        good = good && m->taken_ptr[u] <= m->taken_ptr[u + 1];
    for (uint64_t e = 0; e < n && good; e++)
        good = m->taken[e] < m->train.n_cols;
    return good
               ? STATUS_OK
               : status_fail(STATUS_DATA, "histories of the model file point beyond it: the file is damaged");
}

enum status rerank_get(struct llm_rerank *m, struct model_reader *r, struct run *run)
{
    const void *shape, *array;
    uint64_t four = 4, one = 1, n_taken = 0;
    struct csr *given;
    TRY(model_get(r, "shape", ARRAY_U32, &four, &one, &shape));
    const uint32_t *s = shape;
    uint64_t n_ptr = (uint64_t)s[0] + 1, n_items = s[1];
    TRY(csr_get(r, "train", s[1], false, &m->train));
    if (m->train.n_rows != s[0])
        return status_fail(STATUS_DATA, "the model file has train rows of %u users in place of %u",
                           m->train.n_rows, s[0]);
    TRY(model_get(r, "taken_ptr", ARRAY_I64, &n_ptr, &one, &array));
    m->taken_ptr = array;
    TRY(model_get(r, "taken", ARRAY_U32, &n_taken, &one, &array));
    m->taken = array;
    TRY(check_taken(m, n_taken - 1));
    TRY(rerank_known(m, run->arena));
    TRY(strings_get(r, "line", s[1], run->arena, &m->line));
    TRY(strings_get(r, "ask", s[1], run->arena, &m->ask));
    if (s[2] != 0) {
        TRY(model_get(r, "without", ARRAY_F64, &n_items, &one, &array));
        m->without = array;
    }
    if (s[3] != 0) {
        ARENA_NEW(given, run->arena, 1);
        TRY(csr_get(r, "given", s[1], false, given));
        m->given = given;
    }
    return STATUS_OK;
}
