/* simulation.c - see simulation.h. */
#include "experiment/simulation.h"

#include <string.h>

#include "base/fsio.h"
#include "experiment/simulation_play.h"

struct top {
    const struct node *simulation;
    struct loop_blocks blocks;
};
static const struct param top_params[] = {
    PARAM_NODE(struct top, simulation, "name, seeds, and how users behave"), LOOP_BLOCKS(struct top),
    PARAM_END};

struct head {
    const char *name;
    const struct node *seeds;
};
static const struct param head_params[] = {
    PARAM_STRING(struct head, name, NULL, "names the folder of results"),
    PARAM_NODE(struct head, seeds, "a list of whole numbers; every system runs once a seed"), PARAM_END};

enum { SEEDS_MOST = 1000 };

struct job {
    struct arena *arena;
    struct head head;
    struct simulate_options how;
    struct loop loop;
    char *yaml;
    size_t n_yaml, n_seeds;
    long long *seed;
};

/* The block `simulation` holds name and seeds beside what simulate_params declares: each table gets its own part of the map. */
static enum status read_head(struct job *s, const struct node *block)
{
    struct node *rest = NULL;
    if (block == NULL || block->kind != NODE_MAP)
        return status_fail(STATUS_USAGE, "the file has no block `simulation: {name: ..., seeds: [0, 1]}`");
    TRY(params_default(head_params, s->arena, &s->head));
    TRY(params_default(simulate_params, s->arena, &s->how));
    ARENA_NEW(rest, s->arena, 1);
    *rest = *block;
    rest->n = 0;
    ARENA_NEW(rest->child, s->arena, block->n);
    for (size_t i = 0; i < block->n; i++) {
        const struct param *p = param_find(head_params, block->child[i]->key);
        if (p != NULL)
            TRY(param_set(p, "simulation", block->child[i], s->arena, &s->head));
        else
            rest->child[rest->n++] = block->child[i];
    }
    TRY(params_set(simulate_params, "simulation", rest, s->arena, &s->how));
    if (s->head.name == NULL || s->head.name[0] == '\0' || strchr(s->head.name, '/') != NULL)
        return node_fail(
            block, "simulation has no name for its folder of results: letters, digits, '.', '_' and '-'");
    const struct node *seeds = s->head.seeds;
    if (seeds == NULL || seeds->kind != NODE_LIST || seeds->n == 0 || seeds->n > SEEDS_MOST)
        return node_fail(seeds != NULL ? seeds : block, "seeds: expected a list of 1 to %d whole numbers",
                         SEEDS_MOST);
    s->n_seeds = seeds->n;
    ARENA_NEW(s->seed, s->arena, s->n_seeds);
    for (size_t i = 0; i < s->n_seeds; i++)
        TRY(node_int(seeds->child[i], &s->seed[i]));
    return STATUS_OK;
}

static enum status read_file(struct job *s, const char *path)
{
    struct node *root;
    struct top top = {0};
    TRY(read_whole_file(path, (size_t)1 << 24, s->arena, &s->yaml, &s->n_yaml));
    TRY(node_parse(path, s->yaml, s->n_yaml, s->arena, &root));
    TRY(params_default(top_params, s->arena, &top));
    TRY(params_set(top_params, "a simulation", root, s->arena, &top));
    TRY(read_head(s, top.simulation));
    return loop_read(&top.blocks, root, s->arena, &s->loop);
}

static enum status play(struct job *j, const struct simulation_options *options, FILE *table)
{
    struct simulation s = {.arena = j->arena,
                           .signal = options->signal,
                           .how = j->how,
                           .loop = &j->loop,
                           .n_seeds = j->n_seeds,
                           .seed = j->seed,
                           .prefix = ""};
    bool drawn;
    s.out = options->out != NULL ? options->out : arena_printf(j->arena, "results/%s", j->head.name);
    if (s.out == NULL)
        return STATUS_SYSTEM;
    TRY(backend_open("cpu", options->threads, &s.backend));
    TRY(loop_open(&j->loop, j->arena));
    TRY(simulation_play(&s));
    TRY(make_folders(s.out));
    TRY(atomic_write(arena_printf(j->arena, "%s/simulation.yaml", s.out), j->yaml, j->n_yaml));
    TRY(simulation_write(&s, table, &drawn));
    fprintf(table, "rounds.csv, tests.csv, systems.csv and plots lie in %s%s\n", s.out,
            drawn ? "" : " (no plots: gnuplot is not installed)");
    return STATUS_OK;
}

enum status simulation_run(const struct simulation_options *options, FILE *table)
{
    struct job j = {.arena = arena_new()};
    enum status status = j.arena != NULL ? read_file(&j, options->file) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = play(&j, options, table);
    loop_close(&j.loop);
    arena_free(j.arena);
    return status;
}
