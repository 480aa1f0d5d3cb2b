/* serve.c - see serve.h. */
#include "experiment/serve.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "experiment/run.h"
#include "experiment/serve_parts.h"

enum { LINE_MOST = 1 << 20, TOGETHER = 1000, K_MOST = 1000 };

struct top {
    const struct node *serve;
    struct loop_blocks blocks;
};
static const struct param top_params[] = {PARAM_NODE(struct top, serve, "refit_every, seed"),
                                          LOOP_BLOCKS(struct top), PARAM_END};

/* Everything that waits goes to the disk, then the answers out. */
static enum status flush(struct server *s, FILE *out)
{
    fflush(s->waiting_stream);
    fflush(s->answers_stream);
    if (s->n_waiting > 0)
        TRY(serve_append(s, s->waiting, s->n_waiting));
    fwrite(s->answers, 1, s->n_answers, out);
    if (fflush(out) != 0)
        return status_fail(STATUS_SYSTEM, "the answers can't be written: %s", strerror(errno));
    rewind(s->waiting_stream);
    rewind(s->answers_stream);
    s->n_together = 0;
    return STATUS_OK;
}

/* ------------------------------------------------------------------------------------------------------ lines */

static enum status say(struct server *s, json_t *answer)
{
    if (answer == NULL || json_dumpf(answer, s->answers_stream, JSON_COMPACT) != 0) {
        json_decref(answer);
        return status_fail(STATUS_SYSTEM, "memory is out: an answer");
    }
    json_decref(answer);
    fputc('\n', s->answers_stream);
    return STATUS_OK;
}

static enum status refuse(struct server *s, size_t number, const char *mistake)
{
    char sentence[400];
    s->n_refused++;
    snprintf(sentence, sizeof sentence, "line %zu: %s", number, mistake);
    return say(s, json_pack("{s:s}", "error", sentence));
}

static enum status accept_event(struct server *s, const json_t *line, const struct feedback_event *e)
{
    enum status status = STATUS_OK;
    if (!serve_is_new(s, line, &status))
        return status != STATUS_OK ? status
                                   : say(s, json_pack("{s:I, s:b}", "ack", (json_int_t)s->n, "duplicate", 1));
    TRY(status);
    if (json_dumpf(line, s->waiting_stream, JSON_COMPACT | JSON_SORT_KEYS) != 0)
        return status_fail(STATUS_SYSTEM, "memory is out: the journal");
    fputc('\n', s->waiting_stream);
    TRY(serve_take(s, e));
    return say(s, json_pack("{s:I}", "ack", (json_int_t)s->n));
}

static enum status shown(struct server *s, uint32_t user, const uint32_t *item, uint32_t n, json_t *list)
{
    for (uint32_t j = 0; j < n; j++) {
        const struct strings *ids = &s->loop.dataset->item_ids, *users = &s->loop.dataset->user_ids;
        const struct feedback_event e = {
            .kind = FEEDBACK_SHOW, .user = user, .item = item[j], .first = j == 0};
        json_t *line = json_pack("{s:s, s:s%, s:s%, s:o*}", "event", "show", "user", strings_at(users, user),
                                 strings_length(users, user), "item", strings_at(ids, item[j]),
                                 strings_length(ids, item[j]), "first", e.first ? json_true() : NULL);
        if (line == NULL || json_dumpf(line, s->waiting_stream, JSON_COMPACT | JSON_SORT_KEYS) != 0)
            return status_fail(STATUS_SYSTEM, "memory is out: the journal");
        json_decref(line);
        fputc('\n', s->waiting_stream);
        TRY(serve_take(s, &e));
        json_t *entry = json_pack("{s:s%}", "item", strings_at(ids, item[j]), strings_length(ids, item[j]));
        if (s->title != NULL)
            json_object_set_new(
                entry, "title",
                json_stringn(strings_at(&s->title->text, item[j]), strings_length(&s->title->text, item[j])));
        json_array_append_new(list, entry);
    }
    return STATUS_OK;
}

/* What the strategy changed of a list. */
static json_t *changes(const struct server *s, const struct strategy_log *log)
{
    const struct strings *ids = &s->loop.dataset->item_ids;
    json_t *out = json_array();
    for (size_t i = 0; i < log->n; i++) {
        const struct strategy_change *c = &log->change[i];
        json_array_append_new(out, json_pack("{s:s, s:s%, s:i, s:o, s:f, s:f}", "rule", c->rule, "item",
                                             strings_at(ids, c->item), strings_length(ids, c->item), "before",
                                             (int)c->before, "after",
                                             c->after > 0 ? json_integer(c->after) : json_null(),
                                             "score_before", c->score_before, "score_after", c->score_after));
    }
    return out;
}

static enum status answer(struct server *s, const json_t *line, uint32_t user, uint32_t k, bool explain)
{
    uint32_t item[K_MOST], n;
    struct strategy_log log;
    struct arena *arena = explain ? arena_new() : NULL;
    if (explain && arena == NULL)
        return STATUS_SYSTEM;
    json_t *list = json_array(), *why = NULL;
    enum status status = feedback_explain(s->f, user, k, arena, item, &n, explain ? &log : NULL);
    if (status == STATUS_OK && explain)
        why = changes(s, &log);
    if (status == STATUS_OK)
        status = shown(s, user, item, n, list);
    arena_free(arena);
    json_t *all = json_pack("{s:O, s:o, s:I, s:o*}", "user", json_object_get(line, "recommend"), "items",
                            list, "ack", (json_int_t)s->n, "changes", why);
    if (status == STATUS_OK)
        return say(s, all);
    json_decref(all);
    return status;
}

static enum status recommend(struct server *s, const json_t *line, size_t number)
{
    const json_t *k = json_object_get(line, "k"), *explain = json_object_get(line, "explain");
    const uint32_t user = serve_find(s->users, json_object_get(line, "recommend"));
    if (user == UINT32_MAX)
        return refuse(s, number, "recommend names no user of the dataset (a publisher's id is expected)");
    if (k != NULL && (!json_is_integer(k) || json_integer_value(k) < 1 || json_integer_value(k) > K_MOST))
        return refuse(s, number, "k is not a whole number from 1 to 1000");
    if (explain != NULL && !json_is_boolean(explain))
        return refuse(s, number, "explain is neither true nor false");
    return answer(s, line, user, k != NULL ? (uint32_t)json_integer_value(k) : 10, json_is_true(explain));
}

static enum status one_line(struct server *s, const char *text, size_t n, size_t number)
{
    json_error_t error;
    char mistake[300], digest[SHA256_HEX];
    struct feedback_event e;
    enum status status;
    json_t *line = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(line)) {
        snprintf(mistake, sizeof mistake, "no JSON object: %.200s",
                 line == NULL ? error.text : "another value");
        status = refuse(s, number, mistake);
    } else if (json_object_get(line, "recommend") != NULL)
        status = recommend(s, line, number);
    else if (json_object_get(line, "digest") != NULL) {
        feedback_digest(s->f, digest);
        status = say(s, json_pack("{s:I, s:s}", "events", (json_int_t)s->n, "digest", digest));
    } else
        status = serve_parse_event(s, line, &e, mistake, sizeof mistake) &&
                         serve_id_is_fine(line, mistake, sizeof mistake)
                     ? accept_event(s, line, &e)
                     : refuse(s, number, mistake);
    json_decref(line);
    return status;
}

static bool more_is_there(int input)
{
    struct pollfd p = {.fd = input, .events = POLLIN};
    return poll(&p, 1, 0) > 0 && (p.revents & POLLIN) != 0;
}

/* Reads until the end; whole lines are taken as they come, and answered when no more is there at once. */
static enum status listen_to(struct server *s, const struct serve_options *o, FILE *out)
{
    char *buffer = arena_alloc(s->arena, LINE_MOST + 1, 1);
    char longer[64];
    size_t held = 0, number = 0;
    bool too_long = false; /* the line at hand: its first bytes are gone */
    snprintf(longer, sizeof longer, "longer than %d bytes", LINE_MOST);
    if (buffer == NULL)
        return STATUS_SYSTEM;
    for (;;) {
        if (*o->signal)
            return flush(s, out) == STATUS_OK ? STATUS_STOPPED : STATUS_SYSTEM;
        if (held == LINE_MOST) { /* its end is yet to come */
            too_long = true;
            held = 0;
        }
        const ssize_t got = read(o->input, buffer + held, LINE_MOST - held);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return status_fail(STATUS_SYSTEM, "the events can't be read: %s", strerror(errno));
        if (got == 0 && (held > 0 || too_long))
            buffer[held++] = '\n'; /* the last line has no newline */
        held += (size_t)got;
        size_t at = 0;
        for (char *end; (end = memchr(buffer + at, '\n', held - at)) != NULL;
             at = (size_t)(end - buffer) + 1) {
            number++;
            if (too_long)
                TRY(refuse(s, number, longer));
            else if (strspn(buffer + at, " \t\r") < (size_t)(end - buffer) - at)
                TRY(one_line(s, buffer + at, (size_t)(end - buffer) - at, number));
            too_long = false;
            if (++s->n_together == TOGETHER)
                TRY(flush(s, out));
        }
        memmove(buffer, buffer + at, held - at);
        held -= at;
        if (got == 0 || !more_is_there(o->input))
            TRY(flush(s, out));
        if (got == 0)
            return STATUS_OK;
    }
}

/* ------------------------------------------------------------------------------------------------------ start */

static enum status map_ids(const struct strings *ids, struct string_map **out)
{
    *out = string_map_new();
    for (uint64_t i = 0; *out != NULL && i < ids->n; i++)
        if (string_map_add(*out, strings_at(ids, i), strings_length(ids, i)) == UINT32_MAX)
            return STATUS_SYSTEM;
    return *out != NULL ? STATUS_OK : STATUS_SYSTEM;
}

static enum status configure_file(struct server *s, const char *path)
{
    char *yaml;
    size_t n;
    struct node *root;
    struct top top = {0};
    TRY(read_whole_file(path, (size_t)1 << 24, s->arena, &yaml, &n));
    TRY(node_parse(path, yaml, n, s->arena, &root));
    TRY(params_default(top_params, s->arena, &top));
    TRY(params_set(top_params, "serve-events", root, s->arena, &top));
    TRY(params_default(serve_params, s->arena, &s->head));
    TRY(params_set(serve_params, "serve", top.serve, s->arena, &s->head));
    TRY(loop_read(&top.blocks, root, s->arena, &s->loop));
    TRY(loop_open(&s->loop, s->arena));
    const char *all = arena_printf(s->arena, "%s\n%s", s->loop.dataset->content_sha256, yaml);
    if (all == NULL)
        return STATUS_SYSTEM;
    sha256_hex(all, strlen(all), s->config);
    return STATUS_OK;
}

static enum status configure(struct server *s, const struct serve_options *o)
{
    if (o->run == NULL)
        return configure_file(s, o->file);
    TRY(loop_of_run(o->run, s->arena, &s->experiment, &s->loop, s->config));
    s->head = s->experiment.feedback->serve;
    return loop_open(&s->loop, s->arena);
}

static enum status start(struct server *s, const struct serve_options *o)
{
    struct factors factors;
    TRY(configure(s, o));
    s->run = (struct run){.arena = s->arena,
                          .scratch = arena_new(),
                          .seed = (uint64_t)s->head.seed,
                          .cache = run_cache_folder(),
                          .models = run_models_folder(),
                          .cancelled = o->signal};
    s->waiting_stream = open_memstream(&s->waiting, &s->n_waiting);
    s->answers_stream = open_memstream(&s->answers, &s->n_answers);
    s->ids = string_map_new();
    if (s->run.scratch == NULL || s->ids == NULL || s->waiting_stream == NULL || s->answers_stream == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out");
    TRY(backend_open("cpu", o->threads, &s->run.backend));
    TRY(map_ids(&s->loop.dataset->user_ids, &s->users));
    TRY(map_ids(&s->loop.dataset->item_ids, &s->items));
    s->title = dataset_item_column(s->loop.dataset, "title");
    s->title = s->title != NULL && s->title->kind == COLUMN_TEXT ? s->title : NULL;
    TRY(loop_prepare(&s->loop, &s->run, &s->vectors));
    TRY(feedback_fit(&s->loop.base, s->loop.view, NULL, &s->run, &s->fitted, &factors));
    TRY(feedback_new(&s->loop.feedback, &factors, s->loop.view->by_user, &s->vectors, s->loop.rules,
                     s->run.seed, &s->f));
    if (factors.factors == 0)
        feedback_scored_by(s->f, &s->fitted, s->run.backend, NULL);
    TRY(serve_open_journal(s, o->state));
    log_info("%llu events in %s", (unsigned long long)s->n, s->path);
    return STATUS_OK;
}

enum status serve_run(const struct serve_options *options, FILE *out)
{
    struct server s = {.arena = arena_new(), .journal = -1};
    enum status status = s.arena != NULL ? start(&s, options) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = listen_to(&s, options, out);
    if (status == STATUS_OK && s.n_refused > 0)
        status = status_fail(
            STATUS_DATA, "%zu lines were refused: their answers say why; all others were taken", s.n_refused);
    feedback_free(s.f);
    nested_free(&s.fitted);
    loop_close(&s.loop);
    experiment_free(&s.experiment);
    string_map_free(s.users);
    string_map_free(s.items);
    string_map_free(s.ids);
    if (s.journal >= 0)
        close(s.journal);
    if (s.waiting_stream != NULL)
        fclose(s.waiting_stream);
    if (s.answers_stream != NULL)
        fclose(s.answers_stream);
    free(s.waiting);
    free(s.answers);
    arena_free(s.run.scratch);
    arena_free(s.arena);
    return status;
}
