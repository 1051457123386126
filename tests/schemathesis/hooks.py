"""What Schemathesis cannot know of this API by its OpenAPI document."""

import json

import schemathesis

# Opaque marks that an earlier answer gave: made up, they are refused, which is right.
MARKS = ("cursor", "after")


# Words of which only the server knows which there are, and times of which no schema says which are in
# range: made up, they are refused, which is right.
WORDS = {
    "window": "90d",
    "as_of": "2025-06-01",
    "domain": "github",
    "kind": "commits",
    "profile_type": "github",
    "lang": "en",
    "version": "boost-1.88.0",
    # Schemathesis waits for ten seconds.
    "wait": 1,
}


@schemathesis.hook
def map_case(context, case):
    """Leaves made-up marks out and puts known words in, so that the others are tested at all."""
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive:
        return case
    if case.query:
        # What is answered with some fields is described with all of them.
        whole = case.operation.path.endswith("/dashboard/boost-usage")
        case.query = {
            name: WORDS.get(name, value)
            for name, value in case.query.items()
            if name not in MARKS and not (whole and name == "fields")
        }
    if case.headers:
        case.headers.pop("last-event-id", None)
    return case


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    """A document a line."""
    # No line at all is no document, which is nothing wrong.
    documents = (value or [None]) if isinstance(value, list) else [value]
    lines = (one if isinstance(one, str) else json.dumps(one) for one in documents)
    return "\n".join(lines).encode("utf-8", "replace")


@schemathesis.serializer("application/zip", "application/octet-stream")
def bytes_as_they_are(context, value):
    """Bytes."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
