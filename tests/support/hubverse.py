"""Rules of the hubverse for tasks.json, as a JSON schema, and the published schema where there is one.

Restated from the published schema (https://github.com/hubverse-org/schemas, v5.0.1/tasks-schema.json): the same
properties, types and required members for everything that Tradewind writes, and nothing else is allowed.
"""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import jsonschema

from services.forecasts.hubverse import SCHEMA

PUBLISHED = "TRADEWIND_HUBVERSE_SCHEMA"
"""The environment variable with the path of a copy of the published schema."""

DATE = {"type": "string", "format": "date", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


def closed(properties: dict[str, Any], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """An object of these properties and no others."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def choices(item: dict[str, Any]) -> dict[str, Any]:
    """The values of a task id: required ones and optional ones, null where there are none."""
    values = {"type": ["array", "null"], "uniqueItems": True, "items": item}
    return closed({"required": values, "optional": values})


VALUE = closed(
    {"type": {"enum": ["double", "integer"]}, "minimum": {"type": "number"}, "maximum": {"type": "number"}},
    optional=("minimum", "maximum"),
)
POINT = closed(
    {"output_type_id": closed({"required": {"type": "null"}}), "value": VALUE, "is_required": {"type": "boolean"}}
)
PROBABILITIES = {"type": "array", "uniqueItems": True, "items": {"type": "number", "minimum": 0, "maximum": 1}}
SAMPLE = closed(
    {
        "type": {"const": "integer"},
        "min_samples_per_task": {"type": "integer", "minimum": 1},
        "max_samples_per_task": {"type": "integer", "minimum": 1},
        "compound_taskid_set": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
    },
    optional=("compound_taskid_set",),
)
OUTPUT_TYPES = closed(
    {
        "mean": POINT,
        "median": POINT,
        "quantile": closed(
            {"output_type_id": closed({"required": PROBABILITIES}), "value": VALUE, "is_required": {"type": "boolean"}}
        ),
        "sample": closed({"output_type_id_params": SAMPLE, "value": VALUE, "is_required": {"type": "boolean"}}),
    },
    optional=("mean", "median", "quantile", "sample"),
)
TARGET = closed(
    {
        "target_id": {"type": "string", "maxLength": 30},
        "target_name": {"type": "string", "maxLength": 100},
        "target_units": {"type": "string", "maxLength": 100},
        "target_keys": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": {"type": "string"},
        },
        "target_type": {"enum": ["continuous", "discrete", "date", "binary", "nominal", "ordinal", "compositional"]},
        "is_step_ahead": {"const": True},
        "time_unit": {"enum": ["day", "week", "month"]},
    }
)
TASK_IDS = closed(
    {
        "reference_date": choices(DATE),
        "target": choices({"type": "string"}),
        "horizon": choices({"type": "integer"}),
        "location": choices({"type": "string"}),
        "target_end_date": choices(DATE),
    }
)
ROUND = closed(
    {
        "round_id_from_variable": {"type": "boolean"},
        "round_id": {"type": "string"},
        "model_tasks": {
            "type": "array",
            "items": closed(
                {
                    "task_ids": TASK_IDS,
                    "output_type": OUTPUT_TYPES,
                    "target_metadata": {"type": "array", "items": TARGET},
                }
            ),
        },
        "submissions_due": closed(
            {"relative_to": {"type": "string"}, "start": {"type": "integer"}, "end": {"type": "integer"}}
        ),
        "last_data_date": DATE,
        "file_format": {"type": "array", "items": {"enum": ["csv", "parquet", "arrow"]}},
        "derived_task_ids": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
    }
)
TASKS = closed(
    {
        "schema_version": {"type": "string", "format": "uri"},
        "rounds": {"type": "array", "items": ROUND},
        "output_type_id_datatype": {"enum": ["auto", "character", "double", "integer", "logical", "Date"]},
    }
)


def check_tasks(tasks: dict[str, Any], schema: dict[str, Any] = TASKS) -> None:
    """Raises jsonschema.ValidationError."""
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker(["date"])).validate(tasks)


def published_schema() -> dict[str, Any]:
    """The schema that tasks.json names: the copy at PUBLISHED, or else by the network.

    Raises httpx.HTTPError, or ValueError for an answer that is no JSON, where there is neither.
    """
    path = os.environ.get(PUBLISHED)
    found = json.loads(Path(path).read_text()) if path else httpx.get(SCHEMA, timeout=10).raise_for_status().json()
    jsonschema.Draft202012Validator.check_schema(found)
    return dict(found)
