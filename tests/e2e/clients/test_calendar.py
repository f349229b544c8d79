"""icalendar reads the release calendar, with a key in its address where the service needs one."""

from datetime import date

import httpx
from icalendar import Calendar

from api.app import create_app
from tests.integration.api.conftest import World, options
from tests.support.web_service import served

PLAN = "dataset,period,due_on,time\nCN_TRADE,2026-01,2026-03-10,\n"


def test_icalendar_reads_the_releases(scratch: World) -> None:
    with served(create_app(engine=scratch.engine, options=options(require_key_to_read=True))) as address:
        headers = scratch.headers("write") | {"Content-Type": "text/csv"}
        assert httpx.post(f"{address}/v1/releases", content=PLAN, headers=headers).status_code == 201
        assert httpx.get(f"{address}/v1/calendar.ics").status_code == 401
        feed = httpx.get(f"{address}/feed/{scratch.keys['read']}/v1/calendar.ics")
    events = {str(event["summary"]): event for event in Calendar.from_ical(feed.content).walk("VEVENT")}
    (planned,) = (event for name, event in events.items() if name.endswith("2026-01"))
    assert planned.decoded("dtstart") == date(2026, 3, 10)
