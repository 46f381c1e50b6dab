/** Places where a process may be told to die, so that what a crash there costs can be tried: see `boatload torture`. */
import { writeSync } from 'node:fs';

/** Every one, and what is already done when it is passed. */
export const CRASH_POINTS = {
  'upload.before-ready': 'the file is in the object store, the dataset does not know of it',
  'upload.after-ready': 'the dataset has its file, nobody has been told',
  'complete.before-ready': 'the parts of an upload are one object, no file knows of it',
  'complete.after-ready': 'the upload is a file, its parts are still there',
  'complete.after-parts': 'the parts are gone, nobody has been told',
  'create.before-commit': 'a job was checked, and is nowhere yet',
  'create.after-commit': 'the job is there with its task, nobody has been told',
  'continue.before-commit': 'the same, of a job that continues another',
  'continue.after-commit': 'the same, of a job that continues another',
  'cancel.before-commit': 'a job is to be cancelled, and does not know it',
  'cancel.after-commit': 'the job is being cancelled, nobody has been told',
  'plan.before-object': 'the input is checked and ordered',
  'plan.after-object': 'the plan is written, the job does not know of it',
  'plan.after-commit': 'the job is waiting for workers, its plan task is not settled',
  'lease.after-take': 'shards are leased, nobody runs them',
  'dispatch.before-request': 'a row has its place at an engine',
  'dispatch.after-answer': 'the engine has answered, nothing is written down',
  'journal.after-append': 'a row is in the journal, not synced',
  'part.before-put': 'a segment is full and synced',
  'part.after-put': 'the part is in the object store, its rows are not true',
  'commit.after': 'the rows are true, the journal still has them',
  'settle.before': 'all rows of a shard are true, its lease is open',
  'settle.after': 'the shard is settled, and the next is in the queue',
  'merge.before-files': 'all rows are true, no output is written',
  'merge.after-files': 'the output is written, the job does not know of it',
  'finish.after-commit': 'the job has ended, its parts are still there',
  'expire.before-commit': 'a deadline has passed, the job does not know it',
  'expire.after-commit': 'the job is ending early, its results are not written',
} as const;

export type CrashPoint = keyof typeof CRASH_POINTS;

/** Passes a point: nothing, unless `BOATLOAD_CRASH_AT` names it, as `commit.after:3`, and this is the third time. Then the process is gone as by `kill -9`. */
export const crashPoint: (name: CrashPoint) => void = makeCrashPoint(process.env['BOATLOAD_CRASH_AT']);

function makeCrashPoint(wish: string | undefined): (name: CrashPoint) => void {
  if (wish === undefined || wish === '') return () => undefined;
  const [wanted = '', passings = '1'] = wish.split(':');
  if (!(wanted in CRASH_POINTS) || !/^[1-9]\d*$/.test(passings))
    throw new Error(`BOATLOAD_CRASH_AT should be a crash point and a number, as commit.after:3, but is ${wish}.`);
  let left = Number(passings);
  return (name) => {
    if (name !== wanted) return;
    left -= 1;
    if (left > 0) return;
    writeSync(2, `crash point ${name}\n`);
    process.kill(process.pid, 'SIGKILL');
    // A signal to oneself may take a moment; nothing must happen in it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
}
