/* Private to index: how far each kind of query must look in a new segment for recall@k ≥ 0.99,
 * measured against the exact answer: stored rows stand for sounds (without themselves), texts are
 * given. The same whatever the threads. */
#pragma once
#include "segment.h"

typedef struct {
    Segment *segment;
    const uint16_t *rows; /* all of them, mapped */
    const float *texts;   /* [text_count][dim] */
    int text_count, threads;
} Calibration;

/* Sets head.effort. False where the partition does not help and one list is better. */
bool calibrate(const Calibration *calibration);
