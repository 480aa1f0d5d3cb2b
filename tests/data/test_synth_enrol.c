/* test_synth_enrol.c - taking courses in an order that their prerequisites allow. */
#include <math.h>

#include "build.h"
#include "data/synth_enrol.h"
#include "data/synth_text.h"

/* Against taking, again and again, the best of all that is open. */
static void enrolling_is_taking_the_best_open_one(void **state)
{
    (void)state;
    enum { N = 90 };
    static double preference[N], bound[SYNTH_BINS];
    static float exposure[N];
    static uint8_t taken[N], has[N];
    static struct synth_ticket heap[N];
    struct arena *arena = arena_new();
    uint32_t row[2 * N], col[2 * N];
    uint64_t nnz = 0;
    struct csr needs, opens;
    for (uint32_t i = 10; i < N; i++)
        for (uint32_t k = 0; k < 2; k++) {
            row[nnz] = i;
            col[nnz++] = (uint32_t)(random_unit(1, RANDOM_INIT, k, i) * i);
        }
    assert_int_equal(csr_from_triples(N, N, nnz, row, col, NULL, arena, &needs, NULL), STATUS_OK);
    assert_int_equal(csr_transpose(&needs, arena, &opens), STATUS_OK);
    struct synth_enrolment *e = synth_enrolment_new(&needs, &opens);
    synth_bounds(bound);
    for (uint32_t user = 0; user < 30; user++) {
        for (uint32_t i = 0; i < N; i++) {
            preference[i] = 2 * random_normal(3, RANDOM_INIT, user, i) + 0.05 * i;
            has[i] = taken[i] = random_unit(4, RANDOM_INIT, user, i) < 0.1;
        }
        const struct synth_choice choice = {N, preference, exposure, taken, 0, bound};
        const uint64_t n = 1 + user * 2;
        uint8_t chosen[N] = {0};
        synth_enrol(e, &choice, 9, user, n, heap);
        for (uint64_t k = 0; k < n; k++)
            chosen[heap[k].item] = 1;
        for (int in_time = 0; in_time < 2; in_time++) { /* the set; then its order */
            for (uint32_t i = 0; i < N; i++)
                has[i] = taken[i];
            for (uint64_t k = 0; k < n; k++) {
                uint32_t best = N;
                double best_key = -INFINITY;
                for (uint32_t i = 0; i < N; i++) {
                    bool open = !has[i] && (!in_time || chosen[i]);
                    const bool hasty = synth_unit(9, SYNTH_HASTE, user, i) < SYNTH_HASTE_SHARE;
                    for (int64_t x = needs.ptr[i]; x < needs.ptr[i + 1]; x++)
                        open = open && (hasty || has[needs.idx[x]]);
                    const double key = in_time
                                           ? synth_unit(9, SYNTH_ORDER, user, i)
                                           : preference[i] - log(-log(synth_unit(9, SYNTH_CHOICE, user, i)));
                    if (open && key > best_key)
                        best = i, best_key = key;
                }
                assert_true(best < N && chosen[best]);
                if (in_time)
                    assert_int_equal(heap[k].item, best);
                has[best] = 1;
            }
        }
    }
    synth_enrolment_free(e);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(enrolling_is_taking_the_best_open_one)};
    return cmocka_run_group_tests_name("synth_enrol", tests, NULL, NULL);
}
