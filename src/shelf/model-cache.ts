/** Where llama.cpp finds the files of models: in the store where that is this machine's disk, else fetched from it once. */
import { createWriteStream } from 'node:fs';
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { WeightsFile } from '../actions/try-model.ts';
import type { ObjectStore } from '../storage/object-store.ts';

const UNFINISHED = '.part';

export class ModelCache {
  readonly #objects: ObjectStore;
  readonly #folder: string;
  readonly #fetching = new Map<string, Promise<string>>();

  constructor(objects: ObjectStore, folder: string) {
    this.#objects = objects;
    this.#folder = folder;
  }

  /** The path of the file, which is here when this resolves. */
  async pathOf(file: Pick<WeightsFile, 'objectKey' | 'sha256'>): Promise<string> {
    const { objectKey, sha256 } = file;
    const here = this.#objects.pathOf?.(objectKey);
    if (here !== undefined) return here;
    const known = this.#fetching.get(sha256) ?? this.#fetch(file);
    this.#fetching.set(sha256, known);
    return known.finally(() => this.#fetching.delete(sha256));
  }

  /** Forgets files that belong to no model any more. */
  async keepOnly(files: readonly Pick<WeightsFile, 'sha256'>[]): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    const kept = new Set(files.map(({ sha256 }) => sha256));
    const gone = names.filter((name) => !kept.has(name) && !this.#fetching.has(name.replace(UNFINISHED, '')));
    await Promise.all(gone.map((name) => rm(join(this.#folder, name), { force: true })));
  }

  async #fetch({ objectKey, sha256 }: Pick<WeightsFile, 'objectKey' | 'sha256'>): Promise<string> {
    const path = join(this.#folder, sha256);
    const isHere = await access(path).then(
      () => true,
      () => false,
    );
    if (isHere) return path;
    await mkdir(this.#folder, { recursive: true });
    await pipeline(await this.#objects.get(objectKey), createWriteStream(path + UNFINISHED));
    await rename(path + UNFINISHED, path);
    return path;
  }
}
