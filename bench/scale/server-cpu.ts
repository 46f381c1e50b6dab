/** CPU time of a PostgreSQL server on this machine, all its processes together. */
import { readdir, readFile } from 'node:fs/promises';
import { sql } from 'kysely';
import type { Db } from '../../src/db/store.ts';

const TICKS_PER_SECOND = 100;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly seconds: number;
}

/** Seconds since the server's start; those of processes that have ended are in their parent's. */
export async function readServerCpu(db: Db): Promise<number> {
  const { rows } = await sql<{ readonly pid: number }>`select pg_backend_pid() as pid`.execute(db);
  const processes = await listProcesses();
  const postmaster = processes.find(({ pid }) => pid === rows[0]?.pid)?.parent;
  return processes
    .filter(({ pid, parent }) => pid === postmaster || parent === postmaster)
    .reduce((sum, { seconds }) => sum + seconds, 0);
}

async function listProcesses(): Promise<readonly Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)));
  return stats.flatMap((stat) => (stat === undefined ? [] : [toProcess(stat)]));
}

/** The name of the program is in brackets and may hold anything. */
function toProcess(stat: string): Process {
  const [, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = [9, 10, 11, 12].reduce((sum, place) => sum + Number(rest[place]), 0);
  return { pid: Number.parseInt(stat, 10), parent: Number(parent), seconds: ticks / TICKS_PER_SECOND };
}
