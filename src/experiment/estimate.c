/*
 * estimate.c - `recfuse plan`: cells, memory and time before anything runs.
 *
 * Memory of a cell: the dataset and its folds as read (measured), the train view (two CSR matrices: 8 bytes an entry
 * each, 8 a row), test and mask matrices, what the model says of itself (model.h: cost), and a tile of scores for
 * ranking.  Time: operations that the model says a fit takes, plus 2 x 64 a (test user, item) pair for ranking, over
 * half of the speed of a product of 512 x 512 matrices measured just before (models rarely reach more).  A model
 * that says nothing of itself is marked "?", and left out of the sums.  These are estimates: expect a factor of 3.
 */
#include <stdio.h>
#include <string.h>

#include "base/columns.h"
#include "experiment/machine.h"
#include "experiment/plan.h"
#include "experiment/searches.h"

enum { SIDE = 512, REPEATS = 3, RANK_OPERATIONS = 128 };

/* Operations a second of sgemm on this backend. */
static enum status measure(const struct backend *backend, double *speed)
{
    float *a, *c;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    a = arena_alloc(arena, (size_t)SIDE * SIDE, sizeof *a);
    c = arena_alloc(arena, (size_t)SIDE * SIDE, sizeof *c);
    enum status status = a != NULL && c != NULL ? STATUS_OK : STATUS_SYSTEM;
    double best = 1e30;
    for (int i = 0; i <= REPEATS && status == STATUS_OK; i++) { /* the first one warms up */
        const struct clocks start = clocks_now();
        status = backend_sgemm(backend, false, false, SIDE, SIDE, SIDE, 1, a, SIDE, a, SIDE, 0, c, SIDE);
        const double seconds = clocks_now().wall - start.wall;
        best = i > 0 && seconds < best ? seconds : best;
    }
    arena_free(arena);
    *speed = 2.0 * SIDE * SIDE * SIDE / best;
    return status;
}

struct estimate {
    double bytes, seconds;
    bool known;
};

static struct estimate estimate_cell(const struct dataset_plan *d, const struct fold_plan *f,
                                     const struct model_config *m, const struct experiment *e, double speed)
{
    double bytes = 0, operations = 0;
    const double tile = 4.0 * 256 * d->n_items, lists = 8.0 * e->evaluate.longest * (double)f->n_test_users;
    const double values = 8.0 * (double)e->evaluate.n_measures * (double)f->n_test_users;
    const double matrices =
        24.0 * (double)(f->n_train + f->n_valid + f->n_test) + 32.0 * d->n_users + 8.0 * d->n_items;
    if (m->type->cost != NULL)
        m->type->cost(m->params, d->n_users, d->n_items, f->n_train, &bytes, &operations);
    operations += (double)RANK_OPERATIONS * (double)f->n_test_users * d->n_items;
    return (struct estimate){.bytes = (double)d->bytes + matrices + tile + lists + values + bytes,
                             .seconds = operations / (0.5 * speed),
                             .known = m->type->cost != NULL};
}

/* What the auditor found; what it looked for in vain is left out. */
static void print_audit(const struct audit *a)
{
    for (size_t k = 0; k < N_AUDITS; k++) {
        const char *verdict = audit_verdict(a, (enum audit_id)k);
        if (strcmp(verdict, "none") != 0)
            printf("          audit, %s: %llu of %llu: %s%s%s%s\n", verdict, (unsigned long long)a->count[k],
                   (unsigned long long)a->of[k], audit_checks[k].help, a->detail[k][0] != '\0' ? " (" : "",
                   a->detail[k], a->detail[k][0] != '\0' ? ")" : "");
    }
}

/* What is there, and what the split loses. */
static void print_fold(const struct fold_plan *x, size_t f)
{
    printf("  fold %zu: train %llu, valid %llu, test %llu rows; %llu test users; %llu test items without "
           "a train row; %llu duplicates dropped, %llu rows with unknown ids dropped, %llu pairs in train "
           "and test\n",
           f, (unsigned long long)x->n_train, (unsigned long long)x->n_valid, (unsigned long long)x->n_test,
           (unsigned long long)x->n_test_users, (unsigned long long)x->n_cold_test_items,
           (unsigned long long)x->n_duplicates, (unsigned long long)x->n_unknown_dropped,
           (unsigned long long)x->n_train_test_pairs);
    printf(
        "          lost: %llu users without a test row, %llu test users without a train row, %llu rows in no "
        "part\n",
        (unsigned long long)x->n_users_without_test, (unsigned long long)x->n_cold_test_users,
        (unsigned long long)(x->n_left_out + x->n_filtered_dropped));
    if (x->n_train_dropped > 0)
        printf("          keep_train: %llu train rows are kept from models\n",
               (unsigned long long)x->n_train_dropped);
    print_audit(&x->audit);
}

static void print_dataset(const struct experiment *e, size_t d, const struct dataset_plan *p)
{
    printf("dataset %s: ", e->datasets[d].name);
    if (p->status != STATUS_OK) {
        printf("%s: %s\n", p->status == STATUS_UNAVAILABLE ? "skipped" : "can't be used", p->sentence);
        return;
    }
    printf("%u users, %u items, %llu interactions, %llu after filters, %llu texts\n", p->n_users, p->n_items,
           (unsigned long long)p->n_interactions, (unsigned long long)p->n_filtered,
           (unsigned long long)p->n_texts);
    if (p->n_links > 0)
        printf("  friends: %llu links, %llu of them between users with rows after filters\n",
               (unsigned long long)p->n_links, (unsigned long long)p->n_links_filtered);
    const struct split_type *split = e->datasets[d].split.type;
    printf("  split %s: %s; what it loses: %s\n", split->name, split->help, split->loses);
    for (size_t f = 0; f < p->n_folds; f++)
        print_fold(&p->folds[f], f);
}

/* The columns of names, as wide as the widest and its gap. */
struct widths {
    int dataset, model;
};

/* `width`, or the columns of `text` where it is wider. */
static int widest(int width, const char *text)
{
    const int columns = (int)text_columns(text);
    return columns > width ? columns : width;
}

static struct widths widths_of(const struct experiment *e)
{
    struct widths w = {widest(0, "dataset"), widest(0, "model")};
    for (size_t d = 0; d < e->n_datasets; d++)
        w.dataset = widest(w.dataset, e->datasets[d].name);
    for (size_t m = 0; m < e->n_models; m++)
        w.model = widest(w.model, e->models[m].label);
    return (struct widths){w.dataset + 2, w.model + 1};
}

static void print_name(const char *name, int width)
{
    printf("%s%*s", name, width - (int)text_columns(name), "");
}

/* One line a dataset and grid point: all folds and seeds together. */
static void print_models(const struct experiment *e, const struct dataset_plan *p, const char *dataset,
                         struct widths widths, double speed, struct estimate *total)
{
    for (size_t i = 0; i < e->n_models; i++) {
        struct estimate sum = {.known = true};
        const struct model_config *m = &e->models[i];
        for (size_t f = 0; f < p->n_folds; f++) {
            const struct estimate one = estimate_cell(p, &p->folds[f], m, e, speed);
            sum.bytes = one.bytes > sum.bytes ? one.bytes : sum.bytes;
            const double fits = 1 + (double)searches_trials(m) *
                                        (m->search != NULL && m->search->test_too && m->fit_valid ? 2 : 1);
            sum.seconds += one.seconds * fits * (double)e->n_seeds;
            sum.known = sum.known && one.known;
        }
        const size_t n_cells = p->n_folds * e->n_seeds;
        print_name(dataset, widths.dataset);
        print_name(m->label, widths.model);
        printf("%5zu", n_cells);
        printf(sum.known ? " %9.1f MiB %9.1f s" : " %8.1f+? MiB %7.1f+? s", sum.bytes / 1048576.0,
               sum.seconds);
        if (searches_any(m))
            printf("  search of %zu trials a cell", searches_trials(m));
        else if (strcmp(m->grid_json, "{}") != 0)
            printf("  %s", m->grid_json);
        printf("\n");
        total->bytes = sum.bytes > total->bytes ? sum.bytes : total->bytes;
        total->seconds += sum.seconds;
        total->known = total->known && sum.known;
    }
}

enum status plan_print(const struct experiment *e, const struct plan *plan, const struct backend *backend)
{
    double speed;
    struct estimate total = {.known = true};
    TRY(measure(backend, &speed));
    printf("experiment %s: %zu cells (config %.12s, plan %.12s) on %s%s%s, %d threads, %s\n", e->name,
           plan->n_cells, e->sha256, plan->sha256, backend->name, backend->card != NULL ? " " : "",
           backend->card != NULL ? backend->card : "", backend->threads, machine_instructions());
    if (candidates_warned(e->evaluate.candidates.kind))
        printf("warning: %s\n", candidates_warning);
    for (size_t d = 0; d < e->n_datasets; d++)
        print_dataset(e, d, &plan->datasets[d]);
    const struct widths widths = widths_of(e);
    printf("\n%-*s%-*s%5s %13s %11s\n", widths.dataset, "dataset", widths.model, "model", "cells", "memory",
           "time");
    for (size_t d = 0; d < e->n_datasets; d++)
        if (plan->datasets[d].status == STATUS_OK)
            print_models(e, &plan->datasets[d], e->datasets[d].name, widths, speed, &total);
    printf("\nlargest cell %.1f MiB; all cells %.1f s at %.1f GFLOP/s measured, half of it used%s\n",
           total.bytes / 1048576.0, total.seconds, speed / 1e9,
           total.known ? "" : "; ?: the model doesn't say what its fit costs");
    return STATUS_OK;
}
