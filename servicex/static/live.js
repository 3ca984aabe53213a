// Keeps what a page shows of transforms up to date. Elements with data-live="<request id>" say which are watched; what
// changes are the elements whose ids are made of a word and the request id, such as status-<id>. All are optional.
// Without this script, or with no stream to be had, the page is as good as when it was loaded.

const POLL_SECONDS = 10;
const WORKERS_SECONDS = 20;
// The server tells of no more at once.
const MOST_WORKERS_ASKED = 15;
const MOST_WATCHED = 100;

const ids = [...new Set([...document.querySelectorAll("[data-live]")].map((one) => one.dataset.live))]
  .slice(0, MOST_WATCHED);
const states = new Map();
let source = null;
let pollTimer = null;
let workersTimer = null;

const element = (word, id) => document.getElementById(`${word}-${id}`);
const number = (value) => Math.round(value).toLocaleString("en-US");

function show(word, id, text) {
  const found = element(word, id);
  if (found && found.textContent !== text) {
    found.textContent = text;
  }
}

function showHidden(word, id, hidden) {
  const found = element(word, id);
  if (found) {
    found.hidden = hidden;
  }
}

export function duration(seconds) {
  if (seconds < 60) {
    return `${Math.ceil(seconds)} s`;
  }
  if (seconds < 3600) {
    return `${Math.ceil(seconds / 60)} min`;
  }
  const minutes = Math.ceil(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function rate(perSecond) {
  return perSecond >= 10 || perSecond === 0 ? `${number(perSecond)}/s` : `${perSecond.toPrecision(2)}/s`;
}

function showProgress(state) {
  const id = state["request-id"];
  const done = state["files-completed"] + state["files-failed"];
  const bar = element("progress-bar", id);
  if (bar && state.files) {
    const percent = Math.floor((100 * done) / state.files);
    if (bar instanceof HTMLProgressElement) {
      bar.max = state.files;
      bar.value = done;
    } else {
      bar.style.width = `${percent}%`;
      bar.setAttribute("aria-valuenow", String(percent));
    }
  }
  showHidden("progress", id, state.terminal);
  show("files-completed", id, number(state["files-completed"]));
  show("files-failed", id, number(state["files-failed"]));
  showHidden("files-failed-wrapper", id, state["files-failed"] === 0);
  show("files-total", id, state.files ? number(state.files) : "Unknown");
  show("files-remaining", id, state["files-remaining"] === null ? "Unknown" : number(state["files-remaining"]));
}

function showPace(state) {
  const id = state["request-id"];
  show("total-events", id, number(state["total-events"]));
  show("total-bytes", id, number(state["total-bytes"]));
  show("rate", id, rate(state["files-per-second"]));
  show("events-rate", id, rate(state["events-per-second"]));
  const left = state["seconds-left"];
  show("time-left", id, left === null ? "–" : duration(left));
}

function showEnd(state) {
  const id = state["request-id"];
  showHidden("cancel", id, state.terminal);
  show("failure", id, state["failure-info"] || "");
  if (!state.terminal) {
    return;
  }
  show("replicas", id, "–");
  if (state["finish-time"]) {
    show("finish-time", id, state["finish-time"].slice(0, 16).replace("T", " "));
  }
}

// Read aloud is what a transform has become; figures that change all the time would never let anybody finish.
function announce(state) {
  let region = document.getElementById("live-news");
  if (!region) {
    region = document.createElement("p");
    region.id = "live-news";
    region.className = "hidden";
    region.setAttribute("role", "status");
    document.getElementById("main").append(region);
  }
  const watched = document.querySelector(`[data-live="${CSS.escape(state["request-id"])}"]`);
  region.textContent = `${watched.dataset.liveTitle || "The transform"}: ${state.status}`;
}

function reloadOnce(state) {
  const asks = document.querySelector(`[data-live="${CSS.escape(state["request-id"])}"][data-live-reload]`);
  const key = `servicex-reloaded-${state["request-id"]}-${state.status}`;
  if (asks && !sessionStorage.getItem(key)) {
    sessionStorage.setItem(key, "yes");
    location.reload();
  }
}

function take(state) {
  const before = states.get(state["request-id"]);
  states.set(state["request-id"], state);
  show("status", state["request-id"], state.status);
  showProgress(state);
  showPace(state);
  showEnd(state);
  if (before && before.status !== state.status) {
    announce(state);
  }
  if (state.terminal) {
    reloadOnce(state);
  }
}

const allEnded = () => ids.every((id) => states.get(id)?.terminal);

async function ask(path) {
  try {
    const answer = await fetch(path, { headers: { Accept: "application/json" } });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // it is asked again later
  }
}

async function poll() {
  const answer = await ask(`/servicex/transformation/states?ids=${ids.map(encodeURIComponent).join(",")}`);
  (answer?.transforms || []).forEach(take);
  if (!allEnded() && !document.hidden) {
    pollTimer = setTimeout(poll, POLL_SECONDS * 1000);
  }
}

async function askWorkers() {
  const running = ids.filter((id) => element("replicas", id) && states.get(id)?.status === "Running");
  const asked = running.slice(0, MOST_WORKERS_ASKED).map(encodeURIComponent).join(",");
  const answer = asked && (await ask(`/servicex/transformation/states?workers=true&ids=${asked}`));
  for (const state of answer?.transforms || []) {
    if (state["workers-wanted"] !== null && states.get(state["request-id"])?.status === "Running") {
      show("replicas", state["request-id"], `${state["workers-ready"]}/${state["workers-wanted"]}`);
    }
  }
  if (!allEnded() && !document.hidden) {
    workersTimer = setTimeout(askWorkers, WORKERS_SECONDS * 1000);
  }
}

function listen() {
  source = new EventSource(`/servicex/transformation/events?ids=${ids.map(encodeURIComponent).join(",")}`);
  source.addEventListener("state", (event) => {
    take(JSON.parse(event.data));
    if (allEnded()) {
      stop();
    }
  });
  source.addEventListener("error", () => {
    // A connection that broke is made again by the browser; one that was refused is not.
    if (source && source.readyState === EventSource.CLOSED && !allEnded()) {
      stop();
      poll();
      workersTimer = setTimeout(askWorkers, WORKERS_SECONDS * 1000);
    }
  });
}

function stop() {
  source?.close();
  source = null;
  clearTimeout(pollTimer);
  clearTimeout(workersTimer);
}

function start() {
  stop();
  if (document.hidden || allEnded()) {
    return;
  }
  listen();
  workersTimer = setTimeout(askWorkers, 1000);
}

if (ids.length) {
  document.addEventListener("visibilitychange", start);
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", (event) => event.persisted && start());
  start();
}
