"""A picture and words as one query: "the same in blue", "like this, but not striped"."""

import numpy as np
from PIL import Image

from search.encoders.base import EncoderError, ImageEncoder, Vectors
from search.encoders.batches import normalise

# How loud words are, as a multiple of the part of the picture's vector that they do not reach: that part holds on to
# the picture's kind, and has to be outvoted. Chosen on the validation part of a catalogue split by product family.
# Where words and picture share all of the vector, both are equally loud.
WORDS = 3.3
AWAY = 0.4  # of that, for words to stay away from


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
    joint, look = query[:, :reach], query[:, reach:]
    loud = max(float(np.linalg.norm(joint)), WORDS * float(np.linalg.norm(look)))
    if words is not None:
        joint = joint + loud * words[:, :reach]
    if negative:
        joint = joint - AWAY * loud * encoder.encode_text([negative], query=True)[:, :reach]
    return normalise(np.hstack([joint, look]))
