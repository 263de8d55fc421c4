/* neuralc.h: the C interface of a compiled model.
 *
 * `neuralc model.nr` makes a shared library, `neuralc model.nr --emit=obj` an object, with the functions below. Either
 * needs nothing but the C library. A program that links it calls nrc_get_model(); one that loads it by dlopen() finds
 * the same function by dlsym(). Objects of several models may be linked into one program: then each model is reached by
 * its own name, const nrc_model *nrc_model_NAME(void), and the other functions serve all of them.
 *
 *     const nrc_model *model = nrc_get_model();
 *     nrc_context *context;
 *     nrc_status status = nrc_context_create(model, NULL, &context);
 *     const void *inputs[] = {image};
 *     void *outputs[] = {probabilities};
 *     int64_t dims[] = {batch};
 *     if (status == NRC_OK) status = nrc_run(context, inputs, dims, outputs);
 *     if (status != NRC_OK) fprintf(stderr, "%s\n", nrc_status_string(status));
 *     nrc_context_destroy(context);
 *
 * Threads. A model is immutable and may be used by all threads at once; a context is used by one thread at a time.
 * Contexts of more than one thread share the workers of one pool, which are started with the first such context and end
 * with the last. A run takes those that are free, so that no more threads are busy than the process has processors; it
 * waits for no other run. A worker looks for new work for 0.2 ms after a run, then it sleeps.
 * States. What a model keeps from run to run lies in a context, and contexts share nothing: a second sequence, a second
 * stream of a recurrent model, takes a second context. The first run, and the first after nrc_context_reset(), lets all
 * states begin anew; runs until the next reset give the sizes of states the same values.
 * Memory. Tensors are dense and row-major, aligned to their elements; inputs may overlap each other, an output may
 * overlap nothing. The library keeps no pointer that it is given, except that of a context to its model.
 * Versions. Structures start with their size, which the caller sets; a library takes structures of all headers with its
 * NRC_ABI_VERSION.
 */
#ifndef NEURALC_H
#define NEURALC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NRC_ABI_VERSION 4

typedef struct nrc_model nrc_model;
typedef struct nrc_context nrc_context;

/* What a function has to say; the values fit into an int32_t and are never given another meaning. */
typedef int32_t nrc_status;
enum {
  NRC_OK = 0,
  NRC_ERROR_NULL = 1,      /* a pointer is null that must not be */
  NRC_ERROR_VERSION = 2,   /* caller and artifact follow different versions of this header */
  NRC_ERROR_INDEX = 3,     /* there is no input, output or dim of this index */
  NRC_ERROR_DIM = 4,       /* a dim is outside of its bounds */
  NRC_ERROR_MEMORY = 5,    /* not enough memory for the arena */
  NRC_ERROR_THREADS = 6,   /* the threads of a context could not be started */
  NRC_ERROR_PROCESSOR = 7, /* the processor lacks a feature that the model was compiled for */
  NRC_ERROR_COUNT = 8,     /* the number of threads is not between 1 and 1024 */
  NRC_ERROR_RANGE = 9,     /* an index in the inputs is outside of what it counts along */
  NRC_ERROR_DIVISION = 10, /* integer division by zero */
  NRC_ERROR_STATE = 11     /* a run gives states other sizes than they have since the last reset */
};

/* The type of the elements of a tensor. NRC_BOOL is one byte, 0 or 1. */
typedef int32_t nrc_dtype;
enum {
  NRC_FLOAT16 = 1,
  NRC_FLOAT32 = 2,
  NRC_FLOAT64 = 3,
  NRC_BOOL = 4,
  NRC_INT8 = 5,
  NRC_INT16 = 6,
  NRC_INT32 = 7,
  NRC_INT64 = 8,
  NRC_UINT8 = 9,
  NRC_UINT16 = 10,
  NRC_UINT32 = 11,
  NRC_UINT64 = 12,
  NRC_BFLOAT16 = 13 /* the upper half of a float32 */
};

/* An input or an output. */
typedef struct nrc_tensor_info {
  uint64_t size;            /* sizeof(nrc_tensor_info), set by the caller */
  const char *name;
  const char *const *shape; /* rank expressions: "28", "batch", "ceildiv(S, 2)" */
  nrc_dtype dtype;
  int32_t rank;
} nrc_tensor_info;

/* A size that is known when the model runs. */
typedef struct nrc_dim_info {
  uint64_t size;      /* sizeof(nrc_dim_info), set by the caller */
  const char *name;   /* "batch" */
  const char *origin; /* who introduced it: "implied batch", or a place in the model's source */
  int64_t minimum;    /* bounds, inclusive */
  int64_t maximum;    /* INT64_MAX where there is none */
} nrc_dim_info;

/* How a context runs. */
typedef struct nrc_options {
  uint64_t size;    /* sizeof(nrc_options), set by the caller */
  int32_t threads;  /* at most, the calling thread included; 0: as the model was compiled for */
  int32_t reserved; /* 0 */
} nrc_options;

/* NRC_ABI_VERSION of the header that the artifact follows. */
uint32_t nrc_abi_version(void);

/* A sentence for a status, without a full stop; never null. */
const char *nrc_status_string(nrc_status status);

/* The model of this artifact. */
const nrc_model *nrc_get_model(void);

/* Its name, and a JSON object: model, inputs, outputs, states, dims, threads, target, version of neuralc. */
const char *nrc_model_name(const nrc_model *model);
const char *nrc_model_metadata(const nrc_model *model);

/* The first feature that the model was compiled for and this processor lacks, such as "avx2"; null when it runs here.
 * The functions of this header run everywhere, except nrc_run, which needs a context. */
const char *nrc_model_missing_feature(const nrc_model *model);

int32_t nrc_input_count(const nrc_model *model);
int32_t nrc_output_count(const nrc_model *model);
int32_t nrc_dim_count(const nrc_model *model);
nrc_status nrc_get_input_info(const nrc_model *model, int32_t index, nrc_tensor_info *info);
nrc_status nrc_get_output_info(const nrc_model *model, int32_t index, nrc_tensor_info *info);
nrc_status nrc_get_dim_info(const nrc_model *model, int32_t index, nrc_dim_info *info);

/* The sizes of an input or output when the dims, in the order of nrc_get_dim_info, have these values. `dims` may be null
 * when the model has none; `shape` has room for the tensor's rank. */
nrc_status nrc_input_shape(const nrc_model *model, const int64_t *dims, int32_t index, int64_t *shape);
nrc_status nrc_output_shape(const nrc_model *model, const int64_t *dims, int32_t index, int64_t *shape);

/* A context holds the memory for states and intermediate values and, for more than one thread, a part in the workers.
 * `options` may be null. On failure *context is null. After fork(), contexts of the parent run on one thread in the child,
 * and those that the child makes have workers again. */
nrc_status nrc_context_create(const nrc_model *model, const nrc_options *options, nrc_context **context);

/* Null is allowed. */
void nrc_context_destroy(nrc_context *context);

/* What the workers of this library are reached by, and to have contexts that are made from now on use those of another
 * library of the same NRC_ABI_VERSION, which stays loaded until they are destroyed; null: its own. Libraries that a program
 * loads one by one have a pool each, and do not know how many threads are busy for another one, unless they share one. */
typedef struct nrc_pool nrc_pool;
nrc_pool *nrc_get_pool(void);
void nrc_use_pool(nrc_pool *pool);

/* Forgets the states: the next run finds what they begin with, and may have other sizes. Null is allowed. */
void nrc_context_reset(nrc_context *context);

/* Allocates what a run with these dims needs, so that the run itself allocates nothing. Memory only grows. States keep
 * what they hold, and where that has other sizes the status is NRC_ERROR_STATE. */
nrc_status nrc_context_reserve(nrc_context *context, const int64_t *dims);

/* Runs the model: `inputs` and `outputs` hold one pointer each, in the model's order. Results are the same, bit by bit,
 * for any number of threads. After NRC_ERROR_RANGE and NRC_ERROR_DIVISION, the model having met data it cannot compute
 * with, outputs hold nothing of use and the states are reset; after any other status than NRC_OK, nothing was written.
 */
nrc_status nrc_run(nrc_context *context, const void *const *inputs, const int64_t *dims, void *const *outputs);

#ifdef __cplusplus
}
#endif

#endif
