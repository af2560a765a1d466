// figures.mjs: what the scripts in this folder read from the swarm's reports.
//
// `step REPORT RATE`: one line, held or broken, and why. `line CASE REPORT`: one measured run. `table FOLDER`: medians
// (least to most) of CASE-VARIANT-NUMBER.json, and the ratio to the peer's median. `growth FOLDER`: the same of
// growth-KIND-SIZE-NUMBER.json, beside the smallest size. Owns arithmetic and words; what was
// measured, and how, is in the reports.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const sum = (list) => list.reduce((total, value) => total + value, 0);
const of = (list, role) => list.filter((process) => process.role === role);
const cores = (report, role) => sum(of(report.servers.processes, role).map((process) => process.cpu_seconds)) / report.seconds;
const grown = (report, role) =>
  sum(of(report.idle.processes, role).map((process) => process.rss_kib_after - process.rss_kib_before)) /
  report.idle.connections;
const doubts = (report) => report.reasons ?? report.warnings ?? [];
const breaches = (report) => report.lost + report.repeated + report.disordered + report.gaps;

// Per column: its name, a report's value, digits.
const cost = ["deliveries per server CPU s", (report) => report.servers.deliveries_per_cpu_second, 0];
const speed = [
  cost,
  ["p50 ms", (report) => report.latency.p50, 2],
  ["p99 ms", (report) => report.latency.p99, 2],
  ["gateway cores", (report) => cores(report, "gateway"), 3],
  ["Redis cores", (report) => cores(report, "redis"), 3],
  ["beside: persister and Postgres, cores", (report) => cores(report, "persister") + cores(report, "postgres"), 3],
  ["generator cores", (report) => report.generator_cores, 2],
  ["lost, repeated, disordered, gaps", breaches, 0],
];
const highest = [["messages/s", (report) => report.acknowledged_per_second, 0], ...speed];
const idle = [
  ["KiB per connection, gateways", (report) => grown(report, "gateway"), 2],
  ["with Redis", (report) => report.idle.kib_per_connection, 2],
  ["idle CPU, µs per connection and second", (report) => report.idle.cpu_micros_per_connection_second, 2],
];

const returned = [
  ["reconnections per server CPU s", (report) => report.storms[0].reconnects_per_cpu_second ?? 0, 0],
  ["all back after, s", (report) => report.storms[0].longest, 2],
  ["p99 from the cut into the room, ms", (report) => report.reconnect.p99, 0],
  ["p99 of the handshake, ms", (report) => report.connect.p99, 0],
  ["back, of 5,000", (report) => report.storms[0].back, 0],
  ["lost, repeated, disordered, gaps", breaches, 0],
];

// What a case is about comes first; `target` is the ratio to the peer, or a figure where a ratio says nothing.
const CASES = {
  a: { title: "A. 10,000 idle connections in 1,000 rooms", columns: [idle[0], idle[1], idle[2]] },
  b: { title: "B. 100 rooms × 10 members, 500 msg/s", columns: speed, target: 1.8, stretch: 2.2 },
  bmax: { title: "Bmax. the same rooms, highest rate with p99 < 100 ms", columns: [cost, highest[0], ...speed.slice(1)], target: 2.2, stretch: 4 },
  c: { title: "C. one room × 1,000 members, 25 msg/s", columns: speed, target: 1.5, stretch: 1.6 },
  d: { title: "D. 1,000 rooms × 2 members, highest rate with p99 < 100 ms", columns: [cost, highest[0], ...speed.slice(1)], target: 2, stretch: 2.8 },
  e: { title: "E. 5,000 connections drop and return at once", columns: returned, target: 12, stretch: 18 },
};

/** A rate holds where everything arrived, in time, and nobody complained. */
function step(file, rate) {
  if (!existsSync(file)) return `broken ${rate}/s: no report, see the .err file beside it`;
  const report = JSON.parse(readFileSync(file, "utf8"));
  const { latency, servers, generator_cores: generator, failures } = report;
  const reasons = doubts(report);
  const figures =
    `p99 ${latency.p99.toFixed(1)} ms, delivered ${report.delivered_per_second.toFixed(0)}/s, ` +
    `${servers.deliveries_per_cpu_second.toFixed(0)} per server CPU second, ` +
    `servers ${((cores(report, "gateway") + cores(report, "redis"))).toFixed(2)} cores, generator ${generator.toFixed(2)} cores`;
  const saturated = reasons.length > 0 ? `; ${reasons.join(", ")}` : "";
  return failures.length === 0
    ? `held ${rate}/s: ${figures}${saturated}`
    : `broken ${rate}/s: ${figures}; ${failures.join(", ")}${saturated}`;
}

function line(name, file) {
  const report = JSON.parse(readFileSync(file, "utf8"));
  const words = CASES[name].columns.map(([column, value, digits]) => `${column} ${value(report).toFixed(digits)}`);
  return `   ${report.verdict}: ${[...words, ...report.failures, ...doubts(report)].join(" · ")}`;
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function cell(values, digits) {
  if (values.length === 0) return "";
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return values.length === 1 ? middle : `${middle} (${least} to ${most})`;
}

/** All reports of a folder by case and variant. */
function reports(folder) {
  const found = {};
  for (const file of readdirSync(folder).sort()) {
    const parts = /^([a-z]+)-([a-z]+)-(\d+)\.json$/.exec(file);
    if (!parts || !CASES[parts[1]]) continue;
    const report = JSON.parse(readFileSync(join(folder, file), "utf8"));
    ((found[parts[1]] ??= {})[parts[2]] ??= []).push(report);
  }
  return found;
}

function ratio(mine, theirs) {
  const [top, bottom] = [median(mine), median(theirs)];
  return mine.length && theirs.length && bottom > 0 ? (top / bottom).toFixed(2) : "";
}

function* table(folder) {
  const found = reports(folder);
  for (const [name, { title, columns, target, stretch }] of Object.entries(CASES)) {
    if (!found[name]) continue;
    const { raw = [], socketio = [], peer = [] } = found[name];
    const wanted = target ? ` (wanted: ${target} × the peer, stretch ${stretch} ×)` : "";
    const passed = [raw, socketio, peer].map((list) => `${list.filter((report) => report.verdict === "passed").length} of ${list.length}`);
    yield `\n**${title}**${wanted}; runs that passed: ${passed.join(", ")}\n`;
    yield "| | hubbub, raw | hubbub, Socket.IO | stock socket.io | raw / peer | Socket.IO / peer |\n|---|---|---|---|---|---|";
    for (const [column, value, digits] of columns) {
      const [first, second, third] = [raw, socketio, peer].map((list) => list.map(value));
      const cells = [first, second, third].map((values) => cell(values, digits));
      yield `| ${column} | ${cells.join(" | ")} | ${ratio(first, third)} | ${ratio(second, third)} |`;
    }
  }
}

/** What one delivery, or one silent connection, costs at each size, and the ratio to the smallest. */
function* growth(folder) {
  const found = {};
  for (const file of readdirSync(folder).sort()) {
    const parts = /^growth-([a-z]+)-(\d+)-\d+\.json$/.exec(file);
    if (!parts) continue;
    const report = JSON.parse(readFileSync(join(folder, file), "utf8"));
    ((found[parts[1]] ??= {})[parts[2]] ??= []).push(report);
  }
  yield "| | size | µs of server CPU per delivery | beside the first | KiB per connection, gateways | µs of CPU per connection and second |";
  yield "|---|---|---|---|---|---|";
  for (const [kind, sizes] of Object.entries(found)) {
    const price = (list) => list.map((report) => report.servers?.cpu_micros_per_delivery ?? 0);
    const first = median(kind === "idle" ? Object.values(sizes)[0].map(idle[0][1]) : price(Object.values(sizes)[0]));
    for (const [size, list] of Object.entries(sizes)) {
      const [busy, memory, quiet] = kind === "idle" ? [[], list.map(idle[0][1]), list.map(idle[2][1])] : [price(list), [], []];
      const beside = (median(busy.length ? busy : memory) / first).toFixed(2);
      yield `| ${kind} | ${size}${kind === "nodes" ? "" : "×"} | ${cell(busy, 2)} | ${beside} | ${cell(memory, 2)} | ${cell(quiet, 2)} |`;
    }
  }
}

const [, , command, ...rest] = process.argv;
switch (command) {
  case "step":
    console.log(step(...rest));
    break;
  case "line":
    console.log(line(...rest));
    break;
  case "table":
    for (const row of table(...rest)) console.log(row);
    break;
  case "growth":
    for (const row of growth(...rest)) console.log(row);
    break;
  default:
    console.error("figures.mjs step REPORT RATE | line CASE REPORT | table FOLDER | growth FOLDER");
    process.exit(2);
}
