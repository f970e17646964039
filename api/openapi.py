"""OpenAPI: descriptions of routes that read their bodies themselves, and the problems that routes may return."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from pydantic_core import to_json

from api.errors import Problem
from api.events.body import JSON, NDJSON

REF = "#/components/schemas/{model}"

DESCRIPTION = """
Learners' events in, their progress out. Callers send `Authorization: Bearer …` with an API key, or with a
learner's token; a server in development (`serve --dev`) asks for neither.

Errors are `application/problem+json` (RFC 9457). Lists are `{"items": […], "next": cursor or null}`.
"""


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the problems that a route may respond with."""
    schema = {"$ref": REF.format(model="Problem")}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status in statuses
    }


def body_of(model: type[BaseModel], *, many: bool = False) -> dict[str, Any]:
    """Return the request body of a route: the model as JSON; if `many`, also an array of it and NDJSON."""
    one: dict[str, Any] = {"$ref": REF.format(model=model.__name__)}
    example = model.model_json_schema()["examples"][0]
    content: dict[str, Any] = {JSON: {"schema": one, "example": example}}
    if many:
        content[JSON]["schema"] = {"anyOf": [one, {"type": "array", "items": one}]}
        content[NDJSON] = {"schema": {"type": "string"}, "example": to_json(example).decode() + "\n"}
    return {"requestBody": {"required": True, "content": content}}


def install(app: FastAPI, *bodies: type[BaseModel]) -> None:
    """Add these models to the app's OpenAPI, besides the ones that FastAPI finds itself."""

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
