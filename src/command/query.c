/* query.c - `recfuse query`: items that a search text asks for, by meaning, with filters and a user's preference. */
#include <string.h>

#include "command/chosen_options.h"
#include "command/command.h"
#include "data/store.h"
#include "experiment/run.h"
#include "fusion/query.h"

enum { LIMIT_FILTERS = 32, LIMIT_FIELDS = 32 };
enum {
    OPTION_DATA = 256,
    OPTION_USER,
    OPTION_ENCODER,
    OPTION_FIELDS,
    OPTION_FILTER,
    OPTION_WEIGHT,
    OPTION_TOP,
    OPTION_HELD_OUT
};

struct arguments {
    struct chosen_options chosen;
    const char *data, *text, *encoder, *filters[LIMIT_FILTERS], *fields[LIMIT_FIELDS];
    size_t n_filters, n_fields;
    double weight;
    unsigned top;
    bool held_out;
};

static void split_fields(struct argp_state *state, struct arguments *a, char *words)
{
    a->n_fields = 0;
    for (char *word; (word = strsep(&words, ",")) != NULL;) {
        if (*word == '\0' || a->n_fields == LIMIT_FIELDS)
            argp_error(state, "--text-fields: expected at most %d names with commas between", LIMIT_FIELDS);
        a->fields[a->n_fields++] = word;
    }
}

static error_t parse_more(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case OPTION_ENCODER:
        a->encoder = argument;
        return 0;
    case OPTION_FIELDS:
        split_fields(state, a, argument);
        return 0;
    case OPTION_FILTER:
        if (a->n_filters == LIMIT_FILTERS)
            argp_error(state, "more than %d filters", LIMIT_FILTERS);
        a->filters[a->n_filters++] = argument;
        return 0;
    case OPTION_WEIGHT:
        a->weight = command_real(state, "--weight", argument, 0, 1000);
        return 0;
    case OPTION_TOP:
        a->top = (unsigned)command_number(state, "--top", argument, 1, 10000);
        return 0;
    case OPTION_HELD_OUT:
        a->held_out = true;
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->chosen;
        return 0;
    case ARGP_KEY_ARG:
        if (a->text != NULL)
            argp_error(state, "one TEXT at a time; put it in quotes");
        a->text = argument;
        return 0;
    case ARGP_KEY_END:
        if (a->held_out && (a->text != NULL || a->chosen.user != NULL || a->chosen.run == NULL))
            argp_error(state,
                       "--held-out needs --run RUN_DIR, and takes neither TEXT nor --user: the run's dataset "
                       "says who searched for what");
        if ((a->text == NULL && !a->held_out) || (a->data == NULL) == (a->chosen.run == NULL))
            argp_error(state, "a TEXT is needed, and either --data FILE.h5 or --run RUN_DIR");
        if (a->data != NULL && a->chosen.user != NULL)
            argp_error(state, "--user needs --run: a model of that run says what the user prefers");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case OPTION_DATA:
        a->data = argument;
        return 0;
    case OPTION_USER:
        a->chosen.user = argument;
        return 0;
    default:
        return parse_more(key, argument, state);
    }
}

static enum status set_options(const struct arguments *a, struct arena *arena, struct query *q)
{
    struct query_filter *filters;
    ARENA_NEW(filters, arena, a->n_filters);
    for (size_t f = 0; f < a->n_filters; f++)
        TRY(query_filter_parse(a->filters[f], arena, &filters[f]));
    q->text = a->text, q->encoder = a->encoder, q->weight = a->weight, q->max_reviews = 50;
    q->models = run_models_folder(), q->cache = run_cache_folder();
    q->fields = (struct param_list){a->n_fields, (const char **)(uintptr_t)a->fields};
    q->n_filters = a->n_filters, q->filters = filters;
    return STATUS_OK;
}

static enum status print_hits(const struct arguments *a, struct query *q, const struct view *view,
                              const struct backend *backend, struct arena *arena)
{
    struct query_hit *hit;
    uint32_t n;
    TRY(set_options(a, arena, q));
    TRY(query_match(q, view, backend, a->top, arena, &hit, &n));
    if (n == 0)
        printf("no item passes the filters\n");
    for (uint32_t k = 0; k < n; k++) {
        const char *name = view_item_name(view, hit[k].item, arena);
        if (name == NULL)
            return STATUS_SYSTEM;
        printf("%3u  %8.4f  cosine %.4f  %s\n", k + 1, hit[k].score, hit[k].cosine, name);
    }
    return STATUS_OK;
}

/* All rows of a dataset file are known. */
static enum status query_data(const struct arguments *a, struct arena *arena)
{
    struct dataset *d;
    struct fold *fold;
    struct view *view;
    const struct backend *backend;
    struct query q = {0};
    ARENA_NEW(fold, arena, 1);
    TRY(store_read(a->data, arena, &d));
    fold->train = d->interactions;
    TRY(view_build(d, fold, arena, &view));
    TRY(backend_open("auto", (int)a->chosen.threads, &backend));
    return print_hits(a, &q, view, backend, arena);
}

/* The searches of the fold's test pairs, in the dataset's order: by user. */
static enum status held_out_cases(const struct stage *stage, struct arena *arena, struct query_cases *out)
{
    const struct texts *texts = &stage->dataset->texts;
    struct string_builder b = {0};
    uint32_t *user, *item;
    uint64_t n = 0;
    enum status s = STATUS_OK;
    ARENA_NEW(user, arena, texts->n);
    ARENA_NEW(item, arena, texts->n);
    for (uint64_t t = 0; t < texts->n && s == STATUS_OK; t++) {
        if (texts->kind[t] != TEXT_QUERY || texts->item[t] == UINT32_MAX ||
            !csr_has(&stage->test, texts->user[t], texts->item[t]))
            continue;
        user[n] = texts->user[t];
        item[n++] = texts->item[t];
        s = string_builder_add(&b, strings_at(&texts->text, t), strings_length(&texts->text, t));
    }
    if (s == STATUS_OK)
        s = string_builder_finish(&b, arena, &out->text);
    string_builder_free(&b);
    out->user = user;
    out->item = item;
    return s;
}

static enum status preference_of(void *context, uint32_t user, float *score)
{
    const struct chosen *c = context;
    const uint32_t n = c->stage.view->n_items;
    const struct tile tile = {score, n, n};
    return model_score_users(c->fitted.type, c->fitted.state, c->backend, &user, 1, &tile);
}

static enum status measure_run(const struct arguments *a, struct chosen *c)
{
    static const char *const ways[QUERY_WAYS] = {[QUERY_RANDOM] = "random order",
                                                 [QUERY_TEXT] = "query",
                                                 [QUERY_PREFERENCE] = "preference",
                                                 [QUERY_BOTH] = "both"};
    struct query q = {.without = &c->stage.train};
    struct query_cases cases;
    struct query_measure measure[QUERY_WAYS];
    TRY(set_options(a, c->arena, &q));
    TRY(held_out_cases(&c->stage, c->arena, &cases));
    TRY(query_measure_cases(&q, c->stage.view, c->backend, &cases, preference_of, c, measure));
    printf("%s, fold %u: %llu searches that led to a test row, by %s; preference by %s\n", c->stage.name,
           a->chosen.fold, (unsigned long long)cases.text.n, a->encoder, c->model->label);
    printf("%-14s %8s %8s %8s\n", "", "mrr", "hit@1", "hit@10");
    for (int way = 0; way < QUERY_WAYS; way++)
        printf("%-14s %8.4f %8.4f %8.4f\n", ways[way], measure[way].mrr, measure[way].hit_1,
               measure[way].hit_10);
    return STATUS_OK;
}

static enum status query_run(const struct arguments *a, struct chosen *c)
{
    struct query q = {0};
    if (a->held_out)
        return measure_run(a, c);
    float *scores;
    if (a->chosen.user == NULL)
        return print_hits(a, &q, c->stage.view, c->backend, c->arena);
    const uint32_t n = c->stage.view->n_items;
    ARENA_NEW(scores, c->arena, n);
    const struct tile tile = {scores, n, n};
    TRY(model_score_users(c->fitted.type, c->fitted.state, c->backend, &c->user, 1, &tile));
    q.without = &c->stage.train, q.user = c->user, q.preference = scores;
    return print_hits(a, &q, c->stage.view, c->backend, c->arena);
}

static const struct argp_option options[] = {
    {"data", OPTION_DATA, "FILE.h5", 0, "A dataset file", 0},
    {"user", OPTION_USER, "ID", 0,
     "A user of the run: items that the user had are left out, and preference counts too", 0},
    {"encoder", OPTION_ENCODER, "NAME", 0,
     "Folder of a sentence encoder, below models/ or a path (default minilm; e5 reads Chinese)", 0},
    {"text-fields", OPTION_FIELDS, "NAMES", 0, "Fields of the items' texts (default title)", 0},
    {"filter", OPTION_FILTER, "F", 0,
     "COLUMN=WORD, COLUMN>=NUMBER or COLUMN<=NUMBER; more than one: all must hold", 0},
    {"weight", OPTION_WEIGHT, "W", 0,
     "Of preference beside the query, both in standard deviations (default 0.5)", 0},
    {"top", OPTION_TOP, "N", 0, "How many items (default 10)", 0},
    {"held-out", OPTION_HELD_OUT, NULL, 0,
     "Instead of TEXT: every search of the dataset that led to a test row of the run, and how well the "
     "query, the "
     "model and both find it among what the user had not",
     0},
    {0}};

static enum status run(int argc, char **argv)
{
    const struct argp argp = {
        options,
        parse,
        "TEXT",
        "Items that a search text asks for: by the cosine of its vector with those of the "
        "items' texts, filtered, and for a user of a run blended with a model's scores.",
        command_chosen_child,
        NULL,
        NULL};
    struct arguments a = {.chosen = {.signal = &command_signal},
                          .encoder = "minilm",
                          .fields = {"title"},
                          .n_fields = 1,
                          .weight = 0.5,
                          .top = 10};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    command_catch_signals();
    if (a.data != NULL) {
        struct arena *arena = arena_new();
        const enum status status = arena != NULL ? query_data(&a, arena) : STATUS_SYSTEM;
        arena_free(arena);
        return status;
    }
    struct chosen c;
    enum status status = chosen_open(&a.chosen, &c);
    if (status == STATUS_OK)
        status = query_run(&a, &c);
    chosen_close(&c);
    return status;
}

const struct command command_query = {"query", "--data FILE.h5 TEXT", "items that a search text asks for",
                                      run};
