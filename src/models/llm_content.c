/*
 * llm_content.c - content-based filtering on sentence vectors: a user is the mean of the vectors of the
 * train items (with `user_text` blended with that of his own texts: user_texts.h), a score the cosine to the
 * item (the pattern of Pazzani, Billsus 2007 with the vectors of Reimers, Gurevych 2019). Users and items are
 * unit vectors, so scores are a product of two matrices, and ranking is GEMM (factors()). A user without
 * history (or texts) scores 0 everywhere.
 */
#include "models/model_io.h"
#include "models/user_texts.h"

struct llm_content_params {
    struct item_vectors_options vectors;
    HISTORY_FIELDS;
    struct user_texts_options texts;
};
#define P struct llm_content_params
static const struct param llm_content_params[] = {
    ITEM_VECTORS_PARAMS(P, vectors., "minilm", "title|genres|tags", 0, 0, 4096, 1), HISTORY_PARAMS(P),
    USER_TEXTS_PARAMS(P, texts), PARAM_END};
#undef P

struct llm_content {
    struct item_vectors items;
    uint32_t n_users;
    const float *users; /* [n_users x items.d] rows of norm 1, or zero */
};

static enum status llm_content_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct llm_content *m = state;
    const struct llm_content_params *p = params;
    struct csr history;
    struct user_texts texts;
    float *users = NULL;
    TRY(user_texts_build(&p->texts, &p->vectors, &HISTORY_FADING(p), train, run, &m->items, &texts));
    TRY(history_profiles(train, (enum history_weights)p->weights, &HISTORY_FADING(p), run->scratch,
                         run->scratch, &history));
    ARENA_NEW(users, run->arena, (size_t)train->n_users * m->items.d);
    m->n_users = train->n_users;
    m->users = users;
    TRY(item_vectors_profiles(run->backend, &history, &m->items, NULL, train->n_users, true, users));
    user_texts_blend(&texts, NULL, train->n_users, users);
    return STATUS_OK;
}

static enum status llm_content_factors(const void *state, struct factors *out)
{
    const struct llm_content *m = state;
    *out = (struct factors){.n_users = m->n_users,
                            .n_items = m->items.n_items,
                            .factors = m->items.d,
                            .user = m->users,
                            .item = m->items.v,
                            .ld_user = m->items.d,
                            .ld_item = m->items.d};
    return STATUS_OK;
}

static enum status llm_content_save(const void *state, struct model_writer *w)
{
    const struct llm_content *m = state;
    TRY(model_put(w, "users", ARRAY_F32, m->n_users, m->items.d, m->users));
    return model_put(w, "items", ARRAY_F32, m->items.n_items, m->items.d, m->items.v);
}

static enum status llm_content_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct llm_content *m = state;
    uint64_t n_users = 0, n_items = 0, d = 0;
    const void *users = NULL, *items = NULL;
    (void)params, (void)run;
    TRY(model_get(r, "users", ARRAY_F32, &n_users, &d, &users));
    TRY(model_get(r, "items", ARRAY_F32, &n_items, &d, &items));
    m->n_users = (uint32_t)n_users;
    m->users = users;
    m->items = (struct item_vectors){(uint32_t)n_items, (uint32_t)d, (float *)items};
    return STATUS_OK;
}

extern const struct model_type model_llm_content;
const struct model_type model_llm_content = {.name = "llm_content",
                                             .family = "content",
                                             .source = "Reimers, Gurevych 2019; Pazzani, Billsus 2007",
                                             .help = "cosine of an item's sentence vector to the mean of the "
                                                     "vectors of the items a user had",
                                             .version = 1,
                                             .params = llm_content_params,
                                             .params_size = sizeof(struct llm_content_params),
                                             .needs = NEEDS_TEXT | NEEDS_ENCODER,
                                             .state_size = sizeof(struct llm_content),
                                             .fit = llm_content_fit,
                                             .factors = llm_content_factors,
                                             .save = llm_content_save,
                                             .load = llm_content_load};
