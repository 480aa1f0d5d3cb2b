/*
 * plot.h - drawing a gnuplot script: a head, what the figure writes, and the same body for svg and png.
 */
#ifndef REPORT_PLOT_H
#define REPORT_PLOT_H
#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/status.h"

/* Writes the whole script: plot_head(), sizes and data, plot_body(). */
typedef void plot_script(const void *context, const char *stem, FILE *out);
void plot_head(const char *stem, FILE *out);
/* first, recipe: gnuplot text, in this order, once for svg and once for png; width, height in pixels. */
void plot_body(const char *stem, int width, int height, const char *first, const char *recipe, FILE *out);
/* FOLDER/STEM.gp, .svg and .png, each whole or not at all; *missing: there is no gnuplot, only the script was written. */
enum status plot_draw(const char *folder, const char *stem, plot_script *write, const void *context,
                      struct arena *arena, bool *missing);

#endif
