"""Observations from a table of another's making: which column is what, and which partner and flow its cells mean."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from shlex import quote

import pandas as pd

from sources.errors import UnknownPartnerName
from sources.partner_names import partner_names
from tables import OBSERVATION_COLUMNS, SERIES_NAME, Layout, UnreadableTable, arrange, distinct

Ask = Callable[[str, Sequence[str]], str]
"""Puts a question with suggestions to a person, and gives the answer."""

FLOW_WORDS = {
    **dict.fromkeys(("x", "e", "export", "exports", "exported", "dom. exports"), "X"),
    **dict.fromkeys(("m", "i", "import", "imports", "imported", "gen. imports"), "M"),
}
HEADINGS = {
    "month": ("month", "date", "period", "time", "time_period", "refperiod", "ds", "year month"),
    "flow": ("flow", "direction", "trade flow", "flowcode", "flowdesc", "flow_type"),
    "partner": (
        "partner",
        "country",
        "destination",
        "origin",
        "counterpart",
        "counterpart_area",
        "partnerdesc",
        "economy",
    ),
    "sector": (
        "sector",
        "commodity",
        "product",
        "goods",
        "hs",
        "hs code",
        "hs2",
        "cmdcode",
        "industry",
        "naics",
        "sitc",
    ),
    "value": ("value", "obs_value", "amount", "trade value", "primaryvalue", "y", "usd"),
}
ALL_GOODS = "TOTAL"
ALL_GOODS_WORDS = ("total", "all", "all goods", "all products", "all commodities", "total trade")
SHOWN_NAMES = 8
MOST_TRIES = 3


@dataclass(frozen=True, slots=True)
class ReadTable:
    """Observations as `tables.check_observations` takes them, and how names of partners and columns were understood."""

    frame: pd.DataFrame
    partners: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_observations(
    table: pd.DataFrame,
    layout: Layout,
    *,
    today: date,
    partners: Mapping[str, str],
    codes: Collection[str],
    ask: Ask | None = None,
) -> ReadTable:
    """The observations of a table, its columns renamed by `layout` and its partners and flows as codes.

    `partners` gives the codes of names that are not known, `codes` those of partners that are stored. With `ask` a
    person is asked which column is which and which partner a name means; without, anything unclear is refused.

    Raises:
        TableError: the table does not fit the layout, or lacks a column; UnknownPartnerName.
    """
    if not layout.wide and ask is not None:
        layout = _asked_columns(table, layout, ask)
    frame = arrange(table, layout, today=today, month="month", value="value", negative=True)
    frame, notes = _named(frame) if layout.wide else (frame, [])
    if "sector" not in frame:
        frame = frame.assign(sector=ALL_GOODS)
        notes.append(f"no column of sectors: all goods ({ALL_GOODS})")
    _require(frame, table)
    frame = frame.assign(flow=frame["flow"].map(_flow), sector=frame["sector"].map(_sector))
    found = _partner_codes(distinct(frame["partner"])[1], partners, codes, ask)
    places, texts = distinct(frame["partner"])
    frame = frame.assign(partner=[found[texts[place]] for place in places])
    renamed = {name: code for name, code in found.items() if name != code}
    return ReadTable(frame, renamed, tuple(notes))


def suggested_columns(headings: Collection[str], wanted: Collection[str]) -> dict[str, str]:
    """Headings that by their usual names are columns which are wanted: `{"Date": "month"}`."""
    plain = {_plain(heading): heading for heading in headings}
    found = {}
    for name in wanted:
        heading = next((plain[usual] for usual in HEADINGS[name] if usual in plain), None)
        if heading is not None and heading not in found:
            found[heading] = name
    left = [heading for heading in headings if heading not in found and heading not in OBSERVATION_COLUMNS]
    if "value" in wanted and "value" not in found.values():
        # One column of exports is the value; with one of imports beside it, the table is wide.
        flows = [heading for heading in left if _plain(heading) in FLOW_WORDS]
        likely = flows if len(flows) == 1 else left
        found |= {likely[0]: "value"} if len(likely) == 1 else {}
    return found


def _plain(heading: str) -> str:
    """A heading as usual names are written; a unit may follow it in brackets."""
    return " ".join(heading.casefold().partition("(")[0].split())


def _asked_columns(table: pd.DataFrame, layout: Layout, ask: Ask) -> Layout:
    """The layout with the columns that a person names, for those that are neither there nor named nor constant."""
    given = {*layout.columns.values(), *layout.constant, *map(str, table.columns)}
    missing = [name for name in OBSERVATION_COLUMNS if name not in given]
    free = [str(name) for name in table.columns if str(name) not in layout.columns]
    usual = {name: heading for heading, name in suggested_columns(free, missing).items()}
    columns, constant = dict(layout.columns), dict(layout.constant)
    for name in missing:
        if name == "sector" and name not in usual:
            continue
        question = f"Which column is the {name}?"
        if name == "flow" and name not in usual:
            question = "Which column is the flow? X or M if all rows are exports or imports"
        valid = {*free, *(FLOW_WORDS if name == "flow" else ())}
        answer = _answered(question, [usual[name]] if name in usual else free, valid, ask)
        if answer in free:
            columns[answer] = name
        elif answer is not None:
            constant[name] = FLOW_WORDS[answer]
    return replace(layout, columns=columns, constant=constant)


def _answered(question: str, suggestions: Sequence[str], valid: Collection[str], ask: Ask) -> str | None:
    """A person's answer if it is a valid one, or is in lower case; None after several that are not."""
    shown = question
    for _ in range(MOST_TRIES):
        answer = ask(shown, suggestions)
        if answer in valid or answer.casefold() in valid:
            return answer if answer in valid else answer.casefold()
        shown = f"No column is called {answer[:40]!r}. {question}"
    return None


def _named(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """A wide table's frame with its series as flows, partners or sectors, whichever they are."""
    if SERIES_NAME not in frame:
        texts = [name for name in frame.columns if name not in (*OBSERVATION_COLUMNS, "vintage", "months", "status")]
        if "partner" in frame or len(texts) != 1:
            return frame, []
        return frame.rename(columns={texts[0]: "partner"}), [f"partners are the rows of {texts[0]!r}"]
    names = distinct(frame[SERIES_NAME])[1]
    if "flow" not in frame and all(name.casefold() in FLOW_WORDS for name in names):
        return frame.rename(columns={SERIES_NAME: "flow"}), [f"flows are the columns {', '.join(names)}"]
    flows = [name for name in names if name.casefold() in FLOW_WORDS]
    if "flow" not in frame and flows:
        others = ", ".join(name for name in names if name not in flows)
        raise UnreadableTable("the table", f"the columns {', '.join(flows)} are flows and {others} is not: --drop it")
    if len(names) == 1 and "partner" in frame:
        return frame.drop(columns=SERIES_NAME), [f"the series is the column {names[0]}"]
    free = next((name for name in ("partner", "sector") if name not in frame), None)
    if free is None:
        raise UnreadableTable(
            "the table", f"partner and sector are given, so nothing is left for {', '.join(names[:5])}"
        )
    shown = ", ".join(names[:SHOWN_NAMES]) + (" ..." if len(names) > SHOWN_NAMES else "")
    return frame.rename(columns={SERIES_NAME: free}), [f"{free}s are the columns {shown}"]


def _require(frame: pd.DataFrame, table: pd.DataFrame) -> None:
    """Raise UnreadableTable for columns that are missing, with the options that would name them."""
    missing = [name for name in OBSERVATION_COLUMNS if name not in frame]
    if not missing:
        return
    found = suggested_columns(list(map(str, table.columns)), missing)
    rest = [name for name in missing if name not in found.values()]
    advice = []
    if found:
        advice.append("--map " + quote(",".join(f"{heading}={name}" for heading, name in found.items())))
    if rest:
        flow = next((FLOW_WORDS[_plain(heading)] for heading in found if _plain(heading) in FLOW_WORDS), "X")
        examples = {"flow": f"flow={flow}", "partner": "partner=WLD", "month": "", "value": ""}
        constants = ",".join(examples[name] for name in rest if examples[name])
        advice += [f"--constant {constants}"] if constants else []
        advice += [f"--map HEADING={name}" for name in rest if not examples[name]]
    shown = ", ".join(str(name)[:40] for name in table.columns[:12])
    reason = f"the header lacks {', '.join(missing)}; it has {shown}. Say which is which: {' '.join(advice)}"
    if "value" in rest:
        reason += "; or add --wide if each series is a column, or each month"
    raise UnreadableTable("the table", reason)


def _flow(cell: object) -> object:
    """The flow that a cell means; the cell itself where it means none, so that it is named as a fault."""
    return FLOW_WORDS.get(str(cell).strip().casefold(), cell)


def _sector(cell: object) -> object:
    """The sector that a cell means: all goods by their usual names, otherwise the cell itself."""
    return ALL_GOODS if str(cell).strip().casefold() in ALL_GOODS_WORDS else cell


def _partner_codes(
    texts: Sequence[str], given: Mapping[str, str], stored: Collection[str], ask: Ask | None
) -> dict[str, str]:
    """The code of each partner as it is written. Raises UnknownPartnerName with the names most like each."""
    names, own = partner_names(), {name.casefold(): code for name, code in given.items()}
    found = {text: own.get(text.casefold()) or (text if text in stored else names.find(text)) for text in texts}
    unknown = {text: names.suggest(text) for text in texts if not found[text] and text}
    if ask is not None:
        for text, like in list(unknown.items()):
            answer = ask(f"Which partner is {text!r}?", like)
            code = answer if answer in stored else names.find(answer.rpartition(" (")[0] or answer)
            if code is not None:
                found[text] = code
                del unknown[text]
    if unknown:
        raise UnknownPartnerName("the table (name its code: --partner NAME=CODE, over HTTP `partner_names`)", unknown)
    return {text: code or text for text, code in found.items()}
