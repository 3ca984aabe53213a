"""Which pages of other origins may read our answers, and what browsers are told of it (Fetch standard, CORS)."""
from dataclasses import dataclass, field

from flask import Flask, Response, request

from servicex.api.paths import PUBLIC, for_other_pages
from servicex.errors import Forbidden

ANY = "*"
READS = ("GET", "HEAD", "OPTIONS")
SECONDS_TO_REMEMBER = "600"


@dataclass(frozen=True)
class Invited:
    """Origins whose pages may use the API, and whether those of any may read what is public. At first: nobody."""

    origins: frozenset[str] = field(default_factory=frozenset)
    all_to_public: bool = False

    def allowed(self) -> str | None:
        """The origin of the present request if it may use this path, `*` if any may; else None."""
        origin = request.headers.get("Origin", "")
        if origin in self.origins and for_other_pages(request.path):
            return origin
        if origin and self.all_to_public and request.path in PUBLIC and request.method in READS:
            return ANY
        return None

    def let_in(self) -> bool:
        """Whether the present request comes from an invited page. Raises Forbidden if it brings cookies.

        What such a page may do hangs on the token it has, never on who is signed in in the same browser.
        """
        if self.allowed() is None:
            return False
        if "Cookie" in request.headers:
            raise Forbidden("Pages of other origins use this server with a token, and send no cookies.")
        return True


def register(app: Flask, invited: Invited) -> None:
    """Tell browsers which pages may read the answers of the app."""
    @app.after_request
    def tell(response: Response) -> Response:
        if invited.origins and for_other_pages(request.path):
            response.vary.add("Origin")
        origin = invited.allowed()
        if origin is not None:
            _allow(response, origin)
        return response


def _allow(response: Response, origin: str) -> None:
    response.headers["Access-Control-Allow-Origin"] = origin
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET")
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Idempotency-Key"
        response.headers["Access-Control-Max-Age"] = SECONDS_TO_REMEMBER
    else:
        response.headers["Access-Control-Expose-Headers"] = "Retry-After"
