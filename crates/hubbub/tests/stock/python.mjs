// Programs written in Python, installed as their users do: in a folder of their own, kept while the requirements stay.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);
const ENSURE = new URL("../../../../deploy/local/ensure.sh", import.meta.url).pathname;

/** Installs what `requirements.txt` of this folder names; the folder in which its programs are. */
export async function install(folder) {
  const [requirements, venv] = [`${folder}/requirements.txt`, `${folder}/.venv`];
  const wanted = readFileSync(requirements, "utf8");
  try {
    if (readFileSync(`${venv}/requirements.txt`, "utf8") === wanted) return `${venv}/bin`;
  } catch {
    // Not there, or not complete.
  }
  rmSync(venv, { recursive: true, force: true });
  await run(ENSURE, ["python"]);
  await run("python3", ["-m", "venv", venv]);
  await run(`${venv}/bin/pip`, ["install", "--quiet", "--disable-pip-version-check", "-r", requirements]);
  const note = mkdtempSync(`${venv}/note-`);
  await run("cp", [requirements, note]);
  // Last, and at once: an installation that broke off is begun again.
  renameSync(`${note}/requirements.txt`, `${venv}/requirements.txt`);
  return `${venv}/bin`;
}
