/*
 * facts.c - see facts.h.
 *
 * Text and record are cut into words alike: runs of letters, marks and digits with an apostrophe inside; "Spider-Man's" is spider and man.  Words
 * are compared after NFKC and case folding.
 */
#include "fusion/facts.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "fusion/item_text.h"
#include "text/script.h"
#include "text/stops.h"
#include "text/unicode.h"

const char *const fact_kinds[] = {"number", "name", "genre"};

/* One word of a text. */
struct word {
    const char *at; /* as written */
    size_t length;
    char *folded;                      /* terminated; without 's; of a number its digits */
    bool number, capital, han, begins; /* begins: a sentence */
};
struct words {
    struct word *word;
    size_t n;
};

/* A genre as words. */
struct genre {
    struct words words;
    const struct column *column;
    uint32_t name;
};
struct facts {
    const struct view *view;
    struct string_map *openers;
    struct genre *genre;
    size_t n_genres;
};

/* ------------------------------------------------------------------------------------------------------ words */

static bool in_word(uint32_t c)
{
    const utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_ME) || k == UTF8PROC_CATEGORY_ND;
}

static bool is_apostrophe(uint32_t c)
{
    return c == '\'' || c == 0x2019;
}

static bool ends_sentence(uint32_t c)
{
    return c == '.' || c == '!' || c == '?' || c == ':' || c == '\n' || c == 0x3002 || c == 0xFF01 ||
           c == 0xFF1F || c == 0xFF1A || c == '"' || c == 0x201C;
}

/* Folded, without a final 's. */
static enum status fold(const char *at, size_t length, struct arena *arena, char **out)
{
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t n = utf8proc_map(
        (const utf8proc_uint8_t *)at, (utf8proc_ssize_t)length, &folded,
        (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD));
    if (n < 0) { /* no valid UTF-8 */
        *out = arena_printf(arena, "%.*s", (int)length, at);
        return *out != NULL ? STATUS_OK : STATUS_SYSTEM;
    }
    char *text = (char *)folded;
    if (n > 2 && text[n - 1] == 's' && text[n - 2] == '\'')
        n -= 2;
    else if (n > 4 && memcmp(text + n - 4, "\xE2\x80\x99s", 4) == 0)
        n -= 4;
    *out = arena_printf(arena, "%.*s", (int)n, text);
    free(folded);
    return *out != NULL ? STATUS_OK : STATUS_SYSTEM;
}

/* A word of digits alone, with commas and points between them: commas go. */
static void as_number(struct word *w)
{
    size_t n = 0;
    bool digits = w->folded[0] != '\0';
    for (const char *c = w->folded; *c != '\0'; c++)
        digits = digits && ((*c >= '0' && *c <= '9') || *c == ',' || *c == '.');
    if (!digits)
        return;
    w->number = true;
    for (const char *c = w->folded; *c != '\0'; c++)
        if (*c != ',')
            w->folded[n++] = *c;
    w->folded[n] = '\0';
}

static bool is_digit(uint32_t c)
{
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ND;
}

/* Where the word that begins at `at` ends: digits apart from letters, Han characters a word each. */
static size_t word_end(const char *text, size_t length, size_t at, uint32_t first)
{
    size_t end = at;
    if (unicode_is_cjk(first))
        return end;
    while (end < length) {
        size_t next = end;
        const uint32_t c = unicode_next(text, length, &next);
        size_t after = next;
        const uint32_t behind = next < length ? unicode_next(text, length, &after) : 0;
        const bool joins = is_digit(first) ? (c == ',' || c == '.') && is_digit(behind)
                                           : is_apostrophe(c) && in_word(behind) && !is_digit(behind);
        if (!joins && (!in_word(c) || unicode_is_cjk(c) || is_digit(c) != is_digit(first)))
            break;
        end = next;
    }
    return end;
}

static enum status cut(const char *text, size_t length, struct arena *arena, struct words *out)
{
    bool begins = true;
    ARENA_NEW(out->word, arena, length + 1);
    out->n = 0;
    for (size_t at = 0; at < length;) {
        const size_t from = at;
        const uint32_t c = unicode_next(text, length, &at);
        if (!in_word(c)) {
            begins = begins || ends_sentence(c);
            continue;
        }
        at = word_end(text, length, at, c);
        struct word *w = &out->word[out->n++];
        const utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
        *w = (struct word){.at = text + from,
                           .length = at - from,
                           .capital = k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LT,
                           .han = unicode_is_cjk(c),
                           .begins = begins};
        TRY(fold(w->at, w->length, arena, &w->folded));
        if (is_digit(c))
            as_number(w);
        begins = false;
    }
    return STATUS_OK;
}

static bool has(const struct words *words, const char *folded)
{
    for (size_t i = 0; i < words->n; i++)
        if (strcmp(words->word[i].folded, folded) == 0)
            return true;
    return false;
}

/* ------------------------------------------------------------------------------------------------------ the record */

enum status facts_open(const struct view *view, const char *openers, struct arena *arena, struct facts **out)
{
    static const char *const columns[] = {"genres", "categories"};
    struct facts *f;
    struct words words = {0};
    ARENA_NEW(f, arena, 1);
    f->view = view;
    f->openers = string_map_new();
    if (f->openers == NULL)
        return STATUS_SYSTEM;
    *out = f;
    if (openers != NULL)
        TRY(cut(openers, strlen(openers), arena, &words));
    for (size_t i = 0; i < words.n; i++)
        if (string_map_add(f->openers, words.word[i].folded, strlen(words.word[i].folded)) == UINT32_MAX)
            return STATUS_SYSTEM;
    size_t n = 0;
    for (int c = 0; c < 2; c++) {
        const struct column *column = view_item_column(view, columns[c]);
        n += column != NULL && column->kind == COLUMN_LIST ? column->names.n : 0;
    }
    ARENA_NEW(f->genre, arena, n);
    for (int c = 0; c < 2; c++) {
        const struct column *column = view_item_column(view, columns[c]);
        for (uint64_t k = 0; column != NULL && column->kind == COLUMN_LIST && k < column->names.n; k++) {
            struct genre *g = &f->genre[f->n_genres++];
            *g = (struct genre){.column = column, .name = (uint32_t)k};
            TRY(cut(strings_at(&column->names, k), strings_length(&column->names, k), arena, &g->words));
        }
    }
    return STATUS_OK;
}

void facts_close(struct facts *facts)
{
    if (facts != NULL)
        string_map_free(facts->openers);
}

/* Words of all columns of the item. */
static enum status record_of(const struct facts *f, uint32_t item, struct arena *arena, struct words *out,
                             char **text)
{
    struct string_builder b = {0};
    enum status status = STATUS_OK;
    for (uint32_t c = 0; c < f->view->n_item_columns && status == STATUS_OK; c++) {
        status = item_text_column(&f->view->item_columns[c], item, &b);
        if (status == STATUS_OK)
            status = string_builder_append(&b, "\n", 1);
    }
    if (status == STATUS_OK) {
        *text = arena_alloc(arena, b.length + 1, 1);
        status = *text != NULL ? STATUS_OK : STATUS_SYSTEM;
        if (*text != NULL && b.length > 0)
            memcpy(*text, b.bytes, b.length);
    }
    const size_t n = b.length;
    string_builder_free(&b);
    return status == STATUS_OK ? cut(*text, n, arena, out) : status;
}

/* ------------------------------------------------------------------------------------------------------ checks */

struct check {
    const struct facts *f;
    uint32_t item;
    struct words words, record;
    char *record_text;
    struct fact_problem *problem;
    size_t most, n;
    bool chinese;
};

static void found(struct check *c, enum fact_kind kind, const char *text, size_t length)
{
    if (c->n < c->most) {
        struct fact_problem *p = &c->problem[c->n];
        p->kind = kind;
        length = length < sizeof p->text - 1 ? length : sizeof p->text - 1;
        length = utf8_valid_prefix(text, length);
        memcpy(p->text, text, length);
        p->text[length] = '\0';
    }
    c->n++;
}

/* The digits that a number word stands for; NULL: it is none. */
static const char *number_word(const char *folded)
{
    static const char *const words[][2] = {
        {"two", "2"},     {"three", "3"},  {"four", "4"},      {"five", "5"},        {"six", "6"},
        {"seven", "7"},   {"eight", "8"},  {"nine", "9"},      {"ten", "10"},        {"eleven", "11"},
        {"twelve", "12"}, {"dozen", "12"}, {"hundred", "100"}, {"thousand", "1000"}, {"million", "1000000"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i][0], folded) == 0)
            return words[i][1];
    return NULL;
}

/* Is the number in the record, as digits or as a word? */
static bool has_number(const struct words *record, const char *digits)
{
    for (size_t i = 0; i < record->n; i++) {
        const char *word =
            record->word[i].number ? record->word[i].folded : number_word(record->word[i].folded);
        if (word != NULL && strcmp(word, digits) == 0)
            return true;
    }
    return false;
}

static bool is_pronoun(const char *folded)
{
    return folded[0] == 'i' && (folded[1] == '\0' || folded[1] == '\'' || (unsigned char)folded[1] == 0xE2);
}

static void check_word(struct check *c, const struct word *w)
{
    const char *digits = w->number ? w->folded : number_word(w->folded);
    const size_t n = strlen(w->folded);
    if (digits != NULL && !has_number(&c->record, digits))
        found(c, FACT_NUMBER, w->at, w->length);
    if (digits != NULL || w->han || has(&c->record, w->folded))
        return;
    if (c->chinese) {
        found(c, FACT_NAME, w->at, w->length);
        return;
    }
    if (!w->capital || is_pronoun(w->folded) || stops_has(STOPS_ENGLISH, w->folded, n))
        return;
    if (!w->begins || string_map_find(c->f->openers, w->folded, n) == UINT32_MAX)
        found(c, FACT_NAME, w->at, w->length);
}

/* Equal, or its plural: comedy, comedies; western, westerns. */
static bool same_word(const char *word, const char *name)
{
    const size_t n = strlen(name), k = strlen(word);
    if (strncmp(word, name, n) == 0)
        return k == n || (k == n + 1 && word[n] == 's');
    return n > 1 && name[n - 1] == 'y' && k == n + 2 && strncmp(word, name, n - 1) == 0 &&
           strcmp(word + n - 1, "ies") == 0;
}

static bool stands_at(const struct words *words, size_t at, const struct words *name)
{
    bool same = name->n > 0 && at + name->n <= words->n;
    for (size_t k = 0; k < name->n && same; k++)
        same = same_word(words->word[at + k].folded, name->word[k].folded);
    return same;
}

static bool stands(const struct words *words, const struct words *name)
{
    for (size_t i = 0; i < words->n; i++)
        if (stands_at(words, i, name))
            return true;
    return false;
}

static void check_genres(struct check *c, size_t at)
{
    for (size_t g = 0; g < c->f->n_genres; g++) {
        const struct genre *genre = &c->f->genre[g];
        if (!stands_at(&c->words, at, &genre->words) || csr_has(&genre->column->list, c->item, genre->name) ||
            stands(&c->record, &genre->words))
            continue;
        const struct word *last = &c->words.word[at + genre->words.n - 1], *first = &c->words.word[at];
        found(c, FACT_GENRE, first->at, (size_t)(last->at + last->length - first->at));
    }
}

/* What a Chinese text puts into quotes is a name. */
static void check_quotes(struct check *c, const char *text, size_t length)
{
    static const char *const marks[][2] = {{"《", "》"}, {"“", "”"}, {"「", "」"}};
    for (size_t m = 0; m < 3; m++)
        for (const char *at = text, *end = text + length; at < end;) {
            const size_t n = strlen(marks[m][0]), k = strlen(marks[m][1]);
            const char *open = memmem(at, (size_t)(end - at), marks[m][0], n);
            const char *close =
                open != NULL ? memmem(open + n, (size_t)(end - open) - n, marks[m][1], k) : NULL;
            if (close == NULL)
                break;
            const size_t inside = (size_t)(close - open) - n;
            if (inside > 0 && memmem(c->record_text, strlen(c->record_text), open + n, inside) == NULL)
                found(c, FACT_NAME, open + n, inside);
            at = close + k;
        }
}

enum status facts_check(const struct facts *facts, uint32_t item, const char *text, size_t length,
                        struct fact_problem *problem, size_t most, size_t *n)
{
    struct check c = {.f = facts, .item = item, .problem = problem, .most = most};
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = cut(text, length, arena, &c.words);
    if (status == STATUS_OK)
        status = record_of(facts, item, arena, &c.record, &c.record_text);
    if (status == STATUS_OK) {
        const enum script script = script_guess(text, length);
        c.chinese = script == SCRIPT_HAN || script == SCRIPT_MIXED;
        for (size_t i = 0; i < c.words.n; i++) {
            check_word(&c, &c.words.word[i]);
            check_genres(&c, i);
        }
        if (c.chinese)
            check_quotes(&c, text, length);
    }
    *n = c.n;
    arena_free(arena);
    return status;
}
