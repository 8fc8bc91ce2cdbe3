/* Private to nn: what the levels with AMX share. Include after nn_vec_avx512.h.
 *
 * Source: Intel 64 and IA-32 Architectures Optimization Reference Manual, chapter on AMX. */
#pragma once
#include <immintrin.h>
#include <stdint.h>

#define TILE_BYTES 64 /* of a row of a tile: 32 inputs of bf16, 64 of int8 */

#define NN_AMX                                                                                     \
    __attribute__((                                                                                \
        target("avx512f,avx512bw,avx512dq,avx512vl,fma,avx512bf16,amx-tile,amx-bf16,amx-int8")))

typedef struct {
    uint8_t palette, start;
    uint8_t reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} TileShapes;

/* Tiles 0 to 3 are sums, 4 and 5 rows of x, 6 and 7 weights; all are whole. */
NN_AMX static inline void tiles_begin(void) {
    TileShapes shapes = {.palette = 1};
    for (int i = 0; i < 8; i++) shapes.row_bytes[i] = TILE_BYTES, shapes.rows[i] = 16;
    _tile_loadconfig(&shapes);
}
