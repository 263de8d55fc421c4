/* Uses a compiled model as a C program does: loads it, asks what it is, runs it in two threads, and passes wrong things.
 *
 *     run_model LIBRARY INPUT EXPECTED BATCH
 *
 * INPUT holds BATCH examples of the first input; EXPECTED holds the first output, to be met bit by bit.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuralc.h"

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);     \
      exit(1);                                                                    \
    }                                                                             \
  } while (0)

enum { RUNS = 200, MAX_RANK = 8 };

/* The functions of neuralc.h, found in the library. */
static struct {
  uint32_t (*abi_version)(void);
  const char *(*status_string)(nrc_status);
  const nrc_model *(*get_model)(void);
  const char *(*name)(const nrc_model *);
  const char *(*metadata)(const nrc_model *);
  const char *(*missing_feature)(const nrc_model *);
  int32_t (*input_count)(const nrc_model *);
  int32_t (*output_count)(const nrc_model *);
  int32_t (*dim_count)(const nrc_model *);
  nrc_status (*input_info)(const nrc_model *, int32_t, nrc_tensor_info *);
  nrc_status (*output_info)(const nrc_model *, int32_t, nrc_tensor_info *);
  nrc_status (*dim_info)(const nrc_model *, int32_t, nrc_dim_info *);
  nrc_status (*input_shape)(const nrc_model *, const int64_t *, int32_t, int64_t *);
  nrc_status (*output_shape)(const nrc_model *, const int64_t *, int32_t, int64_t *);
  nrc_status (*create)(const nrc_model *, const nrc_options *, nrc_context **);
  void (*destroy)(nrc_context *);
  void (*reset)(nrc_context *);
  nrc_status (*reserve)(nrc_context *, const int64_t *);
  nrc_status (*run)(nrc_context *, const void *const *, const int64_t *, void *const *);
} nrc;

static void *find(void *library, const char *name) {
  void *function = dlsym(library, name);
  if (function == NULL) fprintf(stderr, "no function %s\n", name);
  CHECK(function != NULL);
  return function;
}

static void load(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fprintf(stderr, "%s\n", dlerror());
  CHECK(library != NULL);
  *(void **)&nrc.abi_version = find(library, "nrc_abi_version");
  *(void **)&nrc.status_string = find(library, "nrc_status_string");
  *(void **)&nrc.get_model = find(library, "nrc_get_model");
  *(void **)&nrc.name = find(library, "nrc_model_name");
  *(void **)&nrc.metadata = find(library, "nrc_model_metadata");
  *(void **)&nrc.missing_feature = find(library, "nrc_model_missing_feature");
  *(void **)&nrc.input_count = find(library, "nrc_input_count");
  *(void **)&nrc.output_count = find(library, "nrc_output_count");
  *(void **)&nrc.dim_count = find(library, "nrc_dim_count");
  *(void **)&nrc.input_info = find(library, "nrc_get_input_info");
  *(void **)&nrc.output_info = find(library, "nrc_get_output_info");
  *(void **)&nrc.dim_info = find(library, "nrc_get_dim_info");
  *(void **)&nrc.input_shape = find(library, "nrc_input_shape");
  *(void **)&nrc.output_shape = find(library, "nrc_output_shape");
  *(void **)&nrc.create = find(library, "nrc_context_create");
  *(void **)&nrc.destroy = find(library, "nrc_context_destroy");
  *(void **)&nrc.reset = find(library, "nrc_context_reset");
  *(void **)&nrc.reserve = find(library, "nrc_context_reserve");
  *(void **)&nrc.run = find(library, "nrc_run");
}

static void *read_file(const char *path, size_t bytes) {
  FILE *file = fopen(path, "rb");
  CHECK(file != NULL);
  char *data = malloc(bytes + 1);
  CHECK(data != NULL);
  size_t found = fread(data, 1, bytes + 1, file);
  CHECK(found == bytes);
  fclose(file);
  return data;
}

/* Bytes of an input or output of float32. */
static size_t bytes_of(const nrc_model *model, int is_output, const int64_t *dims) {
  nrc_tensor_info info = {.size = sizeof info};
  int64_t shape[MAX_RANK];
  CHECK((is_output ? nrc.output_info : nrc.input_info)(model, 0, &info) == NRC_OK);
  CHECK(info.size == sizeof info);
  CHECK(info.dtype == NRC_FLOAT32);
  CHECK(info.rank > 0 && info.rank <= MAX_RANK);
  CHECK((is_output ? nrc.output_shape : nrc.input_shape)(model, dims, 0, shape) == NRC_OK);
  size_t bytes = sizeof(float);
  printf("%s %s:", is_output ? "output" : "input", info.name);
  for (int32_t axis = 0; axis < info.rank; ++axis) {
    printf(" %s=%lld", info.shape[axis], (long long)shape[axis]);
    bytes *= (size_t)shape[axis];
  }
  printf("\n");
  return bytes;
}

typedef struct {
  const nrc_model *model;
  int32_t threads;
  const void *input;
  const void *expected;
  const int64_t *dims;
  size_t bytes;
} Job;

/* One thread of the program: a context of its own, the same model. */
static void *work(void *argument) {
  const Job *job = argument;
  nrc_options options = {.size = sizeof options, .threads = job->threads};
  nrc_context *context = NULL;
  CHECK(nrc.create(job->model, &options, &context) == NRC_OK);
  CHECK(nrc.reserve(context, job->dims) == NRC_OK);
  void *output = malloc(job->bytes);
  CHECK(output != NULL);
  const void *inputs[] = {job->input};
  void *outputs[] = {output};
  for (int run = 0; run < RUNS; ++run) {
    memset(output, 0xFF, job->bytes);
    CHECK(nrc.run(context, inputs, job->dims, outputs) == NRC_OK);
    CHECK(memcmp(output, job->expected, job->bytes) == 0);
    nrc.reset(context);
  }
  free(output);
  nrc.destroy(context);
  return NULL;
}

/* What is wrong is answered by a status, and nothing is touched. */
static void refuse(const nrc_model *model, const void *input, const int64_t *dims, size_t bytes) {
  nrc_context *context = NULL;
  nrc_options options = {.size = 4};
  CHECK(nrc.create(NULL, NULL, &context) == NRC_ERROR_NULL);
  CHECK(nrc.create(model, NULL, NULL) == NRC_ERROR_NULL);
  CHECK(nrc.create(model, &options, &context) == NRC_ERROR_VERSION);
  options = (nrc_options){.size = sizeof options, .threads = -3};
  CHECK(nrc.create(model, &options, &context) == NRC_ERROR_COUNT);
  CHECK(context == NULL);
  CHECK(nrc.create(model, NULL, &context) == NRC_OK);

  unsigned char *output = malloc(bytes);
  CHECK(output != NULL);
  memset(output, 0xA5, bytes);
  const void *inputs[] = {input}, *no_inputs[] = {NULL};
  void *outputs[] = {output}, *no_outputs[] = {NULL};
  int64_t empty[] = {0}, huge[] = {INT64_MAX};
  CHECK(nrc.run(NULL, inputs, dims, outputs) == NRC_ERROR_NULL);
  CHECK(nrc.run(context, NULL, dims, outputs) == NRC_ERROR_NULL);
  CHECK(nrc.run(context, inputs, NULL, outputs) == NRC_ERROR_NULL);
  CHECK(nrc.run(context, inputs, dims, NULL) == NRC_ERROR_NULL);
  CHECK(nrc.run(context, no_inputs, dims, outputs) == NRC_ERROR_NULL);
  CHECK(nrc.run(context, inputs, dims, no_outputs) == NRC_ERROR_NULL);
  CHECK(nrc.run(context, inputs, empty, outputs) == NRC_ERROR_DIM);
  nrc_status status = nrc.run(context, inputs, huge, outputs);
  CHECK(status == NRC_ERROR_DIM || status == NRC_ERROR_MEMORY);
  for (size_t place = 0; place < bytes; ++place) CHECK(output[place] == 0xA5);
  CHECK(nrc.run(context, inputs, dims, outputs) == NRC_OK);

  nrc_tensor_info tensor = {.size = 8};
  nrc_dim_info dim = {.size = sizeof dim};
  int64_t shape[MAX_RANK];
  CHECK(nrc.input_info(model, 0, &tensor) == NRC_ERROR_VERSION);
  CHECK(nrc.input_info(model, 0, NULL) == NRC_ERROR_NULL);
  tensor.size = sizeof tensor;
  CHECK(nrc.input_info(model, 1, &tensor) == NRC_ERROR_INDEX);
  CHECK(nrc.output_info(model, -1, &tensor) == NRC_ERROR_INDEX);
  CHECK(nrc.dim_info(model, 1, &dim) == NRC_ERROR_INDEX);
  CHECK(nrc.output_shape(model, dims, 5, shape) == NRC_ERROR_INDEX);
  CHECK(nrc.output_shape(model, empty, 0, shape) == NRC_ERROR_DIM);
  CHECK(nrc.output_shape(model, NULL, 0, shape) == NRC_ERROR_NULL);
  CHECK(strcmp(nrc.status_string(NRC_ERROR_DIM), "a dim is outside of its bounds") == 0);
  CHECK(strcmp(nrc.status_string(12345), "unknown status") == 0);

  free(output);
  nrc.destroy(context);
  nrc.destroy(NULL);
}

int main(int count, char **arguments) {
  CHECK(count == 5);
  load(arguments[1]);
  CHECK(nrc.abi_version() == NRC_ABI_VERSION);
  const nrc_model *model = nrc.get_model();
  CHECK(nrc.missing_feature(model) == NULL);
  CHECK(nrc.input_count(model) == 1 && nrc.output_count(model) == 1 && nrc.dim_count(model) == 1);
  printf("model %s\n%s\n", nrc.name(model), nrc.metadata(model));
  nrc_dim_info dim = {.size = sizeof dim};
  CHECK(nrc.dim_info(model, 0, &dim) == NRC_OK);
  printf("dim %s: %lld to %lld, %s\n", dim.name, (long long)dim.minimum, (long long)dim.maximum, dim.origin);

  int64_t dims[] = {atoll(arguments[4])};
  void *input = read_file(arguments[2], bytes_of(model, 0, dims));
  size_t bytes = bytes_of(model, 1, dims);
  void *expected = read_file(arguments[3], bytes);
  Job jobs[] = {{model, 1, input, expected, dims, bytes}, {model, 2, input, expected, dims, bytes}};
  pthread_t threads[2];
  for (int number = 0; number < 2; ++number) CHECK(pthread_create(&threads[number], NULL, work, &jobs[number]) == 0);
  for (int number = 0; number < 2; ++number) CHECK(pthread_join(threads[number], NULL) == 0);
  refuse(model, input, dims, bytes);
  free(input);
  free(expected);
  printf("done\n");
  return 0;
}
