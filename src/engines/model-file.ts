/** Finds the file behind `--model`: one of ours, a path, or an `hf:` address that may have to be downloaded first. */
import { access } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultDataFolder } from '../base/data-folder.ts';
import { messageOf } from '../base/message-of.ts';
import { Problem } from '../base/problem.ts';

/** The models that come with Boatload, by name. */
const SHIPPED: Readonly<Record<string, string>> = { tickets: 'models/tickets/tickets-q8_0.gguf' };
const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface ModelFile {
  readonly path: string;
  /** Short, for people and for the model's id. */
  readonly name: string;
}

export interface ModelFileOptions {
  /** Asked before a download; false refuses it. */
  readonly mayDownload: (address: string) => Promise<boolean>;
  readonly onProgress: (progress: { readonly bytes: number; readonly totalBytes: number }) => void;
  readonly signal: AbortSignal;
  /** Where downloads are kept; default: `boatload/models` in the user's data folder. */
  readonly directory?: string;
}

export const SHIPPED_MODELS: readonly string[] = Object.keys(SHIPPED);

/** Where a shipped model is, whether in the checkout or in the installed package. */
export const shippedModelPath = (name: string): string | undefined => {
  const path = SHIPPED[name];
  return path === undefined ? undefined : join(PACKAGE_ROOT, path);
};

/**
 * Throws a `Problem`: `UNKNOWN_MODEL` (no such name), `MODEL_FILE_NOT_FOUND` (no such path), `DOWNLOAD_DECLINED`, `DOWNLOAD_FAILED`.
 */
export async function findModelFile(model: string, options: ModelFileOptions): Promise<ModelFile> {
  const shipped = shippedModelPath(model);
  if (shipped !== undefined) return { path: shipped, name: model };
  if (model.startsWith('hf:')) return { path: await fetchModel(model, options), name: nameOf(model) };
  if (model.endsWith('.gguf') || model.includes('/')) return { path: await existing(resolve(model)), name: nameOf(model) };
  throw new Problem(
    'NOT_FOUND',
    `There is no model called "${model}". Expected one of ${SHIPPED_MODELS.join(', ')}, the path of a .gguf file, or an address like hf:Qwen/Qwen3-0.6B-GGUF:Q8_0.`,
    { reason: 'UNKNOWN_MODEL' },
  );
}

async function existing(path: string): Promise<string> {
  try {
    await access(path);
    return path;
  } catch (cause) {
    throw new Problem(
      'NOT_FOUND',
      `There is no model file at ${path}. Check the path, or name an address like hf:Qwen/Qwen3-0.6B-GGUF:Q8_0.`,
      {
        reason: 'MODEL_FILE_NOT_FOUND',
        cause,
      },
    );
  }
}

async function fetchModel(
  address: string,
  { mayDownload, onProgress, signal, directory = downloadsFolder() }: ModelFileOptions,
): Promise<string> {
  const { resolveModelFile } = await import('node-llama-cpp');
  const common = { directory, cli: false };
  const here = await resolveModelFile(address, { ...common, download: false }).catch(() => undefined);
  if (here !== undefined) return here;
  if (!(await mayDownload(address))) {
    throw new Problem(
      'FAILED_PRECONDITION',
      `The model ${address} is not here and was not downloaded. Say yes, or name a .gguf file that is here.`,
      {
        reason: 'DOWNLOAD_DECLINED',
      },
    );
  }
  try {
    return await resolveModelFile(address, {
      ...common,
      // A download that broke off goes on where it was.
      deleteTempFileOnCancel: false,
      onProgress: ({ totalSize, downloadedSize }) => onProgress({ bytes: downloadedSize, totalBytes: totalSize }),
      signal,
    });
  } catch (cause) {
    const why = messageOf(cause);
    throw new Problem(
      'UNAVAILABLE',
      `The model ${address} could not be downloaded: ${why}. A download needs the internet; without it, name a .gguf file or one of ${SHIPPED_MODELS.join(', ')}.`,
      {
        reason: 'DOWNLOAD_FAILED',
        cause,
      },
    );
  }
}

const downloadsFolder = (): string => join(defaultDataFolder(process.env), 'models');

/** `hf:Qwen/Qwen3-0.6B-GGUF:Q8_0` → `qwen3-0.6b-gguf`; `./My Model.gguf` → `my-model`. */
const nameOf = (model: string): string => {
  const last = model.startsWith('hf:') ? (model.slice(3).split(/[/:#]/)[1] ?? model) : basename(model, '.gguf');
  return last
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^-+|-+$/g, '');
};
