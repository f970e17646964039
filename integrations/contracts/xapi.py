"""xAPI statements about videos: as much of them as we read; whatever else they carry is ignored.

Sources: the statement of xAPI 1.0.3, and the verbs and extensions of the xAPI Video Profile 1.0.
"""

from typing import Annotated

from pydantic import BaseModel, Field

VIDEO = "https://w3id.org/xapi/video/activity-type/video"
PAUSED = "https://w3id.org/xapi/video/verbs/paused"
SEEKED = "https://w3id.org/xapi/video/verbs/seeked"
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
TERMINATED = "http://adlnet.gov/expapi/verbs/terminated"

TIME = "https://w3id.org/xapi/video/extensions/time"
TIME_FROM = "https://w3id.org/xapi/video/extensions/time-from"
LENGTH = "https://w3id.org/xapi/video/extensions/length"
PLAYED_SEGMENTS = "https://w3id.org/xapi/video/extensions/played-segments"
SESSION_ID = "https://w3id.org/xapi/video/extensions/session-id"

Seconds = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Verb(BaseModel):
    id: str


class AnyStatement(BaseModel):
    """What every statement has, whatever it is about: enough to tell whether to read on."""

    verb: Verb


class Account(BaseModel):
    name: str


class Actor(BaseModel):
    """Who did it: by an account at some system, or by mail address (`mailto:…`)."""

    account: Account | None = None
    mbox: str | None = None


class Definition(BaseModel):
    type: str | None = None


class Activity(BaseModel):
    """What it was done to, by IRI. A definition is optional in xAPI; without one the verb has to do."""

    id: str
    definition: Definition = Field(default_factory=Definition)


class ContextActivities(BaseModel):
    """`parent`: what the activity is part of. xAPI before 1.0.1 also had a bare activity for the list."""

    parent: list[Activity] | Activity = Field(default_factory=list)


class Extensions(BaseModel):
    """The Video Profile's extensions. Times are seconds into the video, `length` is all of its seconds.

    `session_id` is only passed along, so that an odd one costs nobody the statement.
    """

    time: Seconds | None = Field(default=None, alias=TIME)
    time_from: Seconds | None = Field(default=None, alias=TIME_FROM)
    length: Seconds | None = Field(default=None, alias=LENGTH)
    played_segments: str | None = Field(default=None, alias=PLAYED_SEGMENTS)
    session_id: object = Field(default=None, alias=SESSION_ID)


class Result(BaseModel):
    extensions: Extensions = Field(default_factory=Extensions)


class Context(BaseModel):
    extensions: Extensions = Field(default_factory=Extensions)
    activities: ContextActivities = Field(default_factory=ContextActivities, alias="contextActivities")


class Statement(AnyStatement):
    """A statement that may be evidence of progress.

    xAPI lets senders leave out `id` and `timestamp`, for the record store to add. Neither may be
    missing here: without the one an import could not be repeated, without the other there is no time.
    """

    id: str
    actor: Actor
    activity: Activity = Field(alias="object")
    result: Result = Field(default_factory=Result)
    context: Context = Field(default_factory=Context)
    timestamp: str
