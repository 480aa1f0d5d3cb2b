/* present.c - see present.h. */
#include "fusion/present.h"

#include <string.h>
#include <strings.h>

#include "fusion/item_text.h"
#include "llm/likelihood.h"

const char *const present_kinds[] = {"description", "title"};
static const char *const sections[] = {"description", "title"};
static const char *const templates[] = {"template_description", "template_title"};
static const char *const usual[] = {"title", "genres", "categories", "brand", "year", "price", "description"};

struct presenter {
    const struct decoder *decoder;
    const struct view *view;
    struct present_options options;
    struct facts *facts;
    const struct column **told; /* [n_told] */
    size_t n_told;
    struct strings liked; /* [n_items] */
    const char *between, *none;
};

/* What places stand for. */
struct places {
    const struct presenter *p;
    uint32_t item;
    const uint32_t *history;
    size_t n_history;
    const char *description;
};

/* ------------------------------------------------------------------------------------------------------ prompts */

static enum status put_column(const struct column *column, uint32_t item, struct string_builder *out)
{
    if (strcmp(column->name, "title") != 0 || column->kind != COLUMN_TEXT)
        return item_text_column(column, item, out);
    return prompt_plain(strings_at(&column->text, item), strings_length(&column->text, item), out);
}

/* "title: Heat; genres: Action, Crime; year: 1995" */
static enum status put_facts(const struct presenter *p, uint32_t item, struct string_builder *out)
{
    bool any = false;
    for (size_t c = 0; c < p->n_told; c++) {
        const size_t begin = out->length;
        if (any)
            TRY(string_builder_append(out, "; ", 2));
        TRY(string_builder_append(out, p->told[c]->name, strlen(p->told[c]->name)));
        TRY(string_builder_append(out, ": ", 2));
        const size_t before = out->length;
        TRY(put_column(p->told[c], item, out));
        if (out->length == before)
            out->length = begin; /* nothing is known */
        else
            any = true;
    }
    return STATUS_OK;
}

static enum status put_history(const struct places *at, struct string_builder *out)
{
    const struct presenter *p = at->p;
    if (at->n_history == 0)
        return string_builder_append(out, p->none, strlen(p->none));
    for (size_t k = 0; k < at->n_history; k++) {
        if (k > 0)
            TRY(string_builder_append(out, p->between, strlen(p->between)));
        TRY(string_builder_append(out, strings_at(&p->liked, at->history[k]),
                                  strings_length(&p->liked, at->history[k])));
    }
    return STATUS_OK;
}

static enum status value(void *context, const char *name, struct string_builder *out, bool *known)
{
    const struct places *at = context;
    if (strcmp(name, "facts") == 0)
        return put_facts(at->p, at->item, out);
    if (strcmp(name, "history") == 0)
        return put_history(at, out);
    if (strcmp(name, "description") == 0 && at->description != NULL)
        return string_builder_append(out, at->description, strlen(at->description));
    const struct column *column = view_item_column(at->p->view, name);
    *known = column != NULL;
    return column != NULL ? item_text_column(column, at->item, out) : STATUS_OK;
}

static enum status prompt_of(const struct places *at, enum present_kind kind, struct arena *arena,
                             struct prompt *out)
{
    const struct presenter *p = at->p;
    uint32_t *ids;
    char *text;
    struct places copy = *at;
    TRY(prompt_render(p->options.prompt, sections[kind], value, &copy, arena, &text));
    TRY(tokenizer_encode(decoder_tokenizer(p->decoder), text, strlen(text), TOKENIZER_BEGIN, arena, &ids,
                         &out->n));
    out->ids = ids;
    return out->n > 0 ? STATUS_OK
                      : status_fail(STATUS_DATA, "prompt %s, section [%s] has no token",
                                    p->options.prompt->name, sections[kind]);
}

/* ------------------------------------------------------------------------------------------------------ opening */

static enum status find_columns(struct presenter *p, const struct param_list *asked, struct arena *arena)
{
    const size_t n = asked != NULL ? asked->n : sizeof usual / sizeof *usual;
    ARENA_NEW(p->told, arena, n);
    for (size_t i = 0; i < n; i++) {
        const char *name = asked != NULL ? asked->item[i] : usual[i];
        const struct column *column = view_item_column(p->view, name);
        if (column != NULL)
            p->told[p->n_told++] = column;
        else if (asked != NULL)
            return status_fail(STATUS_UNAVAILABLE, "the items have no column '%s' (recfuse info shows them)",
                               name);
    }
    return p->n_told > 0
               ? STATUS_OK
               : status_fail(STATUS_USAGE, "the items have none of the columns title, genres, categories, "
                                           "brand, year, price, description: name others by --facts");
}

enum status presenter_open(const struct decoder *decoder, const struct view *view,
                           const struct present_options *options, struct arena *arena, struct presenter **out)
{
    struct presenter *p;
    const char *text;
    ARENA_NEW(p, arena, 1);
    *out = p;
    *p = (struct presenter){.decoder = decoder, .view = view, .options = *options};
    for (int k = 0; k < PRESENT_KINDS; k++) {
        TRY(prompt_need(options->prompt, sections[k], &text));
        TRY(prompt_need(options->prompt, templates[k], &text));
    }
    p->between = prompt_section(options->prompt, "between");
    p->between = p->between != NULL ? p->between : "; ";
    TRY(prompt_need(options->prompt, "none", &p->none));
    TRY(find_columns(p, options->columns, arena));
    TRY(item_text_all(options->prompt, "liked", view, arena, &p->liked));
    return facts_open(view, prompt_section(options->prompt, "openers"), arena, &p->facts);
}

void presenter_close(struct presenter *presenter)
{
    if (presenter != NULL)
        facts_close(presenter->facts);
}

/* ------------------------------------------------------------------------------------------------------ writing */

/* Blanks at both ends go. */
static enum status trim(const struct generated *g, struct arena *arena, const char **out)
{
    size_t from = 0, end = g->length;
    while (from < end && strchr(" \t\r\n", g->text[from]) != NULL)
        from++;
    while (end > from && strchr(" \t\r\n", g->text[end - 1]) != NULL)
        end--;
    char *copy = arena_alloc(arena, end - from + 1, 1);
    if (copy == NULL)
        return STATUS_SYSTEM;
    memcpy(copy, g->text + from, end - from);
    *out = copy;
    return STATUS_OK;
}

/* Said by the prompt already: one of its examples, or, as a title, the item's own. */
static enum status is_copied(const struct presenter *p, uint32_t item, enum present_kind kind,
                             const char *text, bool *copied)
{
    const struct column *title = view_item_column(p->view, "title");
    struct string_builder b = {0};
    const char *section = prompt_section(p->options.prompt, sections[kind]);
    *copied = strlen(text) >= 8 && strstr(section, text) != NULL;
    if (kind != PRESENT_TITLE || title == NULL || title->kind != COLUMN_TEXT)
        return STATUS_OK;
    const enum status status =
        prompt_plain(strings_at(&title->text, item), strings_length(&title->text, item), &b);
    *copied = *copied || (status == STATUS_OK && strlen(text) == b.length &&
                          (b.length == 0 || strncasecmp(text, b.bytes, b.length) == 0));
    string_builder_free(&b);
    return status;
}

/* What came: kept when it is the first, taken when nothing is wrong with it. */
static enum status judge(const struct presenter *p, uint32_t item, enum present_kind kind,
                         const struct generated *g, bool stopped, struct arena *arena,
                         struct presented_text *t, bool *good)
{
    struct fact_problem problem[PRESENT_PROBLEMS];
    const char *text;
    bool copied;
    size_t n;
    TRY(trim(g, arena, &text));
    TRY(is_copied(p, item, kind, text, &copied));
    const char *defect = text[0] == '\0'                                        ? "empty"
                         : utf8_valid_prefix(text, strlen(text)) < strlen(text) ? "not UTF-8"
                         : !stopped                                             ? "unfinished"
                         : copied                                               ? "copied"
                                                                                : NULL;
    TRY(facts_check(p->facts, item, text, strlen(text), problem, PRESENT_PROBLEMS, &n));
    *good = n == 0 && defect == NULL;
    if (t->tries++ == 0) {
        t->first = text;
        t->n_problems = n < PRESENT_PROBLEMS ? n : PRESENT_PROBLEMS;
        memcpy(t->problem, problem, t->n_problems * sizeof *problem);
        t->defect = defect;
    }
    if (*good)
        t->text = text;
    return STATUS_OK;
}

static enum status write_template(struct places *at, enum present_kind kind, struct arena *arena,
                                  struct presented_text *t)
{
    char *text;
    TRY(prompt_render(at->p->options.prompt, templates[kind], value, at, arena, &text));
    t->text = text;
    t->by_template = true;
    return STATUS_OK;
}

/* Items whose text of a kind is still to come. */
struct attempt {
    const struct presenter *p;
    enum present_kind kind;
    struct places *at;
    const uint32_t *items;
    struct presented *out;
    size_t *open; /* [left] places of items */
    size_t left;
};

/* Each once more, all together; those that fail stay open.  Logits of the whole vocabulary are large: they go into scratch. */
static enum status try_all(struct attempt *a, uint32_t number, struct arena *arena, struct arena *scratch)
{
    static const char *const stops[] = {"\n"};
    struct generate_options options = {
        .tokens = a->p->options.tokens, .sample = a->p->options.sample, .stops = stops, .n_stops = 1};
    struct prompt *prompts;
    struct generated *got;
    size_t still = 0;
    ARENA_NEW(prompts, scratch, a->left);
    ARENA_NEW(got, scratch, a->left);
    for (size_t k = 0; k < a->left; k++) {
        const struct presented *o = &a->out[a->open[k]];
        a->at->item = a->items[a->open[k]];
        a->at->description = a->kind == PRESENT_TITLE ? o->text[PRESENT_DESCRIPTION].text : NULL;
        TRY(prompt_of(a->at, a->kind, scratch, &prompts[k]));
    }
    options.sample.seed += number * PRESENT_KINDS + a->kind;
    TRY(generate(a->p->decoder, prompts, a->left, &options, scratch, got));
    for (size_t k = 0; k < a->left; k++) {
        bool good;
        TRY(judge(a->p, a->items[a->open[k]], a->kind, &got[k], got[k].n < options.tokens, arena,
                  &a->out[a->open[k]].text[a->kind], &good));
        if (!good)
            a->open[still++] = a->open[k];
    }
    a->left = still;
    return STATUS_OK;
}

/* One kind of text for all items. */
static enum status write_kind(const struct presenter *p, enum present_kind kind, struct places *at,
                              const uint32_t *items, size_t n, struct arena *arena, struct presented *out)
{
    struct attempt a = {.p = p, .kind = kind, .at = at, .items = items, .out = out, .left = n};
    ARENA_NEW(a.open, arena, n);
    for (size_t i = 0; i < n; i++)
        a.open[i] = i;
    for (uint32_t number = 0; number < p->options.tries && a.left > 0; number++) {
        struct arena *scratch = arena_new();
        const enum status status = scratch != NULL ? try_all(&a, number, arena, scratch) : STATUS_SYSTEM;
        arena_free(scratch);
        TRY(status);
    }
    for (size_t k = 0; k < a.left; k++) {
        at->item = items[a.open[k]];
        at->description = out[a.open[k]].text[PRESENT_DESCRIPTION].text;
        TRY(write_template(at, kind, arena, &out[a.open[k]].text[kind]));
    }
    return STATUS_OK;
}

enum status present_items(struct presenter *p, const uint32_t *history, size_t n_history,
                          const uint32_t *items, size_t n, struct arena *arena, struct presented *out)
{
    struct places at = {.p = p, .history = history, .n_history = n_history};
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        struct string_builder b = {0};
        const enum status status = put_facts(p, items[i], &b);
        char *facts = status == STATUS_OK ? arena_alloc(arena, b.length + 1, 1) : NULL;
        if (facts != NULL && b.length > 0)
            memcpy(facts, b.bytes, b.length);
        string_builder_free(&b);
        out[i].facts = facts;
        if (facts == NULL)
            return STATUS_SYSTEM;
    }
    for (int kind = 0; kind < PRESENT_KINDS && n > 0; kind++)
        TRY(write_kind(p, (enum present_kind)kind, &at, items, n, arena, out));
    return STATUS_OK;
}

/* ------------------------------------------------------------------------------------------------------ measures */

static enum status gain_of(struct places at[2], enum present_kind kind, const char *text, struct arena *arena,
                           double *gain)
{
    double logprob[2] = {0, 0};
    struct likelihood_text tokens = {.n = 0};
    uint32_t *ids;
    const char *line = arena_printf(arena, " %s\n", text);
    if (line == NULL)
        return STATUS_SYSTEM;
    TRY(tokenizer_encode(decoder_tokenizer(at[0].p->decoder), line, strlen(line), 0, arena, &ids, &tokens.n));
    tokens.ids = ids;
    for (int k = 0; k < 2; k++) {
        struct prompt prompt;
        TRY(prompt_of(&at[k], kind, arena, &prompt));
        TRY(likelihood(at[k].p->decoder, prompt.ids, prompt.n, &tokens, 1, false, &logprob[k]));
    }
    *gain = tokens.n > 0 ? (logprob[0] - logprob[1]) / (double)tokens.n : 0;
    return STATUS_OK;
}

enum status present_gain(const struct presenter *presenter, const struct presented *p, enum present_kind kind,
                         uint32_t item, const uint32_t *history, size_t n_history, const uint32_t *stranger,
                         size_t n_stranger, double *gain)
{
    const char *description = kind == PRESENT_TITLE ? p->text[PRESENT_DESCRIPTION].text : NULL;
    struct places at[2] = {{presenter, item, history, n_history, description},
                           {presenter, item, stranger, n_stranger, description}};
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = gain_of(at, kind, p->text[kind].first, arena, gain);
    arena_free(arena);
    return status;
}
