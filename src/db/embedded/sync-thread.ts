/** The thread of `sync-killed.ts`. */
import { workerData } from 'node:worker_threads';
import { syncTree } from './sync-tree.ts';

await syncTree(workerData);
