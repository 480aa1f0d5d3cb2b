/* present.c - see present.h. */
#include "experiment/present.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "eval/rank.h"
#include "experiment/kept.h"
#include "experiment/liked.h"
#include "experiment/present_out.h"
#include "experiment/run.h"
#include "fusion/decoder_file.h"
#include "llm/gguf_file.h"
#include "text/script.h"

#define S struct present_settings
const struct param present_params[] = {
    PARAM_INT(S, users, 10, 1, 1000000, "so many test users, drawn by lots"),
    PARAM_INT(S, top, 2, 1, 10000, "items of each"),
    PARAM_STRING(S, decoder, "gemma", "folder of models/ with a GGUF file, or a path"),
    PARAM_STRING(S, prompt, NULL,
                 "name or path of a prompt file; not set: present-en, or present-zh where most titles that "
                 "the user had are Chinese"),
    PARAM_LIST(S, facts, "", NULL,
               "item columns that the language model is told; none: title, genres, categories, brand, year, "
               "price, description, those that there are"),
    PARAM_INT(S, history, 5, 0, 1000, "liked items that it is told"),
    PARAM_INT(S, tries, 3, 1, 100, "how often a text is written before a template takes its place"),
    PARAM_INT(S, tokens, 48, 1, 1000, "longest text"),
    PARAM_REAL(S, temperature, 0.7, 0, 100, "of the draws; 0: the likeliest token each time"),
    PARAM_INT(S, seed, 0, 0, 1000000000, "of the draws"),
    PARAM_BOOL(S, measure, 0,
               "also: how much likelier a text is with this user's history than with a stranger's"),
    PARAM_END};
#undef S

enum { ENGLISH, CHINESE, LANGUAGES };
static const char *const prompts[LANGUAGES] = {"present-en", "present-zh"};

struct job {
    const struct present_run *o;
    const struct present_settings *s;
    struct chosen chosen;
    const struct view *view;
    struct arena *arena;
    struct decoder *decoder;
    struct prompt_file prompt[LANGUAGES];
    struct presenter *presenter[LANGUAGES];
    struct present_out out;
    struct kept kept;
};

/* ------------------------------------------------------------------------------------------------------ users */

struct lot {
    double lot;
    uint32_t user;
};
static int by_lot(const void *a, const void *b)
{
    const struct lot *x = a, *y = b;
    if (x->lot != y->lot)
        return x->lot < y->lot ? -1 : 1;
    return x->user < y->user ? -1 : x->user > y->user;
}

/* The test users in the order of their lots. */
static enum status draw_users(struct job *j, uint32_t **users, uint32_t *n)
{
    const struct stage *s = &j->chosen.stage;
    struct lot *lots;
    ARENA_NEW(lots, j->arena, s->n_users);
    ARENA_NEW(*users, j->arena, (size_t)s->n_users + 1);
    *n = s->n_users < (uint32_t)j->s->users ? s->n_users : (uint32_t)j->s->users;
    for (uint32_t i = 0; i < s->n_users; i++)
        lots[i] = (struct lot){random_unit((uint64_t)j->s->seed, RANDOM_PROBE, 0, s->users[i]), s->users[i]};
    qsort(lots, s->n_users, sizeof *lots, by_lot);
    for (uint32_t i = 0; i < *n; i++)
        (*users)[i] = lots[i].user;
    if (j->o->chosen.user != NULL)
        (*users)[0] = j->chosen.user, *n = 1;
    return STATUS_OK;
}

/* The user's best rated items, of equals the latest. */
static enum status history_of(const struct job *j, uint32_t user, uint32_t **items, size_t *n)
{
    struct liked *liked;
    size_t all;
    TRY(liked_items(j->view, user, j->arena, &liked, &all));
    ARENA_NEW(*items, j->arena, all);
    *n = all < (size_t)j->s->history ? all : (size_t)j->s->history;
    for (size_t k = 0; k < *n; k++)
        (*items)[k] = liked[k].item;
    return STATUS_OK;
}

/* Another user with train rows. */
static uint32_t stranger_of(const struct job *j, uint32_t user)
{
    const struct csr *train = j->view->by_user;
    uint32_t other = (uint32_t)(random_unit((uint64_t)j->s->seed, RANDOM_STRANGER, 0, user) * train->n_rows);
    for (uint32_t k = 0; k < train->n_rows; k++, other = (other + 1) % train->n_rows)
        if (other != user && train->ptr[other + 1] > train->ptr[other])
            return other;
    return user;
}

/* By the titles that the user had. */
static int language_of(const struct job *j, const uint32_t *items, size_t n)
{
    const struct column *title = view_item_column(j->view, "title");
    size_t chinese = 0;
    if (title == NULL || title->kind != COLUMN_TEXT)
        return ENGLISH;
    for (size_t k = 0; k < n; k++)
        chinese += script_guess(strings_at(&title->text, items[k]), strings_length(&title->text, items[k])) ==
                   SCRIPT_HAN;
    return 2 * chinese > n ? CHINESE : ENGLISH;
}

/* ------------------------------------------------------------------------------------------------------ one user */

static enum status presenter_for(struct job *j, int language, struct presenter **out)
{
    const struct sample_options sample = {.temperature = j->s->temperature,
                                          .top_k = 40,
                                          .top_p = 0.95,
                                          .repetition_penalty = 1,
                                          .seed = (uint64_t)j->s->seed};
    const struct present_options options = {.prompt = &j->prompt[language],
                                            .columns = j->s->facts.n > 0 ? &j->s->facts : NULL,
                                            .tries = (uint32_t)j->s->tries,
                                            .tokens = (uint32_t)j->s->tokens,
                                            .sample = sample};
    if (j->presenter[language] == NULL) {
        TRY(prompt_open(j->s->prompt != NULL ? j->s->prompt : prompts[language], j->arena,
                        &j->prompt[language]));
        TRY(presenter_open(j->decoder, j->view, &options, j->arena, &j->presenter[language]));
    }
    *out = j->presenter[language];
    return STATUS_OK;
}

static enum status recommended(struct job *j, uint32_t user, struct lists *lists)
{
    const struct stage *s = &j->chosen.stage;
    const struct rank_options options = {
        .k = (uint32_t)j->s->top,
        .seed = (uint64_t)j->chosen.experiment.seeds[0],
        .masks = {&s->train, j->chosen.experiment.evaluate.mask_valid ? &s->valid : NULL},
        .ties = j->chosen.experiment.evaluate.ties,
        .relevant = &s->test};
    return rank_users(j->chosen.fitted.type, j->chosen.fitted.state, j->chosen.backend, s->dataset->n_items,
                      &user, 1, &options, j->arena, lists);
}

/* The gains of a user's texts, by kind. */
static enum status measure(struct job *j, const struct presenter *presenter, const struct present_user *u,
                           json_t *line)
{
    uint32_t *theirs;
    size_t n_theirs;
    TRY(history_of(j, stranger_of(j, u->user), &theirs, &n_theirs));
    json_t *gains = json_object();
    json_object_set_new(line, "gain", gains);
    for (int kind = 0; kind < PRESENT_KINDS; kind++) {
        double sum = 0;
        for (size_t i = 0; i < u->n; i++) {
            double gain;
            TRY(present_gain(presenter, &u->texts[i], (enum present_kind)kind, u->items[i], u->history,
                             u->n_history, theirs, n_theirs, &gain));
            sum += gain;
        }
        json_object_set_new(gains, present_kinds[kind], json_real(sum / (double)u->n));
    }
    return STATUS_OK;
}

/* What one user is shown, as a line (present_out.h). */
static enum status present_user(struct job *j, uint32_t user, json_t *line)
{
    struct present_user u = {.user = user};
    struct presenter *presenter;
    struct presented *texts;
    struct lists lists;
    uint32_t *history;
    TRY(recommended(j, user, &lists));
    TRY(history_of(j, user, &history, &u.n_history));
    TRY(presenter_for(j, j->s->prompt != NULL ? ENGLISH : language_of(j, history, u.n_history), &presenter));
    while (u.n < lists.k && lists.item[u.n] != UINT32_MAX)
        u.n++;
    ARENA_NEW(texts, j->arena, u.n);
    TRY(present_items(presenter, history, u.n_history, lists.item, u.n, j->arena, texts));
    u.items = lists.item, u.texts = texts, u.history = history;
    TRY(present_out_line(j->view, &u, j->arena, line));
    return j->s->measure && u.n > 0 ? measure(j, presenter, &u, line) : STATUS_OK;
}

/* A kept line that is of this user. */
static bool is_of(const struct job *j, const json_t *line, uint32_t user)
{
    const struct strings *ids = &j->view->user_ids;
    const char *id = json_string_value(json_object_get(line, "user"));
    return id != NULL && strlen(id) == strings_length(ids, user) &&
           memcmp(id, strings_at(ids, user), strlen(id)) == 0;
}

static enum status present_one(struct job *j, uint32_t user, size_t place)
{
    json_t *line = json_array_get(j->kept.lines, place);
    if (line != NULL)
        return present_out_user(&j->out, line);
    line = json_object();
    enum status status = line != NULL ? present_user(j, user, line) : STATUS_SYSTEM;
    if (status == STATUS_OK && j->o->key != NULL)
        status = kept_add(&j->kept, line);
    if (status == STATUS_OK)
        status = present_out_user(&j->out, line);
    json_decref(line);
    return status;
}

static enum status open_kept(struct job *j, const uint32_t *users, uint32_t n)
{
    size_t good = 0;
    if (j->o->key == NULL)
        return STATUS_OK;
    TRY(kept_open(j->o->chosen.run, "present", j->o->key, &j->kept));
    while (good < json_array_size(j->kept.lines) && good < n &&
           is_of(j, json_array_get(j->kept.lines, good), users[good]))
        good++;
    return kept_cut(&j->kept, good);
}

static enum status run(struct job *j, FILE *out)
{
    uint32_t *users, n;
    TRY(chosen_open(&j->o->chosen, &j->chosen));
    j->arena = j->chosen.arena;
    j->view = j->chosen.stage.view;
    const char *path = decoder_file(run_models_folder(), j->s->decoder, j->arena);
    if (path == NULL)
        return STATUS_SYSTEM;
    TRY(decoder_open(path, j->chosen.backend, &j->decoder));
    decoder_set_activations(j->decoder, DECODER_INT8);
    TRY(draw_users(j, &users, &n));
    TRY(open_kept(j, users, n));
    j->out = (struct present_out){.out = out, .arena = j->arena, .with_gain = j->s->measure};
    TRY(present_out_open(&j->out, n, j->o->save ? j->o->chosen.run : NULL));
    for (uint32_t i = 0; i < n; i++) {
        if (*j->o->chosen.signal != 0)
            return STATUS_STOPPED;
        TRY(present_one(j, users[i], i));
    }
    TRY(present_out_end(&j->out));
    if (j->o->key != NULL)
        kept_forget(j->o->chosen.run, "present", j->o->key);
    return STATUS_OK;
}

enum status present_part(const struct present_settings *settings, const char *models, json_t *out)
{
    char hex[SHA256_HEX];
    struct prompt_file file;
    json_t *list = json_array();
    struct arena *arena = arena_new();
    const char *path = arena != NULL ? decoder_file(models, settings->decoder, arena) : NULL;
    enum status status = path != NULL ? gguf_file_sha256(path, hex) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        json_object_set_new(out, "decoder_sha256", json_string(hex));
    for (int k = 0; k < (settings->prompt != NULL ? 1 : LANGUAGES) && status == STATUS_OK; k++) {
        status = prompt_open(settings->prompt != NULL ? settings->prompt : prompts[k], arena, &file);
        if (status == STATUS_OK)
            json_array_append_new(list, json_string(file.sha256));
    }
    json_object_set_new(out, "prompts_sha256", list);
    arena_free(arena);
    return status;
}

enum status present_print(const struct present_run *options, FILE *out)
{
    struct job j = {.o = options, .s = &options->settings};
    const enum status status = run(&j, out);
    present_out_close(&j.out, status);
    kept_close(&j.kept);
    for (int k = 0; k < LANGUAGES; k++)
        presenter_close(j.presenter[k]);
    decoder_close(j.decoder);
    chosen_close(&j.chosen);
    return status;
}
