/* serve_events.c - events: read, known by their ids, taken into the state. */
#include <string.h>

#include "experiment/serve_parts.h"

static const char *const kinds[] = {"show", "click", "skip", "rate"};

/* An id is a text or a whole number; NULL: neither. */
static const char *id_text(const json_t *id, char number[32])
{
    if (!json_is_integer(id))
        return json_string_value(id);
    snprintf(number, 32, "%lld", (long long)json_integer_value(id));
    return number;
}

uint32_t serve_find(const struct string_map *map, const json_t *id)
{
    char number[32];
    const char *text = id_text(id, number);
    return text == NULL ? UINT32_MAX : string_map_find(map, text, strlen(text));
}

/* The user or item that `line` names; UINT32_MAX: none, and a sentence in `mistake`. */
static uint32_t find_named(const struct string_map *map, const json_t *line, const char *what, char *mistake,
                           size_t room)
{
    char number[32];
    const json_t *id = json_object_get(line, what);
    const uint32_t found = serve_find(map, id);
    if (found == UINT32_MAX && id_text(id, number) == NULL)
        snprintf(mistake, room, "%s is %s; a publisher's id is expected, a text or a whole number", what,
                 id == NULL ? "missing" : "neither a text nor a whole number");
    else if (found == UINT32_MAX)
        snprintf(mistake, room, "the dataset has no %s '%.80s' (a publisher's id is expected)", what,
                 id_text(id, number));
    return found;
}

/* The event in `line`, or a sentence in `mistake`. */
bool serve_parse_event(const struct server *s, const json_t *line, struct feedback_event *e, char *mistake,
                       size_t room)
{
    const char *kind = json_string_value(json_object_get(line, "event"));
    const double low = (double)s->loop.view->minimum_value, high = (double)s->loop.view->maximum_value;
    size_t k = 0;
    while (k < 4 && (kind == NULL || strcmp(kind, kinds[k]) != 0))
        k++;
    if (k == 4) {
        snprintf(mistake, room, "event '%.40s' is none of show, click, skip, rate", kind != NULL ? kind : "");
        return false;
    }
    *e = (struct feedback_event){.kind = (enum feedback_kind)k};
    e->user = find_named(s->users, line, "user", mistake, room);
    if (e->user == UINT32_MAX)
        return false;
    e->item = find_named(s->items, line, "item", mistake, room);
    if (e->item == UINT32_MAX)
        return false;
    const json_t *first = json_object_get(line, "first");
    if (first != NULL && (e->kind != FEEDBACK_SHOW || !json_is_boolean(first))) {
        snprintf(mistake, room, "first is true or false, of a show event");
        return false;
    }
    e->first = json_is_true(first);
    if (e->kind != FEEDBACK_RATE)
        return true;
    const json_t *value = json_object_get(line, "value");
    const double v = json_number_value(value);
    if (!json_is_number(value) || !(v >= low && v <= high)) {
        snprintf(mistake, room, "a rate event needs a value from %g to %g", low, high);
        return false;
    }
    e->value = high > low ? (float)((v - low) / (high - low)) : 1;
    return true;
}

/* Takes an event into the state and, every refit_every answered ones, fits the model again. */
enum status serve_take(struct server *s, const struct feedback_event *e)
{
    s->n++;
    TRY(feedback_update(s->f, e));
    if (e->kind == FEEDBACK_SHOW)
        return STATUS_OK;
    s->answered++;
    if (s->answered % (uint64_t)s->head.refit_every != 0 || s->answered < s->refits_from)
        return STATUS_OK;
    return feedback_fit_again(&s->loop.base, s->loop.view, s->f, &s->run);
}

/* Of a line that comes in: an event whose id can't be compared would be counted again each time that it is sent. */
bool serve_id_is_fine(const json_t *line, char *mistake, size_t room)
{
    char number[32];
    const json_t *id = json_object_get(line, "id");
    if (id == NULL || id_text(id, number) != NULL)
        return true;
    snprintf(mistake, room, "id is neither a text nor a whole number");
    return false;
}

bool serve_is_new(struct server *s, const json_t *line, enum status *status)
{
    char number[32];
    const char *id = id_text(json_object_get(line, "id"), number);
    if (id == NULL)
        return true;
    const uint32_t before = string_map_size(s->ids);
    if (string_map_add(s->ids, id, strlen(id)) == UINT32_MAX)
        *status = STATUS_SYSTEM;
    return string_map_size(s->ids) > before;
}
