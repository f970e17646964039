"""The operator's mapping file: TOML with a table for each id of another system, such as `[redis.module.15]`.

It may be changed while the program runs.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from eventstore.errors import FieldError, InvalidInputError, field_errors
from eventstore.event_type import Ident, Quantity
from integrations.inbound.mapping import COURSE, ClassMapping, Mappings, SystemMapping
from integrations.system import System, Systems
from integrations.systems import SYSTEMS

Version = tuple[int, int, int]
"""The file's inode, its size, and when it was last written, in nanoseconds."""


class MappingFile:
    """The file at `path`. Without a path nothing is mapped."""

    def __init__(self, path: Path | None, systems: Systems = SYSTEMS) -> None:
        self.path = path
        self._systems = systems
        self._version: Version | None = None

    def read(self) -> Mappings:
        """Return the mappings as they are now. Raise InvalidInputError with all that is wrong in the file."""
        self._version = self._version_now()
        return Mappings() if self.path is None else load(self.path, self._systems)

    def has_changed(self) -> bool:
        """Return whether the file is another one than `read` found, valid or not."""
        return self._version_now() != self._version

    def _version_now(self) -> Version | None:
        try:
            found = self.path.stat() if self.path is not None else None
        except OSError:
            return None
        return (found.st_ino, found.st_size, found.st_mtime_ns) if found is not None else None


def load(path: Path, systems: Systems = SYSTEMS) -> Mappings:
    """Read the file. Raise InvalidInputError with all that is wrong, and where."""
    try:
        tables = file_model(systems).model_validate(parse(path)).model_dump()
    except ValidationError as error:
        wrong = [fault._replace(where=f"{path}, {fault.where}") for fault in field_errors(error)]
        raise InvalidInputError(wrong) from error
    return Mappings({system: system_mapping(system, kinds) for system, kinds in tables.items()})


def parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidInputError([FieldError(str(path), "a file that can be read", str(error.strerror))]) from error
    except ValueError as error:
        raise InvalidInputError([FieldError(str(path), "TOML", str(error))]) from error


def system_mapping(system: str, kinds: dict[str, dict[str, Any]]) -> SystemMapping:
    courses = kinds.pop(COURSE, {})
    classes = {kind: {each: ClassMapping(**table) for each, table in ids.items()} for kind, ids in kinds.items()}
    return SystemMapping(system, classes, {each: table["course_id"] for each, table in courses.items()})


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ClassTable(Strict):
    class_id: Ident
    course_id: Ident | None = None
    quiz_id: Ident | None = None
    max_score: Annotated[Quantity, Field(gt=0)] | None = None
    pass_score: Quantity | None = None


class CourseTable(Strict):
    course_id: Ident


def file_model(systems: Systems) -> type[BaseModel]:
    """Return the model of a file with a table for each id of the kinds that the systems declare."""
    kinds = {name: strict_model(name, kinds_of(each)) for name, each in systems.items() if each.mapping_kinds}
    return strict_model("File", {name: (model, model()) for name, model in kinds.items()})


def kinds_of(system: System[Any]) -> dict[str, Any]:
    empty: dict[str, Any] = {}
    classes, courses = (dict[Ident, ClassTable], empty), (dict[Ident, CourseTable], empty)
    return {kind: courses if kind == COURSE else classes for kind in system.mapping_kinds}


def strict_model(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    model: type[BaseModel] = create_model(name, __base__=Strict, **fields)
    return model
