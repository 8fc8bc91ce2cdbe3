/* Any bytes as a pytorch_model.bin. */
#include "tensor_file.h"
#include "torch_bin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tensor_file_try(data, size, torch_bin_open);
    return 0;
}
