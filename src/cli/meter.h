/* How loud a recording is while it is made: a line on a terminal that is drawn again and again. It
 * also keeps the highest peak, which says afterwards whether anything was heard, and whether too
 * much.
 *
 * dBFS: 0 is the largest sample there can be.
 *
 * Owner: the caller. Thread: one at a time. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define METER_FULL (-INT16_MIN) /* the peak of 0 dBFS */

typedef struct Meter Meter;

/* Draws on `out`, which stays the caller's; NULL: nowhere. */
Meter *meter_new(FILE *out);

/* More samples; `seconds`: so much has been recorded with them. */
void meter_take(Meter *meter, const int16_t *samples, size_t count, double seconds);

void meter_clear(Meter *meter);            /* leaves no line behind */
int meter_highest(const Meter *meter);     /* 0..METER_FULL */
bool meter_is_clipped(const Meter *meter); /* samples were cut to what fits */
void meter_free(Meter *meter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Meter, meter_free)

/* −∞ for 0. */
double meter_dbfs(int peak);
