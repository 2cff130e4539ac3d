"""Release mistake: why a repository can't be changed; apart from the library, which other commands do without."""

__all__ = ["RepositoryMistakeError"]


class RepositoryMistakeError(Exception):
    """The repository can't be changed as asked; the sentence says what is missing."""
