// table.mjs FOLDER: the reports of compare-socketio.sh as tables of medians (least to most), ours beside the peer's.
//
// Owns arithmetic and words; what was measured, and how, is in the reports (CASE-NODES-SERVERS-NUMBER.json).
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
const runs = readdirSync(folder)
  .map((file) => ({ file, parts: /^([a-z]+)-(\d+)-([a-z]+)-(\d+)\.json$/.exec(file) }))
  .filter(({ parts }) => parts)
  .map(({ file, parts: [, kind, nodes, servers] }) => {
    const report = JSON.parse(readFileSync(join(folder, file), "utf8"));
    return { kind, nodes: Number(nodes), servers, report };
  });

const sum = (list) => list.reduce((total, value) => total + value, 0);
const processes = (list, role) => list.filter((process) => process.role === role);
const cpu = (report, role) => sum(processes(report.servers.processes, role).map((process) => process.cpu_seconds));
const grown = (report, role) =>
  sum(processes(report.idle.processes, role).map((process) => process.rss_kib_after - process.rss_kib_before)) /
  report.idle.connections;

// Per column: its name, a report's value, digits.
const idle = [
  ["KiB per connection, gateways and Redis", (report) => report.idle.kib_per_connection, 2],
  ["gateways alone", (report) => grown(report, "gateway"), 2],
  ["idle CPU, µs per connection and second", (report) => report.idle.cpu_micros_per_connection_second, 2],
];
const busy = [
  ["deliveries per CPU second", (report) => report.servers.deliveries_per_cpu_second, 0],
  ["CPU seconds, all", (report) => report.servers.cpu_seconds, 2],
  ["gateways", (report) => cpu(report, "gateway"), 2],
  ["Redis", (report) => cpu(report, "redis"), 2],
  ["beside: persister + Postgres", (report) => cpu(report, "persister") + cpu(report, "postgres"), 2],
  ["p50 ms", (report) => report.latency.p50, 1],
  ["p99 ms", (report) => report.latency.p99, 1],
  ["generator cores", (report) => report.generator_cores, 2],
  ["deliveries, warm-up included", (report) => report.delivered, 0],
  ["lost + repeated + disordered + gaps", (report) => report.lost + report.repeated + report.disordered + report.gaps, 0],
];

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function cell(values, digits) {
  const words = [median(values), Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `${words[0]} (${words[1]} to ${words[2]})`;
}

for (const kind of new Set(runs.map((run) => run.kind))) {
  const columns = runs.find((run) => run.kind === kind).report.idle ? idle : busy;
  for (const nodes of new Set(runs.filter((run) => run.kind === kind).map((run) => run.nodes))) {
    const of = (servers) =>
      runs.filter((run) => run.kind === kind && run.nodes === nodes && run.servers === servers).map((run) => run.report);
    const [ours, peers] = [of("hubbub"), of("socketio")];
    if (ours.length === 0 || peers.length === 0) continue;
    const failed = (reports) => reports.filter((report) => report.verdict !== "passed").length;
    console.log(`\n${kind}, nodes: ${nodes}, runs: ${ours.length} and ${peers.length}, failed: ${failed(ours)} and ${failed(peers)}\n`);
    console.log("| | hubbub | socket.io | hubbub / socket.io |\n|---|---|---|---|");
    for (const [name, value, digits] of columns) {
      const [mine, theirs] = [ours.map(value), peers.map(value)];
      const ratio = median(theirs) > 0 ? (median(mine) / median(theirs)).toFixed(2) : "";
      console.log(`| ${name} | ${cell(mine, digits)} | ${cell(theirs, digits)} | ${ratio} |`);
    }
  }
}
