"""What the API server answers when it refuses: an exception that becomes an object of kind Status."""
from dataclasses import dataclass
from typing import Any

Cause = dict[str, str]


@dataclass
class ApiError(Exception):
    """A refusal with its HTTP status, Kubernetes' one-word reason and, where it has them, details."""

    code: int
    reason: str
    message: str
    details: dict[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        """The object of kind Status."""
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
                  "reason": self.reason, "code": self.code}
        return status if self.details is None else {**status, "details": self.details}


def not_found(plural: str, group: str, name: str) -> ApiError:
    """There is no such object."""
    return ApiError(404, "NotFound", f'{qualified(plural, group)} "{name}" not found', _about(plural, group, name))


def already_exists(plural: str, group: str, name: str) -> ApiError:
    """The name is taken."""
    return ApiError(409, "AlreadyExists", f'{qualified(plural, group)} "{name}" already exists',
                    _about(plural, group, name))


def conflict(plural: str, group: str, name: str, why: str) -> ApiError:
    """The object is not as the caller thinks."""
    return ApiError(409, "Conflict", f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {why}',
                    _about(plural, group, name))


def invalid(kind: str, group: str, name: str, causes: list[Cause]) -> ApiError:
    """The object breaks rules, a cause each."""
    told = ", ".join(f"{cause['field']}: {cause['message']}" for cause in causes)
    message = f'{qualified(kind, group)} "{name}" is invalid: {told if len(causes) == 1 else f"[{told}]"}'
    return ApiError(422, "Invalid", message, {**_about(kind, group, name), "causes": causes})


def bad_request(message: str) -> ApiError:
    """What came cannot be understood."""
    return ApiError(400, "BadRequest", message)


def forbidden(plural: str, group: str, name: str, why: str) -> ApiError:
    """The caller may not do that."""
    told = f'{qualified(plural, group)} "{name}"' if name else qualified(plural, group)
    return ApiError(403, "Forbidden", f"{told} is forbidden: {why}", _about(plural, group, name))


def unauthorized() -> ApiError:
    """The token is nobody's."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def expired(message: str) -> ApiError:
    """What is asked about is forgotten: the caller must list anew."""
    return ApiError(410, "Expired", message)


def method_not_allowed() -> ApiError:
    """The resource does not know that method."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def qualified(name: str, group: str) -> str:
    """The resource or kind with its group, as messages name it."""
    return f"{name}.{group}" if group else name


def _about(kind: str, group: str, name: str) -> dict[str, Any]:
    about = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in about.items() if value}
