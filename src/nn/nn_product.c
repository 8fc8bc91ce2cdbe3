/* Panel by panel. See nn_product.h. */
#include "nn_product.h"

#include "nn_kernels.h"

void nn_product(int m, int n, int k, const float *a, size_t lda, const float *b, size_t ldb,
                bool add, float *c, size_t ldc) {
    const NnKernels *kernels = nn_kernels();
    NnStrip strip = {.lda = lda,
                     .ldb = ldb,
                     .ldc = ldc,
                     .pieces = 1,
                     .k = k,
                     .period = m,
                     .keep = m,
                     .add = add};
    for (int column = 0; column < n; column += kernels->panel) {
        int columns = n - column < kernels->panel ? n - column : kernels->panel;
        kernels->strip_f32(&strip, m, a, b + column, columns, c + column);
    }
}
