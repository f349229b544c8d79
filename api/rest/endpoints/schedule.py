"""The schedule: the next and the last fetch and run of each dataset and indicator."""

from fastapi import APIRouter, Response

from api.authentication import Reader
from api.dependencies import ConfigDep, NoParameters, SessionDep
from api.http_cache import NO_STORE
from api.rest.responses import json_response
from api.rest.schemas.problem import PROBLEM
from api.rest.schemas.schedule import ScheduleAnswer, ScheduledTaskAnswer
from services.runs.schedule import ScheduledTask, scheduled_tasks

router = APIRouter(tags=["service"], dependencies=[Reader, NoParameters], responses=PROBLEM)


@router.get("/v1/schedule", responses={200: {"model": ScheduleAnswer}})
def read_schedule(session: SessionDep, config: ConfigDep) -> Response:
    """The next fetch and run of each dataset and fetch of each indicator, with reason and outcome of the last ones."""
    now = config.now()
    tasks = scheduled_tasks(session, now=now, interval=config.poll_interval, receives_data=config.receives_data)
    answer: ScheduleAnswer = {"now": now, "tasks": [task_answer(task) for task in tasks]}
    return json_response(answer, headers=NO_STORE)


def task_answer(task: ScheduledTask) -> ScheduledTaskAnswer:
    """A task as it is answered."""
    return {
        "dataset": task.dataset,
        "indicator": task.indicator,
        "task": task.task,
        "next_at": task.next_at,
        "reason": task.reason,
        "last_at": task.last_at,
        "last_outcome": task.last_outcome,
        "last_reason": task.last_reason,
    }
