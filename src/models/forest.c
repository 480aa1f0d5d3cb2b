/* forest.c - forests: prediction, importance, files; see forest.h. */
#include "models/forest.h"

#include <string.h>

enum status forest_predict(const struct forest *f, const struct backend *backend, const float *x, size_t ldx,
                           uint64_t n, float *y)
{
    const struct tree_predict args = {.x = x,
                                      .node = f->node,
                                      .root = f->root,
                                      .set = f->set,
                                      .y = y,
                                      .ldx = ldx,
                                      .n_nodes = f->n_nodes,
                                      .n_sets = f->n_sets,
                                      .n_trees = (int)f->n_trees,
                                      .start = f->start};
    return backend_launch(backend, &kernel_tree_predict, &args, (long)n, 0);
}

void forest_add_tree(const struct forest *f, uint32_t tree, const struct tree_table *table, float *y)
{
#pragma omp parallel for schedule(static)
    for (uint64_t i = 0; i < table->n; i++) {
        const struct tree_node *node = &f->node[f->root[tree]];
        while (node->column >= 0) {
            const uint8_t bin = table->bin[i * table->ld + (size_t)node->column];
            const bool left = bin == 0 ? node->missing_left
                              : node->set >= 0
                                  ? (f->set[(size_t)node->set * TREE_SETS + (bin >> 5)] >> (bin & 31)) & 1
                                  : table->upper[(size_t)node->column * TREE_BINS + bin] <= node->threshold;
            node = &f->node[node->left + (left ? 0 : 1)];
        }
        y[i] += node->value;
    }
}

void forest_importance(const struct forest *f, uint32_t n_columns, double *importance)
{
    memset(importance, 0, n_columns * sizeof *importance);
    for (uint32_t i = 0; i < f->n_nodes; i++)
        if (f->node[i].column >= 0)
            importance[f->node[i].column] += (double)f->gain[i];
}

/* ------------------------------------------------------------------------------------------------------ files */

enum { WORDS = 6 }; /* of a node: threshold, value, column, left, set, missing_left */

enum status forest_save(const struct forest *f, struct model_writer *w)
{
    const uint32_t shape[3] = {f->n_trees, f->n_nodes, f->n_sets};
    _Static_assert(sizeof(struct tree_node) == WORDS * sizeof(uint32_t), "a node is six words");
    TRY(model_put(w, "forest", ARRAY_U32, 3, 1, shape));
    TRY(model_put(w, "start", ARRAY_F32, 1, 1, &f->start));
    TRY(model_put(w, "node", ARRAY_U32, f->n_nodes, WORDS, f->node));
    TRY(model_put(w, "cover", ARRAY_F32, f->n_nodes, 1, f->cover));
    TRY(model_put(w, "gain", ARRAY_F32, f->n_nodes, 1, f->gain));
    TRY(model_put(w, "root", ARRAY_U32, f->n_trees, 1, f->root));
    return f->n_sets > 0 ? model_put(w, "set", ARRAY_U32, f->n_sets, TREE_SETS, f->set) : STATUS_OK;
}

/* Children stand behind their parent, so that no walk can go on for ever. */
static bool node_fine(const struct forest *f, uint32_t i, uint32_t n_columns)
{
    const struct tree_node *n = &f->node[i];
    return n->column == -1 ||
           (n->column >= 0 && (uint32_t)n->column < n_columns && n->left > i && n->left < UINT32_MAX &&
            n->left + 1 < f->n_nodes && n->set >= -1 && n->set < (int64_t)f->n_sets);
}

enum status forest_load(struct forest *f, uint32_t n_columns, struct model_reader *r)
{
    uint64_t three = 3, one = 1, words = WORDS, sets = TREE_SETS, n_nodes, n_trees, n_sets;
    const void *shape, *start, *node, *cover, *gain, *root, *set = NULL;
    TRY(model_get(r, "forest", ARRAY_U32, &three, &one, &shape));
    TRY(model_get(r, "start", ARRAY_F32, &one, &one, &start));
    *f = (struct forest){.start = *(const float *)start,
                         .n_trees = ((const uint32_t *)shape)[0],
                         .n_nodes = ((const uint32_t *)shape)[1],
                         .n_sets = ((const uint32_t *)shape)[2]};
    n_nodes = f->n_nodes, n_trees = f->n_trees, n_sets = f->n_sets;
    TRY(model_get(r, "node", ARRAY_U32, &n_nodes, &words, &node));
    TRY(model_get(r, "cover", ARRAY_F32, &n_nodes, &one, &cover));
    TRY(model_get(r, "gain", ARRAY_F32, &n_nodes, &one, &gain));
    TRY(model_get(r, "root", ARRAY_U32, &n_trees, &one, &root));
    if (n_sets > 0)
        TRY(model_get(r, "set", ARRAY_U32, &n_sets, &sets, &set));
    f->node = (struct tree_node *)(uintptr_t)node;
    f->cover = (float *)(uintptr_t)cover;
    f->gain = (float *)(uintptr_t)gain;
    f->root = (uint32_t *)(uintptr_t)root;
    f->set = (uint32_t *)(uintptr_t)set;
    bool fine = true;
    for (uint32_t i = 0; fine && i < f->n_nodes; i++)
        fine = node_fine(f, i, n_columns);
    for (uint32_t t = 0; fine && t < f->n_trees; t++)
        fine = f->root[t] < f->n_nodes;
    return fine ? STATUS_OK
                : status_fail(STATUS_DATA,
                              "the trees of the model file point outside it: the file is damaged");
}
