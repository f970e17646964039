"""OpenAPI: what routes that read their bodies themselves say of them, and the problems that any may answer with."""

from http import HTTPStatus
from typing import Any, get_args, get_origin

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.errors import Problem

REF = "#/components/schemas/{model}"

DESCRIPTION = """
Learners' events in, their progress out. Callers send `Authorization: Bearer …` with an API key, or with a
learner's token; a server in development (`serve --dev`) asks for neither.

Errors are `application/problem+json` (RFC 9457). Lists are `{"items": […], "next": cursor or null}`.
"""


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with."""
    schema = {"$ref": REF.format(model="Problem")}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status in statuses
    }


def body_of(shapes: dict[str, Any]) -> dict[str, Any]:
    """The request body of a route, by content type: a model, a list of alternatives, or text."""
    content = {kind: {"schema": schema_of(shape), **example_of(shape)} for kind, shape in shapes.items()}
    return {"requestBody": {"required": True, "content": content}}


def schema_of(shape: Any) -> dict[str, Any]:
    if isinstance(shape, list):
        return {"anyOf": [schema_of(alternative) for alternative in shape]}
    if get_origin(shape) is list:
        return {"type": "array", "items": schema_of(get_args(shape)[0])}
    return {"type": "string"} if shape is str else {"$ref": REF.format(model=shape.__name__)}


def example_of(shape: Any) -> dict[str, Any]:
    """The first model's own example, so that each is written once."""
    model = shape[0] if isinstance(shape, list) else shape
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return {}
    return {"example": model.model_json_schema()["examples"][0]}


def install(app: FastAPI, *bodies: type[BaseModel]) -> None:
    """Has the app's OpenAPI include those models, besides the ones that FastAPI finds itself."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
            models = [(model, "validation") for model in (*bodies, Problem)]
            _, definitions = models_json_schema(models, ref_template=REF)  # type: ignore[arg-type]
            components = schema.setdefault("components", {})
            components.setdefault("schemas", {}).update(definitions["$defs"])
            components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
            schema["security"] = [{"bearer": []}]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
