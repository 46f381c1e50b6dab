/** PGlite's program as machine code: compiled once in a process, on threads of the runtime's own, while this one does other things. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { PGliteOptions } from '@electric-sql/pglite';

type Compiled = NonNullable<PGliteOptions['pgliteWasmModule']>;

/** What we need of it; its types come with those of browsers. */
declare const WebAssembly: { compile(program: Uint8Array): Promise<Compiled> };

let compiled: Promise<Compiled> | undefined;

/** Begins with the first call. */
export function compileLite(): Promise<Compiled> {
  compiled ??= compile();
  // Told to whoever waits for it.
  compiled.catch(() => undefined);
  return compiled;
}

function compile(): Promise<Compiled> {
  const program = new URL('./pglite.wasm', import.meta.resolve('@electric-sql/pglite'));
  // Read at once: who calls may be about to keep this thread busy.
  return WebAssembly.compile(readFileSync(fileURLToPath(program)));
}
