/** Uploads a file with a client in a process of its own and prints what that took: `node upload-process.ts URL KEY DATASET FILE`. */
import { openAsBlob } from 'node:fs';
import { makeClient } from '../../src/client/client.ts';

const [baseUrl = '', apiKey = '', datasetId = '', path = ''] = process.argv.slice(2);
/** The most that the process ever held, in MB. */
const peakMb = (): number => process.resourceUsage().maxRSS / 1024;

const client = makeClient({ baseUrl, apiKey });
await client.accounts.get();
const before = peakMb();
const content = await openAsBlob(path);
const { state } = await client.uploadDataset({ datasetId }, [{ name: 'rows.jsonl', content }], { onProgress: () => {} });
console.log(JSON.stringify({ state, bytes: content.size, grownMb: Math.round(peakMb() - before) }));
