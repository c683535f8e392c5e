// What the pages gain with JavaScript: keys, copy buttons, relative times, and live updates that never move what is being read.
"use strict";

(() => {
  document.documentElement.classList.add("js");
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Keys: j and k walk the rows, enter opens, x chooses, r replays, / searches.
  let at = -1;
  const rows = () => all("[data-row]");
  const walk = (step) => {
    const list = rows();
    if (!list.length) return;
    list[at]?.classList.remove("at");
    at = Math.max(0, Math.min(list.length - 1, at + step));
    list[at].classList.add("at");
    list[at].scrollIntoView({ block: "nearest" });
    one("a", list[at])?.focus({ preventScroll: true });
  };
  const keys = {
    j: () => walk(1),
    k: () => walk(-1),
    Enter: () => rows()[at] && one("a", rows()[at])?.click(),
    r: () => one("[data-key='r']", rows()[at] ?? document)?.click() ?? one("[data-key='r']")?.click(),
    "/": () => one("#find")?.focus(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    if (event.key === "Enter" && event.target.matches("a, button, summary")) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  document.addEventListener("click", async (event) => {
    const copy = event.target.closest(".copy");
    if (copy) {
      await navigator.clipboard?.writeText(copy.dataset.copy);
      copy.textContent = "copied";
      setTimeout(() => { copy.textContent = "copy"; }, 1200);
    }
    if (event.target.closest("#new")) location.reload();
  });

  // Relative times grow older while the page is open. The difference between the clocks is taken from the page itself.
  const skew = Number(document.body.dataset.now) - Date.now();
  const words = (seconds) => {
    const size = Math.abs(seconds);
    const span = size < 100 ? `${Math.round(size)} s` : size < 6000 ? `${Math.round(size / 60)} min`
      : size < 172800 ? `${Math.round(size / 3600)} h` : `${Math.round(size / 86400)} d`;
    return size < 1 ? "now" : seconds > 0 ? `${span} ago` : `in ${span}`;
  };
  setInterval(() => {
    for (const time of all("time[data-at]")) time.textContent = words((Date.now() + skew - Number(time.dataset.at)) / 1000);
  }, 1000);

  // Live: regions with hx-get ask for themselves again; lists only say how much is new.
  const live = document.body.dataset.live;
  if (live && "EventSource" in window) {
    let first = null;
    // At most one beat in two seconds, and the last one never lost: what a page shows in the end is how it is.
    const restMs = 2000;
    let rests = false, missed = false;
    const beat = () => {
      if (rests) { missed = true; return; }
      rests = true;
      document.body.dispatchEvent(new CustomEvent("pulse"));
      setTimeout(() => { rests = false; if (missed) { missed = false; beat(); } }, restMs);
    };
    new EventSource("/live").addEventListener("pulse", (message) => {
      const pulse = JSON.parse(message.data);
      const opened = first === null;
      first ??= pulse;
      if (live !== "list") { beat(); return; } // the first one too: the world may have moved on since the page was made
      if (opened) return;
      const bar = one("#new");
      const fresh = pulse.events - first.events;
      if (bar) { bar.textContent = fresh > 0 ? `${fresh} new` : "Something changed: show"; bar.hidden = false; }
    });
  }

  // A chart, where the page has room for one; without JavaScript its sparkline stays.
  const chart = one("[data-series]");
  if (chart && window.uPlot) {
    const token = (name) => getComputedStyle(chart).getPropertyValue(name);
    const resolved = (name) => { const probe = document.createElement("i"); probe.style.color = `var(${name})`; chart.append(probe);
      const colour = getComputedStyle(probe).color; probe.remove(); return colour; };
    fetch(chart.dataset.series).then((answer) => answer.json()).then((data) => {
      chart.replaceChildren();
      const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: chart.dataset.zone });
      const hours = (_, times) => times.map((time) => clock.format(time * 1000));
      const axis = { stroke: resolved("--ink-2"), grid: { stroke: resolved("--line"), width: 1 }, ticks: { show: false }, font: "12px " + token("--sans") };
      const line = (label, name) => ({ label, stroke: resolved(name), width: 1.5, points: { show: false } });
      const plot = new uPlot({ width: chart.clientWidth, height: 240, series: [{ value: (_, time) => (time ? clock.format(time * 1000) : "") }, line("delivered", "--running"), line("given up", "--dead")],
        axes: [{ ...axis, values: hours }, axis], cursor: { points: { size: 6 } } }, [data.times, data.done, data.dead], chart);
      new ResizeObserver(() => plot.setSize({ width: chart.clientWidth, height: 240 })).observe(chart);
    });
  }
})();
