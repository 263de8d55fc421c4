/* Links two models into one program: each is reached by its own name, the functions are shared. */
#include <stdio.h>
#include <string.h>

#include "neuralc.h"

const nrc_model *nrc_model_mlp(void);
const nrc_model *nrc_model_pair(void);

int main(void) {
  float a[8] = {5, 5, 5, 5, 5, 5, 5, 5}, b[8] = {3, 3, 3, 3, 3, 3, 3, 3}, sum[8], difference[8], x[32] = {0}, y[32];
  int64_t dims[] = {1};
  nrc_context *first, *second;
  if (nrc_context_create(nrc_model_mlp(), NULL, &first) || nrc_context_create(nrc_model_pair(), NULL, &second)) return 1;
  const void *x_inputs[] = {x}, *inputs[] = {a, b};
  void *y_outputs[] = {y}, *outputs[] = {sum, difference};
  if (nrc_run(first, x_inputs, dims, y_outputs) || nrc_run(second, inputs, dims, outputs)) return 2;
  printf("%s %.9g %s %g %g\n", nrc_model_name(nrc_model_mlp()), y[0] + y[1] + y[2], nrc_model_name(nrc_model_pair()),
         sum[7], difference[7]);
  nrc_context_destroy(first);
  nrc_context_destroy(second);
  return 0;
}
