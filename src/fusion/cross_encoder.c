/* cross_encoder.c - what a decoder needs to read users' histories and items together: prompt, texts, histories (cross_encoder.h). */
#include "fusion/cross_encoder.h"

#include <math.h>
#include <stdlib.h>

#include "base/order.h"
#include "fusion/decoder_file.h"
#include "fusion/item_text.h"

/* What options say. */
static enum status read_options(const struct cross_encoder_options *o, struct arena *arena,
                                struct cross_encoder *m)
{
    static const char *const asking[] = {"question", "yes", "no"}, *const answering[] = {"answer"};
    const char *text;
    TRY(prompt_open(o->prompt, arena, &m->prompt));
    TRY(prompt_need(&m->prompt, "item", &text));
    TRY(prompt_need(&m->prompt, "prompt", &text));
    TRY(prompt_need(&m->prompt, "empty", &text));
    const bool question = prompt_section(&m->prompt, "question") != NULL;
    for (int i = 0; i < (question ? 3 : 1); i++)
        TRY(prompt_need(&m->prompt, question ? asking[i] : answering[i], &text));
    m->between = prompt_section(&m->prompt, "between");
    m->between = m->between != NULL ? m->between : ", ";
    m->history = o->history;
    m->length = o->length;
    m->history_length = o->history_length;
    m->calibration = m->history == CROSS_NONE ? 0 : o->calibration;
    return STATUS_OK;
}

enum status cross_encoder_check(const struct cross_encoder_options *options, struct arena *arena)
{
    struct cross_encoder m = {0};
    return read_options(options, arena, &m);
}

static enum status open_decoder(const struct cross_encoder_options *o, struct run *run,
                                struct cross_encoder *m)
{
    const char *path =
        decoder_file(run->models, o->decoder, run->scratch != NULL ? run->scratch : run->arena);
    if (path == NULL)
        return STATUS_SYSTEM;
    TRY(decoder_open(path, run->backend, &m->decoder));
    decoder_set_activations(m->decoder, o->int8 ? DECODER_INT8 : DECODER_FLOAT32);
    return STATUS_OK;
}

/* Prompt, decoder, and room for what is asked. */
static enum status begin(const struct cross_encoder_options *o, uint32_t n_users, uint32_t n_items,
                         struct run *run, struct cross_encoder *m)
{
    *m = (struct cross_encoder){.n_users = n_users, .n_items = n_items, .seed = run->seed};
    TRY(read_options(o, run->arena, m));
    TRY(open_decoder(o, run, m));
    return cross_memo_new(n_users, &m->memo);
}

enum status cross_encoder_open(const struct cross_encoder_options *options, const struct view *train,
                               struct run *run, struct cross_encoder *out)
{
    TRY(begin(options, train->n_users, train->n_items, run, out));
    TRY(item_text_all(&out->prompt, "item", train, run->arena, &out->line));
    TRY(item_text_all(&out->prompt, prompt_section(&out->prompt, "question") != NULL ? "question" : "answer",
                      train, run->arena, &out->ask));
    TRY(cross_encoder_tokens(out, run->arena));
    return cross_encoder_histories(out, train, options->minimum_rating, run);
}

bool cross_encoder_asks(const struct cross_encoder *m, uint32_t item)
{
    return m->asked.ptr[item + 1] > m->asked.ptr[item];
}

uint32_t cross_encoder_candidates(const struct cross_encoder *m, const struct csr *had, uint32_t user,
                                  const struct scored *all, uint32_t most, uint32_t *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n_items && n < most && all[i].score > -INFINITY; i++)
        if (cross_encoder_asks(m, all[i].item) && !csr_has(had, user, all[i].item))
            out[n++] = all[i].item;
    qsort(out, n, sizeof *out, rising_u32);
    return n;
}

void cross_encoder_free(struct cross_encoder *m)
{
    decoder_close(m->decoder);
    cross_memo_free(m->memo);
    m->decoder = NULL;
    m->memo = NULL;
}

enum status cross_encoder_load(const struct cross_encoder_options *options, uint32_t n_users,
                               uint32_t n_items, struct model_reader *r, struct run *run,
                               struct cross_encoder *out)
{
    TRY(begin(options, n_users, n_items, run, out));
    TRY(cross_encoder_get(out, r, run));
    return cross_encoder_tokens(out, run->arena);
}
