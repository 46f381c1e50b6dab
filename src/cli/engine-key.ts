/** The key for an engine: from a file or the environment, never from a flag, where other people on the machine could read it. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { messageOf } from '../base/message-of.ts';
import { Problem } from '../base/problem.ts';
import type { Host } from './host.ts';

/** The variable that is read when no file is given. */
const ENGINE_KEY_VARIABLE = 'BOATLOAD_ENGINE_KEY';

/** The key, or undefined when none was given; `-` reads stdin. */
export async function readEngineKey(path: string | undefined, host: Host): Promise<string | undefined> {
  if (path !== undefined) return checkKey(await readKeyFile(path, host), path === '-' ? 'stdin' : path);
  const key = host.env[ENGINE_KEY_VARIABLE];
  return key === undefined || key === '' ? undefined : checkKey(key, ENGINE_KEY_VARIABLE);
}

async function readKeyFile(path: string, host: Host): Promise<string> {
  try {
    return path === '-' ? await text(host.stdin) : await readFile(path, 'utf8');
  } catch (cause) {
    const why = messageOf(cause);
    throw new Problem('NOT_FOUND', `Can't read the engine's key: ${why}.`, { reason: 'ENGINE_KEY_FILE_NOT_READABLE', cause });
  }
}

/** It goes into an HTTP header, so it has to be printable and in one piece. The message must not show it. */
function checkKey(text: string, where: string): string {
  const key = text.trim();
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  const came = key === '' ? 'nothing' : 'spaces, line breaks or other characters in it';
  throw new Problem('INVALID_ARGUMENT', `Expected an engine's key in ${where}, printable and in one piece; found ${came}.`, {
    reason: 'INVALID_ENGINE_KEY',
  });
}
