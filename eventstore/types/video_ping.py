"""VIDEO_PING: where in a video a learner is. A player sends one every 10 seconds.

Version 1.0 has the position; 1.1 adds, both optional, the played segments and the playback rate.
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from eventstore.event_type import EventType, Ident, Quantity

POSITION_TOLERANCE_SEC = 1.0
"""Players round: a position may lie this far beyond the end."""

Segment = Annotated[list[Quantity], Field(min_length=2, max_length=2)]


class VideoPing10(BaseModel):
    """`position` and `duration` in seconds."""

    model_config = ConfigDict(
        strict=True,
        title="VIDEO_PING 1.0",
        json_schema_extra={"examples": [{"video_id": "intro-video", "position": 120.5, "duration": 300}]},
    )

    video_id: Ident
    position: Quantity
    duration: Annotated[Quantity, Field(gt=0)]

    @model_validator(mode="after")
    def position_within_duration(self) -> Self:
        if self.position > self.duration + POSITION_TOLERANCE_SEC:
            limit = f"{self.duration:g} + {POSITION_TOLERANCE_SEC:g} s"
            raise ValueError(f"a position of at most duration + 1 s (here {limit}), not {self.position:g}")
        return self


class VideoPing(VideoPing10):
    """As 1.0, with what was played, [[from, to], …] in seconds, and how fast; both may be absent."""

    model_config = ConfigDict(
        title="VIDEO_PING 1.1",
        json_schema_extra={
            "examples": [
                {
                    "video_id": "intro-video",
                    "position": 120.5,
                    "duration": 300,
                    "played_segments": [[0, 42.6], [80, 120.5]],
                    "playback_rate": 1.5,
                }
            ]
        },
    )

    played_segments: list[Segment] | None = None
    playback_rate: Annotated[Quantity, Field(gt=0)] | None = None


def upcast_10(ping: VideoPing10) -> VideoPing:
    return VideoPing(video_id=ping.video_id, position=ping.position, duration=ping.duration)


VIDEO_PING = EventType(
    name="VIDEO_PING",
    versions={"1.0": VideoPing10, "1.1": VideoPing},
    upcasters={"1.0": upcast_10},
)
