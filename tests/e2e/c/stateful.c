/* A model that keeps a state: two runs, a reset, two runs; another batch; two contexts that share nothing.
 *
 * The model gives the sum of its inputs so far, [batch, 2] of float32, and is linked to the program.
 */
#include <stdio.h>
#include <stdlib.h>

#include "neuralc.h"

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);     \
      exit(1);                                                                    \
    }                                                                             \
  } while (0)

enum { MOST = 64 };

/* One run on ones: what every element of the result is. */
static float run(nrc_context *context, int64_t batch) {
  float x[MOST][2], y[MOST][2];
  for (int64_t row = 0; row < batch; ++row) x[row][0] = x[row][1] = 1;
  const void *inputs[] = {x};
  void *outputs[] = {y};
  CHECK(nrc_run(context, inputs, &batch, outputs) == NRC_OK);
  for (int64_t row = 0; row < batch; ++row) CHECK(y[row][0] == y[0][0] && y[row][1] == y[0][0]);
  return y[0][0];
}

/* A run with a batch that does not fit the state. */
static nrc_status misfit(nrc_context *context, int64_t batch) {
  float x[MOST][2] = {{1}}, y[MOST][2] = {{-1}};
  const void *inputs[] = {x};
  void *outputs[] = {y};
  nrc_status status = nrc_run(context, inputs, &batch, outputs);
  CHECK(y[0][0] == -1);
  return status;
}

int main(void) {
  nrc_context *first = NULL, *second = NULL;
  CHECK(nrc_context_create(nrc_get_model(), NULL, &first) == NRC_OK);
  CHECK(nrc_context_create(nrc_get_model(), NULL, &second) == NRC_OK);
  int64_t batch = 3, larger = MOST;

  CHECK(run(first, batch) == 1);
  CHECK(run(first, batch) == 2);
  nrc_context_reset(first);
  CHECK(run(first, batch) == 1);
  CHECK(run(first, batch) == 2);

  CHECK(run(second, batch) == 1);
  CHECK(run(first, batch) == 3);
  nrc_context_reset(second);
  CHECK(run(first, batch) == 4);

  CHECK(misfit(first, 2) == NRC_ERROR_STATE);
  CHECK(nrc_context_reserve(first, &larger) == NRC_ERROR_STATE);
  CHECK(run(first, batch) == 5);
  nrc_context_reset(first);
  CHECK(nrc_context_reserve(first, &larger) == NRC_OK);
  CHECK(run(first, larger) == 1);
  CHECK(run(first, larger) == 2);
  nrc_context_reset(first);
  CHECK(run(first, batch) == 1);

  nrc_context_reset(NULL);
  nrc_context_destroy(first);
  nrc_context_destroy(second);
  printf("%s\n", nrc_status_string(NRC_ERROR_STATE));
  return 0;
}
