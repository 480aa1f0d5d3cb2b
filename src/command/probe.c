/* probe.c - `recfuse probe`: has a language model read a dataset's rows? */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/csv_put.h"
#include "base/fsio.h"
#include "command/command.h"
#include "data/store.h"
#include "experiment/run.h"
#include "fusion/decoder_file.h"
#include "fusion/probe.h"
#include "report/csv_table.h"
#include "report/parts.h"

enum {
    OPTION_DATA = 256,
    OPTION_DECODER,
    OPTION_ROWS,
    OPTION_CONTEXT,
    OPTION_SEED,
    OPTION_THREADS,
    OPTION_SAVE,
    OPTION_DATASET
};

struct arguments {
    const char *data, *decoder;
    const char *save, *dataset; /* a run's folder, and which of its datasets the probe is about; NULL */
    struct probe_options options;
    int threads;
};

/* Of probe.csv. */
static const char *const columns[] = {"dataset", "decoder", "data", "data_sha256", "rows",
                                      "changed", "stratum", "n",    "likelier",    "difference",
                                      "low",     "high",    "p",    "p_holm"};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case OPTION_DATA:
        a->data = argument;
        return 0;
    case OPTION_DECODER:
        a->decoder = argument;
        return 0;
    case OPTION_ROWS:
        a->options.rows = (uint32_t)command_number(state, "--rows", argument, 2, 1000000);
        return 0;
    case OPTION_CONTEXT:
        a->options.context = (uint32_t)command_number(state, "--context", argument, 0, 1000);
        return 0;
    case OPTION_SEED:
        a->options.seed = (uint64_t)command_number(state, "--seed", argument, 0, 1000000000);
        return 0;
    case OPTION_THREADS:
        a->threads = (int)command_number(state, "--threads", argument, 1, 1024);
        return 0;
    case OPTION_SAVE:
        a->save = argument;
        return 0;
    case OPTION_DATASET:
        a->dataset = argument;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too much", argument);
        return 0;
    case ARGP_KEY_END:
        if (a->data == NULL)
            argp_error(state, "--data FILE.h5 is needed");
        if (a->dataset != NULL && a->save == NULL)
            argp_error(state,
                       "--dataset says which of the datasets of --save RUN_DIR is meant; that is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print(const struct probe_line *lines, size_t n)
{
    printf("%-8s %-7s %-7s %5s  %8s  %10s  %21s  %8s  %8s\n", "rows", "changed", "items", "n", "likelier",
           "difference", "95 % interval", "p", "p (Holm)");
    for (size_t k = 0; k < n; k++) {
        const struct probe_line *l = &lines[k];
        printf("%-8s %-7s %-7s %5u  %8.3f  %10.3f  %9.3f to %8.3f  %8.2g  %8.2g%s\n", l->rows, l->changed,
               l->stratum, l->n, l->likelier, l->difference, l->low, l->high, l->p, l->p_holm,
               l->p_holm < 0.05 ? " *" : "");
    }
    puts("likelier: share of rows whose end is likelier behind their true beginning than behind a changed "
         "one (.5: can't tell).\n"
         "difference: log-likelihood behind the true less behind the changed one, nats a row. *: below .05 "
         "after correction.\n"
         "A title tells a film's genres by knowledge of the world; ids, and who rated what, stand in the "
         "file alone.");
}

/* The run's dataset that the probe is about: the one that --dataset names, or the only one. */
static enum status find_dataset(struct arguments *a, struct arena *arena)
{
    struct records *r;
    const char *names = "";
    TRY(records_read(a->save, arena, &r));
    if (a->dataset == NULL && r->n_datasets == 1)
        a->dataset = r->dataset[0];
    for (size_t d = 0; d < r->n_datasets && names != NULL; d++) {
        if (a->dataset != NULL && strcmp(a->dataset, r->dataset[d]) == 0)
            return STATUS_OK;
        names = arena_printf(arena, "%s%s%s", names, d > 0 ? ", " : "", r->dataset[d]);
    }
    if (names == NULL)
        return STATUS_SYSTEM;
    if (a->dataset != NULL)
        return status_fail(STATUS_USAGE, "--dataset %s: the run in %s has %s", a->dataset, a->save, names);
    return status_fail(STATUS_USAGE,
                       "--save %s: the run has several datasets, %s: --dataset NAME says which of them "
                       "--data holds rows of",
                       a->save, names);
}

/* Lines of RUN_DIR/probe.csv about another dataset or decoder stay. */
static enum status copy_others(const struct arguments *a, const char *path, struct arena *arena, FILE *out)
{
    struct csv_table t;
    if (!file_exists(path))
        return STATUS_OK;
    TRY(csv_table_read(path, columns, N_COLUMNS, arena, &t));
    for (size_t i = 0; i < t.n_rows; i++) {
        if (strcmp(csv_cell(&t, i, 0), a->dataset) == 0 && strcmp(csv_cell(&t, i, 1), a->decoder) == 0)
            continue;
        for (size_t c = 0; c < N_COLUMNS; c++) {
            fputs(c > 0 ? "," : "", out);
            csv_put(out, csv_cell(&t, i, c));
        }
        fputc('\n', out);
    }
    return STATUS_OK;
}

static enum status save(const struct arguments *a, const struct dataset *data, const struct probe_line *lines,
                        size_t n, struct arena *arena)
{
    const char *path = arena_printf(arena, "%s/probe.csv", a->save);
    struct atomic_file file;
    if (path == NULL)
        return STATUS_SYSTEM;
    TRY(atomic_open(&file, path));
    for (size_t c = 0; c < N_COLUMNS; c++)
        fprintf(file.stream, "%s%s", columns[c], c + 1 < N_COLUMNS ? "," : "\n");
    const enum status status = copy_others(a, path, arena, file.stream);
    if (status != STATUS_OK) {
        atomic_abort(&file);
        return status;
    }
    for (size_t k = 0; k < n; k++) {
        const struct probe_line *l = &lines[k];
        const char *const names[] = {a->dataset, a->decoder, data->name};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            csv_put(file.stream, names[i]);
            fputc(',', file.stream);
        }
        fprintf(file.stream, "%s,%s,%s,%s,%u,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g\n", data->content_sha256, l->rows,
                l->changed, l->stratum, l->n, l->likelier, l->difference, l->low, l->high, l->p, l->p_holm);
    }
    return atomic_commit(&file);
}

static enum status probe(struct arguments *a, struct arena *arena)
{
    const struct backend *backend;
    struct dataset *data;
    struct decoder *decoder = NULL;
    struct probe_line lines[PROBE_LINES];
    size_t n;
    if (a->save != NULL)
        TRY(find_dataset(a, arena));
    TRY(backend_open("auto", a->threads, &backend));
    TRY(store_read(a->data, arena, &data));
    const char *path = decoder_file(run_models_folder(), a->decoder, arena);
    if (path == NULL)
        return STATUS_SYSTEM;
    TRY(decoder_open(path, backend, &decoder));
    decoder_set_activations(decoder, DECODER_INT8);
    const enum status status = probe_run(decoder, data, &a->options, arena, lines, &n);
    decoder_close(decoder);
    TRY(status);
    print(lines, n);
    return a->save != NULL ? save(a, data, lines, n, arena) : STATUS_OK;
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"data", OPTION_DATA, "FILE.h5", 0, "The dataset", 0},
        {"decoder", OPTION_DECODER, "M", 0, "Folder of models/ with a GGUF file, or a path (default gemma)",
         0},
        {"rows", OPTION_ROWS, "N", 0, "Rows of each kind and stratum of popularity (default 100)", 0},
        {"context", OPTION_CONTEXT, "N", 0,
         "Other rows before each, to show the form of the file (default 4)", 0},
        {"seed", OPTION_SEED, "N", 0, "Of draws (default 0)", 0},
        {"threads", OPTION_THREADS, "N", 0, "Threads (default: all cores); results don't depend on it", 0},
        {"save", OPTION_SAVE, "RUN_DIR", 0,
         "Also write RUN_DIR/probe.csv; `recfuse report RUN_DIR` puts a sentence under its tables", 0},
        {"dataset", OPTION_DATASET, "NAME", 0,
         "With --save: the dataset of the run whose rows --data holds (default: its only one)", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Does a language model find rows of the dataset likelier than the same rows with one part changed? "
        "If it does, it has read them, and results on this dataset may be remembered, not found.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {.decoder = "gemma", .options = {.rows = 100, .context = 4}};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    struct arena *arena = arena_new();
    const enum status status = arena != NULL ? probe(&a, arena) : STATUS_SYSTEM;
    arena_free(arena);
    return status;
}

const struct command command_probe = {"probe", "--data FILE.h5",
                                      "has a language model read the dataset's rows?", run};
