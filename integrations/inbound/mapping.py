"""The mappings: which classes and courses of ours the ids of other systems stand for, by the operator's file.

`class_lookup` resolves the ids that no mapping names.
"""

from collections.abc import Mapping
from typing import NamedTuple

COURSE = "course"
"""The one kind of id that stands for a course. Ids of all other kinds stand for classes."""


class ClassMapping(NamedTuple):
    """The class that an id of another system stands for, and how an exam of that id is marked, if the file says it."""

    class_id: str
    course_id: str | None = None
    quiz_id: str | None = None
    max_score: float | None = None
    pass_score: float | None = None


class SystemMapping:
    """The mappings of one system: its ids to classes, by kind and id, and its ids to course_ids."""

    def __init__(
        self,
        system: str,
        classes: Mapping[str, Mapping[str, ClassMapping]] | None = None,
        courses: Mapping[str, str] | None = None,
    ) -> None:
        self.system = system
        self._classes = dict(classes or {})
        self._courses = dict(courses or {})
        self._external_ids = {kind: inverted(class_ids(table)) for kind, table in self._classes.items()}
        self._external_ids[COURSE] = inverted(self._courses)

    def class_of(self, kind: str, external_id: str) -> ClassMapping | None:
        """Return the class that an id of this kind stands for, if the file maps it."""
        return self._classes.get(kind, {}).get(external_id)

    def course_of(self, external_id: str) -> str | None:
        """Return the course_id that an id stands for, if the file maps it."""
        return self._courses.get(external_id)

    def maps_any(self, kind: str) -> bool:
        """Return whether the file maps any id of this kind."""
        return bool(self._classes.get(kind))

    def external_id(self, kind: str, our_id: str) -> str | None:
        """Return the id there of a class of ours, or of a course if the kind is COURSE; of several ids the least."""
        return self._external_ids.get(kind, {}).get(our_id)


def class_ids(table: Mapping[str, ClassMapping]) -> dict[str, str]:
    return {external_id: mapped.class_id for external_id, mapped in table.items()}


def inverted(ours: Mapping[str, str]) -> dict[str, str]:
    """Return external ids by our ids."""
    return {our_id: external_id for external_id, our_id in sorted(ours.items(), reverse=True)}


class Mappings:
    """The mappings of all systems. Without a file there are none."""

    def __init__(self, systems: Mapping[str, SystemMapping] | None = None) -> None:
        self._systems = dict(systems or {})

    def of(self, system: str) -> SystemMapping:
        """Return the mappings of one system."""
        return self._systems.get(system) or SystemMapping(system)
