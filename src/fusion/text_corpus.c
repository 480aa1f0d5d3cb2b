/* text_corpus.c - see text_corpus.h. */
#include "fusion/text_corpus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strings.h"
#include "text/terms.h"

static void add_text(struct text_corpus *c, const struct strings *s, uint64_t at, uint32_t item, float label)
{
    c->bytes[c->n] = strings_at(s, at);
    c->bytes_n[c->n] = strings_length(s, at);
    c->item[c->n] = item;
    c->label[c->n++] = label;
}

static bool is_review(const struct view *v, uint64_t t)
{
    return v->texts.kind[t] == TEXT_REVIEW && v->texts.item[t] < v->n_items && v->texts.user[t] < v->n_users;
}

/* Reviews of train rows. */
static void gather_reviews(const struct text_corpus_options *p, const struct view *v, struct text_corpus *c)
{
    const struct csr *a = v->by_user;
    for (uint64_t t = 0; t < v->texts.n; t++) {
        if (!is_review(v, t))
            continue;
        const uint32_t u = v->texts.user[t], i = v->texts.item[t];
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            if (a->idx[e] == i)
                add_text(c, &v->texts.text, t, i, (double)a->val[e] >= p->liked_from ? 1.0F : 0.0F);
    }
}

static void gather_items(const struct text_corpus_options *p, const struct view *v,
                         const struct strings *texts, struct text_corpus *c)
{
    const struct csr *a = v->by_item;
    for (uint32_t i = 0; i < v->n_items; i++) {
        const double n = (double)(a->ptr[i + 1] - a->ptr[i]);
        double liked = 0;
        for (int64_t e = a->ptr[i]; e < a->ptr[i + 1]; e++)
            liked += (double)a->val[e] >= p->liked_from;
        add_text(c, texts, i, i, n > 0 ? (float)(liked / n) : NAN);
    }
}

static enum status gather(const struct text_corpus_options *p, const struct view *v, struct arena *arena,
                          struct text_corpus *c)
{
    uint64_t n_reviews = 0;
    struct strings texts;
    for (uint64_t t = 0; t < v->texts.n; t++)
        n_reviews += is_review(v, t);
    const bool reviews = p->source == TEXT_CORPUS_REVIEWS || (p->source == TEXT_CORPUS_AUTO && n_reviews > 0);
    const uint64_t most = reviews ? n_reviews : v->n_items;
    if (reviews && n_reviews == 0)
        return status_fail(STATUS_UNAVAILABLE, "the dataset has no reviews: take source: items");
    *c = (struct text_corpus){0};
    ARENA_NEW(c->bytes, arena, most);
    ARENA_NEW(c->bytes_n, arena, most);
    ARENA_NEW(c->label, arena, most);
    ARENA_NEW(c->item, arena, most);
    ARENA_NEW(c->ptr, arena, most + 1);
    if (reviews)
        gather_reviews(p, v, c);
    else {
        TRY(item_texts_read(v, &p->text, p->max_reviews, &p->corruption, arena, &texts));
        gather_items(p, v, &texts, c);
    }
    return STATUS_OK;
}

/* Words as numbers of first appearance, text after text; how many texts have each. */
struct reading {
    struct string_map *map;
    uint32_t *word, *texts_of, *last; /* [room]; [room of words] */
    size_t n, room, words_room;
    uint32_t text;
};

static bool grow(uint32_t **x, size_t from, size_t to)
{
    uint32_t *more = realloc(*x, to * sizeof *more);
    if (more == NULL)
        return false;
    memset(more + from, 0, (to - from) * sizeof *more);
    *x = more;
    return true;
}

static enum status read_word(void *context, const char *word, size_t length)
{
    struct reading *r = context;
    const uint32_t w = string_map_add(r->map, word, length);
    if (w == UINT32_MAX)
        return STATUS_SYSTEM;
    if ((w >= r->words_room && !(grow(&r->texts_of, r->words_room, 2 * r->words_room) &&
                                 grow(&r->last, r->words_room, 2 * r->words_room))) ||
        (r->n == r->room && !grow(&r->word, r->room, 2 * r->room)))
        return status_fail(STATUS_SYSTEM, "memory is out: %zu words of texts", r->n);
    r->words_room = w >= r->words_room ? 2 * r->words_room : r->words_room;
    r->room = r->n == r->room ? 2 * r->room : r->room;
    r->texts_of[w] += r->last[w] != r->text + 1;
    r->last[w] = r->text + 1;
    r->word[r->n++] = w;
    return STATUS_OK;
}

struct frequent {
    uint32_t texts, word;
};
static int more_texts_first(const void *x, const void *y)
{
    const struct frequent *a = x, *b = y;
    if (a->texts != b->texts)
        return a->texts > b->texts ? -1 : 1;
    return a->word < b->word ? -1 : a->word > b->word;
}

/* The numbers that words get. */
static enum status number_words(const struct text_corpus_options *p, const struct reading *r,
                                struct arena *scratch, uint32_t **number, uint32_t *n_words)
{
    const uint32_t n = string_map_size(r->map);
    struct frequent *order = NULL;
    ARENA_NEW(order, scratch, n);
    ARENA_NEW(*number, scratch, n);
    for (uint32_t w = 0; w < n; w++)
        order[w] = (struct frequent){r->texts_of[w], w};
    qsort(order, n, sizeof *order, more_texts_first);
    *n_words = TEXT_CORPUS_FIRST_WORD;
    for (uint32_t k = 0; k < n; k++) {
        const bool known = k < (uint32_t)p->max_words && order[k].texts >= (uint32_t)p->min_df;
        (*number)[order[k].word] = known ? (*n_words)++ : TEXT_CORPUS_RARE_WORD;
    }
    return STATUS_OK;
}

static enum status read_all(const struct text_corpus_options *p, struct reading *r, struct arena *scratch,
                            struct text_corpus *c)
{
    const struct text_options options = {.chinese = p->chinese};
    struct text_analyzer *analyzer = NULL;
    uint32_t *number = NULL;
    enum status status = text_analyzer_open(&options, &analyzer);
    for (r->text = 0; r->text < c->n && status == STATUS_OK; r->text++) {
        status =
            text_analyzer_visit(analyzer, STAGE_TERMS, c->bytes[r->text], c->bytes_n[r->text], read_word, r);
        c->ptr[r->text + 1] = (int64_t)r->n;
    }
    text_analyzer_close(analyzer);
    if (status == STATUS_OK)
        status = number_words(p, r, scratch, &number, &c->n_words);
    if (status != STATUS_OK)
        return status;
    ARENA_NEW(c->word, scratch, r->n);
    for (size_t k = 0; k < r->n; k++)
        c->word[k] = number[r->word[k]];
    return STATUS_OK;
}

enum status text_corpus_read(const struct text_corpus_options *options, const struct view *view,
                             struct arena *arena, struct text_corpus *out)
{
    TRY(gather(options, view, arena, out));
    struct reading r = {.map = string_map_new(), .room = 1024, .words_room = 1024};
    const bool there = r.map != NULL && grow(&r.word, 0, r.room) && grow(&r.texts_of, 0, r.words_room) &&
                       grow(&r.last, 0, r.words_room);
    const enum status status =
        there ? read_all(options, &r, arena, out) : status_fail(STATUS_SYSTEM, "memory is out for texts");
    string_map_free(r.map);
    free(r.word), free(r.texts_of), free(r.last);
    return status;
}
