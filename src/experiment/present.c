/* present.c - see present.h. */
#include "experiment/present.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "eval/rank.h"
#include "experiment/liked.h"
#include "experiment/present_out.h"
#include "experiment/run.h"
#include "fusion/decoder_file.h"
#include "text/script.h"

enum { ENGLISH, CHINESE, LANGUAGES };

struct job {
    const struct present_run *o;
    struct chosen chosen;
    const struct view *view;
    struct arena *arena;
    struct decoder *decoder;
    struct prompt_file prompt[LANGUAGES];
    struct presenter *presenter[LANGUAGES];
    struct present_out out;
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
    *n = s->n_users < j->o->users ? s->n_users : j->o->users;
    for (uint32_t i = 0; i < s->n_users; i++)
        lots[i] = (struct lot){random_unit(j->o->sample.seed, RANDOM_PROBE, 0, s->users[i]), s->users[i]};
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
    *n = all < j->o->history ? all : j->o->history;
    for (size_t k = 0; k < *n; k++)
        (*items)[k] = liked[k].item;
    return STATUS_OK;
}

/* Another user with train rows. */
static uint32_t stranger_of(const struct job *j, uint32_t user)
{
    const struct csr *train = j->view->by_user;
    uint32_t other = (uint32_t)(random_unit(j->o->sample.seed, RANDOM_STRANGER, 0, user) * train->n_rows);
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
    static const char *const names[] = {"present-en", "present-zh"};
    const struct present_options options = {.prompt = &j->prompt[language],
                                            .columns = j->o->facts.n > 0 ? &j->o->facts : NULL,
                                            .tries = j->o->tries,
                                            .tokens = j->o->tokens,
                                            .sample = j->o->sample};
    if (j->presenter[language] == NULL) {
        TRY(prompt_open(j->o->prompt != NULL ? j->o->prompt : names[language], j->arena,
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
        .k = j->o->top,
        .seed = (uint64_t)j->chosen.experiment.seeds[0],
        .masks = {&s->train, j->chosen.experiment.evaluate.mask_valid ? &s->valid : NULL},
        .ties = j->chosen.experiment.evaluate.ties,
        .relevant = &s->test};
    return rank_users(j->chosen.fitted.type, j->chosen.fitted.state, j->chosen.backend, s->dataset->n_items,
                      &user, 1, &options, j->arena, lists);
}

static enum status measure(struct job *j, const struct presenter *presenter, const struct present_user *u)
{
    uint32_t *theirs;
    size_t n_theirs;
    TRY(history_of(j, stranger_of(j, u->user), &theirs, &n_theirs));
    for (int kind = 0; kind < PRESENT_KINDS; kind++) {
        double sum = 0;
        for (size_t i = 0; i < u->n; i++) {
            double gain;
            TRY(present_gain(presenter, &u->texts[i], (enum present_kind)kind, u->items[i], u->history,
                             u->n_history, theirs, n_theirs, &gain));
            sum += gain;
        }
        TRY(present_out_gain(&j->out, (enum present_kind)kind, sum / (double)u->n));
    }
    return STATUS_OK;
}

static enum status present_user(struct job *j, uint32_t user)
{
    struct present_user u = {.user = user};
    struct presenter *presenter;
    struct presented *texts;
    struct lists lists;
    uint32_t *history;
    TRY(recommended(j, user, &lists));
    TRY(history_of(j, user, &history, &u.n_history));
    TRY(presenter_for(j, j->o->prompt != NULL ? ENGLISH : language_of(j, history, u.n_history), &presenter));
    while (u.n < lists.k && lists.item[u.n] != UINT32_MAX)
        u.n++;
    ARENA_NEW(texts, j->arena, u.n);
    TRY(present_items(presenter, history, u.n_history, lists.item, u.n, j->arena, texts));
    u.items = lists.item, u.texts = texts, u.history = history;
    TRY(present_out_user(&j->out, &u));
    return j->o->measure && u.n > 0 ? measure(j, presenter, &u) : STATUS_OK;
}

static enum status run(struct job *j, FILE *out)
{
    uint32_t *users, n;
    TRY(chosen_open(&j->o->chosen, &j->chosen));
    j->arena = j->chosen.arena;
    j->view = j->chosen.stage.view;
    const char *path = decoder_file(run_models_folder(), j->o->decoder, j->arena);
    if (path == NULL)
        return STATUS_SYSTEM;
    TRY(decoder_open(path, j->chosen.backend, &j->decoder));
    decoder_set_activations(j->decoder, DECODER_INT8);
    TRY(draw_users(j, &users, &n));
    j->out = (struct present_out){.out = out, .view = j->view, .arena = j->arena, .with_gain = j->o->measure};
    TRY(present_out_open(&j->out, n, j->o->save ? j->o->chosen.run : NULL));
    for (uint32_t i = 0; i < n; i++) {
        if (*j->o->chosen.signal != 0)
            return STATUS_STOPPED;
        TRY(present_user(j, users[i]));
    }
    return present_out_end(&j->out);
}

enum status present_print(const struct present_run *options, FILE *out)
{
    struct job j = {.o = options};
    const enum status status = run(&j, out);
    present_out_close(&j.out, status);
    for (int k = 0; k < LANGUAGES; k++)
        presenter_close(j.presenter[k]);
    decoder_close(j.decoder);
    chosen_close(&j.chosen);
    return status;
}
