"""A picture and words as one query: "the same in blue", "like this, but not striped"."""

import numpy as np
from PIL import Image

from search.encoders.base import EncoderError, ImageEncoder, Vectors
from search.encoders.runtime import normalise

# Weights beside the picture's own. Words have to be loud where a part of the vector that they do not reach holds on to
# the picture's kind (chosen on the validation part of a catalogue split by family), and only as loud as the picture
# where words and picture share all of the vector.
WORDS, AWAY = 5.0, 2.0
WORDS_ALONE, AWAY_ALONE = 1.0, 0.4


def compose(
    encoder: ImageEncoder,
    *,
    text: str | None = None,
    image: Image.Image | None = None,
    image_vectors: Vectors | None = None,
    negative: str | None = None,
) -> Vectors:
    """One normalised query vector ``(1, dim)`` from a picture or the vectors of several, words, and words to avoid.

    Raises EncoderError (permanent) when there is neither a picture nor a text: to stay away from something is not yet
    to look for something.
    """
    if image is not None:
        image_vectors = encoder.encode_images([image])
    if image_vectors is None:
        if not text:
            raise EncoderError("A query needs a picture or words.", permanent=True)
        query = encoder.encode_text([text], query=True)
        words = None
    else:
        query = normalise(image_vectors.mean(axis=0, keepdims=True))
        words = encoder.encode_text([text], query=True) if text else None
    # Where words lie in a vector: all of it, unless the encoder keeps a part for what words do not reach.
    reach = getattr(encoder, "joint_dim", encoder.dim)
    loud, away = (WORDS, AWAY) if reach < encoder.dim and image_vectors is not None else (WORDS_ALONE, AWAY_ALONE)
    scale = float(np.linalg.norm(query[:, :reach]))
    joint, look = normalise(query[:, :reach]), query[:, reach:]
    if words is not None:
        joint = joint + loud * words[:, :reach]
    if negative:
        joint = joint - away * encoder.encode_text([negative], query=True)[:, :reach]
    return normalise(np.hstack([scale * joint, look]))
