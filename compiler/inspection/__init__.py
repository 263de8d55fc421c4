"""`neuralc inspect`: a model as plain data (summary), and that as text, as a picture (svg) and as a page (html)."""
