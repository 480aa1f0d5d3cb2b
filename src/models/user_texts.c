/* user_texts.c - see user_texts.h. */
#include "models/user_texts.h"

#include <math.h>
#include <string.h>

#include "models/model_io.h"
#include "spmm.h"

/* One row a text that is asked for, in the order of the view. */
struct own_texts {
    uint64_t n;
    uint32_t *user, *item, *text; /* [n] text: number among the distinct ones */
    int64_t *time;                /* [n]; NULL: unknown */
    struct strings distinct;
};

bool user_texts_asked_for(const struct param_list *kinds, uint8_t kind)
{
    static const char *const names[] = {
        [TEXT_REVIEW] = "reviews", [TEXT_TAG] = "tags", [TEXT_QUERY] = "queries", [TEXT_POST] = "posts"};
    for (size_t i = 0; i < kinds->n; i++)
        if (kind < sizeof names / sizeof *names && strcmp(kinds->item[i], names[kind]) == 0)
            return true;
    return false;
}

bool user_texts_shuffled(const struct user_texts_options *options, const struct item_vectors_options *vectors)
{
    static const char shuffled[] = ITEM_ENCODER_SHUFFLED;
    return options->shuffled || strncmp(vectors->encoder, shuffled, sizeof shuffled - 1) == 0;
}

uint64_t user_texts_count(const struct user_texts_options *options, const struct view *view, uint32_t user)
{
    uint64_t n = 0;
    for (uint64_t k = 0; k < view->texts.n; k++)
        n += view->texts.user[k] == user && strings_length(&view->texts.text, k) > 0 &&
             user_texts_asked_for(&options->kinds, view->texts.kind[k]) && view_user_text(view, k);
    return n;
}

/* to[u]: whose texts user u gets, of those who wrote: the next of a random order, so that nobody keeps his
 * own (unless he is the only one). */
static enum status shuffle_users(uint32_t n_users, struct own_texts *t, struct run *run)
{
    uint32_t *order, *to, *wrote, n = 0;
    ARENA_NEW(to, run->scratch, n_users);
    ARENA_NEW(wrote, run->scratch, n_users);
    ARENA_NEW(order, run->scratch, n_users);
    for (uint64_t k = 0; k < t->n; k++)
        to[t->user[k]] = 1;
    for (uint32_t u = 0; u < n_users; u++)
        if (to[u] != 0)
            wrote[n++] = u;
    random_permutation(run->seed, RANDOM_SHUFFLED_TEXT, 2, n, order);
    for (uint32_t k = 0; k < n; k++)
        to[wrote[order[k]]] = wrote[order[(k + 1) % n]];
    for (uint64_t k = 0; k < t->n; k++)
        t->user[k] = to[t->user[k]];
    return STATUS_OK;
}

static enum status collect(const struct view *view, const struct param_list *kinds, struct arena *scratch,
                           struct own_texts *out)
{
    const struct texts *t = &view->texts;
    struct string_map *map = string_map_new();
    struct string_builder b = {0};
    enum status status = map != NULL ? STATUS_OK : STATUS_SYSTEM;
    *out = (struct own_texts){.user = arena_alloc(scratch, t->n + 1, sizeof *out->user),
                              .item = arena_alloc(scratch, t->n + 1, sizeof *out->item),
                              .text = arena_alloc(scratch, t->n + 1, sizeof *out->text),
                              .time =
                                  t->time != NULL ? arena_alloc(scratch, t->n + 1, sizeof *out->time) : NULL};
    if (out->user == NULL || out->item == NULL || out->text == NULL || (t->time != NULL && out->time == NULL))
        status = STATUS_SYSTEM;
    for (uint64_t k = 0; k < t->n && status == STATUS_OK; k++) {
        const char *bytes = strings_at(&t->text, k);
        const size_t length = strings_length(&t->text, k);
        if (length == 0 || !user_texts_asked_for(kinds, t->kind[k]) || !view_user_text(view, k))
            continue;
        const uint32_t known = string_map_size(map), text = string_map_add(map, bytes, length);
        status = text == UINT32_MAX ? STATUS_SYSTEM
                 : text == known    ? string_builder_add(&b, bytes, length)
                                    : STATUS_OK;
        out->user[out->n] = t->user[k];
        out->item[out->n] = t->item[k];
        out->text[out->n] = text;
        if (t->time != NULL)
            out->time[out->n] = t->time[k];
        out->n++;
    }
    string_map_free(map);
    if (status == STATUS_OK)
        return string_builder_finish(&b, scratch, &out->distinct);
    string_builder_free(&b);
    return status;
}

/* The texts by user, faded: out->of and out->about. */
static enum status index_users(const struct own_texts *t, uint32_t n_users,
                               const struct history_fading *fading, struct arena *scratch,
                               struct user_texts *out)
{
    int64_t *ptr, *next, *time = NULL;
    uint32_t *idx, *about;
    ARENA_NEW(ptr, scratch, (size_t)n_users + 1);
    ARENA_NEW(idx, scratch, t->n);
    ARENA_NEW(about, scratch, t->n);
    if (t->time != NULL)
        ARENA_NEW(time, scratch, t->n);
    for (uint64_t k = 0; k < t->n; k++)
        ptr[t->user[k] + 1]++;
    for (uint32_t u = 0; u < n_users; u++)
        ptr[u + 1] += ptr[u];
    next = arena_copy(scratch, ptr, (size_t)n_users + 1, sizeof *next);
    if (next == NULL)
        return STATUS_SYSTEM;
    for (uint64_t k = 0; k < t->n; k++) {
        const int64_t e = next[t->user[k]]++;
        idx[e] = t->text[k];
        about[e] = t->item[k];
        if (time != NULL)
            time[e] = t->time[k];
    }
    out->about = about;
    out->of = (struct csr){n_users, (uint32_t)t->distinct.n, (int64_t)t->n, ptr, idx, NULL};
    return history_fade(&out->of, time, fading, scratch, scratch);
}

/* Nothing read them: a control that has no words, or vectors that can't. */
static enum status unread(const char *encoder)
{
    if (item_vectors_folder(encoder) == NULL && strstr(encoder, "feature:") == NULL)
        return STATUS_OK;
    return status_fail(
        STATUS_UNAVAILABLE,
        "user_text: '%s' holds vectors of items, and nothing that could read what users wrote: "
        "name an encoder of texts beside it ('minilm+%s'), or leave user_text out",
        encoder, encoder);
}

static enum status means(const struct user_texts *t, const struct backend *b, float *v)
{
    const struct spmm_csr_dense sum = {t->of.ptr, t->of.idx, t->of.val, NULL,     t->each,
                                       v,         t->d,      t->d,      (int)t->d};
    const struct spmm_normalize norm = {v, t->d, (int)t->d};
    TRY(backend_launch(b, &kernel_spmm_csr_dense, &sum, (long)t->n_users, 0));
    return backend_launch(b, &kernel_spmm_normalize, &norm, (long)t->n_users, 0);
}

enum status user_texts_build(const struct user_texts_options *options,
                             const struct item_vectors_options *vectors, const struct history_fading *fading,
                             const struct view *view, struct run *run, struct item_vectors *items,
                             struct user_texts *out)
{
    struct own_texts own;
    float *each = NULL, *v = NULL;
    *out = (struct user_texts){.n_users = view->n_users, .weight = (float)options->weight};
    if (options->kinds.n == 0)
        return item_vectors_build(vectors, view, run, items);
    TRY(collect(view, &options->kinds, run->scratch, &own));
    if (own.n == 0)
        return status_fail(STATUS_UNAVAILABLE,
                           "user_text asks for %s%s, and no user wrote any that train may see: leave it out",
                           options->kinds.item[0], options->kinds.n > 1 ? " and others" : "");
    if (user_texts_shuffled(options, vectors))
        TRY(shuffle_users(view->n_users, &own, run));
    TRY(item_vectors_build_with(vectors, view, run, &own.distinct, items, &each));
    if (each == NULL)
        return unread(vectors->encoder);
    TRY(index_users(&own, view->n_users, fading, run->scratch, out));
    out->d = items->d;
    out->each = each;
    ARENA_NEW(v, run->arena, (size_t)view->n_users * out->d);
    out->v = v;
    return means(out, run->backend, v);
}

bool user_texts_has(const struct user_texts *texts, uint32_t user)
{
    for (uint32_t k = 0; k < texts->d; k++)
        if (texts->v[(size_t)user * texts->d + k] != 0)
            return true;
    return false;
}

void user_texts_blend(const struct user_texts *texts, const uint32_t *users, size_t n, float *U)
{
    const uint32_t d = texts->d;
    if (d == 0)
        return;
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < n; r++) {
        const uint32_t user = users != NULL ? users[r] : (uint32_t)r;
        const float *t = texts->v + (size_t)user * d;
        float *u = U + r * d;
        double history = 0, norm = 0;
        if (!user_texts_has(texts, user))
            continue;
        for (uint32_t k = 0; k < d; k++)
            history += (double)u[k] * (double)u[k];
        const float weight = history > 0 ? texts->weight : 1;
        for (uint32_t k = 0; k < d; k++) {
            u[k] = (1 - weight) * u[k] + weight * t[k];
            norm += (double)u[k] * (double)u[k];
        }
        const float scale = norm > 1e-10 ? (float)(1 / sqrt(norm)) : 0; /* two opposite ones leave rounding */
        for (uint32_t k = 0; k < d; k++)
            u[k] *= scale;
    }
}

static bool wrote_about(const struct user_texts *t, uint32_t user, uint32_t item)
{
    for (int64_t e = t->of.ptr[user]; e < t->of.ptr[user + 1]; e++)
        if (t->about[e] == item)
            return true;
    return false;
}

/* t of the user without the texts about the item: summed anew, so that what is left of nothing is nothing. */
static void mean_without(const struct user_texts *t, uint32_t user, uint32_t item, float *out)
{
    double norm = 0;
    for (int64_t e = t->of.ptr[user]; e < t->of.ptr[user + 1]; e++) {
        const float *each = t->each + (size_t)t->of.idx[e] * t->d, w = t->of.val != NULL ? t->of.val[e] : 1;
        for (uint32_t k = 0; t->about[e] != item && k < t->d; k++)
            out[k] += w * each[k];
    }
    for (uint32_t k = 0; k < t->d; k++)
        norm += (double)out[k] * (double)out[k];
    for (uint32_t k = 0; norm > 0 && k < t->d; k++)
        out[k] = (float)((double)out[k] / sqrt(norm));
}

enum status user_texts_without(const struct user_texts *texts, const uint32_t *user, const uint32_t *item,
                               size_t stride, uint64_t n, struct arena *arena, uint32_t **row, float **v)
{
    uint64_t n_rows = texts->n_users;
    ARENA_NEW(*row, arena, n);
    for (uint64_t q = 0; q < n; q++) {
        (*row)[q] = user[q];
        if (wrote_about(texts, user[q], item[q * stride]))
            (*row)[q] = (uint32_t)n_rows++;
        if (n_rows >= UINT32_MAX)
            return status_fail(STATUS_SYSTEM, "user_text: more than 2^32 - 1 vectors of users and questions");
    }
    ARENA_NEW(*v, arena, n_rows * texts->d);
    memcpy(*v, texts->v, (size_t)texts->n_users * texts->d * sizeof **v);
#pragma omp parallel for schedule(static)
    for (uint64_t q = 0; q < n; q++)
        if ((*row)[q] >= texts->n_users)
            mean_without(texts, user[q], item[q * stride], *v + (size_t)(*row)[q] * texts->d);
    return STATUS_OK;
}

enum status user_texts_save(const struct user_texts *texts, struct model_writer *w)
{
    return texts->d > 0 ? model_put(w, "user_texts", ARRAY_F32, texts->n_users, texts->d, texts->v)
                        : STATUS_OK;
}

enum status user_texts_load(struct user_texts *texts, const struct user_texts_options *options,
                            const struct item_vectors_options *vectors, uint32_t n_users, uint32_t d,
                            struct model_reader *r)
{
    uint64_t rows = n_users, width = d;
    const void *v = NULL;
    *texts = (struct user_texts){.n_users = n_users, .weight = (float)options->weight};
    if (options->kinds.n == 0 || d == 0 || !item_vectors_reads_text(vectors->encoder))
        return STATUS_OK;
    TRY(model_get(r, "user_texts", ARRAY_F32, &rows, &width, &v));
    texts->d = d;
    texts->v = v;
    return STATUS_OK;
}
