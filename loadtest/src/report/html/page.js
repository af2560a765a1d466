// Draws the plots from the data in the page. One cursor runs through all plots over time; legends tell its values.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const home = document.getElementById("plots");
  const LEFT = 46, RIGHT = 10, TOP = 18, BOTTOM = 22;
  const plots = [];

  const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const clock = (s) => {
    const whole = Math.max(0, Math.round(s)), h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60;
    const two = (n) => String(n).padStart(2, "0");
    return h ? `${h}:${two(m)}:${two(whole % 60)}` : `${m}:${two(whole % 60)}`;
  };
  const figure = (v) => {
    const a = Math.abs(v);
    if (a === 0) return "0";
    if (a < 0.1) return v.toFixed(3);
    if (a < 10) return v.toFixed(2);
    if (a < 100) return v.toFixed(1);
    return Math.round(v).toLocaleString("en");
  };
  const brief = (v) => {
    const short = (n) => String(Number(n.toFixed(2)));
    if (v >= 1e6) return short(v / 1e6) + "M";
    return v >= 1e4 ? short(v / 1e3) + "k" : Number(v.toPrecision(3)).toLocaleString("en");
  };

  // Round steps: 1, 2 or 5 times a power of ten.
  function steps(from, to, count) {
    const rough = (to - from) / count || 1, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough * 0.999);
    const ticks = [];
    for (let v = Math.ceil(from / step) * step; v <= to + step * 1e-6; v += step) ticks.push(v);
    return ticks;
  }
  function timeSteps(from, to, count) {
    const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400]
      .find((s) => (to - from) / s <= count) || 86400;
    const ticks = [];
    for (let v = Math.ceil(from / step) * step; v <= to; v += step) ticks.push(v);
    return ticks;
  }
  function logSteps(from, to) {
    const ticks = [];
    for (let p = Math.floor(Math.log10(from)); p <= Math.log10(to); p++)
      for (const k of [1, 2, 5]) if (k * 10 ** p >= from * 0.999 && k * 10 ** p <= to * 1.001) ticks.push(k * 10 ** p);
    return ticks.length > 7 ? ticks.filter((v) => /^10*$|^0\.0*1$/.test(String(Number(v.toPrecision(1))))) : ticks;
  }

  function yScale(values, log, least, height) {
    let low = Math.min(...values), high = Math.max(...values, least || 0);
    if (log) {
      low = Math.max(low, 0.001) / 1.25;
      high *= 1.25;
      const span = Math.log(high / low);
      const y = (v) => height - BOTTOM - (Math.log(Math.max(v, low) / low) / span) * (height - TOP - BOTTOM);
      return { y, ticks: logSteps(low, high) };
    }
    const ticks = steps(0, high || 1, 5);
    high = Math.max(high * 1.06 || 1, ticks[ticks.length - 1]);
    return { y: (v) => height - BOTTOM - (v / high) * (height - TOP - BOTTOM), ticks };
  }

  // Points with holes become several strokes; a lonely one becomes a dot.
  function strokes(points, gap) {
    const runs = [];
    let run = [];
    for (const [x, y] of points) {
      if (y == null || (run.length && gap && x - run[run.length - 1][0] > gap)) { if (run.length) runs.push(run); run = []; }
      if (y != null) run.push([x, y]);
    }
    if (run.length) runs.push(run);
    return runs;
  }

  function plot(spec) {
    const seen = spec.series.filter((s) => s.points.some(([, v]) => v != null));
    if (!seen.length) return;
    seen.forEach((s, i) => (s.color = s.color || `var(--c${i % 8})`));
    const box = document.createElement("figure");
    if (spec.wide) box.className = "wide";
    box.innerHTML = `<figcaption>${escape(spec.title)}<span></span></figcaption><ul class="legend"></ul>` +
      `<div class="plot" tabindex="0" role="img" aria-label="${escape(spec.title + ": " + summary(seen, spec.unit))}"></div>`;
    home.append(box);
    const self = { ...spec, series: seen, box, stage: box.querySelector(".plot"), corner: box.querySelector("figcaption span"), legend: box.querySelector(".legend") };
    plots.push(self);
  }

  const summary = (series, unit) => series.map((s) => `${s.name} up to ${figure(highest(s))} ${unit}`).join(", ");
  const highest = (s) => Math.max(...s.points.map(([, v]) => v ?? 0));

  function draw(self) {
    const width = Math.max(self.stage.clientWidth, 240), xs = self.x || timeAxis();
    const x = (v) => LEFT + ((v - xs.from) / (xs.to - xs.from || 1)) * (width - LEFT - RIGHT);
    const values = self.series.flatMap((s) => s.points.map(([, v]) => v).filter((v) => v != null));
    const positive = values.filter((v) => v > 0);
    const log = self.log && positive.length && Math.max(...positive) / Math.min(...positive) > 30;
    const height = self.wide ? 250 : 200, floor = height - BOTTOM;
    const { y, ticks } = yScale(log ? positive : values, log, self.limit, height);
    Object.assign(self, { at: x, y, xs, width, floor, logged: log });
    const parts = ticks.map((v) => `<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${y(v)}" y2="${y(v)}"/><text x="${LEFT - 7}" y="${y(v) + 4}" text-anchor="end">${brief(v)}</text>`);
    parts.push(`<line class="axis" x1="${LEFT}" x2="${width - RIGHT}" y1="${floor}" y2="${floor}"/>`);
    for (const [v, label] of xs.ticks(Math.floor((width - LEFT) / 70)))
      parts.push(`<text x="${x(v)}" y="${height - 6}" text-anchor="middle">${label}</text>`);
    if (!self.x) parts.push(marks(x, width, floor));
    if (self.limit) parts.push(`<line class="limit" x1="${LEFT}" x2="${width - RIGHT}" y1="${y(self.limit)}" y2="${y(self.limit)}"/>`);
    for (const s of self.series) parts.push(curve(s, x, y, self));
    parts.push(`<g class="hover"></g>`);
    self.stage.innerHTML = `<svg height="${height}" viewBox="0 0 ${width} ${height}" aria-hidden="true">${parts.join("")}</svg>`;
    rest(self);
  }

  function curve(s, x, y, self) {
    const floor = self.floor;
    return strokes(s.points, self.x ? 0 : gap).map((run) => {
      const path = run.map(([t, v]) => `${x(t).toFixed(1)},${y(v).toFixed(1)}`).join("L");
      if (run.length === 1) return `<circle r="2" cx="${x(run[0][0])}" cy="${y(run[0][1])}" fill="${s.color}"/>`;
      const area = self.series.length === 1 && !self.logged ? `<path class="area" fill="${s.color}" d="M${x(run[0][0])},${floor}L${path}L${x(run[run.length - 1][0])},${floor}Z"/>` : "";
      return `${area}<path class="curve${s.faint ? " faint" : ""}" stroke="${s.color}" d="M${path}"/>`;
    }).join("");
  }

  // Every mark has its line; a label is left out where it would run into another, but a fault's may cross a line.
  function marks(x, width, floor) {
    let free = 0;
    const lines = [], labels = [];
    data.marks.forEach((m, i) => {
      const at = x(m.at), length = m.label.length * 5.6 + 8, fault = /^(fault|storm)$/.test(m.kind) ? " fault" : "";
      if (at < LEFT - 1 || at > width - RIGHT + 1) return;
      const next = i + 1 < data.marks.length && !fault ? x(data.marks[i + 1].at) : width;
      const fits = at >= free && at + length <= Math.min(next + 2, width);
      if (fits) free = at + length;
      if (fits) labels.push(`<text class="mark-label${fault}" x="${at + 4}" y="10">${escape(m.label)}</text>`);
      lines.push(`<line class="mark${fault}" x1="${at}" x2="${at}" y1="4" y2="${floor}"/>`);
    });
    return lines.concat(labels).join("");
  }

  const times = [...data.series.map((m) => m.at), ...data.nodes.flatMap((n) => n.points.map((p) => p.at))];
  const first = Math.min(0, ...times), last = Math.max(1, ...times, ...data.marks.map((m) => m.at));
  const gap = data.every * 2.6;
  const timeAxis = () => ({ from: first, to: last, ticks: (n) => timeSteps(first, last, n).map((v) => [v, clock(v)]) });

  function say(self, corner, values) {
    self.corner.textContent = corner;
    self.legend.innerHTML = self.series.map((s, i) => `<li><i style="background:${s.color}"></i>${escape(s.name)}<b>${values[i]}</b></li>`).join("");
  }
  function rest(self) {
    self.stage.querySelector(".hover").innerHTML = "";
    say(self, self.x ? self.unit : `${self.unit}, highest`, self.series.map((s) => (self.x ? "" : figure(highest(s)))));
  }
  function point(self, value) {
    const near = (s) => s.points.reduce((best, p) => (p[1] != null && (!best || Math.abs(p[0] - value) < Math.abs(best[0] - value)) ? p : best), null);
    const reach = self.x ? Infinity : gap;
    const found = self.series.map(near).map((p) => (p && Math.abs(p[0] - value) <= reach ? p : null));
    const beads = found.map((p, i) => (p ? `<circle class="bead" r="3.5" cx="${self.at(p[0])}" cy="${self.y(p[1])}" fill="${self.series[i].color}"/>` : "")).join("");
    const at = self.at(value), mark = self.x ? null : data.marks.find((m) => Math.abs(self.at(m.at) - at) < 5);
    self.stage.querySelector(".hover").innerHTML = `<line class="cursor" x1="${at}" x2="${at}" y1="${TOP - 6}" y2="${self.floor}"/>${beads}`;
    say(self, `${self.unit} at ${self.x ? self.x.word(value) : clock(value)}${mark ? " · " + mark.label : ""}`, found.map((p) => (p ? figure(p[1]) : "–")));
  }

  let now = null, asked = false;
  function move(self, value) {
    if (self.x) return value == null ? rest(self) : point(self, value);
    now = value;
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      for (const each of plots) if (!each.x) now == null ? rest(each) : point(each, now);
    });
  }
  function listen(self) {
    const value = (event) => {
      const share = (event.clientX - self.stage.getBoundingClientRect().left - LEFT) / (self.width - LEFT - RIGHT);
      return self.xs.from + Math.min(1, Math.max(0, share)) * (self.xs.to - self.xs.from);
    };
    self.stage.addEventListener("pointermove", (event) => move(self, value(event)));
    self.stage.addEventListener("pointerleave", () => move(self, null));
    self.stage.addEventListener("blur", () => move(self, null));
    self.stage.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!way) return;
      event.preventDefault();
      const step = self.x ? (self.xs.to - self.xs.from) / 50 : data.every;
      self.key = Math.min(self.xs.to, Math.max(self.xs.from, (self.key ?? self.xs.from) + way * step));
      move(self, self.key);
    });
  }

  const of = (name, key, more) => ({ name, points: data.series.map((m) => [m.at, m[key]]), ...more });
  const nodes = (key, scale) => data.nodes.map((n) => ({ name: n.name, points: n.points.map((p) => [p.at, p[key] == null ? null : p[key] * (scale || 1)]) }));
  const busy = (series) => series.filter((s) => s.points.some(([, v]) => v > 0));

  plot({ title: "Latency, from the moment a message was due", unit: "ms", log: true, wide: true, series: [
    of("p50", "p50"), of("p90", "p90"), of("p99", "p99"), of("slowest", "max", { faint: true })] });
  plot({ title: "Deliveries", unit: "per second", series: busy([of("delivered", "delivered")]) });
  plot({ title: "Messages", unit: "per second", series: busy([of("sent", "sent", { color: "var(--c1)" }), of("acknowledged", "acknowledged", { color: "var(--c0)" })]) });
  plot({ title: "Connections of the swarm", unit: "standing", series: busy([of("connections", "connections")]) });
  plot({ title: "Errors and reconnections", unit: "per second", series: busy([of("errors", "errors", { color: "var(--c3)" }), of("reconnections", "reconnects", { color: "var(--c1)" })]) });
  plot({ title: "CPU of the servers", unit: "cores", series: nodes("cores") });
  plot({ title: "Memory of the servers", unit: "MiB", series: nodes("rss_kib", 1 / 1024) });
  plot({ title: "Connections of the servers", unit: "standing", series: nodes("connections") });
  plot({ title: "Waiting in the servers' queues", unit: "entries", series: busy(nodes("queued")) });
  plot({ title: "Dropped by the servers", unit: "per second", series: busy(nodes("dropped")) });
  plot({ title: "The generator itself", unit: "cores", limit: data.threads, series: [of("busy", "generator_cores", { color: "var(--c7)" })] });
  if (data.curve.length) {
    const nines = (q) => Math.log10(1 / (1 - q)), points = data.curve.filter(([q]) => q < 1).map(([q, v]) => [nines(q), v]);
    const share = (v) => `${Number((100 * (1 - 10 ** -v)).toPrecision(6))} %`;
    plot({ title: "Latency by share of deliveries", unit: "ms", log: true, series: [{ name: "not slower than", color: "var(--c4)", points }],
      x: { from: 0, to: points[points.length - 1][0], word: (v) => `${Number((100 * (1 - 10 ** -v)).toPrecision(4))} %`,
        ticks: () => [0.5, 0.9, 0.99, 0.999, 0.9999].map((q) => [nines(q), share(nines(q))]) } });
  }
  if (!plots.length) document.getElementById("over-time").remove();

  // Only when all boxes are there is each as wide as it will be.
  const redraw = () => plots.forEach(draw);
  redraw();
  plots.forEach(listen);
  let pending = 0;
  addEventListener("resize", () => { clearTimeout(pending); pending = setTimeout(redraw, 120); });
  addEventListener("beforeprint", redraw);
  matchMedia("print").addEventListener("change", redraw);
})();
