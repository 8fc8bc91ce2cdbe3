/* Numbers as people read them: bytes, counts, durations. Callers free the strings. */
#pragma once
#include <stdint.h>

char *si_bytes(uint64_t bytes); /* 1234567 → "1.2 MB" (powers of 1000) */
char *si_count(uint64_t count); /* 193900000 → "193.9 M" */
char *si_clock(double seconds); /* 75 → "1:15", 4000 → "1:06:40"; fractions are cut */
