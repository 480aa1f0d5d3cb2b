/*
 * test.h - what every test program shares: cmocka, a temporary folder, and the sentence of the last failure.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/strings.h"

/* A new empty folder, removed by test_folder_remove().  Aborts the test when it can't be made. */
char *test_folder(void);
void test_folder_remove(char *folder);
/* FOLDER/NAME, in static memory (8 of them in turn). */
const char *test_path(const char *folder, const char *name);
void test_write(const char *path, const char *text);
/* The texts as strings, in the arena. */
struct strings test_strings(const char *const *text, size_t n, struct arena *arena);

/* Failures are kept, not printed, from now on (status_sentence() gives the last). */
void test_quiet(void);

/* The expression fails with that status, and its sentence holds each of the words (NULL-ended). */
void test_fails(enum status got, enum status expected, ...);

#define assert_ok(expression) assert_int_equal((expression), STATUS_OK)

#endif
