"""Error responses: one table from our errors to HTTP, and one format, application/problem+json (RFC 9457)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from api.methods import allowed
from eventstore.errors import (
    AlreadyRunningError,
    BodyTooLargeError,
    FeatureDisabledError,
    FieldError,
    ForbiddenError,
    InvalidInputError,
    LmsError,
    MalformedBodyError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedMediaTypeError,
    field_error,
)

STATUS: Mapping[type[LmsError], HTTPStatus] = {
    MalformedBodyError: HTTPStatus.BAD_REQUEST,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    NotFoundError: HTTPStatus.NOT_FOUND,
    AlreadyRunningError: HTTPStatus.CONFLICT,
    FeatureDisabledError: HTTPStatus.CONFLICT,
    BodyTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMediaTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    InvalidInputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}

log = logging.getLogger(__name__)


class FieldProblem(BaseModel):
    """A fault of one field."""

    where: str
    expected: str
    found: str


class Problem(BaseModel):
    """An error response: `title` names the kind, `detail` says what is wrong, `errors` where."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": "payload.position: expected greater than or equal to 0, found -3",
                    "errors": [{"where": "payload.position", "expected": "greater than or equal to 0", "found": "-3"}],
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


def problem(
    status: HTTPStatus,
    detail: str,
    errors: list[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """Return a problem as a response; `more` adds members."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    fields = {"errors": [error._asdict() for error in errors]} if errors else {}
    return Response(to_json(body | fields | dict(more or {})), status, headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Respond to every error of the app with a problem."""

    @app.exception_handler(LmsError)
    @app.exception_handler(Exception)
    async def any_other(_: Request, error: Exception) -> Response:
        return problem_from(error)

    @app.exception_handler(RequestValidationError)
    async def parameters(_: Request, error: RequestValidationError) -> Response:
        errors = [field_error(detail) for detail in error.errors()]
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(map(str, errors)), errors)

    @app.exception_handler(HTTPException)
    async def routing(request: Request, error: HTTPException) -> Response:
        methods = allowed(request) if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED else ""
        detail = f"expected {methods or 'a path that /docs lists'}, found {request.method} {request.url.path}"
        return problem(HTTPStatus(error.status_code), detail, headers={"Allow": methods} if methods else None)


def problem_from(error: Exception) -> Response:
    """Return our own errors as problems, and any other error as an internal one."""
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), None)
    if status is None or not isinstance(error, LmsError):
        return unexpected(error)
    errors = error.errors if isinstance(error, InvalidInputError) else None
    more = {"replay_id": error.replay_id} if isinstance(error, AlreadyRunningError) else None
    return problem(status, str(error), errors, headers_of(error), more)


def headers_of(error: LmsError) -> dict[str, str]:
    if isinstance(error, UnavailableError):
        return {"Retry-After": str(error.retry_after)}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, UnauthenticatedError) else {}


def unexpected(error: Exception) -> Response:
    """Return an internal error: the log has the traceback, the caller sees no internals."""
    log.error("a request failed with an internal error", exc_info=error)
    detail = "expected no fault of the server's, found one; its log says more"
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
