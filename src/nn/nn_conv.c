/* Gathering and resampling, both bound by memory: plain loops. */
#include "nn_conv.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* One row of a kernel: w_in values from column j on, those outside the image zero. */
static void gather_row(const float *line, int w, int j, int kw, float *to) {
    if (j >= 0 && j + kw <= w) {
        memcpy(to, line + j, (size_t)kw * sizeof *to);
        return;
    }
    for (int c = 0; c < kw; c++) to[c] = j + c >= 0 && j + c < w ? line[j + c] : 0;
}

void nn_im2col(const float *x, int h, int w, int kh, int kw, int sh, int sw, int ph, int pw,
               float *columns) {
    int oh = (h + 2 * ph - kh) / sh + 1, ow = (w + 2 * pw - kw) / sw + 1;
    for (int o = 0; o < oh; o++)
        for (int p = 0; p < ow; p++)
            for (int r = 0; r < kh; r++, columns += kw) {
                int i = o * sh + r - ph;
                if (i >= 0 && i < h)
                    gather_row(x + (size_t)i * w, w, p * sw - pw, kw, columns);
                else
                    memset(columns, 0, (size_t)kw * sizeof *columns);
            }
}

/* Where an output falls on the input, and the weights of the four values around it. */
typedef struct {
    int at[4];
    float weight[4];
} Taps;

static double keys(double t) {
    const double a = -0.75;
    if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
}

/* The place is computed in float because PyTorch does so: its rounding over 1024 frames is worth
 * 3e-5 of the image's scale, ten times all that follows. */
static Taps taps_of(int o, int outputs, int inputs) {
    float scale = outputs > 1 ? (float)(inputs - 1) / (float)(outputs - 1) : 0;
    float at = scale * (float)o;
    int first = (int)floorf(at) - 1;
    Taps taps;
    for (int i = 0; i < 4; i++) {
        int in = first + i;
        taps.at[i] = in < 0 ? 0 : in >= inputs ? inputs - 1 : in;
        taps.weight[i] = (float)keys(fabs(at - in));
    }
    return taps;
}

/* Σ of four lines, weighted, at each column: the vertical half. */
static float across(const float *const line[4], const float *weight, int column) {
    return line[0][column] * weight[0] + line[1][column] * weight[1] + line[2][column] * weight[2] +
           line[3][column] * weight[3];
}

void nn_resize_bicubic(const float *x, int h, int w, int oh, int ow, float *y) {
    for (int i = 0; i < oh; i++, y += ow) {
        Taps v = taps_of(i, oh, h);
        const float *line[4];
        for (int a = 0; a < 4; a++) line[a] = x + (size_t)v.at[a] * w;
        if (ow == w) {
            for (int j = 0; j < ow; j++) y[j] = across(line, v.weight, j);
            continue;
        }
        for (int j = 0; j < ow; j++) {
            Taps u = taps_of(j, ow, w);
            float sum = 0;
            for (int b = 0; b < 4; b++) sum += across(line, v.weight, u.at[b]) * u.weight[b];
            y[j] = sum;
        }
    }
}

void nn_resize_bicubic_back(const float *dy, int h, int w, int oh, int ow, float *dx) {
    for (int i = 0; i < oh; i++) {
        Taps v = taps_of(i, oh, h);
        for (int j = 0; j < ow; j++, dy++) {
            Taps u = ow == w ? (Taps){{j, j, j, j}, {1, 0, 0, 0}} : taps_of(j, ow, w);
            for (int t = 0; t < 16; t++)
                dx[(size_t)v.at[t / 4] * w + u.at[t % 4]] +=
                    *dy * v.weight[t / 4] * u.weight[t % 4];
        }
    }
}

void nn_col2im(const float *columns, int h, int w, int kh, int kw, int sh, int sw, int ph, int pw,
               float *dx) {
    int oh = (h + 2 * ph - kh) / sh + 1, ow = (w + 2 * pw - kw) / sw + 1;
    for (int o = 0; o < oh * ow; o++)
        for (int t = 0; t < kh * kw; t++, columns++) {
            int i = o / ow * sh + t / kw - ph, j = o % ow * sw + t % kw - pw;
            if (i >= 0 && i < h && j >= 0 && j < w) dx[(size_t)i * w + j] += *columns;
        }
}
