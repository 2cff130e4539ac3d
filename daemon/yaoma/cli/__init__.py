"""The `yaoma` command."""
