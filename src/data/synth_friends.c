/*
 * synth_friends.c - friends of one taste: birds of a feather (McPherson, Smith-Lovin, Cook 2001).
 *
 * Users stand round a circle in random order.  Each picks half of n_friends among the NEAR who follow him (everyone, where there are fewer),
 * without replacement, each next one with probability proportional to exp(homophily cos(his taste, theirs)): the largest of that and a
 * Gumbel number, as items are taken (synth_choice.h).  Who was picked is a friend of who picked him.  So two friends of one user are
 * likelier friends of each other than two strangers, by taste and by place, and the work grows with users, not with their pairs.
 */
#include "data/synth_friends.h"

#include <math.h>

#include "backend/backend.h"

enum { NEAR = 512 };
enum { DRAW_PLACES, DRAW_PICKS };

struct picking {
    const struct synth_options *o;
    const float *taste;   /* [n_users x factors] */
    const double *length; /* [n_users] of it */
    uint32_t *place, *at; /* [n_users] where a user stands; who stands there */
    uint32_t n_near, most;
};

static double cosine(const struct picking *p, uint32_t u, uint32_t v)
{
    const uint32_t n = p->o->factors;
    const float *a = p->taste + (size_t)u * n, *b = p->taste + (size_t)v * n;
    double dot = 0;
    for (uint32_t f = 0; f < n; f++)
        dot += (double)a[f] * (double)b[f];
    return p->length[u] > 0 && p->length[v] > 0 ? dot / (p->length[u] * p->length[v]) : 0;
}

/* The n best candidates of user u into pick[0 .. n - 1]. */
static void pick_friends(const struct picking *p, uint32_t u, uint32_t n, uint32_t *pick)
{
    double best[SYNTH_FRIENDS_MOST];
    uint32_t kept = 0;
    for (uint32_t c = 0; c < p->n_near; c++) {
        const uint32_t v = p->at[(p->place[u] + 1 + c) % p->o->n_users];
        const double unit = random_unit(p->o->seed, RANDOM_FRIENDS, DRAW_PICKS, (uint64_t)u * NEAR + c);
        const double worth = p->o->homophily * cosine(p, u, v) - log(-log(unit));
        if (kept == n && worth <= best[n - 1])
            continue;
        uint32_t at = kept < n ? kept++ : n - 1;
        for (; at > 0 && best[at - 1] < worth; at--)
            best[at] = best[at - 1], pick[at] = pick[at - 1];
        best[at] = worth;
        pick[at] = v;
    }
}

static enum status picking_new(const struct synth_options *o, const struct truth *t, struct arena *arena,
                               struct picking *p)
{
    double *length;
    *p = (struct picking){.o = o, .taste = t->user, .most = (o->n_friends + 1) / 2};
    p->n_near = o->n_users - 1 < NEAR ? o->n_users - 1 : NEAR;
    p->most = p->most < p->n_near ? p->most : p->n_near;
    ARENA_NEW(length, arena, o->n_users);
    ARENA_NEW(p->place, arena, o->n_users);
    ARENA_NEW(p->at, arena, o->n_users);
    for (uint32_t u = 0; u < o->n_users; u++) {
        double sum = 0;
        for (uint32_t f = 0; f < o->factors; f++)
            sum += pow((double)t->user[(size_t)u * o->factors + f], 2);
        length[u] = sqrt(sum);
    }
    random_permutation(o->seed, RANDOM_FRIENDS, DRAW_PLACES, o->n_users, p->at);
    for (uint32_t k = 0; k < o->n_users; k++)
        p->place[p->at[k]] = k;
    p->length = length;
    return STATUS_OK;
}

/* How many user u picks: half of an odd number is one more for every other user. */
static uint32_t picks_of(const struct picking *p, uint32_t u)
{
    const uint32_t n = (p->o->n_friends + (u & 1)) / 2;
    return n < p->most ? n : p->most;
}

static enum status pick_all(const struct picking *p, struct arena *arena, struct csr *out)
{
    const uint32_t n = p->o->n_users;
    uint32_t *pick, *row, *col;
    uint64_t links = 0;
    ARENA_NEW(pick, arena, (size_t)n * p->most);
    ARENA_NEW(row, arena, 2 * (size_t)n * p->most);
    ARENA_NEW(col, arena, 2 * (size_t)n * p->most);
#pragma omp parallel for schedule(static)
    for (uint32_t u = 0; u < n; u++)
        if (picks_of(p, u) > 0)
            pick_friends(p, u, picks_of(p, u), pick + (size_t)u * p->most);
    for (uint32_t u = 0; u < n; u++)
        for (uint32_t k = 0; k < picks_of(p, u); k++) {
            const uint32_t v = pick[(size_t)u * p->most + k];
            row[links] = u, col[links++] = v;
            row[links] = v, col[links++] = u;
        }
    return csr_from_triples(n, n, links, row, col, NULL, arena, out, NULL);
}

enum status synth_friends(const struct synth_options *o, struct arena *arena, struct dataset *d)
{
    struct picking p;
    struct column *columns;
    TRY(picking_new(o, d->truth, arena, &p));
    ARENA_NEW(columns, arena, d->n_user_columns + 1);
    for (uint32_t k = 0; k < d->n_user_columns; k++)
        columns[k] = d->user_columns[k];
    struct column *friends = &columns[d->n_user_columns++];
    *friends = (struct column){.name = "friends", .kind = COLUMN_LIST, .names = d->user_ids};
    d->user_columns = columns;
    return pick_all(&p, arena, &friends->list);
}
