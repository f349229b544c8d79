"""Rules of a hub that a JSON schema cannot state, for tasks.json and for files of model output.

Restated from the documentation (https://docs.hubverse.io, model output and sample output type) and from the R packages
that check hubs and submissions: `validate_config` of hubAdmin and `validate_submission` of hubValidations.
"""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

FILE_NAME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}|[A-Za-z0-9_]+)-([A-Za-z0-9_]+)-([A-Za-z0-9_]+)\.(csv|parquet)")
REPRESENTATION = ["output_type", "output_type_id", "value"]
POINTS = ("mean", "median")


def config_faults(tasks: dict[str, Any]) -> list[str]:
    """The rules of tasks.json that it breaks."""
    return [fault for round_ in tasks["rounds"] for fault in _round_faults(round_)]


def _round_faults(round_: dict[str, Any]) -> Iterator[str]:
    groups = round_["model_tasks"]
    for group in groups:
        yield from _group_faults(group)
    names = {name for group in groups for name in group["task_ids"]}
    if not names.issuperset(round_["derived_task_ids"]):
        yield "a derived task id is no task id"
    if any(group["task_ids"][round_["round_id"]] != groups[0]["task_ids"][round_["round_id"]] for group in groups):
        yield "groups of tasks differ in the round"
    compared = names - set(round_["derived_task_ids"])
    for first, second in combinations(groups, 2):
        if all(_allowed(first, name) & _allowed(second, name) for name in compared):
            yield "two groups of tasks share a task"


def _group_faults(group: dict[str, Any]) -> Iterator[str]:
    task_ids = group["task_ids"]
    if set(task_ids) & {"model_id", *REPRESENTATION}:
        yield "a task id has a reserved name"
    for name, values in task_ids.items():
        listed = [*(values["required"] or ()), *(values["optional"] or ())]
        if not listed or len(set(listed)) < len(listed):
            yield f"{name} has no value, or one twice"
    keys = [target["target_keys"] for target in group["target_metadata"]]
    described = {(name, value) for key in keys for name, value in key.items()}
    if described != {("target", value) for value in _allowed(group, "target")}:
        yield "targets and their metadata differ"
    sample = group["output_type"].get("sample", {}).get("output_type_id_params")
    if sample and sample["min_samples_per_task"] > sample["max_samples_per_task"]:
        yield "fewer samples are allowed than required"
    if sample and not set(sample["compound_taskid_set"]) <= set(task_ids):
        yield "compound_taskid_set has a name that is no task id"


def submission_faults(name: str, rows: pd.DataFrame, tasks: dict[str, Any]) -> list[str]:
    """The rules that a file of model output breaks, for a hub of one round; texts are read as texts."""
    (round_,) = tasks["rounds"]
    groups = round_["model_tasks"]
    task_ids = list(groups[0]["task_ids"])
    if len(rows.columns) != len(task_ids) + len(REPRESENTATION) or set(rows) != {*task_ids, *REPRESENTATION}:
        return ["columns are not the task ids with output_type, output_type_id and value"]
    found = FILE_NAME.fullmatch(name)
    faults = {
        "the name of the file is not round, team and model": not found,
        "the round is not that of the name": bool(found and set(rows[round_["round_id"]]) != {found[1]}),
        "a row appears twice": rows.duplicated([*task_ids, "output_type", "output_type_id"]).any(),
        "a value is no number": not np.isfinite(rows["value"].to_numpy()).all(),
        "quantiles descend": _quantiles_descend(rows, task_ids),
    }
    members = [rows[_belongs(rows, group)] for group in groups]
    faults["a row is not of exactly one group of tasks"] = sum(map(len, members)) != len(rows)
    samples = [set(mine.loc[mine["output_type"] == "sample", "output_type_id"]) for mine in members]
    faults["a sample spans groups of tasks"] = sum(map(len, samples)) != len(set().union(*samples))
    own = [fault for group, mine in zip(groups, members, strict=True) for fault in _member_faults(group, mine)]
    return [fault for fault, broken in faults.items() if broken] + own


def _quantiles_descend(rows: pd.DataFrame, task_ids: list[str]) -> bool:
    quantiles = rows[rows["output_type"] == "quantile"].astype({"output_type_id": float})
    ordered = quantiles.sort_values([*task_ids, "output_type_id"])
    return bool((ordered.groupby(task_ids)["value"].diff() < 0).any())


def _member_faults(group: dict[str, Any], rows: pd.DataFrame) -> Iterator[str]:
    """Faults of the rows of a group of tasks."""
    task_ids = list(group["task_ids"])
    if rows.loc[rows["output_type"].isin(POINTS), "output_type_id"].notna().any():
        yield "a mean or a median has an output_type_id"
    levels = {f"{level:.15g}" for level in group["output_type"]["quantile"]["output_type_id"]["required"]}
    quantiles = rows[rows["output_type"] == "quantile"].groupby(task_ids)["output_type_id"]
    if any(set(given) != levels for _, given in quantiles):
        yield "quantiles are not those required"
    samples = rows[rows["output_type"] == "sample"]
    if len(samples):
        yield from _sample_faults(group, samples)


def _sample_faults(group: dict[str, Any], rows: pd.DataFrame) -> Iterator[str]:
    params = group["output_type"]["sample"]["output_type_id_params"]
    if not rows["output_type_id"].str.fullmatch("[1-9][0-9]*").all():
        yield "a sample has no positive number"
    together = params["compound_taskid_set"]
    others = [name for name in group["task_ids"] if name not in together]
    by_sample = rows.groupby("output_type_id")
    if (by_sample[together].nunique() > 1).any(axis=None):
        yield "a sample spans compound tasks"
    if len({frozenset(mine[others].itertuples(index=False, name=None)) for _, mine in by_sample}) > 1:
        yield "samples are of different tasks"
    numbers = rows.groupby(together)["output_type_id"].nunique()
    if not numbers.between(params["min_samples_per_task"], params["max_samples_per_task"]).all():
        yield "the number of samples is not allowed"


def _allowed(group: dict[str, Any], name: str) -> set[Any]:
    values = group["task_ids"][name]
    return {*(values["required"] or ()), *(values["optional"] or ())}


def _belongs(rows: pd.DataFrame, group: dict[str, Any]) -> "pd.Series[bool]":
    mine = rows["output_type"].isin(list(group["output_type"]))
    for name in group["task_ids"]:
        mine &= rows[name].isin(list(_allowed(group, name)))
    return mine
