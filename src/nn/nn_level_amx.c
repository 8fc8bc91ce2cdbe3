/* Products of bf16 and int8 for CPUs with AMX: blocks of 32 rows by one panel of 32 columns, in
 * four tiles, 64 bytes of inputs at a time. Panels are packed as for AVX-512: a tile of weights is
 * 16 groups of inputs by half of a panel, as TDPBF16PS and TDPBUSD want it. See nn_tiles.h. */
#include "nn_levels.h"
#include "nn_tiles.h"
#include "nn_vec_avx512.h"

#include "nn_body_math.inc"

#include "nn_body_tile.inc"

#include "nn_body_softmax.inc"

#define ROWS      32 /* of x, in two tiles */
#define PANEL_ROW (2 * TILE_BYTES)

/* Bytes from row to row: `stride` of x, a multiple of TILE_BYTES; `ldc` of c, floats or int32. */
#define NN_TILES(name, dot)                                                                        \
    NN_AMX static void name(const void *rows, size_t stride, const void *panel, void *c,           \
                            size_t ldc) {                                                          \
        const char *x = rows, *w = panel;                                                          \
        char *upper = c, *lower = upper + 16 * ldc;                                                \
        _tile_zero(0);                                                                             \
        _tile_zero(1);                                                                             \
        _tile_zero(2);                                                                             \
        _tile_zero(3);                                                                             \
        for (size_t at = 0; at < stride; at += TILE_BYTES, w += 16 * PANEL_ROW) {                  \
            _tile_loadd(6, w, PANEL_ROW);                                                          \
            _tile_loadd(7, w + TILE_BYTES, PANEL_ROW);                                             \
            _tile_loadd(4, x + at, stride);                                                        \
            _tile_loadd(5, x + 16 * stride + at, stride);                                          \
            dot(0, 4, 6);                                                                          \
            dot(1, 4, 7);                                                                          \
            dot(2, 5, 6);                                                                          \
            dot(3, 5, 7);                                                                          \
        }                                                                                          \
        _tile_stored(0, upper, ldc);                                                               \
        _tile_stored(1, upper + TILE_BYTES, ldc);                                                  \
        _tile_stored(2, lower, ldc);                                                               \
        _tile_stored(3, lower + TILE_BYTES, ldc);                                                  \
    }
NN_TILES(tiles_bf16, _tile_dpbf16ps)
NN_TILES(tiles_i8, _tile_dpbusd)

NN_AMX static void product_bf16(const NnPanels *w, int finish, int m, const uint16_t *x, float *y) {
    _Alignas(64) float tile[ROWS * NN_PANEL];
    size_t stride = (size_t)w->k_padded;
    const uint16_t *panel = w->panels;
    tiles_begin();
    for (int column = 0; column < w->n; column += NN_PANEL, panel += NN_PANEL * stride)
        for (int r = 0; r < m; r += ROWS) {
            int rows = m - r < ROWS ? m - r : ROWS;
            tiles_bf16(x + r * stride, 2 * stride, panel, tile, PANEL_ROW);
            finish_tile(w, finish, column, tile, rows, y + (size_t)r * w->n);
        }
    _tile_release();
}

NN_AMX static void product_i8(const NnPanels *w, int finish, int m, const void *x,
                              const float *x_scale, float *y) {
    _Alignas(64) int32_t tile[ROWS * NN_PANEL];
    size_t stride = (size_t)w->k_padded;
    const char *from = x, *panel = w->panels;
    tiles_begin();
    for (int column = 0; column < w->n; column += NN_PANEL, panel += NN_PANEL * stride)
        for (int r = 0; r < m; r += ROWS) {
            int rows = m - r < ROWS ? m - r : ROWS;
            tiles_i8(from + r * stride, stride, panel, tile, PANEL_ROW);
            dequantise(w, column, x_scale + r, rows, tile);
            finish_tile(w, finish, column, (float *)tile, rows, y + (size_t)r * w->n);
        }
    _tile_release();
}

/* -- attention -- */

/* Of one head at a time; tokens and width are n and d, padded to whole tiles. What rows and columns
 * past n hold is of no matter, but for rows of v, which a share of zero would not undo. */
typedef struct {
    const float *qkv;
    int n, heads, d, tokens, width;
    uint16_t *q, *share; /* [tokens][width], [ROWS][tokens] */
    uint32_t *k,
        *v; /* panels of pairs: [tokens / 32][width / 2][32], [width / 32][tokens / 2][32] */
    float *scores, *values; /* [ROWS][tokens], [ROWS][width] */
} Attn;

static int whole_panels(int n) {
    return (n + NN_PANEL - 1) / NN_PANEL * NN_PANEL;
}

static size_t attn_scratch(int n, int d) {
    size_t tokens = (size_t)whole_panels(n), width = (size_t)whole_panels(d);
    return tokens * width / 2 * 3 + ROWS * tokens / 2 + ROWS * (tokens + width);
}

static Attn attn_layout(const float *qkv, int n, int heads, int d, float *scratch) {
    Attn a = {.qkv = qkv, .n = n, .heads = heads, .d = d};
    a.tokens = whole_panels(n);
    a.width = whole_panels(d);
    size_t square = (size_t)a.tokens * (size_t)a.width / 2;
    a.scores = scratch;
    a.values = a.scores + (size_t)ROWS * a.tokens;
    a.q = (uint16_t *)(a.values + (size_t)ROWS * a.width);
    a.k = (uint32_t *)a.q + square;
    a.v = a.k + square;
    a.share = (uint16_t *)(a.v + square);
    return a;
}

/* Part 0, 1, 2 (q, k, v) of token t of a head, from value i on. */
static const float *attn_part(const Attn *a, int t, int part, int head, int i) {
    return a->qkv + ((size_t)(t * 3 + part) * (size_t)a->heads + (size_t)head) * (size_t)a->d + i;
}

/* 32 values in bf16; those past n are 0. */
NN_AMX static inline __m512i round_some(const float *x, int n, V scale) {
    V low = load_some(x, n), high = v_set(0);
    if (n > NN_LANES) high = load_some(x + NN_LANES, n - NN_LANES);
    return (__m512i)_mm512_cvtne2ps_pbh(high * scale, low * scale);
}

NN_AMX static void gather_q_k(const Attn *a, int head) {
    const V one = v_set(1), scale = v_set(1.0f / sqrtf((float)a->d));
    const __m512i down =
        _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                           _mm512_set1_epi32(NN_PANEL));
    for (int t = 0; t < a->n; t++)
        for (int i = 0; i < a->d; i += 32) {
            uint32_t *column = a->k + (size_t)(t / NN_PANEL) * NN_PANEL * (size_t)a->width / 2 +
                               (size_t)i / 2 * NN_PANEL + t % NN_PANEL;
            __m512i q = round_some(attn_part(a, t, 0, head, i), a->d - i, scale);
            __m512i pairs = round_some(attn_part(a, t, 1, head, i), a->d - i, one);
            _mm512_storeu_si512(a->q + (size_t)t * a->width + i, q);
            _mm512_i32scatter_epi32(column, down, pairs, 4);
        }
}

/* 16 values of token t as the halves of pairs. */
NN_AMX static inline __m512i half_pairs(const Attn *a, int t, int head, int i) {
    if (t >= a->n || i >= a->d) return _mm512_setzero_si512();
    V x = load_some(attn_part(a, t, 2, head, i), a->d - i);
    return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(x));
}

NN_AMX static void gather_v(const Attn *a, int head) {
    for (int t = 0; t < a->tokens; t += 2)
        for (int i = 0; i < a->width; i += NN_LANES) {
            uint32_t *to = a->v + (size_t)(i / NN_PANEL) * NN_PANEL * (size_t)a->tokens / 2 +
                           (size_t)t / 2 * NN_PANEL + i % NN_PANEL;
            __m512i second = _mm512_slli_epi32(half_pairs(a, t + 1, head, i), 16);
            _mm512_storeu_si512(to, _mm512_or_si512(half_pairs(a, t, head, i), second));
        }
}

/* Token `token`'s scores, row r of them → shares, not yet divided; returns what they are to be
 * multiplied with. */
NN_AMX static float shares(const Attn *a, int r, int token, const float *bias, const float *mask) {
    float *s = a->scores + (size_t)r * a->tokens;
    size_t at = (size_t)token * (size_t)a->n;
    float most = bias_row(s, bias ? bias + at : NULL, mask ? mask + at : NULL, a->n);
    float sum = exp_row(s, a->n, most);
    for (int i = 0; i < a->tokens; i += 32)
        _mm512_storeu_si512(a->share + (size_t)r * a->tokens + i,
                            round_some(s + i, a->n - i, v_set(1)));
    return 1.0f / sum;
}

/* Tokens first … first + rows of a head. */
NN_AMX static void attn_rows(const Attn *a, int head, int first, int rows, const float *bias,
                             const float *mask, float *out) {
    const size_t width = (size_t)a->width, tokens = (size_t)a->tokens;
    for (size_t u = 0; u < tokens; u += NN_PANEL)
        tiles_bf16(a->q + (size_t)first * width, 2 * width, a->k + u * width / 2, a->scores + u,
                   4 * tokens);
    float divisor[ROWS];
    for (int r = 0; r < rows; r++) divisor[r] = shares(a, r, first + r, bias, mask);
    for (size_t i = 0; i < width; i += NN_PANEL)
        tiles_bf16(a->share, 2 * tokens, a->v + i * tokens / 2, a->values + i, 4 * width);
    for (int r = 0; r < rows; r++) {
        float *to = out + ((size_t)(first + r) * (size_t)a->heads + (size_t)head) * (size_t)a->d;
        for (int i = 0; i < a->d; i += NN_LANES)
            store_some(to + i, v_load(a->values + r * width + i) * v_set(divisor[r]), a->d - i);
    }
}

NN_AMX static void attn(const float *qkv, int n, int heads, int d, const float *bias,
                        const float *mask, float *out, float *scratch) {
    Attn a = attn_layout(qkv, n, heads, d, scratch);
    tiles_begin();
    for (int head = 0; head < heads; head++) {
        const float *head_bias = bias ? bias + (size_t)head * n * n : NULL;
        gather_q_k(&a, head);
        gather_v(&a, head);
        for (int t = 0; t < n; t += ROWS)
            attn_rows(&a, head, t, n - t < ROWS ? n - t : ROWS, head_bias, mask, out);
    }
    _tile_release();
}

const NnKernelsBf16 nn_kernels_amx_bf16 = {
    .panel = NN_PANEL,
    .rows = ROWS,
    .inputs = TILE_BYTES / 2,
    .round = nn_round_bf16,
    .product = product_bf16,
    .attn = attn,
    .attn_scratch = attn_scratch,
};

const NnKernelsI8 nn_kernels_amx_i8 = {
    .rows = ROWS,
    .inputs = TILE_BYTES,
    .product = product_i8,
};
