/** Where a run reads, writes and keeps its state. */
import { access, constants, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Problem } from '../base/problem.ts';
import type { RunRequest } from '../cli/doors.ts';

export interface RunPaths {
  /** Undefined for stdin. */
  readonly input: string | undefined;
  /** Undefined for stdout. */
  readonly output: string | undefined;
  /** Failed rows. */
  readonly errors: string;
  /** The run's own folder: what `--resume` goes on from. */
  readonly folder: string;
  /** For people: the input's name in messages. */
  readonly inputName: string;
}

export function toRunPaths({ input, output }: Pick<RunRequest, 'input' | 'output'>): RunPaths {
  const inputName = input === '-' ? 'stdin' : basename(input);
  const stem = (output === '-' ? inputName : resolve(output)).replace(/\.jsonl$/, '');
  return {
    input: input === '-' ? undefined : resolve(input),
    output: output === '-' ? undefined : resolve(output),
    errors: resolve(`${stem}.errors.jsonl`),
    folder: resolve(`${stem}.run`),
    inputName,
  };
}

/** Refuses what can be seen before anything is begun: an input that can't be read, an output that can't be written. */
export async function checkRunPaths({ input, output, folder }: RunPaths): Promise<void> {
  if (input !== undefined) await checkReadable(input);
  await checkWritable(dirname(folder));
  if (output === undefined) return;
  await checkWritable(dirname(output));
  if ((await stat(output).catch(() => undefined))?.isDirectory() === true) {
    throw new Problem(
      'INVALID_ARGUMENT',
      `The output ${output} is a folder. Expected the path of a file: -o ${join(output, 'answers.jsonl')}`,
      {
        reason: 'OUTPUT_NOT_WRITABLE',
      },
    );
  }
}

/** Refuses an input that is not there, or can't be read. */
export async function checkReadable(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new Problem('NOT_FOUND', `There is no input file at ${path}. Check the path; - reads stdin.`, {
      reason: 'INPUT_NOT_FOUND',
    });
  }
  if (found.isDirectory())
    throw new Problem('INVALID_ARGUMENT', `The input ${path} is a folder. Expected a JSONL file.`, {
      reason: 'INPUT_NOT_READABLE',
    });
  await access(path, constants.R_OK).catch((cause: unknown) => {
    throw new Problem('INVALID_ARGUMENT', `The input ${path} can't be read. Check its permissions.`, {
      reason: 'INPUT_NOT_READABLE',
      cause,
    });
  });
}

/** Leaves nothing behind, whenever it is killed. A full disk shows when the run's folder is made. */
async function checkWritable(folder: string): Promise<void> {
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new Problem(
      'INVALID_ARGUMENT',
      `The output can't be written to ${folder} (${codeOf(cause)}). Choose a folder that exists and that you may write to: -o …`,
      { reason: 'OUTPUT_NOT_WRITABLE', cause },
    );
  });
}

const codeOf = (cause: unknown): string => (cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause));
