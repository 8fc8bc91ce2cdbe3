/* Plain loops in double: the arrays are small beside those of the towers. See nn_loss.h. */
#include "nn_loss.h"

#include <math.h>

static bool counts(const bool *left_out, int c) {
    return !left_out || !left_out[c];
}

/* log Σ e^logit over what counts. */
static double log_sum(const float *logits, const bool *left_out, int cols) {
    double most = -INFINITY, sum = 0;
    for (int c = 0; c < cols; c++)
        if (counts(left_out, c)) most = fmax(most, logits[c]);
    for (int c = 0; c < cols; c++)
        if (counts(left_out, c)) sum += exp(logits[c] - most);
    return most + log(sum);
}

double nn_cross_entropy(const float *logits, int rows, int cols, const float *target,
                        const bool *left_out, double weight, float *dlogits) {
    double loss = 0;
    for (int r = 0; r < rows; r++) {
        size_t at = (size_t)r * cols;
        const bool *out = left_out ? left_out + at : NULL;
        double all = log_sum(logits + at, out, cols), sum = 0;
        for (int c = 0; c < cols; c++)
            if (counts(out, c)) sum += target[at + c];
        for (int c = 0; c < cols; c++) {
            if (!counts(out, c)) continue;
            double share = logits[at + c] - all;
            loss -= target[at + c] * share;
            if (dlogits)
                dlogits[at + c] += (float)(weight * (exp(share) * sum - target[at + c]) / rows);
        }
    }
    return loss / rows;
}

double nn_mean_square(const float *x, const float *target, size_t n, double weight, float *dx) {
    double loss = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)x[i] - target[i];
        loss += d * d;
        if (dx) dx[i] += (float)(2 * weight * d / (double)n);
    }
    return loss / (double)n;
}

double nn_cosine_loss(const float *x, const float *target, int rows, int cols, double weight,
                      float *dx) {
    double dot = 0;
    for (size_t i = 0; i < (size_t)rows * cols; i++) {
        dot += (double)x[i] * target[i];
        if (dx) dx[i] -= (float)(weight * target[i] / rows);
    }
    return 1 - dot / rows;
}
