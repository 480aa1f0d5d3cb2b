/*
 * segment.c - Chinese words by friso 1.6 (its MMSEG complex mode: of all chunks of three words from here, the one that
 * covers most, then has the longest mean, the least variance and the commonest single characters; Tsai 2000).
 *
 * friso is given runs of Han characters alone, never Latin letters, digits or punctuation, which it would change or drop by
 * rules of its own; words come back as offsets into our text, and what it leaves out we give as single characters.  So the
 * words of a run always add up to the run.  Characters outside U+4E00 .. U+9FFF are no concern of friso (1.6.4 swallows the
 * three characters behind one of U+3400): words_visit() gives them alone.  Runs are cut at RUN_MAX bytes, for a token's
 * length is one byte and a task holds the whole text.
 * Limits: a dictionary of 2012; new names fall apart into characters.  Where memory runs out friso ends the program.
 */
#include "text/segment.h"

#include <friso.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where Debian's friso-dict puts it (lex_dir of its friso.ini). */
#define DICTIONARY "/usr/share/friso/dict/UTF-8"
enum { RUN_MAX = 3 * 1000, HAN_BYTES = 3 };

struct segmenter {
    friso_t friso;
    friso_config_t config;
    friso_task_t task;
};

enum status segmenter_open(const char *dictionary, struct segmenter **out)
{
    char path[4096], folder[4096];
    const char *from = dictionary != NULL ? dictionary : DICTIONARY;
    const int n = snprintf(path, sizeof path, "%s/friso.lex.ini", from);
    snprintf(folder, sizeof folder, "%s/", from);
    if (n < 0 || (size_t)n >= sizeof path || access(path, R_OK) != 0)
        return status_fail(STATUS_UNAVAILABLE,
                           "Chinese words need friso's dictionary, and there is no %s; install the package "
                           "friso-dict, or take chinese: characters",
                           path);
    struct segmenter *s = calloc(1, sizeof *s);
    if (s != NULL) {
        s->friso = friso_new();
        s->config = friso_new_config();
        s->task = friso_new_task();
    }
    if (s == NULL || s->friso == NULL || s->config == NULL || s->task == NULL) {
        segmenter_close(s);
        return status_fail(STATUS_SYSTEM, "out of memory for the Chinese dictionary");
    }
    s->friso->charset = FRISO_UTF8;
    s->config->add_syn = 0;   /* no synonyms as words more */
    s->config->clr_stw = 0;   /* stop words are stops.c's */
    s->config->keep_urec = 1; /* unknown characters too */
    s->config->en_sseg = 0;
    s->friso->dic = friso_dic_new();
    friso_dic_load_from_ifile(s->friso, s->config, folder, s->config->max_len * HAN_BYTES);
    friso_set_mode(s->config, __FRISO_COMPLEX_MODE__);
    *out = s;
    return STATUS_OK;
}

void segmenter_close(struct segmenter *segmenter)
{
    if (segmenter == NULL)
        return;
    if (segmenter->task != NULL)
        friso_free_task(segmenter->task);
    if (segmenter->config != NULL)
        friso_free_config(segmenter->config);
    if (segmenter->friso != NULL)
        friso_free(segmenter->friso);
    free(segmenter);
}

/* Characters one by one: what friso did not give. */
static enum status visit_single(const char *text, size_t from, size_t to, word_visitor *visit, void *context)
{
    for (size_t at = from; at < to; at += HAN_BYTES)
        TRY(visit(context, text + at, HAN_BYTES));
    return STATUS_OK;
}

static enum status visit_run(const struct segmenter *s, const char *text, size_t length, word_visitor *visit,
                             void *context)
{
    char run[RUN_MAX + 1];
    size_t at = 0; /* everything before is visited */
    memcpy(run, text, length);
    run[length] = '\0';
    friso_set_text(s->task, run);
    const friso_token_entry *token;
    while ((token = s->config->next_token(s->friso, s->config, s->task)) != NULL) {
        const size_t begin = token->offset < 0 ? length : (size_t)token->offset, end = begin + token->rlen;
        const bool whole = begin % HAN_BYTES == 0 && end % HAN_BYTES == 0 && end > begin;
        if (begin < at || end > length || !whole)
            continue;
        TRY(visit_single(text, at, begin, visit, context));
        TRY(visit(context, text + begin, end - begin));
        at = end;
    }
    return visit_single(text, at, length, visit, context);
}

enum status segmenter_visit(const struct segmenter *segmenter, const char *text, size_t length,
                            word_visitor *visit, void *context)
{
    for (size_t at = 0; at < length; at += RUN_MAX)
        TRY(visit_run(segmenter, text + at, length - at < RUN_MAX ? length - at : RUN_MAX, visit, context));
    return STATUS_OK;
}
