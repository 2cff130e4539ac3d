"""`python -m yaoma` is the `yaoma` command."""

from yaoma.cli import main

main()
