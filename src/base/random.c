/* See random.h. */
#include "random.h"

#include <math.h>

static uint64_t mixed(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

Random random_of(uint64_t seed, uint64_t a, uint64_t b) {
    Random random;
    uint64_t state = seed;
    state = mixed(&state) ^ a;
    state = mixed(&state) ^ b;
    for (int i = 0; i < 4; i++) random.s[i] = mixed(&state);
    return random;
}

static uint64_t rotated(uint64_t x, int by) {
    return x << by | x >> (64 - by);
}

uint64_t random_bits(Random *random) {
    uint64_t *s = random->s, result = rotated(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3];
    s[2] ^= t, s[3] = rotated(s[3], 45);
    return result;
}

double random_unit(Random *random) {
    return (double)(random_bits(random) >> 11) * 0x1p-53;
}

double random_range(Random *random, double a, double b) {
    return a + (b - a) * random_unit(random);
}

int random_below(Random *random, int n) {
    return (int)(random_unit(random) * n);
}

double random_normal(Random *random) {
    double radius = sqrt(-2 * log(1 - random_unit(random)));
    return radius * cos(2 * 3.14159265358979323846 * random_unit(random));
}

double random_exponential(Random *random) {
    return -log(1 - random_unit(random));
}
