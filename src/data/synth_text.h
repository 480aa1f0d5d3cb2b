/*
 * synth_text.h - inside of synth: what is written about generated items.
 */
#ifndef DATA_SYNTH_TEXT_H
#define DATA_SYNTH_TEXT_H
#include "backend/backend.h"
#include "data/synth.h"

/* Every random number of the generator by what it is for; RANDOM_SYNTH + 0 .. 23.  Never renumber. */
enum synth_purpose {
    SYNTH_TASTE,
    SYNTH_THEME,
    SYNTH_QUALITY,
    SYNTH_EXPOSURE,
    SYNTH_ACTIVITY,
    SYNTH_CHOICE,
    SYNTH_ORDER,
    SYNTH_RATING,
    SYNTH_TIME,
    SYNTH_TITLE,
    SYNTH_YEAR,
    SYNTH_DESCRIPTION,
    SYNTH_TAG,
    SYNTH_REVIEW,
    SYNTH_DRIFT,
    SYNTH_DIALECT,
    SYNTH_IMAGE,
    SYNTH_AUDIO,
    SYNTH_GOODS,
    SYNTH_PRICE,
    SYNTH_QUERY,
    SYNTH_COURSE,
    SYNTH_PREREQUISITE,
    SYNTH_HASTE
};
static inline double synth_unit(uint64_t seed, enum synth_purpose purpose, uint32_t epoch, uint64_t index)
{
    return random_unit(seed, (enum random_purpose)(RANDOM_SYNTH + (int)purpose), epoch, index);
}
static inline double synth_normal(uint64_t seed, enum synth_purpose purpose, uint32_t epoch, uint64_t index)
{
    return random_normal(seed, (enum random_purpose)(RANDOM_SYNTH + (int)purpose), epoch, index);
}

/* Columns of films from d->truth; with dialects the users' column too. */
enum status synth_columns(const struct synth_options *options, struct arena *arena, struct dataset *d);
/* Texts of those rows, in their order, in the arena: one row in four has a review; of films and courses one in eight has one or two
 * tags; in a shop one in four has a query, written half a minute before.
 * What a row gets depends on it alone. */
enum status synth_texts(const struct synth_options *options, const struct truth *truth,
                        const struct interactions *rows, struct arena *arena, struct texts *out);

#endif
