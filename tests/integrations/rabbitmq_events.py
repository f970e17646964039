"""Events of the course platform, as the page of its platform prints them."""

import json
from collections.abc import Mapping

from integrations.inbound.message import Message
from integrations.inbound.source import Delivery
from integrations.rabbitmq.decode import decode
from tests.integrations.worlds import NOW

Data = Mapping[str, object]

SENT_AT = "2023-11-20T10:30:00Z"

USER_CREATED: Data = {
    "userId": "user123",
    "email": "user@example.com",
    "firstName": "John",
    "lastName": "Doe",
    "role": "STUDENT",
}
USER_UPDATED: Data = {
    "userId": "user123",
    "changes": {"firstName": "Jane", "avatar": "https://example.com/avatar.jpg"},
}
COURSE_CREATED: Data = {
    "courseId": "course123",
    "title": "Complete Web Development",
    "instructorId": "instructor123",
    "category": "Web Development",
    "price": 99.99,
}
COURSE_PUBLISHED: Data = {
    "courseId": "course123",
    "title": "Complete Web Development",
    "instructorId": "instructor123",
    "publishedAt": SENT_AT,
}
ORDER_CREATED: Data = {
    "orderId": "order123",
    "userId": "user123",
    "courseIds": ["course123", "course456"],
    "totalAmount": 199.98,
    "currency": "USD",
}
ORDER_COMPLETED: Data = {
    "orderId": "order123",
    "userId": "user123",
    "courseIds": ["course123", "course456"],
    "paymentId": "payment123",
    "completedAt": SENT_AT,
}
MEDIA_PROCESSED: Data = {
    "mediaId": "media123",
    "courseId": "course123",
    "lectureId": "lecture456",
    "fileUrl": "https://storage.example.com/video.mp4",
    "hlsUrl": "https://cdn.example.com/playlist.m3u8",
    "thumbnailUrl": "https://cdn.example.com/thumb.jpg",
    "duration": 1200,
    "status": "completed",
}
REVIEW_CREATED: Data = {
    "reviewId": "review123",
    "courseId": "course123",
    "userId": "user123",
    "rating": 5,
    "comment": "Excellent course!",
}

PRINTED: Mapping[str, Data] = {
    "user.created": USER_CREATED,
    "user.updated": USER_UPDATED,
    "course.created": COURSE_CREATED,
    "course.published": COURSE_PUBLISHED,
    "order.created": ORDER_CREATED,
    "order.completed": ORDER_COMPLETED,
    "media.processed": MEDIA_PROCESSED,
    "review.created": REVIEW_CREATED,
}
"""All that the page prints for us to read, by type."""


def envelope(event_type: str, data: object, **fields: object) -> dict[str, object]:
    """An event, whose other fields may be told otherwise."""
    said = {
        "eventId": "9b2f4c1e-4b7a-4f0e-9d0f-6a1c2b3d4e5f",
        "eventType": event_type,
        "timestamp": SENT_AT,
        "version": "1.0",
        "source": "user-service",
        "data": data,
    }
    return {name: value for name, value in (said | fields).items() if value is not None}


def message(event_type: str, data: object, **fields: object) -> Message:
    """The message that an event is read as. Raises Refused."""
    return message_of(json.dumps(envelope(event_type, data, **fields)).encode(), event_type)


def message_of(body: bytes, routing_key: str = "user.created") -> Message:
    return decode(Delivery(routing_key, "1", body, NOW), NOW)
