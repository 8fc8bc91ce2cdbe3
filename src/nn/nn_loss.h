/* What training makes small. Values in double; gradients are added, times `weight`. Plain arrays.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Mean over the rows of −Σ target · log softmax(logits); rows whose target is all zero count
 * nothing. left_out[rows][cols] (or NULL): entries that are no part of the softmax; their target is
 * not looked at. dlogits may be NULL. */
double nn_cross_entropy(const float *logits, int rows, int cols, const float *target,
                        const bool *left_out, double weight, float *dlogits);

/* Mean of (x − target)². */
double nn_mean_square(const float *x, const float *target, size_t n, double weight, float *dx);

/* Mean over the rows of 1 − x · target, both of unit length. */
double nn_cosine_loss(const float *x, const float *target, int rows, int cols, double weight,
                      float *dx);
