/** A process that finishes rows and never gets to commit them. `node journal-process.ts <dir> <lease as JSON> <rows>`; says `written` when the file has them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ShardLease } from '../../src/jobs/leases.ts';
import { decodeEntries } from '../../src/jobs/read-entries.ts';
import { Journal } from '../../src/worker/journal.ts';
import { makeEntry } from './journals.ts';

const [dir = '', lease = '{}', rows = '0'] = process.argv.slice(2);
const held: ShardLease = JSON.parse(lease);
const journal = new Journal({
  jobUid: held.jobUid,
  dir,
  commit: () => new Promise(() => undefined),
  onFailure: (cause) => {
    throw cause;
  },
});
for (let position = 0; position < Number(rows); position++) journal.add(makeEntry(held, position));

const folder = join(dir, held.jobUid);
const countWritten = (): number =>
  readdirSync(folder).reduce((count, name) => count + decodeEntries(readFileSync(join(folder, name))).entries.length, 0);
while (countWritten() < Number(rows)) await delay(1);
console.log('written');
