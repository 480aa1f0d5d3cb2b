/* preprocess.c - see preprocess.h. */
#include "text/preprocess.h"

#include "text/segment.h"

static const char *const names[PREPROCESS_COUNT] = {"none", "clean", "segment", "stop_words", "stem"};

const char *preprocess_name(enum preprocess what)
{
    return names[what];
}

bool preprocess_has_chinese(const struct strings *texts)
{
    const unsigned char *at = (const unsigned char *)texts->bytes,
                        *end = at + (texts->n > 0 ? texts->offsets[texts->n] : 0);
    for (; at + 2 < end; at++) /* U+4E00 .. U+9FFF are E4 B8 80 .. E9 BF BF */
        if (*at >= 0xE4 && *at <= 0xE9 && (at[1] & 0xC0) == 0x80 && (at[2] & 0xC0) == 0x80 &&
            segmenter_takes((*at & 15) << 12 | (at[1] & 63) << 6 | (at[2] & 63)))
            return true;
    return false;
}

static enum status clean_all(const struct strings *in, struct string_builder *b)
{
    for (uint64_t i = 0; i < in->n; i++) {
        TRY(text_clean_as(strings_at(in, i), strings_length(in, i), CLEAN_NFKC, true, b));
        TRY(string_builder_end(b));
    }
    return STATUS_OK;
}

struct joining {
    struct string_builder *b;
    bool begun;
};
static enum status join(void *context, const char *word, size_t length)
{
    struct joining *j = context;
    if (j->begun)
        TRY(string_builder_append(j->b, " ", 1));
    j->begun = true;
    return string_builder_append(j->b, word, length);
}

static enum status words_of_all(const struct strings *in, enum preprocess what, struct text_analyzer *a,
                                struct string_builder *b)
{
    const enum text_stage stage = what == PREPROCESS_SEGMENT      ? STAGE_WORDS
                                  : what == PREPROCESS_STOP_WORDS ? STAGE_STOPPED
                                                                  : STAGE_STEMMED;
    for (uint64_t i = 0; i < in->n; i++) {
        struct joining j = {b, false};
        TRY(text_analyzer_visit(a, stage, strings_at(in, i), strings_length(in, i), join, &j));
        TRY(string_builder_end(b));
    }
    return STATUS_OK;
}

enum status preprocess_texts(const struct strings *in, enum preprocess what, struct arena *arena,
                             struct strings *out)
{
    struct string_builder b = {0};
    enum status status;
    *out = *in;
    if (what == PREPROCESS_NONE)
        return STATUS_OK;
    if (what == PREPROCESS_CLEAN)
        status = clean_all(in, &b);
    else {
        const struct text_options options = {.words = WORDS_UNICODE,
                                             .chinese = preprocess_has_chinese(in),
                                             .stop_words = STOPS_BOTH,
                                             .stem = 1 /* english */};
        struct text_analyzer *a = NULL;
        status = text_analyzer_open(&options, &a);
        if (status == STATUS_OK)
            status = words_of_all(in, what, a, &b);
        text_analyzer_close(a);
    }
    if (status == STATUS_OK)
        return string_builder_finish(&b, arena, out);
    string_builder_free(&b);
    return status;
}
