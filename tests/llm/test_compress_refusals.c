/*
 * test_compress_refusals.c - encoders that cannot be compressed as asked, and compressed files that are broken: the right status, one clear
 * sentence.
 */
#include "compress_fixture.h"

static void what_cannot_be(void **state)
{
    (void)state;
    const char *to = target("no");
    struct tiny odd;
    char *at = test_folder();
#define REFUSED(from, status, word, ...)                                                                     \
    test_fails(compress_encoder(from, to, &(struct compress_options){__VA_ARGS__}, backend), status, word,   \
               NULL)
    REFUSED(source, STATUS_USAGE, "q4_k", .type = quantize_type("q4_k"), .embedding_type = -1);
    REFUSED(source, STATUS_USAGE, "q5_0", .type = -1, .embedding_type = quantize_type("q5_0"));
    REFUSED(source, STATUS_USAGE, "3 heads cannot go", .type = -1, .embedding_type = -1, .heads = 3);
    REFUSED(source, STATUS_USAGE, "0 to below 1", .type = -1, .embedding_type = -1, .sparsity = 1);
    REFUSED(source, STATUS_USAGE, "0 to below 1", .type = -1, .embedding_type = -1, .neurons = -0.5);
    REFUSED(test_path(folder, "nothing"), STATUS_UNAVAILABLE, "no such folder", .type = -1,
            .embedding_type = -1);
    tiny_make(&odd, arena, 5, 40);
    tiny_write(&odd, at);
    REFUSED(at, STATUS_USAGE, "rows of 80 weights", .type = quantize_type("q8_0"), .embedding_type = -1);
    assert_false(file_exists(test_path(folder, "no/model.safetensors")));
    const struct compress_options eight = {.type = quantize_type("int8_row"), .embedding_type = -1};
    test_fails(compress_encoder(source, source, &eight, backend), STATUS_USAGE, "take the old one's place",
               NULL);
    assert_ok(compress_encoder(source, target("once"), &eight, backend));
    REFUSED(target("once"), STATUS_USAGE, "compressed already", .type = quantize_type("q4_0"),
            .embedding_type = -1);
    test_folder_remove(at);
}

/* A compressed file with one tensor changed, or gone. */
static void opens_not(const char *type, const char *name, const char *word,
                      void (*change)(struct safetensors_tensor *))
{
    static const struct safetensors_note notes[] = {{NULL, NULL}};
    const int t = quantize_type(type);
    const struct compress_options o = {.type = t, .embedding_type = t};
    const char *at = target("broken");
    struct encoder *e = NULL;
    assert_ok(compress_encoder(source, at, &o, backend));
    const struct safetensors file = weights_of(at);
    struct safetensors_tensor *changed = arena_copy(arena, file.tensors, file.n, sizeof *changed);
    size_t n = file.n;
    for (size_t i = 0; i < n; i++)
        if (strcmp(changed[i].name, name) == 0) {
            if (change != NULL)
                change(&changed[i]);
            else
                changed[i] = changed[--n];
            break;
        }
    assert_ok(safetensors_write(arena_printf(arena, "%s/model.safetensors", at), notes, changed, n));
    test_fails(encoder_open(at, backend, &e), STATUS_DATA, word, NULL);
}
static void infinite(struct safetensors_tensor *t)
{
    unsigned char *data = arena_copy(arena, t->data, 2, (size_t)t->n);
    data[4] = 0, data[5] = 0x7c;
    t->data = data;
}
static void fewer(struct safetensors_tensor *t)
{
    t->shape[0]--;
}
static void other_type(struct safetensors_tensor *t)
{
    t->type = "BF16";
}

static void broken_files(void **state)
{
    (void)state;
    const char *scale = arena_printf(arena, "%s_scale", QUERY);
    opens_not("int8_row", scale, "does not fit", NULL);
    opens_not("int8_row", scale, "not finite, at position 2", infinite);
    opens_not("q4_0", scale, "not finite, at position 2", infinite);
    opens_not("q8_0", scale, "does not fit", fewer);
    opens_not("q8_0", scale, "does not fit", other_type);
    opens_not("q8_0", QUERY, "does not fit", fewer);
    opens_not("q8_0", QUERY, "is missing", NULL);
    opens_not("q4_0", arena_printf(arena, "%s_packed", QUERY), "is missing", NULL);
    opens_not("q4_0", arena_printf(arena, "%s_packed", QUERY), "does not fit", fewer);
    opens_not("int8_row", arena_printf(arena, "%s_scale", WORDS), "does not fit", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_cannot_be), cmocka_unit_test(broken_files)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
