// Draws charts, copies text to the clipboard, and polls the progress of runs. Pages work without it.
"use strict";

// Vega's expression interpreter evaluates syntax trees, so that the Content-Security-Policy can forbid eval.
const OPTIONS = { ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: showTip };
const PANEL = 170;
const AXIS = 64;
const POLL = 2000;
const VIEWS = new Map();
const STAGES = { fit: ["forecasting", " series"], backtest: ["backtest", " folds"] };

// Colours of charts on a dark page; files and print keep the light ones.
const DARK = {
  "#1c2733": "#e6ebf0", "#52606d": "#a9b4bf", "#e4e7eb": "#2b3742", "#0072b2": "#6cb6e8", "#0b4f7a": "#cfe6f7",
  "#d3e3f0": "#16324a", "#bcd5e8": "#1b4160", "#9cc2de": "#235680", "#5b9bc9": "#3a7fb3", "#9aa5b1": "#5b6873",
  "#a86400": "#f0b04d", "#00785a": "#4fc9a2", "#c44601": "#ff8f5a", "#a2497d": "#e39bc6", "#1f75a6": "#7cc0ee", "#6d5a3a": "#c9b28a",
  "#f3c7a6": "#5a3d2a",
  "\"background\":\"white\"": "\"background\":\"transparent\"", "\"stroke\":\"white\"": "\"stroke\":\"#11181f\"",
};

for (const place of document.querySelectorAll("[data-chart]")) draw(place);
for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", copy);
for (const form of document.querySelectorAll("form[data-auto]")) {
  for (const field of form.querySelectorAll("select")) field.addEventListener("change", () => form.submit());
}
for (const slider of document.querySelectorAll("[data-slides]")) slider.addEventListener("input", slide);
for (const term of document.querySelectorAll("abbr.term")) explain(term);
for (const run of document.querySelectorAll("[data-run]")) setTimeout(follow, POLL, run);

function recoloured(text) {
  if (!matchMedia("screen and (prefers-color-scheme: dark)").matches) return text;
  const pattern = new RegExp(Object.keys(DARK).map((key) => key.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "g");
  return text.replace(pattern, (found) => DARK[found]);
}

async function draw(place) {
  const spec = JSON.parse(recoloured(document.getElementById(place.dataset.chart).textContent));
  if (spec.facet) {
    spec.columns = Math.max(1, Math.min(spec.columns, Math.floor(place.clientWidth / PANEL)));
    spec.spec.width = Math.floor(place.clientWidth / spec.columns) - AXIS;
  }
  spec.config.legend.columns = place.clientWidth < 500 ? 2 : 5;
  for (const row of spec.datasets?.room ?? []) makeRoom(row, place.clientWidth);
  try {
    const { view } = await vegaEmbed(place, spec, OPTIONS);
    VIEWS.set(place.dataset.chart, view);
    place.dataset.drawn = Math.round(performance.now());
  } catch (error) {
    place.textContent = "The chart could not be drawn; the table holds its figures.";
    console.error(error);
  }
}

// Lengthens the axis so that the labels at the ends of lines fit beside them.
function makeRoom(row, width) {
  const share = Math.min(row.label_width / width, 0.5);
  const day = typeof row.end === "string";
  const [start, end] = [row.start, row.end].map((at) => (day ? Date.parse(at) : at));
  const beyond = end + ((end - start) * share) / (1 - share);
  row[row.field] = day ? new Date(beyond).toISOString().slice(0, 10) : beyond;
}

// Shows the forecast of another cutoff, and keeps the choice in the address.
function slide(event) {
  const { slides, cutoffs, descriptions } = event.target.dataset;
  const place = Number(event.target.value);
  const made = cutoffs.split(" ")[place];
  const description = descriptions.split("|")[place];
  event.target.setAttribute("aria-valuetext", description);
  event.target.parentElement.querySelector("output").textContent = description;
  VIEWS.get(slides)?.signal("made", made).run();
  const address = new URL(location.href);
  address.searchParams.set("made", made);
  history.replaceState(null, "", address);
}

// Meanings of terms appear on hover, focus and touch; without scripts the title has them.
function explain(term) {
  const meaning = { [term.textContent]: term.title };
  term.setAttribute("aria-description", term.title);
  term.removeAttribute("title");
  const box = () => {
    const { left, bottom } = term.getBoundingClientRect();
    return { pageX: left + scrollX, pageY: bottom + scrollY - 6 };
  };
  for (const name of ["mouseenter", "focus"]) term.addEventListener(name, () => showTip(null, box(), null, meaning));
  for (const name of ["mouseleave", "blur"]) term.addEventListener(name, () => showTip(null, null, null, null));
}

function showTip(_handler, event, _item, value) {
  let tip = document.getElementById("tip");
  if (!tip) {
    tip = document.createElement("div");
    tip.id = "tip";
    document.body.append(tip);
  }
  tip.hidden = !value;
  if (!value) return;
  tip.replaceChildren(...Object.entries(value).map(([name, text]) => {
    const line = document.createElement("div");
    line.textContent = `${name}: ${text}`;
    return line;
  }));
  const right = window.scrollX + document.documentElement.clientWidth - tip.offsetWidth - 8;
  tip.style.left = `${Math.min(event.pageX + 12, right)}px`;
  tip.style.top = `${event.pageY + 12}px`;
}

async function copy(event) {
  const text = event.currentTarget.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
    showStatus("Copied.");
  } catch {
    // Browsers allow writing to the clipboard on secure origins only.
    showStatus(text);
  }
}

function showStatus(text) {
  const status = document.getElementById("status");
  status.textContent = text;
  clearTimeout(showStatus.timer);
  showStatus.timer = setTimeout(() => { status.textContent = ""; }, 8000);
}

// A page that waits for a first run looks again; afterwards the run's progress is followed.
if (document.querySelector("[data-reload]")) setTimeout(() => location.reload(), 2 * POLL);

async function follow(place) {
  const answer = await fetch(`/v1/runs/${place.dataset.run}`, { cache: "no-store" });
  if (!answer.ok) return;
  const run = await answer.json();
  if (!["queued", "running"].includes(run.status)) {
    location.reload();
    return;
  }
  const bar = place.querySelector("progress");
  const [stage, parts] = STAGES[run.stage] ?? [run.stage, ""];
  const progress = run.total ? `${stage}, ${run.done} of ${run.total}${parts}` : run.status;
  if (run.total && bar) {
    bar.max = run.total;
    bar.value = run.done;
  }
  place.querySelector("[data-progress]").textContent = progress;
  setTimeout(follow, POLL, place);
}
