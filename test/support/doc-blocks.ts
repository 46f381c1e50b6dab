/** The examples of a page, run as they stand there: in a folder that has the packages which they import. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { makeFolder } from './folder.ts';

const run = promisify(execFile);

/** What the examples need to reach a server. */
export interface DocServer {
  readonly url: string;
  readonly apiKey: string;
}

/** A page's examples of one language, in order. */
export const blocksOf = (page: string, language: 'ts' | 'sh'): readonly string[] =>
  Array.from(readFileSync(page, 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm), ([, name, code = '']) => ({ name, code }))
    .filter(({ name }) => name === language)
    .map(({ code }) => code);

/** A folder in which examples run, as if both clients and the program were installed there. */
export async function makeDocFolder(server: () => DocServer) {
  const folder = await makeFolder();
  const boatload = join(folder, 'node_modules/boatload');
  mkdirSync(boatload, { recursive: true });
  symlinkSync(resolve('node_modules/openai'), join(folder, 'node_modules/openai'));
  writeFileSync(join(boatload, 'package.json'), '{"type":"module","exports":{"./client":"./client.js"}}');
  // Node runs no TypeScript inside of node_modules.
  writeFileSync(join(boatload, 'client.js'), `export * from ${JSON.stringify(pathToFileURL('src/client/client.ts').href)};`);
  const bin = join(folder, 'boatload');
  writeFileSync(bin, `#!/bin/sh\nexec "${process.execPath}" "${resolve('bin/boatload.js')}" "$@"\n`, { mode: 0o755 });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');

  const options = () => ({
    cwd: folder,
    env: {
      ...process.env,
      PATH: `${folder}:${process.env['PATH']}`,
      BOATLOAD_BASE_URL: server().url,
      BOATLOAD_API_KEY: server().apiKey,
    },
  });
  return {
    folder,
    runTs: async (code: string): Promise<string> => {
      writeFileSync(join(folder, 'example.ts'), code);
      return (await run(process.execPath, ['--disable-warning=ExperimentalWarning', 'example.ts'], options())).stdout;
    },
    runSh: async (code: string): Promise<string> => (await run('sh', ['-ec', code], options())).stdout,
  };
}
