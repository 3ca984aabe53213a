"""Every error the server raises on purpose, as one short tree.

    ServiceXError                 500  something of ours broke
    |- BadRequest                 400  the request cannot be understood or granted as it stands
    |  |- InvalidSelection        400  a code generator cannot translate the selection
    |  |- UnsupportedFormat       400  the code generator cannot write the result format asked for
    |  |- InvalidDataset          400  the DID or file list is malformed or not allowed here
    |- Unauthorized               401  it is not known who asks, or they may not do this
    |- Forbidden                  403  a browser asks for a page of another site, or a URL carries no right
    |- NotFound                   404  no such transform, dataset or file
    |- TooLarge                   413  the body or the selection is above its limit
    |- UnsupportedMediaType       415  the body is not JSON
    |- KeyReused                  422  the Idempotency-Key belongs to another submission
    |- TooManyRequests            429  one user or one address asks more often than it may
    |- Unavailable                503  a part this needs does not answer just now; trying again may help
       |- GeneratorFailed         502  a code generator broke or answered nonsense
       |- GeneratorTimedOut       504  a code generator did not answer in time

A message says what is wrong and what to do about it, in words a physicist can act on. It never holds SQL, a stack
trace or a secret, since it is sent to the client as it stands.
"""


class ServiceXError(Exception):
    """Something of ours broke; the base of the tree. `status` is the HTTP status it is answered with."""

    status = 500

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


class BadRequest(ServiceXError):
    """Raised when a request cannot be understood, or not granted as it stands."""

    status = 400


class InvalidSelection(BadRequest):
    """Raised when a code generator cannot translate the selection."""


class UnsupportedFormat(BadRequest):
    """Raised when the chosen code generator cannot write the result format asked for."""


class InvalidDataset(BadRequest):
    """Raised when a DID or a file list is malformed, or names what is not allowed here."""


class Unauthorized(ServiceXError):
    """Raised when it is not known who asks, or when they may not do what they ask. Clients of version 1 expect 401."""

    status = 401


class Forbidden(ServiceXError):
    """Raised when the caller may not do this."""

    status = 403


class NotFound(ServiceXError):
    """Raised when there is no such transform, dataset or file, or none that the caller may see."""

    status = 404


class TooLarge(ServiceXError):
    """Raised when a body or a selection is above its limit."""

    status = 413


class UnsupportedMediaType(ServiceXError):
    """Raised when a body is not declared as JSON."""

    status = 415


class KeyReused(ServiceXError):
    """Raised when an Idempotency-Key comes again with another submission than its first."""

    status = 422


class TooManyRequests(ServiceXError):
    """Raised when one user or one address asks more often than it may; `seconds` is how long that stays so."""

    status = 429

    def __init__(self, seconds: int):
        super().__init__(f"Too many requests of this kind. Try again in {seconds} s.")
        self.seconds = seconds


class Unavailable(ServiceXError):
    """Raised when a part that is needed does not answer just now."""

    status = 503


class GeneratorFailed(Unavailable):
    """Raised when a code generator breaks or answers nonsense."""

    status = 502


class GeneratorTimedOut(Unavailable):
    """Raised when a code generator does not answer in time."""

    status = 504
