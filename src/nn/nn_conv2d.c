/* Strips, and the products over them. See nn_conv2d.h. */
#include "nn_conv2d.h"

#include "nn_kernels.h"
#include "nn_product.h"

#include <string.h>

#define CHUNK   448  /* positions that pass over all panels together */
#define BLOCK_K 1024 /* positions whose products one sum of a weight's gradient takes at a time */

static int least(int a, int b) {
    return a < b ? a : b;
}

static size_t round_up(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

static int pad_of(const NnConv2d *conv) {
    return conv->kernel / 2;
}

static bool in_place(const NnConv2d *conv) {
    return conv->stride_h == 1 && conv->stride_w == 1;
}

int nn_conv2d_rows(const NnConv2d *conv) {
    return (conv->h - 1) / conv->stride_h + 1;
}

int nn_conv2d_cols(const NnConv2d *conv) {
    return (conv->w - 1) / conv->stride_w + 1;
}

/* -- strips -- */

/* Floats of a strip, and what kernels may read past its end. */
static size_t strip_floats(int h, int w, int channels, int pad) {
    size_t positions = (size_t)(h + 2 * pad) * (w + pad) + 2 * pad;
    return positions * channels + NN_PANEL_MOST;
}

/* Where row i begins. */
static size_t strip_row(int i, int w, int channels, int pad) {
    return ((size_t)(i + pad) * (w + pad) + pad) * channels;
}

/* Zeros above, below, between the rows, and behind the end. */
static void clear_margins(int h, int w, int channels, int pad, float *strip) {
    size_t first = strip_row(0, w, channels, pad), end = strip_floats(h, w, channels, pad);
    size_t last = strip_row(h, w, channels, pad), between = (size_t)pad * channels;
    memset(strip, 0, sizeof *strip * first);
    for (int i = 1; i < h; i++)
        memset(strip + strip_row(i, w, channels, pad) - between, 0, sizeof *strip * between);
    memset(strip + last - between, 0, sizeof *strip * (end - last + between));
}

size_t nn_strip_floats(const NnImage *image, int pad) {
    return strip_floats(image->h / image->pool, image->w / image->pool, image->channels, pad);
}

void nn_strip_fill(const NnImage *image, const float *y, int pad, float *strip) {
    int h = image->h / image->pool, w = image->w / image->pool;
    size_t row = (size_t)image->w * image->channels;
    clear_margins(h, w, image->channels, pad, strip);
    for (int i = 0; i < h; i++) {
        float *to = strip + strip_row(i, w, image->channels, pad);
        const float *from = y + (size_t)i * image->pool * row;
        if (image->scale)
            nn_kernels()->pool_row(from, row, image->w, image->channels, image->pool, image->scale,
                                   image->shift, to);
        else
            memcpy(to, from, sizeof *to * row);
    }
}

/* -- weights -- */

/* Inputs of one output, in the strip's order. */
static int patch_of(const NnConv2d *conv) {
    return conv->kernel * conv->kernel * conv->in;
}

static size_t panels_floats(int columns, int k) {
    return round_up(columns, NN_PANEL_MOST) * (size_t)k;
}

size_t nn_conv2d_packed_floats(const NnConv2d *conv) {
    size_t forward = panels_floats(conv->out, patch_of(conv));
    size_t turned = panels_floats(conv->in, conv->kernel * conv->kernel * conv->out);
    return forward > turned ? forward : turned;
}

/* Column `column`, input p of panels with k inputs. */
static size_t packed_at(int column, int p, int k) {
    size_t panel = (size_t)nn_kernels()->panel;
    return (column / panel * k + p) * panel + column % panel;
}

void nn_conv2d_pack(const NnConv2d *conv, const float *w, float *packed) {
    int taps = conv->kernel * conv->kernel, k = patch_of(conv);
    memset(packed, 0, sizeof *packed * nn_conv2d_packed_floats(conv));
    for (int o = 0; o < conv->out; o++)
        for (int c = 0; c < conv->in; c++)
            for (int t = 0; t < taps; t++) packed[packed_at(o, t * conv->in + c, k)] = *w++;
}

void nn_conv2d_pack_turned(const NnConv2d *conv, const float *w, float *packed) {
    int taps = conv->kernel * conv->kernel, k = taps * conv->out;
    memset(packed, 0, sizeof *packed * nn_conv2d_packed_floats(conv));
    for (int o = 0; o < conv->out; o++)
        for (int c = 0; c < conv->in; c++)
            for (int t = taps; t-- > 0;) packed[packed_at(c, t * conv->out + o, k)] = *w++;
}

void nn_conv2d_add_weights(const NnConv2d *conv, const float *dw, float *w) {
    int taps = conv->kernel * conv->kernel;
    for (int o = 0; o < conv->out; o++, dw += patch_of(conv))
        for (int c = 0; c < conv->in; c++)
            for (int t = 0; t < taps; t++) *w++ += dw[(size_t)t * conv->in + c];
}

/* -- products in place -- */

/* A strip of h × w × in by panels of `out` columns → y[h][w][out]. */
static void run_in_place(int h, int w, int in, int kernel, int out, const float *packed,
                         const float *strip, float *y) {
    int panel = nn_kernels()->panel, wide = w + kernel / 2;
    NnStrip s = {.lda = (size_t)in,
                 .step = (size_t)wide * in,
                 .ldb = (size_t)panel,
                 .ldc = (size_t)out,
                 .pieces = kernel,
                 .k = kernel * in,
                 .period = wide,
                 .keep = w};
    int rows = CHUNK / wide > 0 ? CHUNK / wide : 1;
    for (int i = 0; i < h; i += rows)
        for (int column = 0; column < out; column += panel)
            nn_kernels()->strip_f32(&s, least(rows, h - i) * wide, strip + (size_t)i * s.step,
                                    packed + (size_t)column * kernel * kernel * in,
                                    least(panel, out - column), y + (size_t)i * w * out + column);
}

/* Patches of the strip as rows [rows·cols][k], k of them wanted a row, for other strides. */
static void gather(const NnConv2d *conv, const float *strip, size_t k, float *columns) {
    int run = conv->kernel * conv->in, rows = nn_conv2d_rows(conv), cols = nn_conv2d_cols(conv);
    size_t wide = (size_t)(conv->w + pad_of(conv)) * conv->in;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++, columns += k) {
            const float *from =
                strip + (size_t)i * conv->stride_h * wide + (size_t)j * conv->stride_w * conv->in;
            for (int r = 0; r < conv->kernel; r++)
                memcpy(columns + (size_t)r * run, from + r * wide, sizeof *columns * run);
            memset(columns + patch_of(conv), 0, sizeof *columns * (k - patch_of(conv)));
        }
}

void nn_conv2d_run(const NnConv2d *conv, const float *packed, const float *strip, float *y,
                   Arena *arena) {
    if (in_place(conv)) {
        run_in_place(conv->h, conv->w, conv->in, conv->kernel, conv->out, packed, strip, y);
        return;
    }
    size_t mark = arena_mark(arena);
    int m = nn_conv2d_rows(conv) * nn_conv2d_cols(conv), k = patch_of(conv);
    int panel = nn_kernels()->panel;
    float *columns = arena_floats(arena, (size_t)m * k);
    gather(conv, strip, (size_t)k, columns);
    for (int o = 0; o < conv->out; o += panel)
        nn_product(m, least(panel, conv->out - o), k, columns, (size_t)k, packed + (size_t)o * k,
                   (size_t)panel, false, y + o, (size_t)conv->out);
    arena_reset(arena, mark);
}

/* dy's strip without its margins → rows [rows·cols][out]. */
static void unpad(const NnConv2d *conv, const float *dy_strip, float *dy) {
    int cols = nn_conv2d_cols(conv);
    size_t row = (size_t)cols * conv->out;
    for (int i = 0; i < nn_conv2d_rows(conv); i++)
        memcpy(dy + i * row, dy_strip + strip_row(i, cols, conv->out, pad_of(conv)),
               sizeof *dy * row);
}

/* The gradient of each patch is added to where it came from. */
static void scatter(const NnConv2d *conv, const float *columns, float *dx) {
    int pad = pad_of(conv), cols = nn_conv2d_cols(conv);
    for (int i = 0; i < nn_conv2d_rows(conv) * cols; i++)
        for (int t = 0; t < conv->kernel * conv->kernel; t++, columns += conv->in) {
            int r = i / cols * conv->stride_h + t / conv->kernel - pad;
            int j = i % cols * conv->stride_w + t % conv->kernel - pad;
            if (r < 0 || r >= conv->h || j < 0 || j >= conv->w) continue;
            float *to = dx + ((size_t)r * conv->w + j) * conv->in;
            for (int c = 0; c < conv->in; c++) to[c] += columns[c];
        }
}

static void back_strided(const NnConv2d *conv, const float *w, const float *dy_strip, float *dx,
                         Arena *arena) {
    int m = nn_conv2d_rows(conv) * nn_conv2d_cols(conv), k = patch_of(conv);
    int panel = nn_kernels()->panel, taps = conv->kernel * conv->kernel;
    float *dy = arena_floats(arena, (size_t)m * conv->out);
    float *columns = arena_floats(arena, (size_t)m * k);
    float *b = arena_floats(arena, (size_t)conv->out * NN_PANEL_MOST);
    unpad(conv, dy_strip, dy);
    for (int first = 0; first < k; first += panel) {
        for (int o = 0; o < conv->out; o++)
            for (int j = 0; j < panel; j++) {
                int p = first + j, tap = p / conv->in, c = p % conv->in;
                b[o * panel + j] = p < k ? w[((size_t)o * conv->in + c) * taps + tap] : 0;
            }
        nn_product(m, least(panel, k - first), conv->out, dy, (size_t)conv->out, b, (size_t)panel,
                   false, columns + first, (size_t)k);
    }
    memset(dx, 0, sizeof *dx * conv->h * conv->w * conv->in);
    scatter(conv, columns, dx);
}

void nn_conv2d_back_input(const NnConv2d *conv, const float *turned, const float *w,
                          const float *dy_strip, float *dx, Arena *arena) {
    size_t mark = arena_mark(arena);
    if (in_place(conv))
        run_in_place(conv->h, conv->w, conv->out, conv->kernel, conv->in, turned, dy_strip, dx);
    else
        back_strided(conv, w, dy_strip, dx, arena);
    arena_reset(arena, mark);
}

/* Positions first … first + count of the strips: every tap's block of weights. */
static void weights_in_place(const NnConv2d *conv, const float *strip, const float *turned,
                             int count, float *dw) {
    int wide = conv->w + pad_of(conv), k = patch_of(conv);
    for (int t = 0; t < conv->kernel * conv->kernel; t++) {
        const float *x = strip + (size_t)(t / conv->kernel * wide + t % conv->kernel) * conv->in;
        nn_product(conv->out, conv->in, count, turned, (size_t)count, x, (size_t)conv->in, true,
                   dw + (size_t)t * conv->in, (size_t)k);
    }
}

static void weights_strided(const NnConv2d *conv, const float *strip, const float *dy_strip,
                            float *dw, Arena *arena) {
    int m = nn_conv2d_rows(conv) * nn_conv2d_cols(conv), k = patch_of(conv);
    size_t padded = round_up(k, NN_PANEL_MOST);
    float *columns = arena_floats(arena, m * padded);
    float *dy = arena_floats(arena, (size_t)m * conv->out);
    float *turned = arena_floats(arena, (size_t)m * conv->out);
    gather(conv, strip, padded, columns);
    unpad(conv, dy_strip, dy);
    nn_kernels()->turn(dy, (size_t)conv->out, m, conv->out, turned, (size_t)m);
    nn_product(conv->out, k, m, turned, (size_t)m, columns, padded, true, dw, (size_t)k);
}

void nn_conv2d_back_weights(const NnConv2d *conv, const float *strip, const float *dy_strip,
                            float *dw, Arena *arena) {
    size_t mark = arena_mark(arena);
    if (in_place(conv)) {
        int positions = conv->h * (conv->w + pad_of(conv));
        float *turned = arena_floats(arena, (size_t)conv->out * BLOCK_K);
        const float *dy = dy_strip + strip_row(0, conv->w, conv->out, pad_of(conv));
        for (int i = 0, count; i < positions; i += count) {
            count = least(BLOCK_K, positions - i);
            nn_kernels()->turn(dy + (size_t)i * conv->out, (size_t)conv->out, count, conv->out,
                               turned, (size_t)count);
            weights_in_place(conv, strip + (size_t)i * conv->in, turned, count, dw);
        }
    } else {
        weights_strided(conv, strip, dy_strip, dw, arena);
    }
    arena_reset(arena, mark);
}

static size_t aligned(size_t floats) {
    return round_up(floats * sizeof(float), ARENA_ALIGN);
}

size_t nn_conv2d_scratch(const NnConv2d *conv) {
    if (in_place(conv)) return aligned((size_t)conv->out * BLOCK_K);
    size_t m = (size_t)nn_conv2d_rows(conv) * nn_conv2d_cols(conv);
    return aligned(m * round_up(patch_of(conv), NN_PANEL_MOST)) + 2 * aligned(m * conv->out) +
           aligned((size_t)conv->out * NN_PANEL_MOST);
}

/* -- BatchNorm -- */

void nn_moments(const float *y, int count, int channels, float *part, double *sum, double *square) {
    const int at_once = 64; /* a float holds the sum of so many without losing much */
    for (int i = 0; i < count; i += at_once)
        nn_kernels()->moments(y + (size_t)i * channels, least(at_once, count - i), channels, part,
                              sum, square);
}

/* The gradient of the pool that position (i, j) belongs to, or NULL. */
static const float *pool_gradient(const NnImage *image, const float *da, int i, int j) {
    int h = image->h / image->pool, w = image->w / image->pool;
    i /= image->pool, j /= image->pool;
    return i < h && j < w ? da + ((size_t)i * w + j) * image->channels : NULL;
}

void nn_image_back_moments(const NnImage *image, const float *y, const float *da, float *part,
                           double *sum, double *product) {
    int channels = image->channels;
    float share = 1.0f / (float)(image->pool * image->pool);
    for (int i = 0; i < image->h; i++) {
        memset(part, 0, sizeof *part * 2 * channels);
        for (int j = 0; j < image->w; j++, y += channels) {
            const float *from = pool_gradient(image, da, i, j);
            if (from)
                nn_kernels()->back_moments(y, from, channels, share, image->scale, image->shift,
                                           part, part + channels);
        }
        for (int c = 0; c < channels; c++) {
            sum[c] += part[c];
            product[c] += part[channels + c];
        }
    }
}

void nn_image_back(const NnImage *image, const float *y, const float *da, const float *p,
                   const float *q, int pad, float *dy_strip) {
    int channels = image->channels;
    float share = 1.0f / (float)(image->pool * image->pool);
    clear_margins(image->h, image->w, channels, pad, dy_strip);
    for (int i = 0; i < image->h; i++) {
        float *dy = dy_strip + strip_row(i, image->w, channels, pad);
        for (int j = 0; j < image->w; j++, y += channels, dy += channels) {
            const float *from = pool_gradient(image, da, i, j);
            nn_kernels()->back_position(y, from ? from : y, channels, from ? share : 0,
                                        image->scale, image->shift, p, q, dy);
        }
    }
}
