/* Filter banks. See mel_bank.h. */
#include "mel_bank.h"

#include <math.h>

#define SLANEY_BREAK_HZ  1000.0 /* linear below, logarithmic above */
#define SLANEY_BREAK_MEL 15.0
#define SLANEY_STEP      (log(6.4) / 27.0) /* of ln f per mel above */

static double hz_to_mel(double hz, bool slaney) {
    if (!slaney) return 2595.0 * log10(1.0 + hz / 700.0);
    if (hz < SLANEY_BREAK_HZ) return 3.0 * hz / 200.0;
    return SLANEY_BREAK_MEL + log(hz / SLANEY_BREAK_HZ) / SLANEY_STEP;
}

static double mel_to_hz(double mel, bool slaney) {
    if (!slaney) return 700.0 * (pow(10.0, mel / 2595.0) - 1.0);
    if (mel < SLANEY_BREAK_MEL) return 200.0 * mel / 3.0;
    return SLANEY_BREAK_HZ * exp(SLANEY_STEP * (mel - SLANEY_BREAK_MEL));
}

/* corners[bins + 2]: band i rises from corner i to i + 1 and falls to i + 2. */
static void find_corners(double *corners, const MelConfig *config) {
    double low = hz_to_mel(config->f_min, config->slaney);
    double high = hz_to_mel(config->f_max, config->slaney);
    int last = config->bins + 1;
    for (int i = 0; i <= last; i++)
        corners[i] = mel_to_hz(low + i * ((high - low) / last), config->slaney);
    corners[last] = mel_to_hz(high, config->slaney);
}

/* The triangle's height at `hz`, ≤ 0 outside. */
static double triangle(const double corner[3], double hz) {
    double up = (hz - corner[0]) / (corner[1] - corner[0]);
    double down = (corner[2] - hz) / (corner[2] - corner[1]);
    return MIN(up, down);
}

/* Appends the band's weights to `weights`. */
static MelBand make_band(const MelConfig *config, const double corner[3], GArray *weights) {
    MelBand band = {.at = weights->len};
    double width_hz = (double)(config->rate / 2) / (config->n_fft / 2); /* of an FFT bin */
    double norm = config->slaney ? 2.0 / (corner[2] - corner[0]) : 1.0;
    for (int k = 0; k <= config->n_fft / 2; k++) {
        double weight = triangle(corner, k * width_hz) * norm;
        if (!(weight > 0)) continue;
        if (band.count == 0) band.first = k;
        g_array_append_val(weights, weight);
        band.count++;
    }
    return band;
}

void mel_bank_init(MelBank *bank, const MelConfig *config) {
    g_autofree double *corners = g_new(double, config->bins + 2);
    find_corners(corners, config);
    *bank = (MelBank){.bins = config->bins, .first_bin = G_MAXINT};
    bank->bands = g_new0(MelBand, config->bins);
    GArray *weights = g_array_new(FALSE, FALSE, sizeof(double));
    for (int i = 0; i < config->bins; i++) {
        MelBand band = bank->bands[i] = make_band(config, corners + i, weights);
        if (band.count == 0) continue;
        bank->first_bin = MIN(bank->first_bin, band.first);
        bank->end_bin = MAX(bank->end_bin, band.first + band.count);
    }
    bank->first_bin = MIN(bank->first_bin, bank->end_bin);
    bank->weights = (double *)g_array_free(weights, FALSE);
}

void mel_bank_clear(MelBank *bank) {
    g_free(bank->bands);
    g_free(bank->weights);
}
