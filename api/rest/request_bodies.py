"""Bodies of requests in JSON."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from api.exception_handlers import UnreadableBody

Body = TypeVar("Body", bound=BaseModel)


def read_body(model: type[Body], body: bytes) -> Body:
    """A body as its model. Raises UnreadableBody with each fault."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'the body'}: {fault['msg']}" for fault in error.errors()]
        raise UnreadableBody("; ".join(faults)) from error


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """The documentation (OpenAPI) of a body."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
