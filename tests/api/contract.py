"""What /openapi.json promises, held against what is answered: status, content type and schema.
Every test that looks at an answer holds it to this, so that no answer is undocumented."""

import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from api.app import create_app
from bootstrap.settings import AllSettings

Json = dict[str, Any]


@cache
def openapi() -> Json:
    """The document, as any server serves it."""
    return create_app(AllSettings(database_url="sqlite:///never-opened.db")).openapi()


def operations() -> dict[tuple[str, str], Json]:
    """What can be called, by method and path."""
    paths = openapi()["paths"].items()
    return {(method.upper(), path): operation for path, item in paths for method, operation in item.items()}


def hold_to_contract(response: httpx.Response) -> None:
    """Fails unless the answer is one that its operation is documented to give."""
    operation = operation_of(response.request)
    if operation is None:
        assert response.status_code in (404, 405)
        return
    assert str(response.status_code) in operation["responses"], f"{operation['summary']}: {response.status_code}"
    [(content_type, content)] = operation["responses"][str(response.status_code)]["content"].items()
    assert response.headers["content-type"] == content_type
    validate(response.json(), content["schema"])


def operation_of(request: httpx.Request) -> Json | None:
    """The operation that a request calls, if it is documented."""
    called = request.url.path
    for (method, path), operation in operations().items():
        if method == request.method and re.fullmatch(re.sub(r"{\w+}", ".*", path), called, re.DOTALL):
            return operation
    return None


def validate(value: object, schema: Json) -> None:
    """Fails with all that the schema has against the value."""
    root = schema | {"components": openapi()["components"]}
    errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(root).iter_errors(value)]
    assert errors == []
