"""Names of the query parameters of a route, and the likely intention of an unknown one."""

from collections.abc import Collection
from difflib import get_close_matches

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel


def parameter_names(dependant: Dependant) -> list[str]:
    """Names of the query parameters of a route whose query is a model."""
    models = [field.field_info.annotation for field in dependant.query_params]
    fields = [item for model in models if isinstance(model, type(BaseModel)) for item in model.model_fields.items()]
    return [field.alias or name for name, field in fields]


def intention(name: str, known: Collection[str]) -> str:
    """The known parameter that an unknown one resembles, or else all of them."""
    near = get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known are {', '.join(sorted(known))}." if known else "this address takes no parameters."
