/* Pseudo-random numbers that are the same everywhere: xoshiro256** (Blackman & Vigna 2018), seeded
 * by splitmix64. Not for secrets.
 *
 * A stream is named by numbers (a seed, a step, a sample), so that what is drawn for one sample
 * does not depend on who drew before. Plain data; thread: one at a time. */
#pragma once
#include <stdint.h>

typedef struct {
    uint64_t s[4];
} Random;

Random random_of(uint64_t seed, uint64_t a, uint64_t b);
uint64_t random_bits(Random *random);
double random_unit(Random *random); /* [0, 1) */
double random_range(Random *random, double a, double b);
int random_below(Random *random, int n);   /* 0 … n − 1; n ≥ 1 */
double random_normal(Random *random);      /* mean 0, deviation 1 */
double random_exponential(Random *random); /* mean 1 */
