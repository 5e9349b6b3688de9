"""Who multiplies for a linear map: products of our own, in float32 or bfloat16; or SGEMM."""
