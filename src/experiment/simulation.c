/* simulation.c - see simulation.h. */
#include "experiment/simulation.h"

#include "base/fsio.h"
#include "experiment/config_parts.h"
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

struct job {
    struct arena *arena;
    struct head head;
    struct simulate_options how;
    struct loop loop;
    char *yaml;
    size_t n_yaml, n_seeds;
    const long long *seed; /* [n_seeds] */
};

static enum status read_head(struct job *s, const struct node *block, const struct node *root)
{
    const struct param *const tables[] = {head_params, simulate_params};
    void *const values[] = {&s->head, &s->how};
    if (block == NULL || block->kind != NODE_MAP)
        return node_fail(block != NULL ? block : root,
                         "the file has no block `simulation: {name: ..., seeds: [0, 1]}`");
    TRY(config_deal(block, "simulation", s->arena, tables, values, 2));
    if (s->head.name == NULL)
        return node_fail(block, "simulation: 'name' is missing");
    TRY(config_name(node_get(block, "name"), "simulation name", s->head.name));
    if (s->head.seeds == NULL)
        return node_fail(block, "simulation: 'seeds' is missing: [0, 1, 2, 3, 4]");
    return config_seeds(s->head.seeds, s->arena, &s->seed, &s->n_seeds);
}

static enum status read_file(struct job *s, const char *path)
{
    struct node *root;
    struct top top = {0};
    TRY(read_whole_file(path, (size_t)1 << 24, s->arena, &s->yaml, &s->n_yaml));
    TRY(node_parse(path, s->yaml, s->n_yaml, s->arena, &root));
    TRY(params_default(top_params, s->arena, &top));
    TRY(params_set(top_params, "a simulation", root, s->arena, &top));
    TRY(read_head(s, top.simulation, root));
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
