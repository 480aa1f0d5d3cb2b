/* cross_encoder_file.c - what a cross_encoder knows of users and items, as arrays of a model's file (cross_encoder.h). */
#include "fusion/cross_encoder.h"
#include "models/columns_io.h"

enum status cross_encoder_save(const struct cross_encoder *m, struct model_writer *w)
{
    const uint64_t n_taken = (uint64_t)m->taken_ptr[m->n_users];
    struct arena *scratch = arena_new();
    if (scratch == NULL)
        return STATUS_SYSTEM;
    enum status status = model_put(w, "taken_ptr", ARRAY_I64, (uint64_t)m->n_users + 1, 1, m->taken_ptr);
    if (status == STATUS_OK) /* an empty array would be no array */
        status = model_put(w, "taken", ARRAY_U32, n_taken + 1, 1, m->taken);
    if (status == STATUS_OK)
        status = strings_put(w, "line", &m->line, scratch);
    if (status == STATUS_OK)
        status = strings_put(w, "ask", &m->ask, scratch);
    if (status == STATUS_OK && m->without != NULL)
        status = model_put(w, "without", ARRAY_F64, m->n_items, 1, m->without);
    arena_free(scratch);
    return status;
}

static enum status check_taken(const struct cross_encoder *m, uint64_t n)
{
    bool good = m->taken_ptr[0] == 0 && (uint64_t)m->taken_ptr[m->n_users] == n;
    for (uint32_t u = 0; u < m->n_users; u++)
        good = good && m->taken_ptr[u] <= m->taken_ptr[u + 1];
    for (uint64_t e = 0; e < n && good; e++)
        good = m->taken[e] < m->n_items;
    return good
               ? STATUS_OK
               : status_fail(STATUS_DATA, "histories of the model file point beyond it: the file is damaged");
}

enum status cross_encoder_get(struct cross_encoder *m, struct model_reader *r, struct run *run)
{
    const void *array;
    uint64_t one = 1, n_taken = 0, n_ptr = (uint64_t)m->n_users + 1, n_items = m->n_items;
    TRY(model_get(r, "taken_ptr", ARRAY_I64, &n_ptr, &one, &array));
    m->taken_ptr = array;
    TRY(model_get(r, "taken", ARRAY_U32, &n_taken, &one, &array));
    m->taken = array;
    TRY(check_taken(m, n_taken - 1));
    TRY(cross_encoder_known(m, run->arena));
    TRY(strings_get(r, "line", n_items, run->arena, &m->line));
    TRY(strings_get(r, "ask", n_items, run->arena, &m->ask));
    if (m->calibration <= 0)
        return STATUS_OK;
    TRY(model_get(r, "without", ARRAY_F64, &n_items, &one, &array));
    m->without = array;
    return STATUS_OK;
}
