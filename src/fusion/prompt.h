/*
 * prompt.h - what a language model is told, as text files with sections and places to be filled.
 *
 *     # Lines before the first section are comments.
 *     [prompt]
 *     I watched {history}.\n
 *     [answer]
 *      {title|plain}
 *
 * A section's text is what stands between its heading and the next one, without the line ends at both of its ends; \n, \s (a blank)
 * and \\ write what would be lost.  {name} is filled in; {name|plain} without a year in parentheses at the end and with an article
 * moved to the front ("Matrix, The (1999)" is "The Matrix").  Other braces stay.  The files of prompts/ are in the program itself.
 */
#ifndef FUSION_PROMPT_H
#define FUSION_PROMPT_H
#include <stdbool.h>

#include "base/fsio.h"
#include "base/strings.h"

struct prompt_section {
    const char *name, *text; /* terminated */
};
struct prompt_file {
    const char *name; /* as it was asked for */
    size_t n;
    struct prompt_section *section; /* [n] */
    char sha256[SHA256_HEX];        /* of the file's bytes */
};

/* `name`: a file of prompts/ without its ending, or a path to a file of one's own.  All in the arena.  STATUS_USAGE: neither; it lists
 * those in the program.  STATUS_DATA with file:line: a section that stands twice, text that is not UTF-8, no section. */
enum status prompt_open(const char *name, struct arena *arena, struct prompt_file *out);
/* The section's text; NULL: none of that name. */
const char *prompt_section(const struct prompt_file *file, const char *name);
/* The same; STATUS_DATA where it is missing. */
enum status prompt_need(const struct prompt_file *file, const char *name, const char **out);

/* Appends what stands for {name}; false: there is no such place.  STATUS_SYSTEM: memory. */
typedef enum status prompt_value(void *context, const char *name, struct string_builder *out, bool *known);
/* The text with its places filled in, terminated, in the arena.  STATUS_DATA: a place that `value` does not know; `file` and `section`
 * name it in the message. */
enum status prompt_render(const struct prompt_file *file, const char *section, prompt_value *value,
                          void *context, struct arena *arena, char **out);
/* Is {name} (or {name|plain}) what `at` begins with?  Its length, and the name (terminated, at most 63 bytes); 0: no place. */
size_t prompt_place(const char *at, char name[64]);
/* Does the text hold {name} (or {name|plain})? */
bool prompt_has(const char *text, const char *name);

/* The title without "(1999)" at its end, "Matrix, The" as "The Matrix" (The, A, An, Le, La, Les, L', Il, El, Die, Der, Das). */
enum status prompt_plain(const char *title, size_t length, struct string_builder *out);

#endif
