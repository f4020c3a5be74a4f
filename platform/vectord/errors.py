"""The one exception that ends a request, and how the engine's own errors become it."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError


class RefusedError(Exception):
    """A request that is not carried out: an HTTP status and one sentence for the caller."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def bad_request(sentence: str) -> RefusedError:
    return RefusedError(400, f"Wrong input: {sentence}")


def not_found(sentence: str) -> RefusedError:
    return RefusedError(404, f"Not found: {sentence}")


def not_implemented(what: str) -> RefusedError:
    return RefusedError(501, f"vectord does not implement {what}; use a Qdrant server for it")


def from_validation(error: ValidationError) -> RefusedError:
    """Name the deepest complaint: in a union of models, the shallow ones belong to the wrong alternatives."""
    complaints = error.errors(include_url=False, include_input=False, include_context=False)
    if complaints[0]["type"] == "json_invalid":
        return bad_request(f"the body is not JSON ({complaints[0]['msg']})")
    # An unknown field is the commonest mistake and would otherwise drown among "missing" complaints.
    complaint = max(complaints, key=lambda one: (one["type"] == "extra_forbidden", len(one["loc"])))
    place = ".".join(str(part) for part in complaint["loc"])
    return bad_request(f"{place}: {complaint['msg']}" if place else complaint["msg"])


@contextmanager
def engine_errors() -> Iterator[None]:
    """Translate what the engine raises. It has no exception classes of its own, so the text must tell them apart."""
    try:
        yield
    except RefusedError:
        raise
    except (Exception, _panic_class()) as error:
        text = str(error).strip() or type(error).__name__
        if type(error).__name__ == "PanicException":
            raise RefusedError(500, f"Service internal error: the engine panicked: {text}") from error
        if text.startswith("No point with id"):
            raise not_found(f"{text} found") from error
        if text.startswith(("Service", "Out of", "IO", "No space")) or isinstance(error, OSError):
            raise RefusedError(500, f"Service internal error: {text}") from error
        raise bad_request(text) from error


def _panic_class() -> type[BaseException]:
    """The class of a Rust panic. It derives from BaseException and is importable from no module, hence the search."""
    for candidate in BaseException.__subclasses__():
        if candidate.__name__ == "PanicException":
            return candidate
    return RefusedError
