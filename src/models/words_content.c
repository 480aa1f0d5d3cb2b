/* words_content.c - see words_content.h. */
#include "models/words_content.h"

#include <stdlib.h>

#include "content.h"
#include "spmm.h"

enum status words_content_score(const void *state, const uint32_t *users, size_t n, const struct tile *out)
{
    const struct words_content *m = state;
    const size_t ld = m->n_words == 0 ? 1 : m->n_words;
    float *profiles = malloc((n == 0 ? 1 : n) * ld * sizeof *profiles);
    if (profiles == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for the profiles of %zu users over %zu words", n,
                           ld);
    const struct spmm_csr_csr sum = {
        m->history.ptr,  m->history.idx,  m->history.val, users, m->profiles.ptr,
        m->profiles.idx, m->profiles.val, profiles,       ld,    (int)m->n_words};
    const struct content_positive positive = {profiles, ld, (int)m->n_words};
    const struct spmm_normalize normalize = {profiles, ld, (int)m->n_words};
    const struct spmm_dense_csr score = {profiles,     ld,          m->items.ptr, m->items.idx,
                                         m->items.val, out->scores, out->ld,      (int)out->n_items};
    enum status status = backend_launch(m->backend, &kernel_spmm_csr_csr, &sum, (long)n, 0);
    if (status == STATUS_OK && m->positive)
        status = backend_launch(m->backend, &kernel_content_positive, &positive, (long)n, 0);
    if (status == STATUS_OK && m->cosine)
        status = backend_launch(m->backend, &kernel_spmm_normalize, &normalize, (long)n, 0);
    if (status == STATUS_OK)
        status = backend_launch(m->backend, &kernel_spmm_dense_csr, &score, (long)n, 0);
    free(profiles);
    return status;
}

enum status words_content_save(const void *state, struct model_writer *w)
{
    const struct words_content *m = state;
    const bool same = m->profiles.ptr == m->items.ptr && m->profiles.val == m->items.val;
    const uint32_t shape[5] = {m->history.n_cols, m->n_words, m->history.val != NULL,
                               (uint32_t)m->cosine + 2 * (uint32_t)m->positive, same};
    TRY(model_put(w, "shape", ARRAY_U32, 5, 1, shape));
    TRY(csr_put(w, "history", &m->history));
    if (!same)
        TRY(csr_put(w, "profiles", &m->profiles));
    return csr_put(w, "items", &m->items);
}

enum status words_content_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct words_content *m = state;
    const void *found = NULL;
    uint64_t five = 5, one = 1;
    (void)params;
    TRY(model_get(r, "shape", ARRAY_U32, &five, &one, &found));
    const uint32_t *shape = found;
    m->backend = run->backend;
    m->n_words = shape[1];
    m->cosine = (shape[3] & 1) != 0;
    m->positive = (shape[3] & 2) != 0;
    TRY(csr_get(r, "history", shape[0], shape[2] != 0, &m->history));
    TRY(csr_get(r, "items", shape[1], true, &m->items));
    m->profiles = m->items;
    if (shape[4] == 0)
        TRY(csr_get(r, "profiles", shape[1], true, &m->profiles));
    if (m->items.n_rows > shape[0] || m->profiles.n_rows != shape[0])
        return status_fail(STATUS_DATA,
                           "the model file has vectors of %u and %u items where the history has %u",
                           m->items.n_rows, m->profiles.n_rows, shape[0]);
    return STATUS_OK;
}
