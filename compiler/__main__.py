"""`python -m neuralc` is the `neuralc` command."""

from neuralc.cli import main

main()
