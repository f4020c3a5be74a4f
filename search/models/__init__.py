"""What the search keeps in the database."""

from search.models.index import Embedding, EncoderVersion, IndexCollection

__all__ = ["Embedding", "EncoderVersion", "IndexCollection"]
