/* corruption.c - see corruption.h. */
#include "text/corruption.h"

#include <math.h>
#include <stdlib.h>

#include "backend/backend.h"
#include "text/preprocess.h"
#include "text/segment.h"

/* What a word's random numbers are for; never renumber. */
enum lot { LOT_KEPT, LOT_NOISE, LOT_WORD, LOTS };

struct word {
    uint64_t begin, end; /* bytes of all texts */
};

/* Words of all texts, text after text. */
struct words {
    const char *bytes;
    struct word *word;
    uint64_t n, room;
    uint64_t *ptr; /* [texts + 1] */
};

static enum status collect(void *context, const char *at, size_t length)
{
    struct words *w = context;
    if (w->n == w->room) {
        struct word *more = realloc(w->word, (w->room * 2 + 1024) * sizeof *more);
        if (more == NULL)
            return status_fail(STATUS_SYSTEM, "out of memory: words of texts");
        w->word = more;
        w->room = w->room * 2 + 1024;
    }
    w->word[w->n].begin = (uint64_t)(at - w->bytes);
    w->word[w->n].end = w->word[w->n].begin + length;
    w->n++;
    return STATUS_OK;
}

static enum status find_words(const struct strings *in, struct arena *arena, struct words *w)
{
    struct segmenter *segmenter = NULL;
    enum status status = STATUS_OK;
    w->bytes = in->bytes;
    ARENA_NEW(w->ptr, arena, in->n + 1);
    if (preprocess_has_chinese(in))
        TRY(segmenter_open(NULL, &segmenter));
    for (uint64_t i = 0; i < in->n && status == STATUS_OK; i++) {
        status = words_visit(strings_at(in, i), strings_length(in, i), WORDS_UNICODE, segmenter, collect, w);
        w->ptr[i + 1] = w->n;
    }
    segmenter_close(segmenter);
    return status;
}

/* FNV-1a: an item's lots are its own whatever number it has here. */
static uint64_t hash(const char *bytes, size_t length)
{
    uint64_t h = 14695981039346656037U;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)bytes[i]) * 1099511628211U;
    return h;
}

static double draw(const struct corruption *c, uint64_t id, uint64_t position, enum lot lot)
{
    return random_unit((uint64_t)c->words_seed, RANDOM_CORRUPTION, (uint32_t)(position * LOTS + lot), id);
}

struct placed {
    double lot;
    uint64_t position;
};
static int smallest_first(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->lot != y->lot)
        return x->lot < y->lot ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

/* keep [n]: which of the n words of a text stay. */
static void choose(const struct corruption *c, uint64_t id, uint64_t n, struct placed *placed, bool *keep)
{
    const double share = c->words_kept > 0 ? c->words_kept : 1;
    const uint64_t wanted = (uint64_t)ceil((double)n * share - 1e-9);
    for (uint64_t p = 0; p < n; p++) {
        placed[p] = (struct placed){c->words_which == CORRUPTION_FIRST ? 0 : draw(c, id, p, LOT_KEPT), p};
        keep[p] = false;
    }
    qsort(placed, n, sizeof *placed, smallest_first);
    for (uint64_t k = 0; k < wanted; k++)
        keep[placed[k].position] = true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Where the marks behind a word end and those before the next begin, in the gap [from, to) between them; the gap of no space is the former's. */
static bool cut_gap(const char *bytes, uint64_t from, uint64_t to, uint64_t *before, uint64_t *after)
{
    *before = from;
    while (*before < to && !is_space(bytes[*before]))
        ++*before;
    *after = *before;
    while (*after < to && is_space(bytes[*after]))
        ++*after;
    return *after > *before;
}

/* One text of words [first, first + n). */
static enum status write_text(const struct corruption *c, const struct words *w, uint64_t first, uint64_t n,
                              uint64_t begin, uint64_t end, uint64_t id, const bool *keep,
                              struct string_builder *b)
{
    uint64_t from = begin; /* of the piece at hand: marks, word, marks */
    bool space = false, any = false;
    for (uint64_t p = 0; p < n; p++) {
        const struct word *word = &w->word[first + p], *said = word;
        uint64_t to = end, next = end;
        const bool parted = p + 1 < n && cut_gap(w->bytes, word->end, word[1].begin, &to, &next);
        if (keep[p]) {
            if (c->words_noise > 0 && draw(c, id, p, LOT_NOISE) < c->words_noise)
                said = &w->word[(uint64_t)(draw(c, id, p, LOT_WORD) * (double)w->n)];
            if (space && any)
                TRY(string_builder_append(b, " ", 1));
            TRY(string_builder_append(b, w->bytes + from, word->begin - from));
            TRY(string_builder_append(b, w->bytes + said->begin, said->end - said->begin));
            TRY(string_builder_append(b, w->bytes + word->end, to - word->end));
            any = true;
            space = false;
        }
        space = space || parted;
        from = next;
    }
    if (n == 0) /* marks alone */
        TRY(string_builder_append(b, w->bytes + begin, end - begin));
    return string_builder_end(b);
}

static enum status write_all(const struct corruption *c, const struct strings *in, const struct strings *ids,
                             const struct words *w, struct string_builder *b)
{
    uint64_t most = 1;
    enum status status = STATUS_OK;
    for (uint64_t i = 0; i < in->n; i++)
        most = w->ptr[i + 1] - w->ptr[i] > most ? w->ptr[i + 1] - w->ptr[i] : most;
    struct placed *placed = malloc(most * sizeof *placed);
    bool *keep = malloc(most * sizeof *keep);
    if (placed == NULL || keep == NULL)
        status = status_fail(STATUS_SYSTEM, "out of memory: words of a text");
    for (uint64_t i = 0; i < in->n && status == STATUS_OK; i++) {
        const uint64_t id = hash(strings_at(ids, i), strings_length(ids, i)), n = w->ptr[i + 1] - w->ptr[i];
        choose(c, id, n, placed, keep);
        status = write_text(c, w, w->ptr[i], n, in->offsets[i], in->offsets[i + 1], id, keep, b);
    }
    free(placed);
    free(keep);
    return status;
}

enum status corruption_apply(const struct corruption *c, const struct strings *in, const struct strings *ids,
                             struct arena *arena, struct strings *out)
{
    struct words w = {0};
    struct string_builder b = {0};
    *out = *in;
    if ((c->words_kept <= 0 || c->words_kept >= 1) && c->words_noise <= 0)
        return STATUS_OK;
    enum status status = find_words(in, arena, &w);
    if (status == STATUS_OK)
        status = write_all(c, in, ids, &w, &b);
    free(w.word);
    if (status == STATUS_OK)
        return string_builder_finish(&b, arena, out);
    string_builder_free(&b);
    return status;
}
