/*
 * tree_picture.c - see tree_picture.h.
 *
 * Leaves stand in a row at equal distances, each split above the middle of its two sides (Wetherell, Shannon 1979, for binary trees).
 */
#include "report/tree_picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/columns.h"
#include "base/fsio.h"
#include "report/figure.h"
#include "report/parts.h"

enum { BOX_WIDTH = 186, BOX_HEIGHT = 46, GAP_X = 14, GAP_Y = 44, MARGIN = 24, TITLE = 40, NAME_COLUMNS = 22 };

static bool is_leaf(const struct forest *f, uint32_t node)
{
    return f->node[node].column < 0;
}

static uint32_t count_leaves(const struct forest *f, uint32_t node)
{
    return is_leaf(f, node) ? 1
                            : count_leaves(f, f->node[node].left) + count_leaves(f, f->node[node].left + 1);
}

/* "popularity <= 1.25", "genre in {1, 4}". */
static void split_text(const struct tree_view *v, const struct tree_node *n, size_t columns, char *out,
                       size_t size)
{
    struct arena *arena = arena_new();
    const char *name = v->columns->name[n->column];
    if (arena != NULL)
        name = text_shortened(name, columns, arena);
    if (name == NULL)
        name = v->columns->name[n->column];
    if (n->set < 0)
        snprintf(out, size, "%s ≤ %.4g", name, (double)n->threshold);
    else {
        snprintf(out, size, "%s in {", name);
        bool first = true;
        for (unsigned b = 1; b < 32 * TREE_SETS && strlen(out) + 16 < size; b++)
            if (v->forest->set[(size_t)n->set * TREE_SETS + b / 32] >> (b % 32) & 1) {
                snprintf(out + strlen(out), size - strlen(out), "%s%u", first ? "" : ", ", b);
                first = false;
            }
        snprintf(out + strlen(out), size - strlen(out), "}");
    }
    arena_free(arena);
}

/* ---- text */
static void print_node(const struct tree_view *v, uint32_t node, unsigned depth, const char *prefix,
                       FILE *out)
{
    const struct tree_node *n = &v->forest->node[node];
    char split[1024], below[512];
    if (is_leaf(v->forest, node)) {
        fprintf(out, "%+.5g  (%.6g rows)\n", (double)n->value, (double)v->forest->cover[node]);
        return;
    }
    split_text(v, n, 200, split, sizeof split);
    if (depth == v->depth) {
        fprintf(out, "%s ... (%u leaves, %.6g rows)\n", split, count_leaves(v->forest, node),
                (double)v->forest->cover[node]);
        return;
    }
    fprintf(out, "%s?  (%.6g rows, gain %.4g, missing: %s)\n", split, (double)v->forest->cover[node],
            (double)v->forest->gain[node], n->missing_left ? "yes" : "no");
    fprintf(out, "%s├─ yes: ", prefix);
    snprintf(below, sizeof below, "%s│  ", prefix);
    print_node(v, n->left, depth + 1, below, out);
    fprintf(out, "%s└─ no:  ", prefix);
    snprintf(below, sizeof below, "%s   ", prefix);
    print_node(v, n->left + 1, depth + 1, below, out);
}

static enum status check(const struct tree_view *v)
{
    if (v->tree < v->forest->n_trees)
        return STATUS_OK;
    return status_fail(STATUS_USAGE, "--tree %u: the model has %u trees, counted from 1", v->tree + 1,
                       v->forest->n_trees);
}

enum status tree_print(const struct tree_view *v, FILE *out)
{
    TRY(check(v));
    const uint32_t root = v->forest->root[v->tree];
    fprintf(out, "%s: tree %u of %u, %u leaves; a leaf's value is what it adds%s\n", v->title, v->tree + 1,
            v->forest->n_trees, count_leaves(v->forest, root), v->forest->start != 0 ? " to the start" : "");
    if (v->forest->start != 0)
        fprintf(out, "start %+.5g\n", (double)v->forest->start);
    print_node(v, root, 0, "", out);
    return STATUS_OK;
}

/* ---- picture */
struct drawing {
    const struct tree_view *view;
    FILE *out;
    int height, n_objects;
    unsigned leaves; /* placed so far */
    double gain_most;
};

/* Boxes across and levels down, of what is shown. */
static unsigned shown_leaves(const struct tree_view *v, uint32_t node, unsigned depth)
{
    if (is_leaf(v->forest, node) || depth == v->depth)
        return 1;
    return shown_leaves(v, v->forest->node[node].left, depth + 1) +
           shown_leaves(v, v->forest->node[node].left + 1, depth + 1);
}
static unsigned shown_depth(const struct tree_view *v, uint32_t node, unsigned depth)
{
    if (is_leaf(v->forest, node) || depth == v->depth)
        return depth;
    const unsigned a = shown_depth(v, v->forest->node[node].left, depth + 1),
                   b = shown_depth(v, v->forest->node[node].left + 1, depth + 1);
    return a > b ? a : b;
}

static void write_box(struct drawing *d, double x, double y, const char *colour, const char *first,
                      const char *second)
{
    fprintf(d->out,
            "set object %d rectangle center %.1f, %.1f size %d, %d front fillstyle solid 1 border linecolor "
            "rgb '#555555' fillcolor rgb '%s'\n",
            ++d->n_objects, x, y, BOX_WIDTH, BOX_HEIGHT, colour);
    fprintf(d->out, "set label ");
    figure_write_quoted(d->out, first, false);
    fprintf(d->out, " at %.1f, %.1f center front font ',11'\nset label ", x, y + 9);
    figure_write_quoted(d->out, second, false);
    fprintf(d->out, " at %.1f, %.1f center front font ',10' textcolor rgb '#444444'\n", x, y - 10);
}

/* Returns where the node stands across. */
static double draw_node(struct drawing *d, uint32_t node, unsigned depth)
{
    const struct forest *f = d->view->forest;
    const struct tree_node *n = &f->node[node];
    const double y = d->height - TITLE - MARGIN - BOX_HEIGHT / 2.0 - depth * (double)(BOX_HEIGHT + GAP_Y);
    char first[1024], second[128];
    if (is_leaf(f, node) || depth == d->view->depth) {
        const double x = MARGIN + BOX_WIDTH / 2.0 + d->leaves++ * (double)(BOX_WIDTH + GAP_X);
        if (is_leaf(f, node))
            snprintf(first, sizeof first, "%+.4g", (double)n->value);
        else
            snprintf(first, sizeof first, "… %u leaves", count_leaves(f, node));
        snprintf(second, sizeof second, "%.6g rows", (double)f->cover[node]);
        write_box(d, x, y,
                  !is_leaf(f, node) ? "#eeeeee"
                  : n->value > 0    ? "#d9ecd3"
                                    : "#f6ddd5",
                  first, second);
        return x;
    }
    const double left = draw_node(d, n->left, depth + 1), right = draw_node(d, n->left + 1, depth + 1),
                 x = (left + right) / 2;
    for (int side = 0; side < 2; side++) {
        const double to = side == 0 ? left : right, below = y - BOX_HEIGHT - GAP_Y;
        fprintf(d->out,
                "set arrow from %.1f, %.1f to %.1f, %.1f nohead back linecolor rgb '#777777' linewidth 1.2\n",
                x, y - BOX_HEIGHT / 2.0, to, below + BOX_HEIGHT / 2.0);
        fprintf(d->out,
                "set label '%s' at %.1f, %.1f center front font ',10' textcolor rgb '#222222' offset %s, 0\n",
                side == 0 ? "yes" : "no", (x + to) / 2, (y + below) / 2 + 4, side == 0 ? "-2" : "2");
    }
    split_text(d->view, n, NAME_COLUMNS - 8, first, sizeof first);
    snprintf(second, sizeof second, "%.6g rows, gain %.4g", (double)f->cover[node], (double)f->gain[node]);
    write_box(d, x, y, "#dbe7f5", first, second);
    return x;
}

static void write_script(const struct tree_view *v, const char *stem, FILE *out)
{
    const uint32_t root = v->forest->root[v->tree];
    const unsigned leaves = shown_leaves(v, root, 0), levels = 1 + shown_depth(v, root, 0);
    const int width = 2 * MARGIN + (int)leaves * (BOX_WIDTH + GAP_X) - GAP_X;
    struct drawing d = {
        .view = v, .out = out, .height = TITLE + 2 * MARGIN + (int)levels * (BOX_HEIGHT + GAP_Y) - GAP_Y};
    char title[640];
    snprintf(title, sizeof title, "%s: tree %u of %u", v->title, v->tree + 1, v->forest->n_trees);
    fprintf(out,
            "# Drawn by recfuse; `gnuplot %s.gp` in this folder draws it again.\nif (!exists(\"suffix\")) { "
            "suffix = \"\" }\n",
            stem);
    const int wide = width > 480 ? width : 480;
    for (int i = 0; i < 2; i++) {
        fprintf(out,
                "set terminal %s size %d, %d font \"DejaVu Sans,12\" background rgb \"#ffffff\" "
                "noenhanced\nset output \"%s.%s\" . suffix\n",
                i == 0 ? "svg" : "pngcairo", wide, d.height, stem, i == 0 ? "svg" : "png");
        fputs("unset border\nunset tics\nunset key\nset margins 0, 0, 0, 0\n", out);
        fprintf(out, "set xrange [%d : %d]\nset yrange [0 : %d]\nset label ", (width - wide) / 2,
                (width - wide) / 2 + wide, d.height);
        figure_write_quoted(out, title, false);
        fprintf(out, " at %.1f, %d center front font ',14'\n", width / 2.0, d.height - TITLE / 2 - 4);
        d.leaves = 0, d.n_objects = 0;
        draw_node(&d, root, 0);
        fputs("plot NaN notitle\nunset output\nreset\n", out);
    }
}

enum status tree_draw(const struct tree_view *v, const char *path)
{
    char folder[4000], file[4080];
    const char *slash = strrchr(path, '/'), *stem = slash != NULL ? slash + 1 : path;
    struct atomic_file script;
    bool missing = false;
    TRY(check(v));
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path) : 1,
             slash != NULL ? path : ".");
    for (const char *c = stem; *c != '\0'; c++)
        if (strchr("\"'`\\$%", *c) != NULL || (unsigned char)*c < ' ')
            return status_fail(
                STATUS_USAGE, "%s: the picture's name has '%c', which a gnuplot script can't bear", path, *c);
    snprintf(file, sizeof file, "%s.gp", path);
    TRY(atomic_open(&script, file));
    write_script(v, stem, script.stream);
    TRY(atomic_commit(&script));
    snprintf(file, sizeof file, "%s.gp", stem);
    TRY(plot_run_gnuplot(folder, file, &missing));
    if (missing)
        return status_fail(STATUS_UNAVAILABLE,
                           "no picture: gnuplot is not installed (tools/install-deps.sh installs it)");
    for (int i = 0; i < 2; i++) {
        struct atomic_file picture;
        snprintf(file, sizeof file, "%s.%s", path, i == 0 ? "svg" : "png");
        TRY(atomic_name(&picture, file));
        snprintf(picture.temporary, sizeof picture.temporary, "%s.tmp",
                 file); /* what gnuplot was told to write */
        TRY(atomic_commit(&picture));
    }
    return STATUS_OK;
}
