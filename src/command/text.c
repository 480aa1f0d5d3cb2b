/*
 * text.c - `recfuse text`: what becomes of texts, stage by stage, as a model of words would see them; for teaching, and to
 * choose options by eye.
 *
 * Texts are --text, or item texts of a dataset put together as for a model, or what users wrote.  Long ones are cut at the
 * width asked for, counted in columns of a terminal (a Han character has two); control characters are shown as escapes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "command/command.h"
#include "data/store.h"
#include "data/view.h"
#include "text/script.h"
#include "text/terms.h"

enum { WIDTH = 100, FIELDS_MAX = 16 };

struct settings {
    struct text_options options;
};
static const struct param settings_params[] = {TEXT_PARAMS(struct settings, options), PARAM_END};

struct arguments {
    const char *file, *text;
    char *fields; /* "title,genres" */
    bool written; /* what users wrote */
    long show, width, max_reviews;
    struct settings settings;
    struct arena *arena;
    enum status status; /* of --set */
};

enum {
    OPTION_SHOW = 256,
    OPTION_TEXT,
    OPTION_FIELDS,
    OPTION_WRITTEN,
    OPTION_SET,
    OPTION_WIDTH,
    OPTION_REVIEWS
};

/* KEY=VALUE, by the table that the models share. */
static enum status set_option(struct arguments *a, const char *argument)
{
    struct node *value = NULL;
    const char *equals = strchr(argument, '=');
    if (equals == NULL || equals == argument)
        return status_fail(STATUS_USAGE, "--set %s: expected KEY=VALUE", argument);
    char *file = arena_printf(a->arena, "--set %s", argument);
    char *yaml = arena_printf(a->arena, "{%.*s: %s}", (int)(equals - argument), argument, equals + 1);
    if (file == NULL || yaml == NULL)
        return STATUS_SYSTEM;
    TRY(node_parse(file, yaml, strlen(yaml), a->arena, &value));
    return params_set(settings_params, "text", value, a->arena, &a->settings);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case OPTION_SHOW:
        a->show = command_number(state, "--show", argument, 1, INT32_MAX);
        return 0;
    case OPTION_WIDTH:
        a->width = command_number(state, "--width", argument, 10, INT32_MAX);
        return 0;
    case OPTION_REVIEWS:
        a->max_reviews = command_number(state, "--max-reviews", argument, 0, INT32_MAX);
        return 0;
    case OPTION_TEXT:
        a->text = argument;
        return 0;
    case OPTION_FIELDS:
        a->fields = argument;
        return 0;
    case OPTION_WRITTEN:
        a->written = true;
        return 0;
    case OPTION_SET:
        if (a->status == STATUS_OK)
            a->status = set_option(a, argument);
        return 0;
    case ARGP_KEY_ARG:
        if (a->file != NULL)
            argp_error(state, "'%s' is one file too many", argument);
        a->file = argument;
        return 0;
    case ARGP_KEY_END:
        if ((a->file == NULL) == (a->text == NULL))
            argp_error(state, "a dataset file or --text is needed, and not both");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Prints at most `width` columns, then "..." with the length of the whole; controls and broken bytes as escapes. */
static void print_cut(const char *label, const char *bytes, size_t length, long width)
{
    long column = 0;
    printf("  %-10s ", label);
    for (size_t at = 0; at < length;) {
        utf8proc_int32_t point = 0;
        const utf8proc_ssize_t step =
            utf8proc_iterate((const utf8proc_uint8_t *)bytes + at, (utf8proc_ssize_t)(length - at), &point);
        const bool control = step > 0 && (utf8proc_category(point) == UTF8PROC_CATEGORY_CC ||
                                          point == 0x2028 || point == 0x2029);
        const long wide = step <= 0 ? 4 : control ? 6 : utf8proc_charwidth(point);
        if (column + wide > width) {
            printf(" ... (%zu bytes)", length);
            break;
        }
        if (step <= 0)
            printf("\\x%02X", (unsigned char)bytes[at]);
        else if (control)
            printf("\\u%04X", (unsigned)point);
        else
            fwrite(bytes + at, 1, (size_t)step, stdout);
        column += wide;
        at += step > 0 ? (size_t)step : 1;
    }
    putchar('\n');
}

struct stage_text {
    struct string_builder b;
    size_t n;
};
static enum status add_term(void *context, const char *word, size_t length)
{
    struct stage_text *s = context;
    if (s->n++ > 0)
        TRY(string_builder_append(&s->b, " | ", 3));
    return string_builder_append(&s->b, word, length);
}

static enum status show_text(struct text_analyzer *analyzer, const char *bytes, size_t length, long width)
{
    static const char *const labels[] = {"words", "no stops", "stems", "terms"};
    struct stage_text s = {{0}, 0};
    print_cut("text", bytes, length, width);
    printf("  %-10s %s\n", "script", script_name(script_guess(bytes, length)));
    enum status status = text_analyzer_clean(analyzer, bytes, length, &s.b);
    if (status == STATUS_OK)
        print_cut("cleaned", s.b.length > 0 ? s.b.bytes : "", s.b.length, width);
    for (int stage = STAGE_WORDS; stage <= STAGE_TERMS && status == STATUS_OK; stage++) {
        s.b.length = s.n = 0;
        status = text_analyzer_visit(analyzer, (enum text_stage)stage, bytes, length, add_term, &s);
        if (status == STATUS_OK)
            print_cut(labels[stage], s.b.length > 0 ? s.b.bytes : "", s.b.length, width);
    }
    string_builder_free(&s.b);
    return status;
}

/* The texts of the items, as a model that sees every row would get them. */
static enum status item_texts(struct arguments *a, const struct dataset *d, struct strings *out)
{
    const char *names[FIELDS_MAX];
    size_t n = 0;
    char *rest = a->fields, *name;
    while ((name = strsep(&rest, ",")) != NULL) {
        if (n == FIELDS_MAX)
            return status_fail(STATUS_USAGE, "--fields: more than %d", FIELDS_MAX);
        names[n++] = name;
    }
    const struct fold all = {.train = d->interactions};
    struct view *view = NULL;
    TRY(view_build(d, &all, a->arena, &view));
    return view_item_texts(view, &(struct param_list){n, names}, (uint32_t)a->max_reviews, a->arena, out);
}

static enum status show_dataset(struct arguments *a, struct text_analyzer *analyzer)
{
    struct dataset *d = NULL;
    struct strings texts = {0};
    TRY(store_read(a->file, a->arena, &d));
    if (a->written)
        texts = d->texts.text;
    else
        TRY(item_texts(a, d, &texts));
    const char *what = a->written ? "texts that users wrote" : "items";
    const uint64_t n = texts.n < (uint64_t)a->show ? texts.n : (uint64_t)a->show;
    printf("%s: %llu of %llu %s\n", a->file, (unsigned long long)n, (unsigned long long)texts.n, what);
    for (uint64_t i = 0; i < n; i++) {
        if (a->written)
            printf("%llu\n", (unsigned long long)i + 1);
        else
            printf("%.*s\n", (int)strings_length(&d->item_ids, i), strings_at(&d->item_ids, i));
        TRY(show_text(analyzer, strings_at(&texts, i), strings_length(&texts, i), a->width));
    }
    return STATUS_OK;
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"show", OPTION_SHOW, "N", 0, "Show so many texts (default 5)", 0},
        {"text", OPTION_TEXT, "TEXT", 0, "Show this text and open no dataset", 0},
        {"fields", OPTION_FIELDS, "A,B", 0, "What item texts are made of (default title)", 0},
        {"max-reviews", OPTION_REVIEWS, "N", 0, "At most so many reviews an item (default 50)", 0},
        {"written", OPTION_WRITTEN, NULL, 0, "What users wrote (reviews, tags), not item texts", 0},
        {"set", OPTION_SET, "KEY=VALUE", 0,
         "A text option of the models: stem=english, chinese=friso ... (docs/text.md)", 0},
        {"width", OPTION_WIDTH, "N", 0, "Cut lines at so many columns (default 100)", 0},
        {0}};
    const struct argp argp = {
        options, parse, "[FILE.h5]", "Shows texts before and after each stage of cleaning.",
        NULL,    NULL,  NULL};
    static char title[] = "title";
    struct arguments a = {
        .fields = title, .show = 5, .width = WIDTH, .max_reviews = 50, .arena = arena_new()};
    struct text_analyzer *analyzer = NULL;
    if (a.arena == NULL)
        return STATUS_SYSTEM;
    a.status = params_default(settings_params, a.arena, &a.settings);
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.status == STATUS_OK)
        a.status = text_options_check(&a.settings.options, NULL);
    if (a.status == STATUS_OK)
        a.status = text_analyzer_open(&a.settings.options, &analyzer);
    if (a.status == STATUS_OK)
        a.status = a.text != NULL ? show_text(analyzer, a.text, strlen(a.text), a.width)
                                  : show_dataset(&a, analyzer);
    text_analyzer_close(analyzer);
    arena_free(a.arena);
    return a.status;
}

const struct command command_text = {"text", "[FILE.h5]", "texts before and after each stage of cleaning",
                                     run};
