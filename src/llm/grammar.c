/*
 * grammar.c - see grammar.h.
 *
 * Choices are the sorted token sequences: those that begin as the text does are a range of them, which each token narrows; a trie
 * without nodes.  JSON is a machine over bytes with a stack; a token may follow when all its bytes may, one after the other.  Tokens are
 * tried in the order of their first byte, so that most are ruled out 256 at a time.
 */
#include "llm/grammar.h"

#include <stdlib.h>
#include <string.h>

struct sequence {
    uint32_t *ids;
    size_t n;
};

struct grammar {
    bool json;
    struct sequence *choice; /* [n_choices], sorted, each once */
    uint32_t n_choices, vocabulary;
    const char **bytes; /* JSON: of each token, [vocabulary]; lengths: 0 where it may never come */
    uint32_t *length;
    uint32_t one[256]; /* the token that is this byte alone, or UINT32_MAX */
};

/* ------------------------------------------------------------------------------------------------------ choices */

static int by_tokens(const void *left, const void *right)
{
    const struct sequence *a = left, *b = right;
    for (size_t i = 0; i < a->n && i < b->n; i++)
        if (a->ids[i] != b->ids[i])
            return a->ids[i] < b->ids[i] ? -1 : 1;
    return (a->n > b->n) - (a->n < b->n);
}

enum status grammar_choices(const struct tokenizer *tokenizer, const char *const *texts, size_t n,
                            struct arena *arena, struct grammar **out)
{
    struct grammar *g;
    if (n == 0 || n > UINT32_MAX)
        return status_fail(STATUS_USAGE, "a grammar of given texts needs at least one");
    ARENA_NEW(g, arena, 1);
    ARENA_NEW(g->choice, arena, n);
    g->vocabulary = tokenizer_size(tokenizer);
    for (size_t i = 0; i < n; i++) {
        TRY(tokenizer_encode(tokenizer, texts[i], strlen(texts[i]), 0, arena, &g->choice[i].ids,
                             &g->choice[i].n));
        if (g->choice[i].n == 0)
            return status_fail(STATUS_USAGE, "choice %zu ('%.60s') has no token", i + 1, texts[i]);
    }
    qsort(g->choice, n, sizeof *g->choice, by_tokens);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || by_tokens(&g->choice[i - 1], &g->choice[i]) != 0)
            g->choice[g->n_choices++] = g->choice[i];
    *out = g;
    return STATUS_OK;
}

static size_t next_of_choices(const struct grammar *g, const struct grammar_state *s, uint32_t *out,
                              bool *may_end)
{
    size_t n = 0;
    uint32_t low = s->begun ? s->low : 0;
    const uint32_t high = s->begun ? s->high : g->n_choices;
    *may_end = low < high && g->choice[low].n == s->depth;
    for (low += *may_end; low < high; low++) {
        const uint32_t id = g->choice[low].ids[s->depth];
        if (n == 0 || out[n - 1] != id)
            out[n++] = id;
    }
    return n;
}

static void take_of_choices(const struct grammar *g, struct grammar_state *s, uint32_t token)
{
    if (!s->begun)
        s->begun = true, s->high = g->n_choices;
    while (s->low < s->high && (g->choice[s->low].n <= s->depth || g->choice[s->low].ids[s->depth] != token))
        s->low++;
    uint32_t end = s->low;
    while (end < s->high && g->choice[end].ids[s->depth] == token)
        end++;
    s->high = end;
    s->depth++;
}

/* ------------------------------------------------------------------------------------------------------ JSON */

enum mode {
    VALUE,        /* a value begins */
    VALUE_OR_END, /* behind '[' */
    KEY,          /* a name begins */
    KEY_OR_END,   /* behind '{' */
    COLON,
    AFTER, /* a value is whole */
    STRING,
    ESCAPE,
    HEX,  /* `left` digits more */
    TAIL, /* `left` bytes more of a character; `first`: its second byte's least, in `form` its most */
    MINUS,
    ZERO,
    WHOLE,
    DOT,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    POWER,
    LITERAL /* `literal` and `left` */
};
static const char *const literals[] = {"true", "false", "null"};
enum { DIGITS = 15 };

static bool is_number_end(unsigned char mode)
{
    return mode == ZERO || mode == WHOLE || mode == FRACTION || mode == POWER;
}

static void value_done(struct grammar_state *s)
{
    s->mode = AFTER;
    s->blank = 0;
}

static bool open_value(struct grammar_state *s, unsigned char c)
{
    s->digits = 0;
    if (c == '"') {
        s->mode = STRING, s->key = 0;
    } else if (c == '{' || c == '[') {
        if (s->n_stack == GRAMMAR_JSON_DEPTH)
            return false;
        s->stack[s->n_stack++] = c;
        s->mode = c == '{' ? KEY_OR_END : VALUE_OR_END;
        s->blank = 0;
    } else if (c == '-') {
        s->mode = MINUS;
    } else if (c == '0') {
        s->mode = ZERO;
    } else if (c >= '1' && c <= '9') {
        s->mode = WHOLE, s->digits = 1;
    } else if (c == 't' || c == 'f' || c == 'n') {
        s->mode = LITERAL;
        s->literal = c == 't' ? 0 : c == 'f' ? 1 : 2;
        s->left = 1; /* letters seen */
    } else
        return false;
    return true;
}

static bool close_container(struct grammar_state *s, unsigned char c)
{
    if (s->n_stack == 0 || s->stack[s->n_stack - 1] != (c == '}' ? '{' : '['))
        return false;
    s->n_stack--;
    value_done(s);
    return true;
}

static bool in_string(struct grammar_state *s, unsigned char c)
{
    s->first = 0x80, s->form = 0xbf;
    if (c == '"') {
        if (s->key)
            s->mode = COLON, s->blank = 0;
        else
            value_done(s);
    } else if (c == '\\')
        s->mode = ESCAPE;
    else if (c < 0x20)
        return false;
    else if (c >= 0xc2 && c <= 0xdf)
        s->mode = TAIL, s->left = 1;
    else if (c >= 0xe0 && c <= 0xef) {
        s->mode = TAIL, s->left = 2;
        s->first = c == 0xe0 ? 0xa0 : 0x80, s->form = c == 0xed ? 0x9f : 0xbf;
    } else if (c >= 0xf0 && c <= 0xf4) {
        s->mode = TAIL, s->left = 3;
        s->first = c == 0xf0 ? 0x90 : 0x80, s->form = c == 0xf4 ? 0x8f : 0xbf;
    } else if (c >= 0x80)
        return false;
    return true;
}

static bool in_escape(struct grammar_state *s, unsigned char c)
{
    if (s->mode == ESCAPE) {
        if (c == 'u') {
            s->mode = HEX, s->left = 4;
            return true;
        }
        s->mode = STRING;
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    }
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    /* neither a control character nor half a pair: no first digit 0 or D */
    const bool fine = s->left < 4 || (c != '0' && c != 'd' && c != 'D');
    s->mode = --s->left == 0 ? STRING : HEX;
    return digit && fine;
}

/* False: c does not go on with the number. */
static bool in_number(struct grammar_state *s, unsigned char c)
{
    const bool digit = c >= '0' && c <= '9', room = s->digits < DIGITS;
    switch (s->mode) {
    case MINUS:
        s->mode = c == '0' ? ZERO : WHOLE, s->digits = 1;
        return digit;
    case WHOLE:
        if (digit && room) {
            s->digits++;
            return true;
        }
        /* fall through */
    case ZERO:
        if (c == '.' && room) {
            s->mode = DOT;
            return true;
        }
        break;
    case DOT:
        s->mode = FRACTION, s->digits++;
        return digit;
    case FRACTION:
        if (digit && room) {
            s->digits++;
            return true;
        }
        break;
    case EXPONENT:
        if (c == '+' || c == '-') {
            s->mode = EXPONENT_SIGN;
            return true;
        }
        /* fall through */
    case EXPONENT_SIGN:
        s->mode = POWER, s->left = 1;
        return digit;
    default: /* POWER */
        return digit && s->left-- > 0;
    }
    if (c != 'e' && c != 'E')
        return false;
    s->mode = EXPONENT;
    return true;
}

/* One byte; false: it may not come here. */
static bool step(struct grammar_state *s, unsigned char c)
{
    if (s->mode >= MINUS && s->mode <= POWER) {
        const struct grammar_state before = *s;
        if (in_number(s, c))
            return true;
        if (!is_number_end(before.mode))
            return false;
        *s = before;
        value_done(s); /* and c is taken below */
    }
    const bool blank = c == ' ' || c == '\n';
    switch (s->mode) {
    case STRING:
        return in_string(s, c);
    case ESCAPE:
    case HEX:
        return in_escape(s, c);
    case TAIL:
        if (c < s->first || c > s->form)
            return false;
        s->first = 0x80, s->form = 0xbf;
        s->mode = --s->left == 0 ? STRING : TAIL;
        return true;
    case LITERAL:
        if (c != (unsigned char)literals[s->literal][s->left++])
            return false;
        if (literals[s->literal][s->left] == '\0')
            value_done(s);
        return true;
    default:
        break;
    }
    if (blank)
        return s->blank++ == 0 && !(s->mode == AFTER && s->n_stack == 0);
    switch (s->mode) {
    case VALUE:
    case VALUE_OR_END:
        return (c == ']' && s->mode == VALUE_OR_END) ? close_container(s, c) : open_value(s, c);
    case KEY:
    case KEY_OR_END:
        if (c == '}' && s->mode == KEY_OR_END)
            return close_container(s, c);
        s->mode = STRING, s->key = 1;
        return c == '"';
    case COLON:
        s->mode = VALUE, s->blank = 0;
        return c == ':';
    default: /* AFTER */
        if (s->n_stack == 0)
            return false;
        if (c != ',')
            return (c == ']' || c == '}') && close_container(s, c);
        s->mode = s->stack[s->n_stack - 1] == '{' ? KEY : VALUE;
        s->blank = 0;
        return true;
    }
}

static bool whole_value(const struct grammar_state *s)
{
    return s->n_stack == 0 && (s->mode == AFTER || is_number_end(s->mode));
}

/* The byte that leads to the nearest end; 0: it is there. */
static unsigned char nearest_end(const struct grammar_state *s)
{
    static const char *const next = "0]\"}:"; /* VALUE .. COLON */
    switch (s->mode) {
    case STRING:
        return '"';
    case ESCAPE:
        return 'n';
    case HEX:
        return '1';
    case TAIL:
        return s->first;
    case LITERAL:
        return (unsigned char)literals[s->literal][s->left];
    case MINUS:
    case DOT:
    case EXPONENT:
    case EXPONENT_SIGN:
        return '0';
    default:
        if (s->mode <= COLON)
            return (unsigned char)next[s->mode];
        return s->n_stack == 0 ? 0 : s->stack[s->n_stack - 1] == '{' ? '}' : ']';
    }
}

/* Bytes to the nearest end. */
static uint32_t to_the_end(struct grammar_state s)
{
    uint32_t n = 0;
    for (unsigned char c; (c = nearest_end(&s)) != 0 && n < 200; n++)
        step(&s, c);
    return n;
}

enum status grammar_json(const struct tokenizer *tokenizer, struct arena *arena, struct grammar **out)
{
    struct grammar *g;
    ARENA_NEW(g, arena, 1);
    g->json = true;
    g->vocabulary = tokenizer_size(tokenizer);
    ARENA_NEW(g->bytes, arena, g->vocabulary);
    ARENA_NEW(g->length, arena, g->vocabulary);
    memset(g->one, 0xff, sizeof g->one);
    for (uint32_t id = 0; id < g->vocabulary; id++) {
        char *bytes;
        size_t n;
        if (tokenizer_is_control(tokenizer, id) || tokenizer_is_end(tokenizer, id))
            continue;
        TRY(tokenizer_decode(tokenizer, &id, 1, false, arena, &bytes, &n));
        g->bytes[id] = bytes;
        g->length[id] = (uint32_t)n;
        if (n == 1 && g->one[(unsigned char)bytes[0]] == UINT32_MAX)
            g->one[(unsigned char)bytes[0]] = id;
    }
    for (const char *c = "0]\"}:n1truefalsnll"; *c != '\0'; c++)
        if (g->one[(unsigned char)*c] == UINT32_MAX)
            return status_fail(STATUS_DATA,
                               "the vocabulary has no token for '%c': it cannot write every JSON", *c);
    *out = g;
    return STATUS_OK;
}

static size_t next_of_json(const struct grammar *g, const struct grammar_state *s, uint32_t left,
                           uint32_t *out, bool *may_end)
{
    bool first[256];
    size_t n = 0;
    *may_end = whole_value(s);
    for (int c = 0; c < 256; c++) {
        struct grammar_state after = *s;
        first[c] = step(&after, (unsigned char)c);
    }
    for (uint32_t id = 0; id < g->vocabulary; id++) {
        const uint32_t length = g->length[id];
        const unsigned char *bytes = (const unsigned char *)g->bytes[id];
        if (length == 0 || !first[bytes[0]])
            continue;
        struct grammar_state after = *s;
        uint32_t i = 0;
        while (i < length && step(&after, bytes[i]))
            i++;
        if (i == length && (left > 200 || to_the_end(after) < left))
            out[n++] = id;
    }
    if (n == 0 && !*may_end) /* too little room: the shortest way there is */
        out[n++] = g->one[nearest_end(s)];
    return n;
}

/* ------------------------------------------------------------------------------------------------------ both */

size_t grammar_next(const struct grammar *grammar, const struct grammar_state *state, uint32_t left,
                    uint32_t *out, bool *may_end)
{
    return grammar->json ? next_of_json(grammar, state, left, out, may_end)
                         : next_of_choices(grammar, state, out, may_end);
}

void grammar_take(const struct grammar *grammar, struct grammar_state *state, uint32_t token)
{
    if (!grammar->json) {
        take_of_choices(grammar, state, token);
        return;
    }
    for (uint32_t i = 0; i < grammar->length[token]; i++)
        step(state, (unsigned char)grammar->bytes[token][i]);
}
