/* Window, FFT, power, filters, decibels. See mel_lanes.h.
 *
 * The real FFT of n samples is a complex one of n/2 (even samples real, odd samples imaginary) and
 * an unpacking. The complex one is the textbook's decimation in time: bits reversed on the way in,
 * then passes of radix 4, after one of radix 2 where the size is an odd power of two. */
#include "mel_lanes.h"

#include <math.h>
#include <string.h>

#define FLOOR    1e-10 /* of power */
#define FLOOR_DB (-100.0f)

static void *new_vectors(gsize count) {
    return g_aligned_alloc0(count, sizeof(MelVector), sizeof(MelVector));
}

static MelTwiddle unit(double turns) {
    return (MelTwiddle){cos(2 * G_PI * turns), -sin(2 * G_PI * turns)};
}

/* The size of the first pass of radix 4: 1, or 2 after a pass of radix 2. */
static gsize first_size(gsize count) {
    return (g_bit_storage(count) - 1) % 2 ? 2 : 1;
}

static void init_fft(MelLanes *lanes) {
    gsize count = lanes->n / 2, bits = g_bit_storage(count) - 1;
    lanes->order = g_new0(int, count);
    for (gsize i = 0; i < count; i++)
        for (gsize b = 0; b < bits; b++) lanes->order[i] |= (i >> b & 1) << (bits - 1 - b);
    lanes->unpack = g_new(MelTwiddle, count + 1);
    for (gsize k = 0; k <= count; k++) lanes->unpack[k] = unit((double)k / lanes->n);
    MelTwiddle *next = lanes->passes = g_new(MelTwiddle, 3 * count);
    for (gsize size = first_size(count); size < count; size *= 4)
        for (gsize j = 0; j < size; j++)
            for (int power = 1; power <= 3; power++)
                *next++ = unit((double)j * power / (4.0 * size));
}

void mel_lanes_init(MelLanes *lanes, const MelConfig *config) {
    gsize n = config->n_fft;
    *lanes = (MelLanes){.n = n};
    lanes->window = g_new(double, n);
    for (gsize i = 0; i < n; i++) lanes->window[i] = 0.5 - 0.5 * cos(2 * G_PI * i / n);
    init_fft(lanes);
    mel_bank_init(&lanes->bank, config);
    lanes->frames = g_new0(float, MEL_LANES *(gsize)n);
    lanes->re = new_vectors(n / 2);
    lanes->im = new_vectors(n / 2);
    lanes->power = new_vectors(n / 2 + 1);
    lanes->mel = new_vectors(config->bins);
    lanes->decibels = g_new(float, (gsize)config->bins *MEL_LANES);
}

void mel_lanes_clear(MelLanes *lanes) {
    g_free(lanes->window);
    g_free(lanes->order);
    g_free(lanes->passes);
    g_free(lanes->unpack);
    mel_bank_clear(&lanes->bank);
    g_free(lanes->frames);
    g_aligned_free(lanes->re);
    g_aligned_free(lanes->im);
    g_aligned_free(lanes->power);
    g_aligned_free(lanes->mel);
    g_free(lanes->decibels);
}

/* Everything below is compiled once for each level of the CPU, as part of run_*. */
#define EACH_LEVEL static inline __attribute__((always_inline))

typedef float MelFloats __attribute__((vector_size(MEL_LANES * sizeof(float))));

/* Of two rows: the even and the odd columns, or the low and the high pairs of columns, together. */
#define EXCHANGE(a, b, low, high)                                                                  \
    do {                                                                                           \
        MelVector first = __builtin_shufflevector(a, b, low);                                      \
        b = __builtin_shufflevector(a, b, high);                                                   \
        a = first;                                                                                 \
    } while (0)
#define EVEN 0, 4, 2, 6
#define ODD  1, 5, 3, 7
#define LOW  0, 1, 4, 5
#define HIGH 2, 3, 6, 7

EACH_LEVEL void transpose(MelVector row[MEL_LANES]) {
    for (int i = 0; i < 4; i += 2) EXCHANGE(row[i], row[i + 1], EVEN, ODD);
    for (int i = 0; i < 2; i++) EXCHANGE(row[i], row[i + 2], LOW, HIGH);
}

/* Four samples of each frame at a time, windowed, from rows to lanes. */
EACH_LEVEL void load_frames(MelLanes *lanes) {
    for (gsize i = 0; i < lanes->n; i += MEL_LANES) {
        MelVector row[MEL_LANES], window;
        memcpy(&window, lanes->window + i, sizeof window);
        for (int l = 0; l < MEL_LANES; l++) {
            MelFloats samples;
            memcpy(&samples, lanes->frames + l * lanes->n + i, sizeof samples);
            row[l] = __builtin_convertvector(samples, MelVector) * window;
        }
        transpose(row);
        for (int pair = 0; pair < MEL_LANES / 2; pair++) {
            int to = lanes->order[i / 2 + pair];
            lanes->re[to] = row[2 * pair];
            lanes->im[to] = row[2 * pair + 1];
        }
    }
}

EACH_LEVEL void pass_radix2(MelLanes *lanes) {
    MelVector *re = lanes->re, *im = lanes->im;
    for (gsize i = 0; i < lanes->n / 2; i += 2) {
        MelVector r = re[i + 1], m = im[i + 1];
        re[i + 1] = re[i] - r, im[i + 1] = im[i] - m;
        re[i] += r, im[i] += m;
    }
}

/* Four transforms of `size` points, `size` apart, → one of 4·size. With bits reversed the second of
 * them holds the points 2 mod 4, the third those 1 mod 4. `re` and `im` point at element j, w at
 * its twiddles. */
EACH_LEVEL void butterfly(MelVector *re, MelVector *im, gsize size, const MelTwiddle *w) {
    MelVector ar = re[0], ai = im[0];
    MelVector br = re[2 * size] * w[0].re - im[2 * size] * w[0].im;
    MelVector bi = re[2 * size] * w[0].im + im[2 * size] * w[0].re;
    MelVector cr = re[size] * w[1].re - im[size] * w[1].im;
    MelVector ci = re[size] * w[1].im + im[size] * w[1].re;
    MelVector dr = re[3 * size] * w[2].re - im[3 * size] * w[2].im;
    MelVector di = re[3 * size] * w[2].im + im[3 * size] * w[2].re;
    MelVector even_r = ar + cr, even_i = ai + ci, odd_r = br + dr, odd_i = bi + di;
    MelVector far_r = ar - cr, far_i = ai - ci, turn_r = bi - di, turn_i = dr - br;
    re[0] = even_r + odd_r, im[0] = even_i + odd_i;
    re[2 * size] = even_r - odd_r, im[2 * size] = even_i - odd_i;
    re[size] = far_r + turn_r, im[size] = far_i + turn_i;
    re[3 * size] = far_r - turn_r, im[3 * size] = far_i - turn_i;
}

EACH_LEVEL void transform(MelLanes *lanes) {
    gsize count = lanes->n / 2, size = first_size(count);
    const MelTwiddle *w = lanes->passes;
    if (size == 2) pass_radix2(lanes);
    for (; size < count; w += 3 * size, size *= 4)
        for (gsize block = 0; block < count; block += 4 * size)
            for (gsize j = 0; j < size; j++)
                butterfly(lanes->re + block + j, lanes->im + block + j, size, w + 3 * j);
}

/* X[k] = (Z[k] + Z*[N−k])/2 − i·e^(−2πik/n)·(Z[k] − Z*[N−k])/2, N = n/2 → |X[k]|². */
EACH_LEVEL void find_power(MelLanes *lanes) {
    int mask = lanes->n / 2 - 1;
    for (int k = lanes->bank.first_bin; k < lanes->bank.end_bin; k++) {
        int here = k & mask, there = -k & mask;
        MelTwiddle w = lanes->unpack[k];
        MelVector even_r = lanes->re[here] + lanes->re[there];
        MelVector even_i = lanes->im[here] - lanes->im[there];
        MelVector odd_r = lanes->im[here] + lanes->im[there];
        MelVector odd_i = lanes->re[there] - lanes->re[here];
        MelVector r = even_r + odd_r * w.re - odd_i * w.im;
        MelVector i = even_i + odd_r * w.im + odd_i * w.re;
        lanes->power[k] = (r * r + i * i) * 0.25;
    }
}

/* 10·log10(x) for a normal x: exponent apart, then the series of artanh. |error| < 1e-5. */
EACH_LEVEL float decibel(float x) {
    guint32 bits;
    memcpy(&bits, &x, sizeof bits);
    gint32 exponent = (gint32)(bits - 0x3f3504f3u) >> 23; /* mantissa from √½ to √2 */
    bits -= (guint32)exponent << 23;
    float m;
    memcpy(&m, &bits, sizeof m);
    float t = (m - 1) / (m + 1), t2 = t * t;
    float series = t * (1 + t2 * (1 / 3.f + t2 * (1 / 5.f + t2 * (1 / 7.f + t2 * (1 / 9.f)))));
    return exponent * 3.01029996f + series * 8.68588964f;
}

EACH_LEVEL void apply_bank(MelLanes *lanes) {
    for (int b = 0; b < lanes->bank.bins; b++) {
        const MelBand *band = &lanes->bank.bands[b];
        const double *weights = lanes->bank.weights + band->at;
        MelVector sum = {0};
        for (int k = 0; k < band->count; k++) sum += lanes->power[band->first + k] * weights[k];
        lanes->mel[b] = sum;
    }
}

EACH_LEVEL void find_decibels(MelLanes *lanes) {
    const double *mel = (const double *)lanes->mel;
#pragma omp simd
    for (int i = 0; i < lanes->bank.bins * MEL_LANES; i++) {
        float db = decibel((float)mel[i]);
        lanes->decibels[i] = mel[i] > FLOOR && db > FLOOR_DB ? db : FLOOR_DB;
    }
}

EACH_LEVEL void run(MelLanes *lanes) {
    load_frames(lanes);
    transform(lanes);
    find_power(lanes);
    apply_bank(lanes);
    find_decibels(lanes);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void run_avx2(MelLanes *lanes) {
    run(lanes);
}

static void run_plain(MelLanes *lanes) {
    run(lanes);
}

void mel_lanes_run(MelLanes *lanes) {
    if (__builtin_cpu_supports("avx2"))
        run_avx2(lanes);
    else
        run_plain(lanes);
}
#else
void mel_lanes_run(MelLanes *lanes) {
    run(lanes);
}
#endif
