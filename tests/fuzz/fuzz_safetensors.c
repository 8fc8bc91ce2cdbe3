/* Any bytes as a .safetensors file. */
#include "tensor_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tensor_file_try(data, size, safetensors_open);
    return 0;
}
