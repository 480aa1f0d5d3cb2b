/*
 * forest_grow.c - one tree: histograms, best splits, pruning; see forest.h.
 *
 * A node's histogram is counted for the smaller child only; the other's is the parent's less that (Ke et al. 2017).  Of a number,
 * every cut between bins is tried with the missing values on either side; of a category, bins are put in order of their mean
 * gradient, after which the best set of them is a prefix (Fisher 1958).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/forest.h"

enum {
    CHUNK = 8192,
    SMALL = 4096
}; /* rows of a partial histogram; of a node that is not worth waking threads for */
static const double NOISE = 1e-10; /* of the score: a smaller gain is rounding */

struct cut {
    double gain, G, H; /* G, H: of the left child */
    int32_t column;    /* -1: none */
    uint16_t bin;      /* numbers: bins up to this one go left */
    bool category, missing_left;
    uint32_t set[TREE_SETS];
};
struct leaf {
    uint64_t first, n; /* its rows of the index */
    uint32_t node, depth;
    double G, H, *histogram;
    struct cut best;
};
struct grower {
    const struct tree_table *table;
    const struct tree_options *o;
    const float *gradient, *hessian;
    struct run *run;
    struct arena *scratch;
    uint32_t stream;
    uint32_t *index, *room; /* [m] */
    double *part;
    size_t n_groups, histogram_size; /* doubles */
    double **free_list;
    size_t n_free;
    struct leaf *leaves;
    size_t n_leaves, leaves_allocated;
    struct tree_node *node; /* the tree as it grows */
    double *node_G, *node_H, *node_gain;
    uint32_t *set;
    uint32_t n_nodes, nodes_allocated, n_sets, sets_allocated;
    struct cut *by_column;
};

static double score(double G, double H, double lambda)
{
    return H + lambda > 0 ? G * G / (H + lambda) : 0;
}

/* ------------------------------------------------------------------------------------------------------ histograms */

static enum status histogram_take(struct grower *g, double **out)
{
    if (g->n_free > 0) {
        *out = g->free_list[--g->n_free];
        return STATUS_OK;
    }
    ARENA_NEW(*out, g->scratch, g->histogram_size);
    return STATUS_OK;
}

/* The list has room for every histogram that is alive: at most one a leaf and one more. */
static enum status histogram_give(struct grower *g, double *histogram)
{
    if (histogram != NULL)
        g->free_list[g->n_free++] = histogram;
    return STATUS_OK;
}

static enum status count_histogram(struct grower *g, uint64_t first, uint64_t n, double *out)
{
    const long chunks = n > 0 ? (long)((n + CHUNK - 1) / CHUNK) : 0;
    const struct tree_histogram args = {.bin = g->table->bin,
                                        .index = g->index + first,
                                        .gradient = g->gradient,
                                        .hessian = g->hessian,
                                        .part = chunks == 1 ? out : g->part, /* one part is the sum */
                                        .ld = g->table->ld,
                                        .n = (long)g->table->n,
                                        .m = (long)n,
                                        .chunk = CHUNK,
                                        .n_groups = (int)g->n_groups};
    const struct tree_histogram_sum sum = {g->part, out, (int)chunks, (int)g->n_groups};
    TRY(backend_launch(g->run->backend, &kernel_tree_histogram, &args, chunks * (long)g->n_groups, 0));
    if (chunks == 1)
        return STATUS_OK;
    return backend_launch(g->run->backend, &kernel_tree_histogram_sum, &sum, (long)g->n_groups * TREE_COLUMNS,
                          0);
}

/* ------------------------------------------------------------------------------------------------------ splits */

static void consider(const struct leaf *leaf, const struct tree_options *o, double G, double H, double *best,
                     bool *better)
{
    *better = false;
    if (H < o->min_hessian || leaf->H - H < o->min_hessian || !(H > 0) || !(leaf->H - H > 0))
        return;
    const double parent = score(leaf->G, leaf->H, o->lambda);
    const double gain = score(G, H, o->lambda) + score(leaf->G - G, leaf->H - H, o->lambda) - parent;
    if (gain > *best && gain > o->min_gain && gain > NOISE * (1 + parent)) {
        *best = gain;
        *better = true;
    }
}

static void split_number(const struct grower *g, const struct leaf *leaf, uint32_t c, struct cut *out)
{
    const double *h = leaf->histogram + (size_t)c * TREE_BINS * 2;
    double G = 0, H = 0, best = 0;
    bool better;
    for (uint16_t b = 1; b + 1 < g->table->bins[c]; b++) {
        G += h[2 * b], H += h[2 * b + 1];
        if (!(h[2 * b + 1] > 0) && b > 1)
            continue; /* the same cut as before */
        for (int missing = 0; missing < 2; missing++) {
            if (missing == 1 && !(h[1] > 0))
                continue;
            const double left_G = G + missing * h[0], left_H = H + missing * h[1];
            consider(leaf, g->o, left_G, left_H, &best, &better);
            if (better)
                *out = (struct cut){.gain = best,
                                    .G = left_G,
                                    .H = left_H,
                                    .column = (int32_t)c,
                                    .bin = b,
                                    .missing_left = missing == 1};
        }
    }
    if (h[1] > 0) { /* all that is known to the left, the missing to the right */
        consider(leaf, g->o, leaf->G - h[0], leaf->H - h[1], &best, &better);
        if (better)
            *out = (struct cut){.gain = best,
                                .G = leaf->G - h[0],
                                .H = leaf->H - h[1],
                                .column = (int32_t)c,
                                .bin = (uint16_t)(g->table->bins[c] - 1)};
    }
}

struct ordered_bin {
    double mean, G, H;
    int bin;
};
static int by_mean(const void *a, const void *b)
{
    const struct ordered_bin *x = a, *y = b;
    const int order = (x->mean > y->mean) - (x->mean < y->mean);
    return order != 0 ? order : x->bin - y->bin;
}

static void split_category(const struct grower *g, const struct leaf *leaf, uint32_t c, struct cut *out)
{
    const double *h = leaf->histogram + (size_t)c * TREE_BINS * 2;
    struct ordered_bin bins[TREE_BINS];
    int n = 0;
    double best = 0, G = 0, H = 0;
    uint32_t set[TREE_SETS] = {0};
    for (int b = 1; b < TREE_BINS; b++)
        if (h[2 * b + 1] > 0)
            bins[n++] = (struct ordered_bin){h[2 * b] / h[2 * b + 1], h[2 * b], h[2 * b + 1], b};
    qsort(bins, (size_t)n, sizeof *bins, by_mean);
    for (int i = 0; i + (h[1] > 0 ? 0 : 1) < n; i++) {
        G += bins[i].G, H += bins[i].H;
        set[bins[i].bin >> 5] |= 1u << (bins[i].bin & 31);
        for (int missing = 0; missing < 2; missing++) {
            bool better;
            if (missing == 1 && !(h[1] > 0))
                continue;
            const double left_G = G + missing * h[0], left_H = H + missing * h[1];
            consider(leaf, g->o, left_G, left_H, &best, &better);
            if (!better)
                continue;
            *out = (struct cut){.gain = best,
                                .G = left_G,
                                .H = left_H,
                                .column = (int32_t)c,
                                .category = true,
                                .missing_left = missing == 1};
            memcpy(out->set, set, sizeof set);
        }
    }
}

/* Which columns a node may split on: all, or some drawn without repetition. */
static void draw_columns(const struct grower *g, uint32_t node, uint32_t *column, uint32_t *n)
{
    const uint32_t all = g->table->columns->n;
    *n = g->o->columns_tried > 0 && g->o->columns_tried < all ? g->o->columns_tried : all;
    for (uint32_t c = 0; c < all; c++)
        column[c] = c;
    for (uint32_t i = 0; *n < all && i < *n && i < all; i++) {
        const uint32_t j =
            i + random_u32(g->run->seed, RANDOM_ORDER, g->stream, (uint64_t)node * all + i) % (all - i);
        const uint32_t c = column[i];
        column[i] = column[j], column[j] = c;
    }
}

static enum status find_split(struct grower *g, struct leaf *leaf)
{
    const struct tree_options *o = g->o;
    uint32_t n, *column;
    leaf->best = (struct cut){.column = -1};
    if ((o->max_depth > 0 && leaf->depth >= o->max_depth) || leaf->H < 2 * o->min_hessian || leaf->n < 2)
        return STATUS_OK;
    column = malloc((size_t)g->table->columns->n * sizeof *column);
    if (column == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while a tree grows");
    draw_columns(g, leaf->node, column, &n);
#pragma omp parallel for schedule(static) if (leaf->n > SMALL)
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t c = column[i];
        g->by_column[i] = (struct cut){.column = -1};
        if (g->table->columns->category[c])
            split_category(g, leaf, c, &g->by_column[i]);
        else
            split_number(g, leaf, c, &g->by_column[i]);
    }
    for (uint32_t i = 0; i < n; i++)
        if (g->by_column[i].column >= 0 &&
            (leaf->best.column < 0 || g->by_column[i].gain > leaf->best.gain ||
             (g->by_column[i].gain == leaf->best.gain && g->by_column[i].column < leaf->best.column)))
            leaf->best = g->by_column[i];
    free(column);
    return STATUS_OK;
}

/* ------------------------------------------------------------------------------------------------------ growth */

#define GROW(pointer, used, allocated)                                                                       \
    do {                                                                                                     \
        void *grown_ = arena_alloc(g->scratch, (allocated), sizeof *(pointer));                              \
        if (grown_ == NULL)                                                                                  \
            return STATUS_SYSTEM;                                                                            \
        if ((used) > 0)                                                                                      \
            memcpy(grown_, (pointer), (used) * sizeof *(pointer));                                           \
        (pointer) = grown_;                                                                                  \
    } while (0)

static enum status make_room(struct grower *g)
{
    if (g->n_nodes + 2 > g->nodes_allocated) {
        g->nodes_allocated = g->nodes_allocated * 2 + 64;
        GROW(g->node, g->n_nodes, g->nodes_allocated);
        GROW(g->node_G, g->n_nodes, g->nodes_allocated);
        GROW(g->node_H, g->n_nodes, g->nodes_allocated);
        GROW(g->node_gain, g->n_nodes, g->nodes_allocated);
    }
    if (g->n_sets + 1 > g->sets_allocated) {
        g->sets_allocated = g->sets_allocated * 2 + 16;
        uint32_t(*set)[TREE_SETS] = (void *)g->set;
        GROW(set, g->n_sets, g->sets_allocated);
        g->set = (uint32_t *)set;
    }
    if (g->n_leaves + 2 > g->leaves_allocated) {
        g->leaves_allocated = g->leaves_allocated * 2 + 64;
        GROW(g->leaves, g->n_leaves, g->leaves_allocated);
        GROW(g->free_list, g->n_free, g->leaves_allocated + 8);
    }
    return STATUS_OK;
}

static uint32_t add_node(struct grower *g, double G, double H)
{
    const uint32_t at = g->n_nodes++;
    g->node[at] = (struct tree_node){.column = -1, .set = -1};
    g->node_G[at] = G, g->node_H[at] = H, g->node_gain[at] = 0;
    return at;
}

/* Rows that go left stay in front, in order; returns how many. */
static uint64_t partition(struct grower *g, const struct leaf *leaf)
{
    const struct cut *s = &leaf->best;
    uint64_t left = leaf->first, right = 0;
    for (uint64_t i = leaf->first; i < leaf->first + leaf->n; i++) {
        const uint32_t row = g->index[i];
        const uint8_t bin = g->table->bin[row * g->table->ld + (size_t)s->column];
        const bool goes_left = bin == 0      ? s->missing_left
                               : s->category ? (s->set[bin >> 5] >> (bin & 31)) & 1
                                             : bin <= s->bin;
        if (goes_left)
            g->index[left++] = row;
        else
            g->room[right++] = row;
    }
    memcpy(g->index + left, g->room, right * sizeof *g->room);
    return left - leaf->first;
}

static void write_split(struct grower *g, const struct leaf *leaf, uint32_t left)
{
    const struct cut *s = &leaf->best;
    struct tree_node *node = &g->node[leaf->node];
    node->column = s->column;
    node->left = left;
    node->missing_left = s->missing_left;
    node->threshold = s->category ? 0 : g->table->upper[(size_t)s->column * TREE_BINS + s->bin];
    if (s->category) {
        node->set = (int32_t)g->n_sets;
        memcpy(g->set + (size_t)g->n_sets++ * TREE_SETS, s->set, sizeof s->set);
    }
    g->node_gain[leaf->node] = s->gain;
}

/* Histograms of two children out of their parent's, which becomes the larger one's. */
static enum status share_histogram(struct grower *g, double *parents, struct leaf child[2])
{
    const int small = child[1].n < child[0].n;
    double *own;
    TRY(histogram_take(g, &own));
    TRY(count_histogram(g, child[small].first, child[small].n, own));
#pragma omp parallel for schedule(static) if (child[!small].n > SMALL)
    for (size_t i = 0; i < g->histogram_size; i++)
        parents[i] -= own[i];
    child[small].histogram = own;
    child[!small].histogram = parents;
    return STATUS_OK;
}

static enum status split_leaf(struct grower *g, size_t at)
{
    TRY(make_room(g));
    const struct leaf parent = g->leaves[at];
    const uint64_t n_left = partition(g, &parent);
    struct leaf child[2] = {{.first = parent.first, .n = n_left, .G = parent.best.G, .H = parent.best.H},
                            {.first = parent.first + n_left,
                             .n = parent.n - n_left,
                             .G = parent.G - parent.best.G,
                             .H = parent.H - parent.best.H}};
    for (int i = 0; i < 2; i++) {
        child[i].node = add_node(g, child[i].G, child[i].H);
        child[i].depth = parent.depth + 1;
    }
    write_split(g, &parent, child[0].node);
    TRY(share_histogram(g, parent.histogram, child));
    g->leaves[at] = g->leaves[--g->n_leaves];
    for (int i = 0; i < 2; i++) {
        TRY(find_split(g, &child[i]));
        if (child[i].best.column >= 0)
            g->leaves[g->n_leaves++] = child[i];
        else
            TRY(histogram_give(g, child[i].histogram));
    }
    return STATUS_OK;
}

static enum status grow(struct grower *g, uint64_t m)
{
    uint32_t n_leaves = 1;
    struct leaf root = {.first = 0, .n = m};
    for (uint64_t i = 0; i < m; i++) {
        root.G += (double)g->gradient[g->index[i]];
        root.H += (double)g->hessian[g->index[i]];
    }
    TRY(make_room(g));
    root.node = add_node(g, root.G, root.H);
    if (m == 0)
        return STATUS_OK;
    TRY(histogram_take(g, &root.histogram));
    TRY(count_histogram(g, 0, m, root.histogram));
    TRY(find_split(g, &root));
    if (root.best.column >= 0)
        g->leaves[g->n_leaves++] = root;
    while (g->n_leaves > 0 && (g->o->max_leaves == 0 || n_leaves < g->o->max_leaves)) {
        size_t best = g->n_leaves - 1;
        if (*g->run->cancelled)
            return STATUS_STOPPED;
        for (size_t i = 0; g->o->max_leaves > 0 && i < g->n_leaves; i++) {
            const struct leaf *a = &g->leaves[i], *b = &g->leaves[best];
            best =
                a->best.gain > b->best.gain || (a->best.gain == b->best.gain && a->node < b->node) ? i : best;
        }
        TRY(split_leaf(g, best));
        n_leaves++;
    }
    return STATUS_OK;
}

/* For a fixed alpha the cheapest pruned tree, bottom-up: a node whose subtree saves no more than alpha a leaf becomes one. */
static enum status prune(struct grower *g)
{
    double *saved; /* by the best pruned subtree, less alpha a leaf beyond the first */
    const double alpha = g->o->ccp_alpha * g->node_H[0];
    ARENA_NEW(saved, g->scratch, g->n_nodes);
    for (uint32_t at = g->n_nodes; at-- > 0;) { /* children stand behind their parent */
        struct tree_node *node = &g->node[at];
        if (node->column < 0)
            continue;
        saved[at] = g->node_gain[at] + saved[node->left] + saved[node->left + 1] - alpha;
        if (saved[at] <= 0) {
            saved[at] = 0;
            *node = (struct tree_node){.column = -1, .set = -1};
            g->node_gain[at] = 0;
        }
    }
    return STATUS_OK;
}

/* ------------------------------------------------------------------------------------------------------ into the forest */

static enum status forest_room(struct forest *f, uint32_t nodes, uint32_t sets, struct arena *arena)
{
    struct {
        struct arena *scratch;
    } holder = {arena}, *g = &holder; /* for GROW */
    if (f->n_nodes + nodes > f->n_allocated) {
        f->n_allocated = (f->n_nodes + nodes) * 2;
        GROW(f->node, f->n_nodes, f->n_allocated);
        GROW(f->cover, f->n_nodes, f->n_allocated);
        GROW(f->gain, f->n_nodes, f->n_allocated);
    }
    if (f->n_sets + sets > f->n_sets_allocated) {
        f->n_sets_allocated = (f->n_sets + sets) * 2;
        uint32_t(*set)[TREE_SETS] = (void *)f->set;
        GROW(set, f->n_sets, f->n_sets_allocated);
        f->set = (uint32_t *)set;
    }
    if (f->n_trees + 1 > f->n_trees_allocated) {
        f->n_trees_allocated = f->n_trees * 2 + 16;
        GROW(f->root, f->n_trees, f->n_trees_allocated);
    }
    return STATUS_OK;
}

/* What pruning left, level by level, so that siblings stand side by side. */
static enum status add_to_forest(struct grower *g, struct forest *f, double shrinkage, struct arena *arena)
{
    uint32_t *queue, n = 1;
    const uint32_t first = f->n_nodes;
    TRY(forest_room(f, g->n_nodes, g->n_sets, arena));
    ARENA_NEW(queue, g->scratch, g->n_nodes);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = queue[i], to = first + i;
        struct tree_node node = g->node[at];
        if (node.column >= 0) {
            queue[n] = node.left, queue[n + 1] = node.left + 1;
            node.left = first + n;
            n += 2;
            if (node.set >= 0) {
                memcpy(f->set + (size_t)f->n_sets * TREE_SETS, g->set + (size_t)node.set * TREE_SETS,
                       TREE_SETS * sizeof *g->set);
                node.set = (int32_t)f->n_sets++;
            }
        } else if (g->node_H[at] + g->o->lambda > 0)
            node.value = (float)(-shrinkage * g->node_G[at] / (g->node_H[at] + g->o->lambda));
        f->node[to] = node;
        f->cover[to] = (float)g->node_H[at];
        f->gain[to] = (float)g->node_gain[at];
    }
    f->n_nodes += n;
    f->root[f->n_trees++] = first;
    return STATUS_OK;
}

enum status forest_grow(struct forest *f, const struct tree_table *table, uint32_t *index, uint64_t m,
                        const float *gradient, const float *hessian, const struct tree_options *options,
                        double shrinkage, uint32_t stream, struct run *run, struct arena *arena)
{
    struct grower g = {.table = table,
                       .o = options,
                       .gradient = gradient,
                       .hessian = hessian,
                       .run = run,
                       .scratch = arena_new(),
                       .stream = stream,
                       .index = index,
                       .n_groups = table->ld / TREE_COLUMNS,
                       .histogram_size = table->ld * TREE_BINS * 2};
    if (g.scratch == NULL)
        return STATUS_SYSTEM;
    const size_t chunks = (size_t)(m / CHUNK + 1);
    g.room = arena_alloc(g.scratch, m > 0 ? m : 1, sizeof *g.room);
    g.part = arena_alloc(g.scratch, chunks * g.histogram_size, sizeof *g.part);
    g.by_column = arena_alloc(g.scratch, table->columns->n > 0 ? table->columns->n : 1, sizeof *g.by_column);
    enum status status =
        g.room == NULL || g.part == NULL || g.by_column == NULL ? STATUS_SYSTEM : grow(&g, m);
    if (status == STATUS_OK && options->ccp_alpha > 0)
        status = prune(&g);
    if (status == STATUS_OK)
        status = add_to_forest(&g, f, shrinkage, arena);
    arena_free(g.scratch);
    return status;
}
