import { totalmem } from 'node:os';
import { fault, inUnits, warning, well } from './observe.ts';
import type { Observation } from './patient.ts';

/** One process on the embedded database stays below 400 MB; a small model of the embedded engine takes another 200. */
const LOW_BYTES = 640 * 2 ** 20;
const TOO_LOW_BYTES = 128 * 2 ** 20;

/** What may be used, containers' limits included. */
export async function checkMemory(): Promise<readonly Observation[]> {
  return [judgeMemory({ availableBytes: process.availableMemory(), totalBytes: totalmem() })];
}

/** Apart from the measuring, so that it can be tried. */
export function judgeMemory(details: { readonly availableBytes: number; readonly totalBytes: number }): Observation {
  const { availableBytes, totalBytes } = details;
  const message = `${inUnits(availableBytes)} of memory are free, of ${inUnits(totalBytes)}`;
  if (availableBytes >= LOW_BYTES) return well(message, details);
  const remedy = 'End other programs, give the container more, or run models on another machine: --engine with its URL.';
  return (availableBytes < TOO_LOW_BYTES ? fault : warning)({ code: 'MEMORY_LOW', message: `${message}.`, remedy, details });
}
