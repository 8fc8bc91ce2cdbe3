/* Products of bf16 and int8 for CPUs with AMX: blocks of 32 rows by one panel of 32 columns, in
 * four tiles, 64 bytes of inputs at a time. Panels are packed as for AVX-512: a tile of weights is
 * 16 groups of inputs by half of a panel, as TDPBF16PS and TDPBUSD want it.
 *
 * Source: Intel 64 and IA-32 Architectures Optimization Reference Manual, chapter on AMX. */
#include "nn_levels.h"
#include "nn_vec_avx512.h"

#include "nn_body_math.inc"

#include "nn_body_tile.inc"

#define ROWS       32 /* of x, in two tiles */
#define TILE_BYTES 64 /* of a row of a tile: 32 inputs of bf16, 64 of int8 */
#define PANEL_ROW  (2 * TILE_BYTES)

#define NN_AMX                                                                                     \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,amx-tile,amx-bf16,amx-int8")))

typedef struct {
    uint8_t palette, start;
    uint8_t reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} TileShapes;

/* Tiles 0 to 3 are sums, 4 and 5 rows of x, 6 and 7 weights; all are whole. */
NN_AMX static void tiles_begin(void) {
    TileShapes shapes = {.palette = 1};
    for (int i = 0; i < 8; i++) shapes.row_bytes[i] = TILE_BYTES, shapes.rows[i] = 16;
    _tile_loadconfig(&shapes);
}

/* `stride`: bytes of a row of x, a multiple of TILE_BYTES. c holds floats or int32. */
#define NN_TILES(name, dot)                                                                        \
    NN_AMX static void name(const char *x, size_t stride, const char *w, void *c) {                \
        char *upper = c, *lower = upper + 16 * PANEL_ROW;                                          \
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
        _tile_stored(0, upper, PANEL_ROW);                                                         \
        _tile_stored(1, upper + TILE_BYTES, PANEL_ROW);                                            \
        _tile_stored(2, lower, PANEL_ROW);                                                         \
        _tile_stored(3, lower + TILE_BYTES, PANEL_ROW);                                            \
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
            tiles_bf16((const char *)(x + r * stride), 2 * stride, (const char *)panel, tile);
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
            tiles_i8(from + r * stride, stride, panel, tile);
            dequantise(w, column, x_scale + r, rows, tile);
            finish_tile(w, finish, column, (float *)tile, rows, y + (size_t)r * w->n);
        }
    _tile_release();
}

const NnKernelsBf16 nn_kernels_amx_bf16 = {
    .panel = NN_PANEL,
    .rows = ROWS,
    .inputs = TILE_BYTES / 2,
    .round = nn_round_bf16,
    .product = product_bf16,
};

const NnKernelsI8 nn_kernels_amx_i8 = {
    .rows = ROWS,
    .inputs = TILE_BYTES,
    .product = product_i8,
};
