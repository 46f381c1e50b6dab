/** Where the files of a model come from: a name of the catalogue, a file on the hub, or any URL. */
import { Problem } from '../base/problem.ts';
import type { Precision } from '../contract/job.ts';
import { isId, PUBLIC_ACCOUNT, parseName, toModelId } from '../contract/names.ts';
import type { PulledFile } from '../db/schema.ts';
import { isFileName } from './check-file-sizes.ts';
import { type CatalogueModel, MODEL_CATALOGUE } from './model-catalogue.ts';
import { toModelAccount } from './model-registry.ts';

export interface SourceWish {
  /** A name of the catalogue, `hf:owner/repository/file.gguf`, or a URL. */
  readonly source: string;
  /** Which of the catalogue's files; absent: the usual one. */
  readonly precisions?: readonly Precision[] | undefined;
  readonly sha256?: string | undefined;
}

/** What a source leads to. */
export interface ModelSource {
  /** The one that a name of the catalogue said; undefined: it is left open. */
  readonly account: string | undefined;
  readonly id: string;
  readonly files: readonly PulledFile[];
  readonly entry: CatalogueModel | undefined;
}

const HUB_FILE = /^hf:([\w.-]+\/[\w.-]+)\/([\w./-]+\.gguf)(?:@([\w.-]+))?$/;
const SHA256 = /^[0-9a-f]{64}$/;
const USUAL_REVISION = 'main';

/** Refuses what leads nowhere; whether there is anything shows when it is fetched. */
export function findSource(hubUrl: string, { source, precisions, sha256 }: SourceWish): ModelSource {
  if (sha256 !== undefined && !SHA256.test(sha256)) throw misfit('sha256', 'should be 64 digits and letters from a to f');
  const entry = findEntry(source);
  if (entry !== undefined) {
    const account = parseName(source, 'models')?.account && PUBLIC_ACCOUNT;
    return { account, id: entry.id, entry, files: fromCatalogue(hubUrl, entry, { precisions, sha256 }) };
  }
  if (precisions !== undefined)
    throw misfit('precisions', 'goes with names of the catalogue only: a file has the one that it has');
  const url = toUrl(hubUrl, source);
  const name = decoded(url.pathname.split('/').at(-1) ?? '');
  if (!name.endsWith('.gguf') || name.includes('/') || !isFileName(name))
    throw misfit('source', 'should end in the name of a .gguf file');
  return { account: undefined, id: toId(name), entry: undefined, files: [{ name, url: url.href, sha256: sha256 ?? null }] };
}

/** What is no text by percent signs stays as it is. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** The entry of the catalogue behind a name. */
export function findEntry(source: string): CatalogueModel | undefined {
  const { account = PUBLIC_ACCOUNT, id } = parseName(source, 'models') ?? {};
  return toModelAccount(account) === PUBLIC_ACCOUNT ? MODEL_CATALOGUE.find((entry) => entry.id === id) : undefined;
}

function fromCatalogue(
  hubUrl: string,
  entry: CatalogueModel,
  { precisions, sha256 }: Omit<SourceWish, 'source'>,
): readonly PulledFile[] {
  const [usual] = entry.files;
  const wanted = precisions?.length ? precisions : usual ? [usual.precision] : [];
  const distinct = [...new Set(wanted)];
  if (sha256 !== undefined && distinct.length > 1) throw misfit('sha256', 'is of one file: ask for one precision at a time');
  return distinct.map((precision) => {
    const file = entry.files.find((known) => known.precision === precision);
    if (file === undefined) throw notInPrecision(entry, precision);
    const url = toHubUrl(hubUrl, { repository: entry.repository, path: file.name });
    return { name: file.name, url: url.href, sha256: sha256 ?? file.sha256 ?? null };
  });
}

function toUrl(hubUrl: string, source: string): URL {
  const [, repository, path, revision] = HUB_FILE.exec(source) ?? [];
  const climbs = `${repository}/${path}`.split('/').some((part) => /^\.*$/.test(part));
  if (repository !== undefined && path !== undefined && !climbs) return toHubUrl(hubUrl, { repository, path, revision });
  const url = URL.parse(source);
  if (url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password) return url;
  throw unknownSource(source);
}

const toHubUrl = (
  hubUrl: string,
  { repository, path, revision = USUAL_REVISION }: { repository: string; path: string; revision?: string | undefined },
): URL => new URL(`${hubUrl.replace(/\/$/, '')}/${repository}/resolve/${revision}/${path}`);

/** `Qwen3-0.6B-Q8_0.gguf` → `qwen3-0p6b-q8-0`. */
function toId(name: string): string {
  const id = toModelId(name.replace(/\.gguf$/, '').replace(/(\d)\.(?=\d)/g, '$1p'))
    .replaceAll('.', '-')
    .slice(0, 60);
  const whole = isId(id) ? id : `model-${id}`.replace(/-+$/, '');
  return isId(whole) ? whole : 'model';
}

const misfit = (field: string, what: string): Problem =>
  new Problem('INVALID_ARGUMENT', `${field} ${what}.`, { reason: 'INVALID_SOURCE', details: { field } });

const notInPrecision = ({ id, files }: CatalogueModel, precision: Precision): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `${id} is not in the catalogue in ${precision}, only in ${files.map((file) => file.precision).join(', ')}.`,
    { reason: 'PRECISION_NOT_OFFERED', details: { field: 'precisions' } },
  );

const unknownSource = (source: string): Problem =>
  new Problem(
    'NOT_FOUND',
    `There is nothing to fetch behind "${source.slice(0, 200)}". Expected one of ${MODEL_CATALOGUE.map(({ id }) => id).join(', ')}, an address like hf:Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf, or the URL of a .gguf file.`,
    { reason: 'UNKNOWN_SOURCE', details: { field: 'source' } },
  );
