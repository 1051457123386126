"""What Schemathesis cannot know of this API by its OpenAPI document."""

import json

import schemathesis

# Opaque marks that an earlier answer gave: made up, they are refused, which is right.
MARKS = ("cursor", "after")


@schemathesis.hook
def map_query(context, query):
    """Leaves made-up marks out, so that the other parameters are tested at all."""
    if not query:
        return query
    return {name: value for name, value in query.items() if name not in MARKS}


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    """A document a line."""
    documents = value if isinstance(value, list) else [value]
    lines = (one if isinstance(one, str) else json.dumps(one) for one in documents)
    return "\n".join(lines).encode("utf-8", "replace")


@schemathesis.serializer("application/zip", "application/octet-stream")
def bytes_as_they_are(context, value):
    """Bytes."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
