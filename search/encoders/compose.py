"""A picture and words as one query: "the same in blue", "like this, but not striped"."""

import numpy as np
from PIL import Image

from search.encoders.base import EncoderError, ImageEncoder, Vectors
from search.encoders.runtime import normalise

# Weights beside the picture's own, chosen on the validation part of a catalogue split by product family.
WORDS = 0.8
AWAY = 0.4
LOOK = 0.5  # what is left of the parts of a picture's vector that words do not reach, once words change it


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
    joint, look = normalise(query[:, :reach]), query[:, reach:]
    scale = float(np.linalg.norm(query[:, :reach]))
    if words is not None:
        joint, look = joint + WORDS * words[:, :reach], LOOK * look
    if negative:
        joint = joint - AWAY * encoder.encode_text([negative], query=True)[:, :reach]
    return normalise(np.hstack([scale * joint, look]))
