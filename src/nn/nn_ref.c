/* Plain loops in double precision; see nn_ref.h. The arithmetic that a stored type demands (bf16 to
 * f32, the quantisation of a row) is the one exception: it is done in f32, as the fast kernels do,
 * because a rounding decided differently would be a step of the quantiser, not an error. */
#include "nn_ref.h"

#include <math.h>
#include <string.h>

static double ref_act(NnAct act, double x) {
    switch (act) {
    case NN_ACT_GELU:
        return x * 0.5 * erfc(-x / sqrt(2.0));
    case NN_ACT_RELU:
        return x > 0 ? x : 0;
    case NN_ACT_TANH:
        return tanh(x);
    default:
        return x;
    }
}

static float bf16_to_f32(uint16_t h) {
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float row_limit(const float *x, int k) {
    float most = 0;
    for (int i = 0; i < k; i++) most = fmaxf(most, fabsf(x[i]));
    return most;
}

static double dot_i8(const int8_t *w, const float *x, int k) {
    float most = row_limit(x, k), inverse = most > 0 ? 127.0f / most : 0.0f;
    double sum = 0;
    for (int i = 0; i < k; i++) sum += (double)w[i] * rintf(x[i] * inverse);
    return sum * most / 127.0;
}

static double dot_row(const NnMatrix *w, int row, const float *x) {
    size_t at = (size_t)row * (size_t)w->k;
    double sum = 0;
    switch (w->type) {
    case NN_F32:
        for (int i = 0; i < w->k; i++) sum += (double)((const float *)w->w)[at + i] * x[i];
        return sum;
    case NN_BF16:
        for (int i = 0; i < w->k; i++)
            sum += (double)bf16_to_f32(((const uint16_t *)w->w)[at + i]) * x[i];
        return sum;
    default:
        return w->scale[row] * dot_i8((const int8_t *)w->w + at, x, w->k);
    }
}

void ref_linear(const NnMatrix *w, NnAct act, int m, const float *x, float *y) {
    for (int r = 0; r < m; r++)
        for (int j = 0; j < w->n; j++) {
            double sum = dot_row(w, j, x + (size_t)r * w->k) + (w->bias ? w->bias[j] : 0);
            y[(size_t)r * w->n + j] = (float)ref_act(act, sum);
        }
}

void ref_matmul(NnSides sides, int m, int n, int k, const float *a, const float *b, bool add,
                float *c) {
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = add ? c[(size_t)i * n + j] : 0;
            for (int p = 0; p < k; p++)
                sum += (double)(sides == NN_TN ? a[(size_t)p * m + i] : a[(size_t)i * k + p]) *
                       (sides == NN_NT ? b[(size_t)j * k + p] : b[(size_t)p * n + j]);
            c[(size_t)i * n + j] = (float)sum;
        }
}

void ref_layer_norm(const float *x, int rows, int cols, const float *gamma, const float *beta,
                    float eps, float *y) {
    for (int r = 0; r < rows; r++, x += cols, y += cols) {
        double mean = 0, var = 0;
        for (int c = 0; c < cols; c++) mean += x[c];
        mean /= cols;
        for (int c = 0; c < cols; c++) var += (x[c] - mean) * (x[c] - mean);
        double scale = 1 / sqrt(var / cols + eps);
        for (int c = 0; c < cols; c++) y[c] = (float)((x[c] - mean) * scale * gamma[c] + beta[c]);
    }
}

void ref_gelu(float *x, int n) {
    for (int i = 0; i < n; i++) x[i] = (float)ref_act(NN_ACT_GELU, x[i]);
}

/* Where token t of the group starts in qkv (part 0, 1, 2: q, k, v) for one head. */
static const float *head_at(const float *qkv, int t, int part, int head, int heads, int d) {
    return qkv + (((size_t)t * 3 + (size_t)part) * (size_t)heads + (size_t)head) * (size_t)d;
}

static double ref_score(const float *q, const float *k, int d) {
    double sum = 0;
    for (int i = 0; i < d; i++) sum += (double)q[i] * k[i];
    return sum / sqrt(d);
}

/* One query of one head, in two passes over the keys: the maximum, then sums of weighted values. */
static void ref_query(const float *qkv, int n, int heads, int d, int head, int t, const float *bias,
                      const float *mask, float *out) {
    const float *q = head_at(qkv, t, 0, head, heads, d);
    double most = -INFINITY;
    for (int pass = 0; pass < d + 1; pass++) {
        double total = 0, sum = 0;
        for (int u = 0; u < n; u++) {
            double score = ref_score(q, head_at(qkv, u, 1, head, heads, d), d);
            if (bias) score += bias[((size_t)head * n + t) * n + u];
            if (mask) score += mask[(size_t)t * n + u];
            if (pass == 0) {
                most = fmax(most, score);
                continue;
            }
            total += exp(score - most);
            sum += exp(score - most) * head_at(qkv, u, 2, head, heads, d)[pass - 1];
        }
        if (pass) out[pass - 1] = (float)(sum / total);
    }
}

void ref_attn(const float *qkv, int n, int heads, int d, const float *bias, const float *mask,
              float *out) {
    for (int h = 0; h < heads; h++)
        for (int t = 0; t < n; t++)
            ref_query(qkv, n, heads, d, h, t, bias, mask,
                      out + ((size_t)t * heads + h) * (size_t)d);
}

void ref_im2col(const float *x, int h, int w, int kh, int kw, int sh, int sw, int ph, int pw,
                float *columns) {
    int oh = (h + 2 * ph - kh) / sh + 1, ow = (w + 2 * pw - kw) / sw + 1;
    for (int o = 0; o < oh * ow; o++)
        for (int c = 0; c < kh * kw; c++) {
            int i = o / ow * sh + c / kw - ph, j = o % ow * sw + c % kw - pw;
            bool inside = i >= 0 && i < h && j >= 0 && j < w;
            columns[(size_t)o * (size_t)(kh * kw) + (size_t)c] =
                inside ? x[(size_t)i * (size_t)w + (size_t)j] : 0;
        }
}

static double keys(double t) {
    const double a = -0.75;
    t = fabs(t);
    if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

static int clamp_index(int i, int n) {
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* In float, as PyTorch places it. */
static double place(int o, int outputs, int inputs) {
    float scale = outputs > 1 ? (float)(inputs - 1) / (float)(outputs - 1) : 0;
    return scale * (float)o;
}

void ref_resize_bicubic(const float *x, int h, int w, int oh, int ow, float *y) {
    for (int i = 0; i < oh; i++)
        for (int j = 0; j < ow; j++) {
            double v = place(i, oh, h), u = place(j, ow, w), sum = 0;
            for (int a = -1; a <= 2; a++)
                for (int b = -1; b <= 2; b++) {
                    int r = (int)floor(v) + a, c = (int)floor(u) + b;
                    float at = x[(size_t)clamp_index(r, h) * w + clamp_index(c, w)];
                    sum += keys(v - r) * keys(u - c) * at;
                }
            y[(size_t)i * ow + j] = (float)sum;
        }
}

/* Calls `at` for every product of the convolution: indices of y, w and x. */
typedef void Ref2d(void *context, size_t y, size_t w, size_t x);

static void ref_each(const NnConv2d *conv, Ref2d *at, void *context) {
    int rows = nn_conv2d_rows(conv), cols = nn_conv2d_cols(conv), k = conv->kernel;
    for (int i = 0; i < rows * cols * conv->out; i++)
        for (int p = 0; p < conv->in * k * k; p++) {
            int o = i % conv->out, c = p / (k * k);
            int r = i / conv->out / cols * conv->stride_h + p / k % k - k / 2;
            int j = i / conv->out % cols * conv->stride_w + p % k - k / 2;
            if (r >= 0 && r < conv->h && j >= 0 && j < conv->w)
                at(context, (size_t)i, (size_t)o * conv->in * k * k + p,
                   ((size_t)r * conv->w + j) * conv->in + c);
        }
}

typedef struct {
    const float *w, *x, *dy;
    float *y, *dx, *dw;
} Ref2dArrays;

static void ref_forward_at(void *context, size_t y, size_t w, size_t x) {
    const Ref2dArrays *a = context;
    a->y[y] += a->w[w] * a->x[x];
}

static void ref_back_at(void *context, size_t y, size_t w, size_t x) {
    const Ref2dArrays *a = context;
    a->dx[x] += a->w[w] * a->dy[y];
    a->dw[w] += a->x[x] * a->dy[y];
}

void ref_conv2d(const NnConv2d *conv, const float *w, const float *x, float *y) {
    size_t count = (size_t)nn_conv2d_rows(conv) * nn_conv2d_cols(conv) * conv->out;
    memset(y, 0, sizeof *y * count);
    ref_each(conv, ref_forward_at, &(Ref2dArrays){.w = w, .x = x, .y = y});
}

void ref_conv2d_back(const NnConv2d *conv, const float *w, const float *x, const float *dy,
                     float *dx, float *dw) {
    memset(dx, 0, sizeof *dx * conv->h * conv->w * conv->in);
    memset(dw, 0, sizeof *dw * conv->out * conv->in * conv->kernel * conv->kernel);
    ref_each(conv, ref_back_at, &(Ref2dArrays){.w = w, .x = x, .dy = dy, .dx = dx, .dw = dw});
}

void ref_image(const NnImage *image, const float *y, float *out) {
    int h = image->h / image->pool, w = image->w / image->pool, n = image->channels;
    memset(out, 0, sizeof *out * h * w * n);
    for (int i = 0; i < h * image->pool; i++)
        for (int j = 0; j < w * image->pool; j++)
            for (int c = 0; c < n; c++) {
                double z = y[((size_t)i * image->w + j) * n + c] * (double)image->scale[c] +
                           image->shift[c];
                out[((size_t)(i / image->pool) * w + j / image->pool) * n + c] +=
                    (float)(z > 0 ? z / (image->pool * image->pool) : 0);
            }
}

void ref_image_back(const NnImage *image, const float *y, const float *da, const float *p,
                    const float *q, float *dy) {
    int h = image->h / image->pool, w = image->w / image->pool, n = image->channels;
    for (int i = 0; i < image->h; i++)
        for (int j = 0; j < image->w; j++)
            for (int c = 0; c < n; c++, y++, dy++) {
                bool inside = i / image->pool < h && j / image->pool < w;
                double z = *y * (double)image->scale[c] + image->shift[c], dz = 0;
                if (inside && z > 0)
                    dz = da[((size_t)(i / image->pool) * w + j / image->pool) * n + c] /
                         (double)(image->pool * image->pool);
                *dy = (float)(image->scale[c] * dz + p[c] + q[c] * (double)*y);
            }
}
