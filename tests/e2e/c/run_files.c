/* Runs any compiled model on files of raw values, and writes its outputs to files: a program without Python.
 *
 *     run_files LIBRARY DIM... INPUT... OUTPUT...
 *
 * One integer a dim, one path an input and an output, in the model's order. Exit code: 0, or 10 + the status of nrc_run.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "neuralc.h"

enum { MAX_RANK = 32 };

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "run_files: %s: %s\n", what, detail);
  exit(1);
}

static void *allocate(size_t bytes) {
  void *memory = malloc(bytes + 1);
  if (memory == NULL) fail("no memory", "");
  return memory;
}

static void *library;

static void *find(const char *name) {
  void *function = dlsym(library, name);
  if (function == NULL) fail("no function", name);
  return function;
}

static size_t bytes_of_dtype(nrc_dtype dtype) {
  switch (dtype) {
    case NRC_BOOL: case NRC_INT8: case NRC_UINT8: return 1;
    case NRC_FLOAT16: case NRC_BFLOAT16: case NRC_INT16: case NRC_UINT16: return 2;
    case NRC_FLOAT32: case NRC_INT32: case NRC_UINT32: return 4;
    case NRC_FLOAT64: case NRC_INT64: case NRC_UINT64: return 8;
    default: fail("unknown dtype", ""); return 0;
  }
}

typedef nrc_status (*info_function)(const nrc_model *, int32_t, nrc_tensor_info *);
typedef nrc_status (*shape_function)(const nrc_model *, const int64_t *, int32_t, int64_t *);

static size_t bytes_of(const nrc_model *model, info_function info_of, shape_function shape_of, int32_t index,
                       const int64_t *dims) {
  nrc_tensor_info info = {.size = sizeof info};
  int64_t shape[MAX_RANK];
  if (info_of(model, index, &info) != NRC_OK || info.rank > MAX_RANK) fail("no such tensor", "");
  if (shape_of(model, dims, index, shape) != NRC_OK) fail("no shape", info.name);
  size_t bytes = bytes_of_dtype(info.dtype);
  for (int32_t axis = 0; axis < info.rank; ++axis) bytes *= (size_t)shape[axis];
  return bytes;
}

int main(int count, char **arguments) {
  if (count < 2) fail("usage", "run_files LIBRARY DIM... INPUT... OUTPUT...");
  library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fail("cannot load", dlerror());
  const nrc_model *model = ((const nrc_model *(*)(void))find("nrc_get_model"))();
  int32_t dim_count = ((int32_t(*)(const nrc_model *))find("nrc_dim_count"))(model);
  int32_t inputs = ((int32_t(*)(const nrc_model *))find("nrc_input_count"))(model);
  int32_t outputs = ((int32_t(*)(const nrc_model *))find("nrc_output_count"))(model);
  if (count != 2 + dim_count + inputs + outputs) fail("wrong number of arguments", arguments[1]);

  int64_t *dims = allocate(sizeof(int64_t) * (size_t)dim_count);
  for (int32_t i = 0; i < dim_count; ++i) dims[i] = strtoll(arguments[2 + i], NULL, 10);
  char **paths = arguments + 2 + dim_count;

  void **memory = allocate(sizeof(void *) * (size_t)(inputs + outputs));
  info_function input_info = (info_function)find("nrc_get_input_info");
  shape_function input_shape = (shape_function)find("nrc_input_shape");
  for (int32_t i = 0; i < inputs; ++i) {
    size_t bytes = bytes_of(model, input_info, input_shape, i, dims);
    memory[i] = allocate(bytes);
    FILE *file = fopen(paths[i], "rb");
    if (file == NULL || fread(memory[i], 1, bytes + 1, file) != bytes) fail("not the bytes of the input", paths[i]);
    fclose(file);
  }
  info_function output_info = (info_function)find("nrc_get_output_info");
  shape_function output_shape = (shape_function)find("nrc_output_shape");
  for (int32_t i = 0; i < outputs; ++i)
    memory[inputs + i] = allocate(bytes_of(model, output_info, output_shape, i, dims));

  nrc_context *context = NULL;
  nrc_options options = {.size = sizeof options, .threads = 1};
  if (((nrc_status(*)(const nrc_model *, const nrc_options *, nrc_context **))find("nrc_context_create"))(
          model, &options, &context) != NRC_OK)
    fail("no context", arguments[1]);
  nrc_status status = ((nrc_status(*)(nrc_context *, const void *const *, const int64_t *, void *const *))find("nrc_run"))(
      context, (const void *const *)memory, dims, memory + inputs);
  ((void (*)(nrc_context *))find("nrc_context_destroy"))(context);
  if (status != NRC_OK) {
    fprintf(stderr, "run_files: %s\n", ((const char *(*)(nrc_status))find("nrc_status_string"))(status));
    return 10 + status;
  }
  for (int32_t i = 0; i < outputs; ++i) {
    size_t bytes = bytes_of(model, output_info, output_shape, i, dims);
    FILE *file = fopen(paths[inputs + i], "wb");
    if (file == NULL || fwrite(memory[inputs + i], 1, bytes, file) != bytes || fclose(file) != 0)
      fail("cannot write", paths[inputs + i]);
  }
  return 0;
}
