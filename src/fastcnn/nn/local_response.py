"""Local response normalisation."""

__all__: list[str] = []
